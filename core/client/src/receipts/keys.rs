//! Keys of epochs: taken from the group while it is in the epoch, because past epochs are not kept (rule 2.8), and kept for
//! the last 64, because a slot may name any of them.

use curo_mls::MlsError;
use curo_store::repo::conversation::ConversationRow;
use curo_store::repo::receipt;
use curo_types::format::ReceiptPlace;
use zeroize::Zeroizing;

use super::seal::KEY_LEN;
use crate::db::Tx;
use crate::error::Fault;

/// The group has come into an epoch, which `row` names.
pub(crate) fn epoch_begins(tx: &mut Tx<'_>, row: &ConversationRow) -> Result<(), Fault> {
    current(tx, row).map(drop)
}

/// The key of the epoch that the group is in. `None` if the group cannot give it, which is somebody else's trouble.
pub(super) fn current(tx: &mut Tx<'_>, row: &ConversationRow) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    let at = (row.incarnation, row.epoch);
    if let Some(key) = receipt::key(tx.conn, row.id, at)? {
        return Ok(Some(key));
    }
    let Some(group) = row.group else { return Ok(None) };
    match tx.mls.epoch(&tx.kv, group.as_bytes()) {
        Ok(epoch) if epoch == row.epoch => {}
        Err(error @ MlsError::Storage(_)) if error.retryable() => return Err(error.into()),
        _ => return Ok(None),
    }
    let key = tx
        .mls
        .export_secret(&tx.kv, group.as_bytes(), ReceiptPlace::EXPORT_LABEL, &[], KEY_LEN);
    match key {
        Ok(key) => {
            receipt::keep_key(tx.conn, row.id, at, &key)?;
            Ok(Some(key))
        }
        Err(error) if error.retryable() => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// The key of this epoch or an earlier one, if it is still kept.
pub(super) fn of(
    tx: &mut Tx<'_>,
    row: &ConversationRow,
    (incarnation, epoch): (u64, u64),
) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    if (incarnation, epoch) == (row.incarnation, row.epoch) {
        return current(tx, row);
    }
    Ok(receipt::key(tx.conn, row.id, (incarnation, epoch))?)
}
