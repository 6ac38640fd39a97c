//! The AAR: what an app's build for Android takes from a library.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

use super::natives::{ABIS, LIBRARY, Natives};
use super::{Layout, archive, classes, copy, files, fresh, symbols, write};

/// Its name, without a version: that belongs to the repository.
const FILE: &str = "curo-android.aar";
/// The oldest Android SDK that an app may be compiled against: the one whose attributes the resources use.
const METADATA: &str = "aarFormatVersion=1.0\naarMetadataVersion=1.0\nminCompileSdk=31\nminCompileSdkExtension=0\nminAndroidGradlePluginVersion=1.0.0\n";
pub(super) const METADATA_PATH: &str = "META-INF/com/android/build/gradle/aar-metadata.properties";
/// The rules for shrunk apps, among the sources.
const RULES: &str = "platform/consumer-rules.pro";

/// Puts it together in an empty folder. The same files make the same bytes.
pub(super) fn build(layout: &Layout, natives: &Natives, folder: &Path) -> Result<PathBuf, Failure> {
    fresh(folder)?;
    let stage = folder.join("stage");
    let android = layout.android();
    copy(&android.join("AndroidManifest.xml"), &stage.join("AndroidManifest.xml"))?;
    copy(&layout.sources.join(RULES), &stage.join("proguard.txt"))?;
    write(&stage.join(METADATA_PATH), METADATA)?;
    let resources = files(&android.join("res"))?;
    for resource in &resources {
        copy(&android.join("res").join(resource), &stage.join("res").join(resource))?;
    }
    write(&stage.join("R.txt"), symbols::list(&resources)?)?;
    if let Some(libraries) = &natives.folder {
        for abi in ABIS {
            let library = format!("{abi}/{LIBRARY}");
            copy(&libraries.join(&library), &stage.join("jni").join(&library))?;
        }
    }
    let compiled = folder.join("classes");
    for (module, _) in classes::MODULES {
        let from = classes::folder(layout, module);
        for class in files(&from)? {
            let to = compiled.join(&class);
            if to.exists() {
                return Err(Failure::malformed(class, "is in two modules"));
            }
            copy(&from.join(&class), &to)?;
        }
    }
    archive::pack(&compiled, &stage.join("classes.jar"))?;
    let aar = folder.join(FILE);
    archive::pack(&stage, &aar)?;
    Ok(aar)
}
