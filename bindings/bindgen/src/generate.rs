//! Kotlin and Swift, as UniFFI makes them, sorted into the folders where the builds of both platforms want them.

use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate_with_bindgen_paths};
use uniffi_bindgen::{BindgenPaths, BindgenPathsLayer};

use crate::Failure;

/// The exporting crate's name, as its metadata has it.
const CRATE: &str = "curo_ffi";

/// Where the exporting crate is: asking cargo would take seconds.
struct Place(Utf8PathBuf);

impl BindgenPathsLayer for Place {
    fn get_crate_root(&self, crate_name: &str) -> Option<Utf8PathBuf> {
        (crate_name == CRATE).then(|| self.0.clone())
    }
}

pub(crate) fn run(
    library: &Utf8Path,
    bindings: &Utf8Path,
    kotlin: &Utf8Path,
    swift: &Utf8Path,
    header: &Utf8Path,
) -> Result<String, Failure> {
    let generate = |language, out_dir: &Utf8Path| {
        let mut paths = BindgenPaths::default();
        paths.add_layer(Place(bindings.to_owned()));
        let options = GenerateOptions {
            languages: vec![language],
            source: library.to_owned(),
            out_dir: out_dir.to_owned(),
            crate_filter: Some(CRATE.to_owned()),
            ..GenerateOptions::default()
        };
        generate_with_bindgen_paths(options, paths)
    };
    fs::create_dir_all(header)?;
    generate(TargetLanguage::Kotlin, kotlin)?;
    generate(TargetLanguage::Swift, swift)?;
    let mut moved = 0;
    for entry in swift.read_dir_utf8()? {
        let path = entry?.into_path();
        // SwiftPM wants the module map of a system library under this name, beside its header.
        let to = match path.extension() {
            Some("h") => path.file_name().map(|name| header.join(name)),
            Some("modulemap") => Some(header.join("module.modulemap")),
            _ => None,
        };
        if let Some(to) = to {
            fs::copy(&path, to)?;
            fs::remove_file(&path)?;
            moved += 1;
        }
    }
    if moved == 2 {
        Ok(format!("generated from {library}"))
    } else {
        Err(format!("expected one header and one module map in {swift}, found {moved} files").into())
    }
}
