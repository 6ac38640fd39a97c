//! What C code came from: the static libraries that build scripts have made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use goblin::archive::Archive;
use goblin::elf::Elf;

use crate::failure::Failure;

/// A package's name in what cargo calls it: `registry+…#openssl-sys@0.9.1`.
pub(super) fn package(id: &str) -> &str {
    let name = id.rsplit(['#', '/']).next().unwrap_or(id);
    name.split('@').next().unwrap_or(name)
}

/// The folder in what a build script tells the linker: `native=/folder`.
pub(super) fn folder(told: &str) -> PathBuf {
    PathBuf::from(told.split_once('=').map_or(told, |(_, path)| path))
}

/// Every function and constant of the libraries in these folders, with the package that has made it.
pub(super) fn symbols(folders: &[(String, Vec<PathBuf>)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut owners = BTreeMap::new();
    for (package, folder) in folders
        .iter()
        .flat_map(|(package, all)| all.iter().map(move |one| (package, one)))
    {
        // A folder of the system that has more in it than what is linked says nothing.
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|ending| ending == "a") {
                for name in defined(&path)? {
                    owners.entry(name).or_insert_with(|| package.clone());
                }
            }
        }
    }
    Ok(owners)
}

fn defined(path: &Path) -> Result<Vec<String>, Failure> {
    let content = fs::read(path).map_err(|source| Failure::io(path, source))?;
    let malformed = |error| Failure::malformed(path.display().to_string(), error);
    let archive = Archive::parse(&content).map_err(malformed)?;
    let mut names = Vec::new();
    for member in archive.members() {
        let bytes = archive.extract(member, &content).map_err(malformed)?;
        // What is no object for this machine, as an index, has no functions.
        let Ok(object) = Elf::parse(bytes) else { continue };
        let own = object
            .syms
            .iter()
            .filter(|symbol| symbol.st_shndx != 0 && symbol.st_size > 0);
        names.extend(
            own.filter_map(|symbol| object.strtab.get_at(symbol.st_name))
                .map(str::to_owned),
        );
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_folders_are_read_as_cargo_writes_them() {
        let id = "registry+https://index.example#openssl-sys@0.9.1";
        assert_eq!(package(id), "openssl-sys");
        assert_eq!(package("path+file:///w/bindings#curo-ffi@0.1.0"), "curo-ffi");
        assert_eq!(package("path+file:///w/xtask#0.1.0"), "0.1.0");
        assert_eq!(folder("native=/t/out"), PathBuf::from("/t/out"));
        assert_eq!(folder("/t/out"), PathBuf::from("/t/out"));
    }
}
