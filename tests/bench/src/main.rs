//! What calls cost an app in Rust. `cargo xtask bench ffi` starts it, and its likes in Kotlin (`android/bench`) and Swift
//! (`ios/driver/Sources/Bench`): the same steps under the same names through each platform's public API. `docs/benchmarks.md`
//! says what each figure is. This one also is the author of what all three read.
//!
//! `curo-bench PHASE FOLDER [COUNT]`: the folder is an app's, with the files `relay`, `ca.der` and `token`.

#![allow(clippy::print_stdout, reason = "this is how it speaks")]

mod app;
mod author;
mod phases;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

/// Whatever goes wrong ends the program: a bench that cannot measure has no figures.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let begun = Instant::now();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [phase, folder, more @ ..] = arguments.as_slice() else {
        return Err("usage: curo-bench PHASE FOLDER [COUNT]".into());
    };
    let folder = Path::new(folder);
    let count = || -> Outcome<usize> { Ok(more.first().ok_or("COUNT is missing")?.parse()?) };
    // As many workers as the bindings start.
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match phase.as_str() {
            "sign-in" => phases::sign_in(folder).await,
            "start-up" => phases::start_up(folder, begun).await,
            "catch-up" => phases::catch_up(folder, count()?).await,
            "calls" => phases::calls(folder, count()?).await,
            "author" => author::obey(folder).await,
            _ => Err("no such phase".into()),
        }
    })
}

/// Tells the caller something, as one line.
pub(crate) fn say(value: &Value) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}
