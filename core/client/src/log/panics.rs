//! What becomes of a panic's text: nothing. It can hold what people wrote, and the default hook prints it.

use std::collections::BTreeSet;
use std::sync::{Mutex, Once, PoisonError};

/// From now on a panic anywhere in this library leaves one record in the app's log ([`set_log_sink`](crate::set_log_sink)): `panic`,
/// with the source file and the line, and nothing of its text. Without this, Rust prints the text to standard error.
///
/// For programs in which this library is the only Rust code, such as apps that use the bindings; it replaces the hook of the
/// whole program. A second call does nothing.
///
/// ```
/// curo::redact_panics();
/// assert!(std::panic::catch_unwind(|| panic!("BP 118/76")).is_err()); // prints nothing
/// ```
pub fn redact_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            if let Some(place) = info.location() {
                let file = kept(place.file());
                crate::log::event!(Error, "panic", file = file, line = place.line());
            }
        }));
    });
}

/// The name of a source file for the rest of the program's life; each is kept once.
fn kept(file: &str) -> &'static str {
    static FILES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = files.get(file) {
        return known;
    }
    let new: &'static str = Box::leak(file.to_owned().into_boxed_str());
    files.insert(new);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_once() {
        let first = kept("core/client/src/a.rs");
        assert!(std::ptr::eq(first, kept(&String::from("core/client/src/a.rs"))));
        assert_ne!(first, kept("core/client/src/b.rs"));
    }
}
