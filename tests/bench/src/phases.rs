//! The measurements. Those in Kotlin and Swift are the same, step for step: whoever changes one changes all three.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use curo::{Client, ConnectionState, Conversation, Timeline, TimelineOptions};
use serde_json::json;

use crate::{Outcome, app, say};

/// What a live message says.
pub(crate) const LIVE: &str = "live";
/// Calls that one figure of a call is the mean of: a single one is shorter than clocks can tell.
const BATCH: usize = 100;
/// Calls before those that count, for each that counts: a virtual machine compiles what is called often.
const WARM: usize = 2;
/// Live messages before those that count; they come one by one and take their time.
const FIRST: usize = 5;
/// The longest text that there is: 1 MiB but for 1 KiB.
const LONGEST: usize = 1024 * 1024 - 1024;

/// What the message with this number says.
pub(crate) fn written(number: usize) -> String {
    format!("note number {number} of a long stay")
}

/// Makes a device: its user's id.
pub(crate) async fn sign_in(folder: &Path) -> Outcome {
    let client = app::open(folder).await?;
    let account = client.sign_in().await?;
    client.close().await?;
    say(&json!({ "user": account.user.to_string() }))
}

/// From the program's first line to the first snapshot of a conversation, without the network.
pub(crate) async fn start_up(folder: &Path, begun: Instant) -> Outcome {
    let client = app::open(folder).await?;
    let ward = app::conversation(&client).await?;
    let timeline = ward.timeline(TimelineOptions::default())?;
    let shown = timeline.next(0).await?;
    report("start_up", &[begun.elapsed()])?;
    if shown.state.items.is_empty() {
        return Err("nothing to show".into());
    }
    Ok(client.close().await?)
}

/// From the start to the last of so many messages in a conversation that this device has yet to join.
pub(crate) async fn catch_up(folder: &Path, count: usize) -> Outcome {
    let client = app::open(folder).await?;
    let last = written(count);
    let begun = Instant::now();
    client.start().await?;
    let ward = app::conversation(&client).await?;
    let timeline = app::newest(&ward, 50)?;
    let mut seen = 0;
    loop {
        let snapshot = timeline.next(seen).await?;
        if snapshot.state.items.iter().any(|item| app::text(item) == Some(&last)) {
            break;
        }
        seen = snapshot.revision;
    }
    report("catch_up", &[begun.elapsed()])?;
    Ok(client.close().await?)
}

/// Everything that needs a client that runs: `count` figures of each call.
pub(crate) async fn calls(folder: &Path, count: usize) -> Outcome {
    let client = app::open(folder).await?;
    client.start().await?;
    let ward = app::conversation(&client).await?;
    live_end(&client).await;
    no_op(&client, count).await?;
    snapshots("snapshot_50", &app::newest(&ward, 50)?, count, 50).await?;
    snapshots("snapshot_300", &app::newest(&ward, 300)?, count, 300).await?;
    texts(&ward, count).await?;
    arrivals(&ward, count).await?;
    Ok(client.close().await?)
}

async fn live_end(client: &Client) {
    let mut state = client.connection();
    while state != ConnectionState::Live {
        state = client.next_connection(&state).await;
    }
}

/// A client that is started already: nothing is done but the call.
async fn no_op(client: &Client, count: usize) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..count * (WARM + 1) {
        let begun = Instant::now();
        for _ in 0..BATCH {
            client.start().await?;
        }
        times.push(begun.elapsed() / u32::try_from(BATCH)?);
    }
    report("no_op_call", times.split_off(count * WARM).as_slice())
}

/// The newest snapshot of an open timeline, asked for anew.
async fn snapshots(name: &str, timeline: &Timeline, count: usize, items: usize) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..count * (WARM + 1) {
        let begun = Instant::now();
        let snapshot = timeline.next(0).await?;
        times.push(begun.elapsed());
        if snapshot.state.items.len() != items {
            return Err(format!("{} items", snapshot.state.items.len()).into());
        }
    }
    report(name, times.split_off(count * WARM).as_slice())
}

/// The longest text as a draft: into the library, and out of it again.
async fn texts(ward: &Conversation, count: usize) -> Outcome {
    let text = "x".repeat(LONGEST);
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for _ in 0..count * (WARM + 1) {
        let given = text.as_str().into();
        let begun = Instant::now();
        ward.set_draft(given).await?;
        there.push(begun.elapsed());
        let begun = Instant::now();
        let draft = ward.draft().await?.ok_or("no draft")?;
        back.push(begun.elapsed());
        if draft.text.as_str().len() != LONGEST {
            return Err("another draft".into());
        }
    }
    ward.set_draft("".into()).await?;
    report("text_in", there.split_off(count * WARM).as_slice())?;
    report("text_out", back.split_off(count * WARM).as_slice())
}

/// From the relay's accept of a message, by the time that it gave it, to the snapshot with it.
async fn arrivals(ward: &Conversation, count: usize) -> Outcome {
    let timeline = app::newest(ward, 50)?;
    let (mut known, mut times) = (HashSet::new(), Vec::new());
    let mut seen = 0;
    while times.len() < FIRST + count {
        let snapshot = timeline.next(seen).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        for item in &snapshot.state.items {
            if app::text(item) == Some(LIVE) && known.insert(item.key) && seen != 0 {
                let accepted = Duration::from_millis(item.item.accepted_ms.ok_or("not accepted")?);
                times.push(now.saturating_sub(accepted));
            }
        }
        if seen == 0 {
            say(&json!({ "want": FIRST + count }))?;
        }
        seen = snapshot.revision;
    }
    report("accept_to_visible", times.split_off(FIRST).as_slice())
}

fn report(name: &str, times: &[Duration]) -> Outcome {
    let ns: Vec<_> = times
        .iter()
        .map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
        .collect();
    say(&json!({ "name": name, "ns": ns }))
}
