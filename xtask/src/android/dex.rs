//! The library as bytecode of Android. Knows dx, which reads classes for Java 8 at most, and what dexdump tells of its work.

use std::path::Path;
use std::process::Command;

use crate::doctor;
use crate::failure::Failure;
use crate::run;
use crate::workspace::is_ci;

use super::tools::Tools;
use super::{Layout, fresh, write};

/// What one file of bytecode can name; an app with more is made of several.
const MOST_METHODS: usize = 65_536;

/// Makes bytecode of all classes, reads it by another program, and fails where a class is missing. What it found, for people.
pub(super) fn check(layout: &Layout, tools: &Tools, jar: &Path, classes: &[String]) -> Result<String, Failure> {
    match doctor::need(doctor::DEX_TOOLS) {
        Err(failure) if is_ci() => return Err(failure),
        Err(_) => return Ok("NOT CHECKED: bytecode of Android, without dexdump".to_owned()),
        Ok(()) => {}
    }
    let folder = layout.target.join("dex");
    fresh(&folder)?;
    let (older, made) = (folder.join("classes.jar"), folder.join("classes.dex"));
    let configuration = folder.join("older.pro");
    write(
        &configuration,
        format!(
            "-injars {}(**.class)\n-outjars {}\n-libraryjars <java.home>/jmods/java.base.jmod(!**.jar;!module-info.class)\n\
             -dontwarn\n-dontshrink\n-dontoptimize\n-dontobfuscate\n-target 1.8\n",
            jar.display(),
            older.display()
        ),
    )?;
    run::output(&mut tools.proguard(&configuration))?;
    let mut dx = Command::new("java");
    dx.arg("-cp").arg(tools.jar("dalvik-dx"));
    dx.args(["com.android.dx.command.Main", "--dex", "--min-sdk-version=26"]);
    run::output(dx.arg(format!("--output={}", made.display())).arg(&older))?;
    let told = run::output(Command::new("dexdump").arg("-f").arg(&made))?;
    whole(&told, classes)
}

/// Whether the dump names every class, in a number of methods that one file can hold.
fn whole(told: &str, classes: &[String]) -> Result<String, Failure> {
    let named: std::collections::BTreeSet<_> = told
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Class descriptor  : 'L")?.strip_suffix(";'"))
        .collect();
    let wanted = classes.iter().filter_map(|class| class.strip_suffix(".class"));
    if let Some(missing) = wanted.clone().find(|class| !named.contains(class)) {
        return Err(Failure::malformed("classes.dex", format!("no class {missing}")));
    }
    let methods = told.lines().find_map(|line| {
        line.strip_prefix("method_ids_size")?
            .split(':')
            .nth(1)?
            .trim()
            .parse::<usize>()
            .ok()
    });
    match methods {
        Some(methods) if methods < MOST_METHODS => Ok(format!(
            "bytecode of Android: {} classes, {methods} methods of the {MOST_METHODS} that one file can name",
            wanted.count()
        )),
        Some(methods) => Err(Failure::malformed("classes.dex", format!("{methods} methods"))),
        None => Err(Failure::malformed("dexdump", "no number of methods")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const TOLD: &str = "method_ids_size     : 12\nClass #0  -\n  Class descriptor  : 'Lhealth/curo/A;'\n  Superclass : 'Ljava/lang/Object;'\n";

    #[test]
    fn every_class_must_be_in_it() {
        let classes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let there = classes(&["META-INF/curo.kotlin_module", "health/curo/A.class"]);
        assert!(whole(TOLD, &there).unwrap().contains("1 classes, 12 methods"));
        whole(TOLD, &classes(&["health/curo/B.class"])).unwrap_err();
        whole(TOLD, &classes(&["java/lang/Object.class"])).unwrap_err();
    }

    #[test]
    fn more_methods_than_one_file_can_name_are_refused() {
        whole(&TOLD.replace("12", "65535"), &[]).unwrap();
        whole(&TOLD.replace("12", "65536"), &[]).unwrap_err();
        whole("Class descriptor  : 'LA;'", &[]).unwrap_err();
    }
}
