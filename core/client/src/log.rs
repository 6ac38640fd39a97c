//! Logging that cannot leak: only values of [`LogSafe`] types get into an event, and there is one way to make one.
//!
//! [`event!`] writes to `tracing` (target `curo`), for those who build with it, and to the app's [`LogSink`]. New
//! code calls nothing else; a test looks.

mod panics;
mod safe;
mod sink;

pub use panics::redact_panics;
pub use safe::{LogSafe, LogValue};
pub use sink::{LogBatch, LogLevel, LogRecord, LogSink, clear_log_sink, set_log_sink};

pub(crate) use safe::value;
pub(crate) use sink::{push, wanted};

/// `event!(Warn, "news_refused", conversation = id, reason = "tip")`: a level, a code, and fields of [`LogSafe`] types.
macro_rules! log_event {
    ($level:ident, $code:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        ::tracing::event!(
            target: "curo",
            $crate::log::log_event!(@tracing $level),
            $($name = ::tracing::field::display($crate::log::value(&$value)),)*
            $code
        );
        if $crate::log::wanted($crate::log::LogLevel::$level) {
            $crate::log::push(
                $crate::log::LogLevel::$level,
                $code,
                ::std::vec![$((stringify!($name), $crate::log::value(&$value))),*],
            );
        }
    }};
    (@tracing Error) => { ::tracing::Level::ERROR };
    (@tracing Warn) => { ::tracing::Level::WARN };
    (@tracing Info) => { ::tracing::Level::INFO };
    (@tracing Debug) => { ::tracing::Level::DEBUG };
}
pub(crate) use log_event;
pub(crate) use log_event as event;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use std::path::Path;

    #[test]
    fn nothing_but_the_macro_calls_tracing() {
        fn look(dir: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    look(&path, found);
                } else if !path.ends_with("src/log.rs") {
                    let code = std::fs::read_to_string(&path).unwrap();
                    let calls = code.lines().filter(|line| line.contains("tracing::"));
                    found.extend(calls.map(|line| format!("{}: {line}", path.display())));
                }
            }
        }
        let mut found = Vec::new();
        look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.is_empty(), "{found:#?}");
    }
}
