//! What a person may send to support: how the client stands, as text without PHI.

use std::fmt::Write as _;

use curo_store::repo::receipt::own;
use curo_store::repo::{account, conversation, outbox};
use curo_types::{ConversationId, Digest, ErrorCode, IntentId};
use rusqlite::Connection;

use crate::client::Client;
use crate::core::now_ms;
use crate::error::Fault;
use crate::log::{LogValue, value};
use crate::recent::Noted;
use crate::state::ConnectionState;

/// Conversations that are listed; the rest is counted.
const LISTED: usize = 200;

impl Client {
    /// A text for support: versions, states, counts, the last error codes. One `name: value` a line, of use to people; its form
    /// may change.
    ///
    /// It holds nothing that people wrote, no names, addresses, tokens or keys, and no ids: conversations appear as hashes that are
    /// different in every export, so two exports cannot be joined. Works offline; while the store is locked, and after [`Client::close`], it
    /// says so and tells the rest.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) {
    /// let text = client.diagnostics().await; // show it, let the person decide to send it
    /// # let _ = text;
    /// # }
    /// ```
    pub async fn diagnostics(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: LogValue| {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{name}: {value}");
        };
        line("curo", LogValue::Name(env!("CARGO_PKG_VERSION")));
        line("os", LogValue::Name(std::env::consts::OS));
        line("arch", LogValue::Name(std::env::consts::ARCH));
        line("time_ms", value(&now_ms()));
        let connection = self.connection();
        line("connection", value(&connection.name()));
        if let ConnectionState::Waiting { code } | ConnectionState::Failed { code } = &connection {
            line("connection_code", value(code));
        }
        line("http", value(&self.core.relay.http_version()));
        line("relay_has_answered", value(&self.core.relay_has_answered()));
        line("revision", value(&self.revision()));
        line("locked", value(&self.is_locked()));
        // A salt of one export; it is not in it. Any random id will do.
        let salt = IntentId::random();
        match self.core.db.read(move |conn| stored(conn, salt)).await {
            Ok(stored) => text.push_str(&stored),
            Err(fault) => line("store", value(&fault.code())),
        }
        for Noted {
            time_ms,
            place,
            code,
            times,
        } in self.core.relay.recent.all()
        {
            let code = value(&code);
            let _ = writeln!(text, "error: {code} place={place} times={times} last_ms={time_ms}");
        }
        text
    }
}

fn stored(conn: &Connection, salt: IntentId) -> Result<String, Fault> {
    let mut text = String::new();
    let mut line = |name: &str, value: LogValue| {
        let _ = writeln!(text, "{name}: {value}");
    };
    let schema: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    line("store_version", value(&schema));
    if let Some(me) = account::get(conn)? {
        line("registered", value(&me.registered.is_some()));
        for key in &me.keys {
            line("suite", value(&key.suite.0));
        }
        line("directory_version", value(&me.directory_version));
        line("inbox_ack", value(&me.inbox_ack));
        line("has_sync_token", value(&me.sync_token.is_some()));
    } else {
        line("registered", value(&false));
    }
    let (waiting, failed) = outbox::counts(conn)?;
    line("outbox_waiting", value(&waiting));
    line("outbox_failed", value(&failed));
    line("receipts_waiting", value(&own::behind(conn)?.len()));
    let rows = conversation::list(conn)?;
    line("conversations", value(&rows.len()));
    for row in rows.iter().take(LISTED) {
        let members = conversation::members(conn, row.id)?
            .iter()
            .filter(|member| member.incarnation == row.incarnation && member.removed_seq.is_none())
            .count();
        let frozen = row.frozen_code.clone().map(ErrorCode::from);
        let frozen = frozen.as_ref().map_or(LogValue::Name("no"), value);
        let _ = writeln!(
            text,
            "conversation: {} state={} frozen={frozen} direct={} members={members} suite={} incarnation={} epoch={} \
             cursor={} joined={} sent={} discarded={} behind={}",
            hashed(row.id, salt),
            row.state.as_str(),
            row.direct_with.is_some(),
            row.suite.map_or(0, |suite| suite.0),
            row.incarnation,
            row.epoch,
            row.cursor_seq,
            row.joined_seq,
            row.sent_count,
            row.discarded,
            row.behind,
        );
    }
    Ok(text)
}

/// 64 bits tell the conversations of one export apart; without the salt nobody can look for a known id.
fn hashed(id: ConversationId, salt: IntentId) -> String {
    let both = [salt.0, id.0].concat();
    Digest::of(&both).to_string().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_has_another_name_in_every_export() {
        let (id, other) = (ConversationId([1; 16]), ConversationId([2; 16]));
        let (salt, next) = (IntentId([3; 16]), IntentId([4; 16]));
        assert_eq!(hashed(id, salt), hashed(id, salt));
        assert_ne!(hashed(id, salt), hashed(other, salt));
        assert_ne!(hashed(id, salt), hashed(id, next));
    }
}
