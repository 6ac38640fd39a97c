//! A folder as Maven and Gradle expect a repository: `maven { url = uri("…/target/android/repository") }`, then
//! `implementation("health.curo:curo-android:VERSION")`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::run;

use super::natives::Natives;
use super::release::{ARTIFACT, GROUP, Release, TESTING};
use super::{Layout, archive, classes, copy, docs, files, fresh, write};

/// Programs that make checksums; every one is also the ending of its file.
const CHECKSUMS: [(&str, &str); 4] = [
    ("md5sum", "md5"),
    ("sha1sum", "sha1"),
    ("sha256sum", "sha256"),
    ("sha512sum", "sha512"),
];

pub(super) struct Repository {
    pub(super) folder: PathBuf,
    /// What lies in it, by paths, without the checksums.
    pub(super) files: Vec<String>,
}

/// What is made of the sources.
pub(super) struct Made<'a> {
    pub(super) aar: &'a Path,
    pub(super) natives: &'a Natives,
    /// What apps test with.
    pub(super) testing: &'a Path,
}

/// Writes it anew. Beside the AAR lies its `classes.jar`, for what reads no AAR: tests by Maven, modules of an app without
/// Android.
pub(super) fn publish(layout: &Layout, release: &Release, made: &Made<'_>) -> Result<Repository, Failure> {
    let folder = layout.target.join("repository");
    fresh(&folder)?;
    let group = folder.join(GROUP.replace('.', "/"));
    let version = &release.version;
    let named = |artifact: &str, ending: &str| {
        let place = group.join(artifact).join(version);
        place.join(format!("{artifact}-{version}{ending}"))
    };
    copy(made.aar, &named(ARTIFACT, ".aar"))?;
    copy(
        &made.aar.with_file_name("stage").join("classes.jar"),
        &named(ARTIFACT, ".jar"),
    )?;
    write(&named(ARTIFACT, ".pom"), release.pom())?;
    sources(layout, &classes::MODULES, &named(ARTIFACT, "-sources.jar"))?;
    archive::pack(&docs::build(layout)?, &named(ARTIFACT, "-javadoc.jar"))?;
    if let Some(symbols) = &made.natives.symbols {
        archive::pack(symbols, &named(ARTIFACT, "-native-symbols.zip"))?;
    }
    copy(made.testing, &named(TESTING, ".jar"))?;
    write(&named(TESTING, ".pom"), release.testing_pom())?;
    sources(layout, &[classes::TESTING], &named(TESTING, "-sources.jar"))?;
    let written = files(&folder)?;
    for name in &written {
        checksums(&folder.join(name))?;
    }
    Ok(Repository { folder, files: written })
}

/// The Kotlin, generated and written by hand, as debuggers want it.
fn sources(layout: &Layout, modules: &[(&str, &[&str])], jar: &Path) -> Result<(), Failure> {
    let stage = layout.target.join("sources");
    fresh(&stage)?;
    for folder in modules.iter().flat_map(|(_, sources)| *sources) {
        let from = layout.sources.join(folder);
        for name in files(&from)? {
            copy(&from.join(&name), &stage.join(&name))?;
        }
    }
    archive::pack(&stage, jar)
}

/// Files beside this one with nothing but a checksum in them.
fn checksums(file: &Path) -> Result<(), Failure> {
    for (program, ending) in CHECKSUMS {
        let told = run::output(Command::new(program).arg("--binary").arg(file))?;
        let sum = told
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .trim_start_matches('\\');
        let mut beside = file.as_os_str().to_owned();
        beside.push(".");
        beside.push(ending);
        write(Path::new(&beside), sum)?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn checksums_stand_beside_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a b.aar");
        write(&file, "abc").unwrap();
        checksums(&file).unwrap();
        let sum = |ending: &str| std::fs::read_to_string(dir.path().join(format!("a b.aar.{ending}"))).unwrap();
        // FIPS 180-4, and RFC 1321.
        assert_eq!(sum("md5"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(sum("sha1"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sum("sha256").get(..16), Some("ba7816bf8f01cfea"));
        assert_eq!(sum("sha512").len(), 128);
    }
}
