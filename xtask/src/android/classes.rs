//! The compiled Kotlin: by Maven, unless it is newer than all that it is made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::failure::Failure;
use crate::{kotlin, run};

use super::Layout;

/// Maven's modules whose classes an app gets, and where their sources lie, seen from the parent.
pub(super) const MODULES: [(&str, &[&str]); 2] = [
    ("curo", &["generated", "curo/src/main/kotlin"]),
    ("platform", &["platform/src/main/kotlin"]),
];

/// The module that apps test with.
pub(super) const TESTING: (&str, &[&str]) = ("testing", &["testing/src/main/kotlin"]);

fn all() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    MODULES.into_iter().chain([TESTING])
}

/// Where a module's classes lie.
pub(super) fn folder(layout: &Layout, module: &str) -> PathBuf {
    layout.target.join(module).join("classes")
}

/// Makes sure that the classes are those of the sources. All of them are made anew where one is not: what a file that is
/// gone has left must not be released.
pub(super) fn compile(layout: &Layout) -> Result<(), Failure> {
    if all().all(|(module, sources)| up_to_date(layout, module, sources)) {
        println!("the classes are newer than their sources");
        return Ok(());
    }
    for (module, _) in all() {
        let folder = folder(layout, module);
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|source| Failure::io(&folder, source))?;
        }
    }
    let modules: Vec<_> = all().map(|(module, _)| module).collect();
    let mut maven = kotlin::maven(&layout.sources);
    maven.args(["--quiet", "--projects", &modules.join(","), "compile"]);
    run::run(&mut maven)
}

/// Whether everything that the compiler has written is younger than all that it has read, folders included: a folder gets
/// younger when a file in it goes.
fn up_to_date(layout: &Layout, module: &str, sources: &[&str]) -> bool {
    let poms = ["pom.xml".to_owned(), format!("{module}/pom.xml")];
    let read = sources.iter().map(|source| (*source).to_owned()).chain(poms);
    let newest = read
        .map(|path| extreme(&layout.sources.join(path), Ord::max))
        .try_fold(SystemTime::UNIX_EPOCH, |newest, time| time.map(|time| newest.max(time)));
    // The compiler writes all of them each time: one that is older was left by a source that is gone.
    let oldest = oldest_file(&folder(layout, module));
    matches!((newest, oldest), (Some(newest), Some(oldest)) if newest < oldest)
}

/// The oldest time among the files of a folder, whose own time is that of what was last added; `None` where there is none, or
/// something cannot be read.
fn oldest_file(folder: &Path) -> Option<SystemTime> {
    let mut oldest: Option<SystemTime> = None;
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        let time = match path.is_dir() {
            true if fs::read_dir(&path).ok()?.next().is_none() => continue,
            true => oldest_file(&path)?,
            false => fs::metadata(&path).and_then(|found| found.modified()).ok()?,
        };
        oldest = Some(oldest.map_or(time, |oldest| oldest.min(time)));
    }
    oldest
}

/// The time of a file, or among those of a folder with everything in it; `None` where something cannot be read.
fn extreme(path: &Path, of: fn(SystemTime, SystemTime) -> SystemTime) -> Option<SystemTime> {
    let mut time = fs::metadata(path).and_then(|found| found.modified()).ok()?;
    if path.is_dir() {
        for entry in fs::read_dir(path).ok()? {
            time = of(time, extreme(&entry.ok()?.path(), of)?);
        }
    }
    Some(time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use std::time::Duration;

    use super::super::write;
    use super::*;

    const SOURCES: [&str; 1] = ["m/src"];

    /// A file that was written so many seconds after the beginning, and the folders around it.
    fn at(path: &Path, seconds: u64) {
        if !path.exists() {
            write(path, "x").unwrap();
        }
        for path in [path, path.parent().unwrap()] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            fs::File::open(path).unwrap().set_modified(time).unwrap();
        }
    }

    #[test]
    fn classes_are_made_again_when_something_below_them_is_younger() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout {
            sources: dir.path().join("android"),
            target: dir.path().join("target"),
        };
        let fresh = || up_to_date(&layout, "m", &SOURCES);
        let source = layout.sources.join("m/src/a/A.kt");
        at(&layout.sources.join("pom.xml"), 1);
        at(&layout.sources.join("m/pom.xml"), 1);
        at(&source, 1);
        fs::File::open(layout.sources.join("m/src"))
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
        assert!(!fresh(), "nothing is compiled");
        let made = layout.target.join("m/classes/META-INF/m.kotlin_module");
        at(&made, 5);
        assert!(fresh());
        at(&source, 6);
        assert!(!fresh(), "a source is younger");
        at(&made, 7);
        assert!(fresh());
        fs::remove_file(&source).unwrap();
        assert!(!fresh(), "a source is gone");
        at(&source, 6);
        assert!(fresh());
        let left = layout.target.join("m/classes/a/Gone.class");
        at(&left, 5);
        assert!(!fresh(), "the class of a source that is gone");
        fs::remove_file(&left).unwrap();
        assert!(fresh());
        at(&layout.sources.join("m/pom.xml"), 8);
        assert!(!fresh(), "the build is younger");
    }
}
