//! Programs and libraries for checking what an app's build makes of the library: fetched by Maven, once, into one folder.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::{kotlin, run};

use super::{Layout, fresh};

/// Jars by their names without versions.
pub(super) struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Copies them together anew: half a file of a copy that was killed would stay.
    pub(super) fn get(layout: &Layout) -> Result<Self, Failure> {
        let folder = layout.target.join("shrunk/lib");
        fresh(&folder)?;
        let mut maven = kotlin::maven(&layout.sources.join("testing/shrunk"));
        run::run(maven.args(["--quiet", "package"]))?;
        Ok(Self { folder })
    }

    pub(super) fn jar(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("jar")
    }

    /// ProGuard, told by this file.
    pub(super) fn proguard(&self, configuration: &std::path::Path) -> Command {
        let parts = [
            "proguard-base",
            "proguard-core",
            "kotlin-stdlib",
            "kotlin-metadata-jvm",
            "gson",
            "json",
            "log4j-api",
            "log4j-core",
            "annotations",
        ];
        let path: Vec<_> = parts.iter().map(|part| self.jar(part).display().to_string()).collect();
        let mut java = Command::new("java");
        java.arg("-cp")
            .arg(path.join(if cfg!(windows) { ";" } else { ":" }))
            .arg("proguard.ProGuard")
            .arg(format!("@{}", configuration.display()));
        java
    }
}
