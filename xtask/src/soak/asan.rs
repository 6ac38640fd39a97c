//! The address sanitizer over what has unsafe code in reach: SQLCipher and OpenSSL, which are C, and the buffers that the generated
//! bindings pass across. Knows the crates, not their tests.

use super::nightly;
use crate::failure::Failure;
use crate::run;
use crate::workspace::Workspace;

/// The database as C sees it, the store above it, and the bindings.
const CRATES: [&str; 3] = ["curo-sqlite", "curo-store", "curo-ffi"];

/// The sanitizer comes with the compiler for these.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs the tests of these crates, Rust and C built with the sanitizer. The first error ends it, with both stacks.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    nightly::needed(false)?;
    let mut command = nightly::cargo(workspace, ["test", "--locked", "--lib", "--tests", "--target", TARGET]);
    for name in CRATES {
        command.args(["-p", name]);
    }
    command
        .args(["--target-dir", "target/asan"])
        .env("RUSTFLAGS", "-Zsanitizer=address")
        // The C code of SQLCipher, OpenSSL and ring; the compiler's own runtime is the one that is linked.
        .env(format!("CFLAGS_{}", TARGET.replace('-', "_")), "-fsanitize=address -fno-omit-frame-pointer -g1")
        .env("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1");
    run::run(&mut command)
}
