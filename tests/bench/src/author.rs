//! The author of what the platforms read. Obeys lines of input: `create USER…`, `write COUNT`, `live COUNT`. Each is answered
//! by a line when it is done.

use std::path::Path;
use std::time::Duration;

use curo::{Client, Conversation, IntentStatus, MessageId, UserId};
use serde_json::json;

use crate::{Outcome, app, say};

/// Between two live messages: more than twice the time between two snapshots, so that each has one of its own.
const PAUSE: Duration = Duration::from_millis(120);

pub(crate) async fn obey(folder: &Path) -> Outcome {
    let client = app::open(folder).await?;
    client.sign_in().await?;
    client.start().await?;
    say(&json!({ "ready": true }))?;
    let mut ward = None;
    // Blocks this thread alone: the client works on those of the runtime. To read otherwise needs features of tokio that the
    // library is built without, and with it all that depends on tokio would have to be compiled once more.
    for line in std::io::stdin().lines() {
        let line = line?;
        match (line.split_once(' '), &ward) {
            (Some(("create", users)), None) => {
                let users: Result<Vec<UserId>, _> = users.split(' ').map(str::parse).collect();
                ward = Some(create(&client, &users?).await?);
            }
            (Some(("write", count)), Some(ward)) => write(&client, ward, count.parse()?).await?,
            (Some(("live", count)), Some(ward)) => live(ward, count.parse()?).await?,
            _ => return Err(format!("what does `{line}` mean?").into()),
        }
        say(&json!({ "done": line.split(' ').next() }))?;
    }
    Ok(client.close().await?)
}

async fn create(client: &Client, users: &[UserId]) -> Outcome<Conversation> {
    let (ward, created) = client.create_conversation(users).await?;
    loop {
        let seen = client.revision();
        match ward.intent(created).await? {
            IntentStatus::Done => return Ok(ward),
            IntentStatus::Pending => client.next_revision(seen).await,
            IntentStatus::Failed { code, .. } => return Err(code.as_str().into()),
            _ => return Err("a state that this program does not know".into()),
        };
    }
}

/// Writes so many messages, and waits until the relay has all.
async fn write(client: &Client, ward: &Conversation, count: usize) -> Outcome {
    for number in 1..=count {
        let text = crate::phases::written(number);
        ward.send_text(text.into(), MessageId::random()).await?;
    }
    let outbox = client.observe_outbox();
    let mut seen = 0;
    loop {
        let snapshot = outbox.next(seen).await?;
        match (snapshot.state.waiting, snapshot.state.failed) {
            (_, 1..) => return Err("a message could not be sent".into()),
            (0, _) if client.unsent().await?.waiting == 0 => return Ok(()),
            _ => seen = snapshot.revision,
        }
    }
}

async fn live(ward: &Conversation, count: usize) -> Outcome {
    for _ in 0..count {
        tokio::time::sleep(PAUSE).await;
        ward.send_text(crate::phases::LIVE.into(), MessageId::random()).await?;
    }
    Ok(())
}
