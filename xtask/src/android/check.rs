//! What an AAR must hold, read back by other programs than those that made it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::doctor;
use crate::failure::Failure;
use crate::run;
use crate::workspace::{is_ci, read};

use super::aar::METADATA_PATH;
use super::natives::{ABIS, LIBRARY};
use super::{Layout, archive, bytes, elf, files, fresh, symbols};

/// What must be there, whatever the version.
const REQUIRED: [&str; 5] = [
    "AndroidManifest.xml",
    "R.txt",
    "classes.jar",
    METADATA_PATH,
    "proguard.txt",
];
/// One class of each part: the library, what is generated, Android's own.
const CLASSES: [&str; 3] = [
    "health/curo/Client.class",
    "health/curo/ffi/UniffiLib.class",
    "health/curo/android/AndroidKeyStoreVault.class",
];
/// The version of class files that Java 11 made, which every Android build reads.
const NEWEST_CLASS: u16 = 55;
/// The resources of Android itself, as Debian has them: of Android 10.
const FRAMEWORK: &str = "/usr/share/android-framework-res/framework-res.apk";
/// What a manifest that was made binary says of ours.
const BADGES: [&str; 4] = [
    "package: name='health.curo.android'",
    "sdkVersion:'26'",
    "uses-permission: name='android.permission.INTERNET'",
    "uses-permission: name='android.permission.ACCESS_NETWORK_STATE'",
];
const SERVICE: &str = "health.curo.android.CuroJobService";

/// Checks everything, and gives the names and sizes of what is in it.
pub(super) fn aar(layout: &Layout, aar: &Path) -> Result<Vec<(String, usize)>, Failure> {
    let folder = layout.target.join("checked");
    let contents = folder.join("aar");
    archive::unpack(aar, &contents)?;
    let names = files(&contents)?;
    complete(&names)?;
    archive::unpack(&contents.join("classes.jar"), &folder.join("classes"))?;
    let classes = files(&folder.join("classes"))?;
    for class in &classes {
        compiled(class, &bytes(&folder.join("classes").join(class))?)?;
    }
    let service = format!("{}.class", SERVICE.replace('.', "/"));
    for class in CLASSES.into_iter().chain([service.as_str()]) {
        if !classes.iter().any(|found| found == class) {
            return Err(Failure::malformed("classes.jar", format!("no {class}")));
        }
    }
    kept(&read(&contents.join("proguard.txt"))?, &classes)?;
    manifest(&contents, &folder.join("aapt2"))?;
    let mut listed = Vec::new();
    for name in names {
        let file = bytes(&contents.join(&name))?;
        if name.starts_with("jni/") {
            elf::check(&name, &file)?;
        }
        listed.push((name, file.len()));
    }
    Ok(listed)
}

/// Nothing is missing, and nothing is there that nobody has thought of.
fn complete(names: &[String]) -> Result<(), Failure> {
    for required in REQUIRED {
        if !names.iter().any(|name| name == required) {
            return Err(Failure::malformed("AAR", format!("no {required}")));
        }
    }
    let libraries: BTreeSet<_> = ABIS.iter().map(|abi| format!("jni/{abi}/{LIBRARY}")).collect();
    for name in names {
        let known = REQUIRED.contains(&name.as_str()) || name.starts_with("res/") || libraries.contains(name);
        if !known {
            return Err(Failure::malformed("AAR", format!("{name} is not expected")));
        }
    }
    let there = names.iter().filter(|name| libraries.contains(*name)).count();
    if there != 0 && there != libraries.len() {
        return Err(Failure::malformed(
            "AAR",
            "a native library for some ABIs, and none for others",
        ));
    }
    Ok(())
}

/// A class of ours that apps can read, or what Kotlin notes about a module.
fn compiled(name: &str, file: &[u8]) -> Result<(), Failure> {
    if name.starts_with("META-INF/") && name.ends_with(".kotlin_module") {
        return Ok(());
    }
    if !(name.starts_with("health/curo/") && name.ends_with(".class")) {
        return Err(Failure::malformed("classes.jar", format!("{name} is not ours")));
    }
    match file {
        [0xca, 0xfe, 0xba, 0xbe, _, _, high, low, ..] if u16::from_be_bytes([*high, *low]) <= NEWEST_CLASS => Ok(()),
        _ => Err(Failure::malformed(name, "not a class for Java 11")),
    }
}

/// Every class of ours that the rules name is there: a rule for another one would keep nothing, and the app would break.
fn kept(rules: &str, classes: &[String]) -> Result<(), Failure> {
    let lines = rules.lines().filter(|line| !line.trim_start().starts_with('#'));
    let named: BTreeSet<_> = lines
        .flat_map(|line| line.split(|end: char| !(end.is_alphanumeric() || "._$*".contains(end))))
        .filter(|word| word.starts_with("health.curo."))
        .collect();
    if named.is_empty() {
        return Err(Failure::malformed("proguard.txt", "no rule for a class of ours"));
    }
    for name in named {
        let (start, whole) = match name.split_once('*') {
            Some((start, _)) => (start.replace('.', "/"), false),
            None => (format!("{}.class", name.replace('.', "/")), true),
        };
        let found = |class: &String| {
            if whole {
                *class == start
            } else {
                class.starts_with(&start)
            }
        };
        if !classes.iter().any(found) {
            return Err(Failure::malformed("proguard.txt", format!("there is no class {name}")));
        }
    }
    Ok(())
}

/// Android's own program makes an app of the manifest and the resources, and tells what it has understood.
fn manifest(contents: &Path, folder: &Path) -> Result<(), Failure> {
    match doctor::need(doctor::ANDROID_TOOLS) {
        Err(failure) if is_ci() => return Err(failure),
        Err(_) => {
            println!("NOT CHECKED: manifest and resources, without aapt2 and {FRAMEWORK}");
            return Ok(());
        }
        Ok(()) => {}
    }
    fresh(folder)?;
    let (resources, app, listed) = (folder.join("res.zip"), folder.join("app.apk"), folder.join("R.txt"));
    let aapt2 = || Command::new("aapt2");
    run::output(
        aapt2()
            .args(["compile", "--dir"])
            .arg(contents.join("res"))
            .arg("-o")
            .arg(&resources),
    )?;
    let mut link = aapt2();
    link.args(["link", "-I", FRAMEWORK, "--manifest"])
        .arg(contents.join("AndroidManifest.xml"))
        .args(["--target-sdk-version", "29", "--output-text-symbols"])
        .arg(&listed)
        .arg("-o")
        .arg(&app)
        .arg(&resources);
    run::output(&mut link)?;
    badges(&run::output(aapt2().args(["dump", "badging"]).arg(&app))?)?;
    let tree = run::output(
        aapt2()
            .args(["dump", "xmltree", "--file", "AndroidManifest.xml"])
            .arg(&app),
    )?;
    guarded(&tree)?;
    if symbols::names(&read(&listed)?) != symbols::names(&read(&contents.join("R.txt"))?) {
        return Err(Failure::malformed("R.txt", "not the resources that aapt2 finds"));
    }
    Ok(())
}

/// What is wanted of the app and its user: no less, and no permission more.
fn badges(told: &str) -> Result<(), Failure> {
    for badge in BADGES {
        if !told.lines().any(|line| line.starts_with(badge)) {
            return Err(Failure::malformed(
                "AndroidManifest.xml",
                format!("aapt2 does not tell {badge}"),
            ));
        }
    }
    let asked = told.lines().filter(|line| line.starts_with("uses-permission")).count();
    let wanted = BADGES
        .iter()
        .filter(|badge| badge.starts_with("uses-permission"))
        .count();
    if asked == wanted {
        Ok(())
    } else {
        Err(Failure::malformed(
            "AndroidManifest.xml",
            "it asks for another permission",
        ))
    }
}

/// Nobody but the system starts the service.
fn guarded(tree: &str) -> Result<(), Failure> {
    let service = tree
        .split("E: ")
        .find(|element| element.starts_with("service "))
        .unwrap_or_default();
    let all = [
        format!("name(0x01010003)=\"{SERVICE}\""),
        "exported(0x01010010)=false".to_owned(),
        "permission(0x01010006)=\"android.permission.BIND_JOB_SERVICE\"".to_owned(),
    ];
    match all.iter().find(|attribute| !service.contains(attribute.as_str())) {
        None => Ok(()),
        Some(attribute) => Err(Failure::malformed(
            "AndroidManifest.xml",
            format!("the service has no {attribute}"),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn names(more: &[&str]) -> Vec<String> {
        REQUIRED.iter().chain(more).map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_archive_holds_what_it_must_and_nothing_else() {
        complete(&names(&["res/xml/a.xml"])).unwrap();
        let libraries = ABIS.map(|abi| format!("jni/{abi}/{LIBRARY}"));
        let libraries: Vec<_> = libraries.iter().map(String::as_str).collect();
        complete(&names(&libraries)).unwrap();
        complete(&names(&libraries[..1])).unwrap_err();
        for other in ["a.txt", "jni/arm64-v8a/libother.so", "META-INF/MANIFEST.MF"] {
            complete(&names(&[other])).unwrap_err();
        }
        for missing in 0..REQUIRED.len() {
            let mut names = names(&[]);
            names.remove(missing);
            complete(&names).unwrap_err();
        }
    }

    #[test]
    fn classes_are_ours_and_old_enough() {
        let class = |major| [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, major, 0];
        compiled("health/curo/A.class", &class(55)).unwrap();
        compiled("META-INF/curo.kotlin_module", b"").unwrap();
        compiled("health/curo/A.class", &class(56)).unwrap_err();
        compiled("health/curo/A.class", b"x").unwrap_err();
        compiled("android/A.class", &class(55)).unwrap_err();
        compiled("health/curo/notes.txt", &class(55)).unwrap_err();
    }

    #[test]
    fn rules_name_classes_that_are_there() {
        let classes = ["health/curo/ffi/Lib.class".to_owned()];
        kept("-keep class health.curo.ffi.Lib { *; }", &classes).unwrap();
        kept("-keep class health.curo.ffi.** extends a.B { *; }", &classes).unwrap();
        kept("-keep class health.curo.ffi.Other { *; }", &classes).unwrap_err();
        kept("-keep class health.curo.fi.** { *; }", &classes).unwrap_err();
        kept("# -keep class health.curo.ffi.Lib { *; }", &classes).unwrap_err();
    }

    #[test]
    fn one_permission_more_is_too_many() {
        let told = BADGES.join("\n");
        badges(&told).unwrap();
        badges(&format!("{told}\nuses-permission: name='android.permission.CAMERA'")).unwrap_err();
        badges(&told.replace("'26'", "'27'")).unwrap_err();
    }

    #[test]
    fn a_service_that_others_may_start_is_refused() {
        let tree = format!(
            "E: manifest (line=1)\n E: service (line=2)\n  A: http://x:exported(0x01010010)=false (Raw: \"false\")\n  \
             A: http://x:name(0x01010003)=\"{SERVICE}\"\n  A: x:permission(0x01010006)=\"android.permission.BIND_JOB_SERVICE\"\n"
        );
        guarded(&tree).unwrap();
        guarded(&tree.replace("=false", "=true")).unwrap_err();
        guarded(&tree.replace("BIND_JOB_SERVICE", "BIND")).unwrap_err();
        guarded("E: manifest (line=1)").unwrap_err();
    }
}
