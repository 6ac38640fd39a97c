//! A relay for tests that are not written in Rust: `cargo run -p curo-kit --example loopback`.
//!
//! The first line of its output is `relay URL CA`, the authority's certificate (DER) in hexadecimal digits. For each line of input, a
//! person's subject, it answers with a line: an access token for them. It ends with its input.
#![allow(clippy::print_stdout, reason = "this is how it speaks")]

use std::io::BufRead;
use std::sync::Arc;

use curo_kit::{TestRelay, Tokens};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relay = TestRelay::start().await?;
    let authority: String = relay.ca().root_der().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("relay {} {authority}", relay.url());
    let (issuer, tenant) = (Arc::clone(relay.issuer()), relay.tenant().clone());
    tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        for subject in std::io::stdin().lock().lines() {
            println!("{}", Tokens::new(Arc::clone(&issuer), tenant.clone(), subject?).good());
        }
        Ok(())
    })
    .await??;
    Ok(())
}
