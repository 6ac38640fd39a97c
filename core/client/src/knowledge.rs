//! What an earlier build kept because it did not understand it, read once more by this one.
//!
//! Nothing that a later version sends is lost or passed over in silence: contents are shown as unsupported with their bytes, a
//! conversation that cannot be judged is frozen with `update_required` before the entry, inbox items of unknown kinds are kept.
//! When another build opens the store, all of it is read as if it had just come. A kill on the way only means doing it again.

use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationState};
use curo_store::repo::item::Deleted;
use curo_store::repo::knowledge::{self, LaterItem};
use curo_store::repo::{account, rejoin};
use curo_types::ErrorCode;
use curo_types::api::InboxRecord;
use curo_types::format::Content;
use rusqlite::Connection;

use crate::core::Core;
use crate::db::Db;
use crate::error::Fault;
use crate::fold::Folding;
use crate::suites;

/// Messages that one transaction reads again.
const BATCH: usize = 128;
/// Bytes of an unknown inbox item that are kept; what is larger is of no use to anybody.
const INBOX_ITEM_BYTES: usize = 64 * 1024;

/// What tells this build from others that may understand more or less.
fn this_build() -> String {
    format!("{}/{}", env!("CARGO_PKG_VERSION"), suites::supported())
}

/// Reads everything once more, if another build had read it. Does not touch the network.
pub(crate) async fn read_again(db: &Db) -> Result<(), Fault> {
    let build = this_build();
    let (known, me) = db
        .read(|conn| Ok((knowledge::build(conn)?, account::get(conn)?)))
        .await?;
    if known.as_deref() == Some(build.as_str()) {
        return Ok(());
    }
    if let Some(me) = me {
        let mut after = Some(0);
        while let Some(from) = after {
            let me = me.clone();
            after = db.write(move |tx| batch(tx.conn, &me, from)).await?;
        }
    }
    db.write(move |tx| {
        thaw(tx.conn)?;
        Ok(knowledge::set_build(tx.conn, &build)?)
    })
    .await
}

/// One batch of messages; the last row that was read, if there may be more.
fn batch(conn: &Connection, me: &Account, after: u64) -> Result<Option<u64>, Fault> {
    let rows = knowledge::items(conn, after, BATCH)?;
    let more = rows.len() == BATCH;
    let last = rows.last().map(|row| row.id);
    for row in rows {
        again(conn, me, row)?;
    }
    Ok(last.filter(|_| more))
}

fn again(conn: &Connection, me: &Account, row: LaterItem) -> Result<(), Fault> {
    let LaterItem { id, conversation, item } = row;
    let content = item
        .content
        .as_deref()
        .and_then(|bytes| Content::from_bytes(bytes).ok());
    match content {
        // Deleted: nothing of it is left to be read.
        Some(content) if item.fold.deleted != Deleted::Yes && content.message == item.message => {
            Folding::new(conn, me, conversation).understood(id, item, &content)
        }
        _ => Ok(()),
    }
}

/// Conversations that were frozen before something of a later version go on from there.
fn thaw(conn: &Connection) -> Result<(), Fault> {
    for id in rejoin::frozen_with(conn, ErrorCode::UPDATE_REQUIRED.as_str())? {
        let Some(mut row) = conversation::get(conn, id)? else {
            continue;
        };
        if row.group.is_some() && row.cursor_seq > 0 {
            row.state = ConversationState::Active;
            row.frozen_code = None;
            row.behind = true;
        } else {
            // A Welcome that could not be used is gone: the way in is from outside.
            row.frozen_code = Some(ErrorCode::REJOIN_NEEDED.as_str().to_owned());
        }
        conversation::put(conn, &row)?;
    }
    Ok(())
}

/// Keeps an inbox item of a kind that this build does not know, in the transaction that acknowledges it.
pub(crate) fn keep_inbox(conn: &Connection, index: u64, later: Option<&[u8]>) -> Result<(), Fault> {
    match later.filter(|bytes| bytes.len() <= INBOX_ITEM_BYTES) {
        Some(bytes) => Ok(knowledge::keep_inbox(conn, index, bytes)?),
        None => Ok(()),
    }
}

impl Core {
    /// Deals with inbox items that an earlier build did not know.
    pub(crate) async fn take_later_inbox(&self) -> Result<(), Fault> {
        for (index, item) in self.db.read(|conn| Ok(knowledge::inbox(conn)?)).await? {
            let Some(record) = InboxRecord::again(index, &item) else {
                continue;
            };
            self.take_inbox(record).await?;
            self.db
                .write(move |tx| Ok(knowledge::forget_inbox(tx.conn, index)?))
                .await?;
        }
        Ok(())
    }
}
