//! Archives, by the `jar` program of the JDK: sorted, all of one time, so that the same files make the same bytes.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::run;

use super::{files, fresh, write};

/// The time of every entry: one that every format can hold. What a file system says would differ from machine to machine.
const TIME: &str = "1980-02-01T00:00:00Z";

/// Packs all files of a folder.
pub(super) fn pack(folder: &Path, archive: &Path) -> Result<(), Failure> {
    let names = files(folder)?;
    if names.is_empty() {
        return Err(Failure::Check(format!("nothing to pack in {}", folder.display())));
    }
    // Command lines have a limit.
    let list = archive.with_extension("list");
    let lines: Vec<_> = names.iter().map(|name| line(name)).collect();
    write(&list, lines.concat())?;
    let mut jar = Command::new("jar");
    jar.args(["--create", "--no-manifest", "--date", TIME, "--file"])
        .arg(archive)
        .arg(format!("@{}", list.display()))
        .current_dir(folder);
    run::output(&mut jar)?;
    std::fs::remove_file(&list).map_err(|source| Failure::io(&list, source))
}

/// How a file stands in a list for `jar`: no option, whatever its name begins with. Archives have it without the `./`.
fn line(name: &str) -> String {
    format!("\"./{name}\"\n")
}

/// Unpacks into an empty folder.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<(), Failure> {
    fresh(folder)?;
    let mut jar = Command::new("jar");
    jar.args(["--extract", "--file"]).arg(archive).current_dir(folder);
    run::output(&mut jar).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_option() {
        assert_eq!(line("-curo/a page.html"), "\"./-curo/a page.html\"\n");
    }
}
