//! To which crate a function belongs, by its name.

/// The crates that come with the compiler, those inside of `std` included.
const STANDARD: &[&str] = &[
    "addr2line",
    "alloc",
    "backtrace",
    "compiler_builtins",
    "core",
    "gimli",
    "hashbrown_std",
    "miniz_oxide_std",
    "object",
    "panic_unwind",
    "proc_macro",
    "rustc_demangle",
    "rustc_std_workspace_core",
    "std",
    "std_detect",
    "unwind",
];
pub(super) const STD: &str = "std, with core and alloc";

/// The crate of a Rust function: that of the type whose function it is, of the trait where the type is no crate's own, and of
/// what is dropped. Generic code counts for the crate that wrote it, whoever uses it. None for what is no Rust.
pub(super) fn of(symbol: &str) -> Option<String> {
    let name = format!("{:#}", rustc_demangle::try_demangle(symbol).ok()?);
    let name = name
        .split_once("drop_in_place<")
        .map_or(name.as_str(), |(_, dropped)| dropped);
    let found = krate(name).or_else(|| krate(name.split_once(" as ")?.1));
    let found = found.unwrap_or("core");
    Some(if STANDARD.contains(&found) {
        STD.to_owned()
    } else {
        found.to_owned()
    })
}

/// The crate that a path begins with, whatever stands around it. None for what is no crate's: `[T]`, `u32`, `(A, B)`.
fn krate(name: &str) -> Option<&str> {
    let name = name.trim_start_matches(['<', '&', '*', '[', '(', ' ']);
    let name = ["mut ", "const ", "dyn "]
        .iter()
        .find_map(|word| name.strip_prefix(word))
        .map_or(name, |rest| rest.trim_start_matches(['<', '&', '*', '[', '(', ' ']));
    let (first, rest) = name.split_at(name.find(|sign: char| !sign.is_alphanumeric() && sign != '_')?);
    // A crate's own index stands behind it in the newer form of names.
    let rest = match rest.strip_prefix('[') {
        Some(index) => index.split_once(']')?.1,
        None => rest,
    };
    let is_name = first.starts_with(|sign: char| sign.is_lowercase() || sign == '_');
    (is_name && rest.starts_with("::")).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_belong_to_the_crate_that_wrote_them() {
        for (name, owner) in [
            ("curo::sync::run::sync::{{closure}}", Some("curo")),
            ("<curo_mls::Engine as core::fmt::Debug>::fmt", Some("curo_mls")),
            ("<alloc::vec::Vec<T> as core::clone::Clone>::clone", Some("alloc")),
            ("<&mut tokio::net::Tcp as core::fmt::Debug>::fmt", Some("tokio")),
            ("<tokio[1f2e]::runtime::Handle>::spawn", Some("tokio")),
            ("<T as serde::Serialize>::serialize", None),
            ("<[u8] as serde::Serialize>::serialize", None),
            ("<(A,B) as serde::Serialize>::serialize", None),
            ("memcpy", None),
            ("", None),
        ] {
            assert_eq!(krate(name), owner, "{name}");
        }
    }

    #[test]
    fn names_are_read_as_the_compiler_writes_them() {
        let owner = |symbol| of(symbol);
        let own = |name: &str| Some(name.to_owned());
        assert_eq!(owner("_ZN4curo4sync3run17h0123456789abcdefE"), own("curo"));
        assert_eq!(owner("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), own(STD));
        // `core::ptr::drop_in_place<curo::Client>`
        let dropped = "_ZN4core3ptr33drop_in_place$LT$curo..Client$GT$17h0123456789abcdefE";
        assert_eq!(owner(dropped), own("curo"));
        // `<T as serde::ser::Serialize>::serialize`
        let of_trait = "_ZN43_$LT$T$u20$as$u20$serde..ser..Serialize$GT$9serialize17h0123456789abcdefE";
        assert_eq!(owner(of_trait), own("serde"));
        assert_eq!(owner("sqlite3_step"), None);
    }
}
