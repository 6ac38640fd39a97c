//! The list of a library's resources (`R.txt`), from which an app's build makes the ids by which code names them.

use crate::failure::Failure;

/// The list for these files, named by their paths below `res`. Ids are the app's to give: here they are 0.
pub(super) fn list(resources: &[String]) -> Result<String, Failure> {
    let mut lines = Vec::new();
    for path in resources {
        let parts = path.split_once('/').and_then(|(folder, file)| {
            let kind = folder.split('-').next()?;
            let (name, _) = file.split_once('.')?;
            // What lies in `values` has its names inside.
            (kind != "values").then(|| format!("int {kind} {name} 0x0\n"))
        });
        lines.push(parts.ok_or_else(|| Failure::malformed(path.as_str(), "not a resource that is named by its file"))?);
    }
    lines.sort();
    lines.dedup();
    Ok(lines.concat())
}

/// Kinds and names in such a list, whatever their ids.
pub(super) fn names(list: &str) -> Vec<(String, String)> {
    let mut names: Vec<_> = list
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect();
    names.sort();
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_listed_once_whatever_the_device() {
        let paths = ["xml/rules.xml", "drawable/dot.png", "drawable-hdpi/dot.png"].map(str::to_owned);
        let listed = list(&paths).unwrap();
        assert_eq!(listed, "int drawable dot 0x0\nint xml rules 0x0\n");
        let given = "int xml rules 0x7f010000\nint drawable dot 0x7f020000\n";
        assert_eq!(names(&listed), names(given));
        assert_ne!(names(&listed), names("int xml rules 0x7f010000\n"));
    }

    #[test]
    fn what_is_not_named_by_its_file_is_refused() {
        for path in ["values/strings.xml", "xml", "xml/rules"] {
            list(&[path.to_owned()]).unwrap_err();
        }
    }
}
