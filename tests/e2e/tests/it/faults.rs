//! Networks that break, relays that die, tokens that expire, servers that answer nonsense. Nothing is lost, nothing
//! happens twice, and every error has its code.

mod lost;
mod nonsense;
mod silence;
mod tokens;

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix} {n:03}")).collect()
}
