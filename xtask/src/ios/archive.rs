//! A zip archive of a folder: sorted, of one time, not compressed, links kept as links: the same files make the same bytes, with no
//! program that another machine may have in another version.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

/// 1 January 1980, the first time that the format knows.
const DATE: u16 = 0x21;
/// Made on Unix, so that permissions and links are understood.
const MADE_BY: u16 = 0x031E;
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

struct Entry {
    name: String,
    mode: u32,
    bytes: Vec<u8>,
}

/// All of a folder, with the folder's own name before all others.
pub(super) fn pack(folder: &Path) -> Result<Vec<u8>, Failure> {
    let mut entries = Vec::new();
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    collect(folder, &name, &mut entries)?;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    zip(&entries).ok_or_else(|| Failure::malformed(folder.display().to_string(), "too large for a zip archive"))
}

fn collect(folder: &Path, prefix: &str, entries: &mut Vec<Entry>) -> Result<(), Failure> {
    let failed = |source| Failure::io(folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            collect(&path, &name, entries)?;
            continue;
        }
        let (mode, bytes) = if kind.is_symlink() {
            let to = fs::read_link(&path).map_err(|source| Failure::io(&path, source))?;
            (LINK, to.to_string_lossy().into_owned().into_bytes())
        } else {
            let mode = if path.extension().is_none() { PROGRAM } else { FILE };
            (mode, fs::read(&path).map_err(|source| Failure::io(&path, source))?)
        };
        entries.push(Entry { name, mode, bytes });
    }
    Ok(())
}

/// Nothing where a number does not fit.
fn zip(entries: &[Entry]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = u32::try_from(out.len()).ok()?;
        let size = u32::try_from(entry.bytes.len()).ok()?;
        let mut common = Vec::new();
        // Version, flag for names in UTF-8, stored, time, date.
        for number in [20, 0x0800, 0, 0, DATE] {
            common.extend(u16::to_le_bytes(number));
        }
        for number in [crc32(&entry.bytes), size, size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(u16::try_from(entry.name.len()).ok()?.to_le_bytes());
        common.extend(u16::to_le_bytes(0));

        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(entry.name.as_bytes());
        out.extend(&entry.bytes);

        directory.extend(b"PK\x01\x02");
        directory.extend(MADE_BY.to_le_bytes());
        directory.extend(&common);
        // No comment, disk 0, no internal attributes.
        directory.extend([0; 6]);
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let (start, length) = (u32::try_from(out.len()).ok()?, u32::try_from(directory.len()).ok()?);
    let count = u16::try_from(entries.len()).ok()?;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(u16::to_le_bytes(0));
    Some(out)
}

/// CRC-32 as zip wants it.
fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|index| (0..8).fold(index, |sum, _| (sum >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(sum & 1))))
        .collect();
    !bytes.iter().fold(!0, |sum, byte| {
        let index = (sum ^ u32::from(*byte)) & 0xFF;
        let step = usize::try_from(index).ok().and_then(|index| table.get(index));
        (sum >> 8) ^ step.copied().unwrap_or_default()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_the_format() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn one_entry_is_laid_out_as_the_format_says() {
        let entry = Entry {
            name: "a".to_owned(),
            mode: FILE,
            bytes: b"xyz".to_vec(),
        };
        let made = zip(&[entry]).unwrap();
        // Local header 30, name 1, bytes 3; directory 46 + 1; end 22 (APPNOTE 4.3).
        assert_eq!(made.len(), 30 + 1 + 3 + 46 + 1 + 22);
        assert!(made.get(34..).unwrap().starts_with(b"PK\x01\x02"));
        assert_eq!(made.get(30..34).unwrap(), b"axyz");
        assert_eq!(made.get(made.len() - 6..made.len() - 2).unwrap(), 34_u32.to_le_bytes());
    }
}
