//! What is released under which name and version, and what it needs: as Maven's parent says.

use std::fmt::Write as _;

use crate::failure::Failure;
use crate::workspace::read;

use super::Layout;

pub(super) const GROUP: &str = "health.curo";
pub(super) const ARTIFACT: &str = "curo-android";
/// What apps test with.
pub(super) const TESTING: &str = "curo-testing";

const COROUTINES: &str = "org.jetbrains.kotlinx";
const JNA: &str = "net.java.dev.jna";

/// Group, artifact, version, type, scope.
type Dependency<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

/// Versions, from the parent of all Kotlin modules.
pub(super) struct Release {
    pub(super) version: String,
    kotlin: String,
    coroutines: String,
    jna: String,
}

impl Release {
    pub(super) fn read(layout: &Layout) -> Result<Self, Failure> {
        Self::of(&read(&layout.sources.join("pom.xml"))?)
    }

    fn of(parent: &str) -> Result<Self, Failure> {
        let wanted = |after: &str, tag: &str| {
            value(parent, after, tag)
                .ok_or_else(|| Failure::malformed("android/pom.xml", format!("no <{tag}> after {after}")))
        };
        Ok(Self {
            version: wanted("<artifactId>curo-parent</artifactId>", "version")?,
            kotlin: wanted("<properties>", "kotlin.stdlib.version")?,
            coroutines: wanted("<properties>", "coroutines.version")?,
            jna: wanted("<artifactId>jna</artifactId>", "version")?,
        })
    }

    /// The description for Maven and Gradle. JNA comes as an AAR, with its own native library for each device.
    pub(super) fn pom(&self) -> String {
        let dependencies = [
            (
                "org.jetbrains.kotlin",
                "kotlin-stdlib",
                self.kotlin.as_str(),
                "jar",
                "compile",
            ),
            (
                COROUTINES,
                "kotlinx-coroutines-core-jvm",
                &self.coroutines,
                "jar",
                "compile",
            ),
            (JNA, "jna", &self.jna, "aar", "runtime"),
        ];
        self.describe(ARTIFACT, "aar", "Curo for Android", &dependencies)
    }

    /// That of what apps test with. The library comes as what the build reads: an AAR for Android, classes for a JVM. JNA is
    /// the one for this JVM: that for devices has no library for it.
    pub(super) fn testing_pom(&self) -> String {
        let dependencies = [
            (GROUP, ARTIFACT, self.version.as_str(), "jar", "compile"),
            (JNA, "jna", &self.jna, "jar", "runtime"),
        ];
        self.describe(TESTING, "jar", "Curo for the tests of apps", &dependencies)
    }

    fn describe(&self, artifact: &str, packaging: &str, name: &str, dependencies: &[Dependency<'_>]) -> String {
        let mut listed = String::new();
        for (group, artifact, version, kind, scope) in dependencies {
            let kind = match *kind {
                "jar" => String::new(),
                kind => format!("\n      <type>{kind}</type>"),
            };
            // Writing into a string cannot fail.
            let _ = write!(
                listed,
                "    <dependency>\n      <groupId>{group}</groupId>\n      <artifactId>{artifact}</artifactId>\n      \
                 <version>{version}</version>{kind}\n      <scope>{scope}</scope>\n    </dependency>\n"
            );
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
             <groupId>{GROUP}</groupId>\n  <artifactId>{artifact}</artifactId>\n  <version>{}</version>\n  \
             <packaging>{packaging}</packaging>\n  <name>{name}</name>\n  \
             <description>End-to-end encrypted messaging for healthcare apps</description>\n  <licenses>\n    \
             <license>\n      <name>Apache-2.0</name>\n    </license>\n    <license>\n      <name>MIT</name>\n    </license>\n  \
             </licenses>\n  <dependencies>\n{listed}  </dependencies>\n</project>\n",
            self.version
        )
    }
}

/// What stands in the first such tag after a text.
fn value(text: &str, after: &str, tag: &str) -> Option<String> {
    let rest = text.split_once(after)?.1;
    let inside = rest.split_once(&format!("<{tag}>"))?.1;
    let value = inside.split_once(&format!("</{tag}>"))?.0.trim();
    (!value.is_empty() && !value.contains(['<', '$'])).then(|| value.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    const PARENT: &str = "<artifactId>curo-parent</artifactId><version>1.2.3</version><properties>\
        <kotlin.stdlib.version>2.2.0</kotlin.stdlib.version><coroutines.version>1.10.0</coroutines.version></properties>\
        <artifactId>jna</artifactId> <version>5.18.0</version>";

    #[test]
    fn the_description_names_what_an_app_needs() {
        let pom = Release::of(PARENT).unwrap().pom();
        for part in [
            "<version>1.2.3</version>\n  <packaging>aar</packaging>",
            "<artifactId>kotlin-stdlib</artifactId>\n      <version>2.2.0</version>\n      <scope>compile</scope>",
            "<version>1.10.0</version>\n      <scope>compile</scope>",
            "<version>5.18.0</version>\n      <type>aar</type>\n      <scope>runtime</scope>",
        ] {
            assert!(pom.contains(part), "{part}\n{pom}");
        }
    }

    #[test]
    fn who_tests_gets_the_library_and_what_it_needs_on_a_jvm() {
        let pom = Release::of(PARENT).unwrap().testing_pom();
        for part in [
            "<artifactId>curo-testing</artifactId>\n  <version>1.2.3</version>\n  <packaging>jar</packaging>",
            "<artifactId>curo-android</artifactId>\n      <version>1.2.3</version>\n      <scope>compile</scope>",
            "<artifactId>jna</artifactId>\n      <version>5.18.0</version>\n      <scope>runtime</scope>",
        ] {
            assert!(pom.contains(part), "{part}\n{pom}");
        }
    }

    #[test]
    fn a_version_that_is_not_there_is_a_failure() {
        for tag in ["version", "kotlin.stdlib.version", "coroutines.version"] {
            Release::of(&PARENT.replace(tag, "other")).err().unwrap();
        }
        Release::of(&PARENT.replace("1.2.3", "${version}")).err().unwrap();
    }

    #[test]
    fn the_parent_of_this_repository_says_it_all() {
        let release = Release::read(&Layout::of(&Workspace::find().unwrap())).unwrap();
        assert!(release.version.starts_with(|first: char| first.is_ascii_digit()));
    }
}
