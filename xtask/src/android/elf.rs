//! As much of ELF as says whether Android can load a library on devices with pages of 16 KiB.

use crate::failure::Failure;

const PAGE: u64 = 16 * 1024;
const LOAD: u32 = 1;

/// How the parts that are loaded are aligned, by the least of them. Little-endian files of 32 and 64 bits, as Android has.
pub(super) fn alignment(file: &[u8]) -> Option<u64> {
    let wide = match file.get(..6)? {
        [0x7f, b'E', b'L', b'F', 1, 1] => false,
        [0x7f, b'E', b'L', b'F', 2, 1] => true,
        _ => return None,
    };
    // Where the table of parts begins, how long a row is, and how many there are.
    let (table, size, count) = if wide {
        (word(file, 32, 8)?, word(file, 54, 2)?, word(file, 56, 2)?)
    } else {
        (word(file, 28, 4)?, word(file, 42, 2)?, word(file, 44, 2)?)
    };
    let (align_at, align_size) = if wide { (48, 8) } else { (28, 4) };
    let mut least = None;
    for index in 0..count {
        let row = usize::try_from(table.checked_add(index.checked_mul(size)?)?).ok()?;
        if word(file, row, 4)? == u64::from(LOAD) {
            let align = word(file, row.checked_add(align_at)?, align_size)?;
            least = Some(least.map_or(align, |least: u64| least.min(align)));
        }
    }
    least
}

/// Fails where Android 15 and later would refuse the library.
pub(super) fn check(name: &str, file: &[u8]) -> Result<(), Failure> {
    match alignment(file) {
        Some(align) if align >= PAGE && align % PAGE == 0 => Ok(()),
        Some(align) => Err(Failure::malformed(
            name,
            format!("its parts are aligned to {align} bytes, and devices have pages of {PAGE}"),
        )),
        None => Err(Failure::malformed(name, "not a library as Android loads them")),
    }
}

/// A number of so many bytes.
fn word(file: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(size)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    /// A file of 64 bits with these parts: kind and alignment.
    fn wide(parts: &[(u32, u64)]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32..40].copy_from_slice(&64_u64.to_le_bytes());
        file[54..56].copy_from_slice(&56_u16.to_le_bytes());
        file[56..58].copy_from_slice(&u16::try_from(parts.len()).unwrap().to_le_bytes());
        for (kind, align) in parts {
            let mut row = [0; 56];
            row[..4].copy_from_slice(&kind.to_le_bytes());
            row[48..].copy_from_slice(&align.to_le_bytes());
            file.extend(row);
        }
        file
    }

    /// The same of 32 bits.
    fn narrow(align: u32) -> Vec<u8> {
        let mut file = vec![0; 52];
        file[..6].copy_from_slice(b"\x7fELF\x01\x01");
        file[28..32].copy_from_slice(&52_u32.to_le_bytes());
        file[42..44].copy_from_slice(&32_u16.to_le_bytes());
        file[44..46].copy_from_slice(&1_u16.to_le_bytes());
        let mut row = [0; 32];
        row[..4].copy_from_slice(&LOAD.to_le_bytes());
        row[28..].copy_from_slice(&align.to_le_bytes());
        file.extend(row);
        file
    }

    #[test]
    fn the_least_aligned_part_that_is_loaded_counts() {
        assert_eq!(alignment(&wide(&[(1, 65536), (6, 8), (1, 16384)])), Some(16384));
        assert_eq!(alignment(&narrow(4096)), Some(4096));
        assert_eq!(alignment(&wide(&[(6, 8)])), None);
        check("l", &wide(&[(1, 16384), (1, 65536)])).unwrap();
        for bad in [0, 4096, 8192] {
            check("l", &wide(&[(1, 16384), (1, bad)])).unwrap_err();
        }
    }

    #[test]
    fn what_is_cut_off_or_no_library_is_refused() {
        let whole = wide(&[(1, 16384)]);
        for end in 0..whole.len() {
            assert_eq!(alignment(&whole[..end]), None, "{end}");
        }
        let mut far = whole.clone();
        far[32..40].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(alignment(&far), None);
        check("l", b"#!/bin/sh").unwrap_err();
    }

    /// A linker's own work, not ours: what an NDK's makes looks the same.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_real_library_is_taken_or_refused_by_the_pages_it_was_linked_for() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("a.c");
        std::fs::write(&source, "int a = 1; int f(void) { return a; }").unwrap();
        for (pages, fits) in [(4096, false), (16384, true), (65536, true)] {
            let library = dir.path().join("liba.so");
            let mut linker = std::process::Command::new("cc");
            linker
                .args(["-shared", "-fPIC", "-nostdlib", "-o"])
                .arg(&library)
                .arg(&source);
            crate::run::output(linker.arg(format!("-Wl,-z,max-page-size={pages}"))).unwrap();
            let file = std::fs::read(&library).unwrap();
            assert_eq!(alignment(&file), Some(pages));
            assert_eq!(check("liba.so", &file).is_ok(), fits, "{pages}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_real_program_is_read() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(alignment(&own).is_some_and(|align| align >= 4096 && align.is_power_of_two()));
    }
}
