//! What takes the room in a library: every byte of the stripped file stands in one row.

use std::collections::BTreeMap;

use goblin::elf::section_header::{SHF_ALLOC, SHT_NOBITS};
use goblin::elf::{Elf, SectionHeader};

use crate::failure::Failure;

use super::owner;

/// C code whose archive is not known: that of the compiler's runtime.
const OTHER_CODE: &str = "code of the C runtime";
const HEADERS: &str = "[headers and padding]";

/// Something with a name, and its bytes in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// The rows of a library that still has its symbols, the largest first. Together they are `stripped` bytes, the size of the
/// file without them.
pub(super) fn rows(file: &[u8], stripped: u64, foreign: &BTreeMap<String, String>) -> Result<Vec<Row>, Failure> {
    let library = Elf::parse(file).map_err(|error| Failure::malformed("the library", error))?;
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    let mut add = |name: &str, count: u64| *bytes.entry(name.to_owned()).or_default() += count;
    let mut all = 0;
    for (index, section) in library.section_headers.iter().enumerate() {
        if !is_in_file(section) {
            continue;
        }
        all += section.sh_size;
        let mut end = section.sh_addr;
        let mut named = 0;
        for (from, to, name) in symbols(&library, index, section) {
            // Two names of the same bytes count once.
            let from = from.max(end);
            if to > from {
                let owner = owner::of(name).or_else(|| foreign.get(base(name)).cloned());
                add(owner.as_deref().unwrap_or(OTHER_CODE), to - from);
                named += to - from;
                end = to;
            }
        }
        let section_name = library.shdr_strtab.get_at(section.sh_name).unwrap_or_default();
        add(unnamed(section_name), section.sh_size - named);
    }
    let rest = stripped.checked_sub(all);
    add(
        HEADERS,
        rest.ok_or_else(|| Failure::malformed("the library", "smaller than what is loaded of it"))?,
    );
    let mut rows: Vec<_> = bytes
        .into_iter()
        .filter(|(_, bytes)| *bytes > 0)
        .map(|(name, bytes)| Row { name, bytes })
        .collect();
    rows.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
    Ok(rows)
}

fn is_in_file(section: &SectionHeader) -> bool {
    section.sh_flags & u64::from(SHF_ALLOC) != 0 && section.sh_type != SHT_NOBITS
}

/// From where to where, and the name, of all that has one in a section, in order.
fn symbols<'file>(library: &Elf<'file>, index: usize, section: &SectionHeader) -> Vec<(u64, u64, &'file str)> {
    let end = section.sh_addr + section.sh_size;
    let own = library
        .syms
        .iter()
        .filter(|symbol| symbol.st_shndx == index && symbol.st_size > 0);
    let mut found: Vec<_> = own
        .filter(|symbol| (section.sh_addr..end).contains(&symbol.st_value))
        .filter_map(|symbol| {
            let name = library.strtab.get_at(symbol.st_name)?;
            Some((
                symbol.st_value,
                symbol.st_value.saturating_add(symbol.st_size).min(end),
                name,
            ))
        })
        .collect();
    found.sort_unstable();
    found
}

/// The name without what the compiler appends to the copies that it makes: `.part.0`, `.constprop.1`, `.llvm.123`.
fn base(name: &str) -> &str {
    name.split('.').next().filter(|base| !base.is_empty()).unwrap_or(name)
}

/// What the bytes of a section are that no symbol names.
fn unnamed(section: &str) -> &'static str {
    match section {
        ".text" | ".init" | ".fini" | ".plt" | ".plt.got" => "[code without a name]",
        ".rodata" => "[constants without a name: texts, tables]",
        ".eh_frame" | ".eh_frame_hdr" | ".gcc_except_table" => "[tables for unwinding]",
        ".dynsym" | ".dynstr" | ".gnu.hash" | ".hash" | ".gnu.version" | ".gnu.version_r" => "[exported names]",
        ".rela.dyn" | ".rela.plt" | ".relr.dyn" | ".got" | ".got.plt" | ".dynamic" => "[addresses to be relocated]",
        ".data" | ".data.rel.ro" | ".init_array" | ".fini_array" | ".tdata" => {
            "[data without a name: tables of functions]"
        }
        _ => "[other sections]",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn every_byte_of_a_real_program_has_a_row() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let size = u64::try_from(own.len()).unwrap();
        let rows = rows(&own, size, &BTreeMap::new()).unwrap();
        assert_eq!(rows.iter().map(|row| row.bytes).sum::<u64>(), size);
        for name in ["xtask", "goblin", owner::STD] {
            assert!(
                rows.iter().any(|row| row.name == name && row.bytes > 1000),
                "{name}: {rows:?}"
            );
        }
        super::rows(&own, 1000, &BTreeMap::new()).unwrap_err();
    }

    #[test]
    fn copies_of_a_function_are_the_functions() {
        for name in ["sqlite3Step", "sqlite3Step.part.0", "sqlite3Step.constprop.0.isra.0"] {
            assert_eq!(base(name), "sqlite3Step");
        }
        assert_eq!(base(".hidden"), ".hidden");
    }

    #[test]
    fn what_is_no_library_is_refused() {
        rows(b"#!/bin/sh", 9, &BTreeMap::new()).unwrap_err();
    }
}
