//! Making the external commit: the group as the relay has it, judged leaf by leaf, then durable before it is sent.

use curo_mls::{JoinView, MlsError, Refusal, Suite};
use curo_store::repo::account::Account;
use curo_store::repo::conversation::{self, ConversationRow};
use curo_store::repo::policy;
use curo_store::repo::rejoin::{self, MadeRejoin, RejoinRow};
use curo_types::api::GroupInfoAnswer;
use curo_types::format::{AuthenticatedData, CursorClaim};
use curo_types::{ErrorCode, UserId};
use rusqlite::Connection;

use super::on_ladder;
use crate::core::Core;
use crate::db::Tx;
use crate::directory::{self, Verdict, user_of};
use crate::error::Fault;
use crate::key_packages::signer;
use crate::sync::standing::check_tip;

/// Why the judge refused a group.
enum Refused {
    Fetch(Vec<UserId>),
    Code(ErrorCode),
    Fault(Box<Fault>),
}

impl Core {
    /// Makes the external commit of a conversation durable. [`Fault::Entry`]: it cannot be made.
    pub(super) async fn prepare_rejoin(&self, row: &ConversationRow, attempt: &RejoinRow) -> Result<(), Fault> {
        let me = self.account().await?;
        let answer = self.relay.group_info(row.id).await?;
        check_tip(&me, row.id, &answer.tip)?;
        if answer.tip.incarnation != answer.incarnation || answer.incarnation < row.incarnation {
            return Err(Fault::BadRelay("group of another incarnation"));
        }
        if answer.incarnation > row.incarnation {
            // The loser of the race for it waits for its Welcome (3.7), by which nothing is missed: it is in the inbox by now,
            // or none comes.
            self.pull().await?;
        }
        let (version, seq) = (answer.directory_version, answer.tip.seq);
        let mut asked = directory::Asked::default();
        loop {
            let (for_tx, for_row, now) = (me.clone(), attempt.clone(), answer.clone());
            let prepared = {
                let mut unsent = self.unsent_rejoins.lock().await;
                let prepared = self.db.write(move |tx| prepare_in(tx, &for_tx, for_row, now)).await;
                if prepared.is_ok() {
                    unsent.insert(attempt.intent);
                }
                prepared
            };
            match prepared {
                Err(Fault::NeedDirectory { users, version }) => {
                    asked.once_more(&users, version, seq)?;
                    directory::fetch_for(&self.db, &self.relay, users, version, seq).await?;
                }
                Ok(()) => {
                    crate::log::event!(Debug, "rejoin_prepared", conversation = row.id, version = version);
                    return Ok(());
                }
                Err(fault) => return Err(fault),
            }
        }
    }
}

fn prepare_in(tx: &mut Tx<'_>, me: &Account, attempt: RejoinRow, now: GroupInfoAnswer) -> Result<(), Fault> {
    let Some((row, _)) = on_ladder(tx.conn, attempt.conversation)? else {
        return Ok(());
    };
    let cannot = |code| Fault::Entry { seq: now.tip.seq, code };
    // It must not take another conversation's group from under it, and an incarnation has one group.
    let elsewhere = conversation::of_group(tx.conn, now.group)?.is_some_and(|id| id != row.id);
    let another = row.incarnation == now.incarnation && row.group.is_some_and(|group| group != now.group);
    if elsewhere || another {
        return Err(cannot(ErrorCode::REJOIN_NEEDED));
    }
    if !Suite(now.suite.0).is_supported() {
        return Err(cannot(ErrorCode::UPDATE_REQUIRED));
    }
    let signer = signer(me, now.suite).map_err(|fault| cannot(fault.code()))?;
    let cursor = (row.incarnation == now.incarnation && row.cursor_seq > 0).then_some(CursorClaim {
        seq: row.cursor_seq,
        h: row.cursor_h,
    });
    let aad = AuthenticatedData::commit(attempt.intent, now.directory_version, cursor).to_bytes();
    let conn = tx.conn;
    let mut judge = |view: &JoinView| judge(conn, me, &row, &now, view).map_err(Refusal::new);
    let (info, tree) = (now.group_info.as_slice(), now.tree.as_slice());
    let prepared = match tx
        .mls
        .prepare_external_commit(&tx.kv, &signer, info, tree, &aad, &mut judge)
    {
        Ok(prepared) => prepared,
        Err(MlsError::Refused(refusal)) => {
            return Err(match refusal.downcast::<Refused>() {
                Ok(Refused::Fetch(users)) => Fault::NeedDirectory {
                    users,
                    version: now.directory_version,
                },
                Ok(Refused::Code(code)) => cannot(code),
                Ok(Refused::Fault(fault)) => *fault,
                Err(_) => cannot(ErrorCode::REJOIN_NEEDED),
            });
        }
        Err(error @ MlsError::Storage(_)) => return Err(error.into()),
        Err(error) if error.of_later_version() => return Err(cannot(ErrorCode::UPDATE_REQUIRED)),
        Err(_) => return Err(cannot(ErrorCode::REJOIN_NEEDED)),
    };
    let made = MadeRejoin {
        incarnation: now.incarnation,
        group: now.group,
        suite: now.suite,
        commit: prepared.commit,
        group_info: prepared.group_info,
        state: prepared.state,
        counter: now.counter,
        tip_seq: now.tip.seq,
        kept_from: now.kept_from,
    };
    Ok(rejoin::put(
        tx.conn,
        &RejoinRow {
            made: Some(made),
            ..attempt
        },
    )?)
}

/// The group must be the announced one, every leaf's key published (rule 3.6), and a direct conversation between two.
fn judge(
    conn: &Connection,
    me: &Account,
    row: &ConversationRow,
    now: &GroupInfoAnswer,
    view: &JoinView,
) -> Result<(), Refused> {
    if view.group_id != now.group.0 || view.epoch != now.epoch + 1 {
        return Err(Refused::Code(ErrorCode::REJOIN_NEEDED));
    }
    match directory::judge(conn, &me.tenant, now.suite, &[], &view.leaves, now.directory_version) {
        Ok(Verdict::Good) => {}
        Ok(Verdict::Fetch(users)) => return Err(Refused::Fetch(users)),
        Ok(Verdict::Mismatch) => return Err(Refused::Code(ErrorCode::KEY_MISMATCH)),
        Ok(Verdict::Later) => return Err(Refused::Code(ErrorCode::UPDATE_REQUIRED)),
        Err(fault) => return Err(Refused::Fault(Box::new(fault))),
    }
    let mandatory = policy::ever_mandatory(conn).map_err(|error| Refused::Fault(Box::new(error.into())))?;
    let third = |user: &UserId| {
        let others = row.direct_with.is_some_and(|other| *user != other && *user != me.user);
        others && !mandatory.contains(user)
    };
    if view.leaves.iter().filter_map(user_of).any(|user| third(&user)) {
        return Err(Refused::Code(ErrorCode::NOT_DIRECT));
    }
    Ok(())
}
