//! Messages: appended in order, up to the first that is refused (3.1, 3.3).

use curo_sqlite::DbError;
use curo_sqlite::rusqlite::Connection;
use curo_types::api::Accepted;
use curo_types::format::{EntryHeader, EntryKind};
use curo_types::{DeviceId, Digest, TenantId};

use super::commits::move_tip;
use super::conversations::{self, Place, Standing};
use super::sql::{Stop, U, one, run};
use super::tenants;
use super::{leaving, log, quotas, retention};
use crate::storage::{AppendMessages, AppendOutcome, DeviceRef, Missing, NewMessage, Refusal};

/// One batch under way.
struct Appender<'a> {
    conn: &'a Connection,
    place: Place<'a>,
    caller: DeviceRef,
    now_ms: u64,
    /// Known from the first message on that was not sent before; `last_seq` and `last_h` move on with each one.
    state: Option<State>,
    /// Messages accepted now.
    fresh: u64,
}

#[derive(Clone, Copy)]
struct State {
    standing: Standing,
    counter: u64,
    /// Bytes that the tenant may store still.
    room: Option<u64>,
}

/// Appends the prefix that the rules allow.
pub(super) fn append(
    conn: &Connection,
    tenant: &TenantId,
    caller: DeviceRef,
    batch: &AppendMessages,
    now_ms: u64,
) -> Result<AppendOutcome, DbError> {
    let place = Place {
        tenant,
        conversation: batch.conversation,
        incarnation: batch.incarnation,
    };
    let mut appender = Appender {
        conn,
        place,
        caller,
        now_ms,
        state: None,
        fresh: 0,
    };
    let (mut accepted, mut refused) = (Vec::with_capacity(batch.messages.len()), None);
    for message in &batch.messages {
        match appender.one(message) {
            Ok(one) => accepted.push(one),
            Err(Stop::Refused(refusal)) => {
                // What was missed is told only where it is the whole answer.
                refused = Some(if accepted.is_empty() {
                    appender.explain(*refusal, message)?
                } else {
                    *refusal
                });
                break;
            }
            Err(Stop::Db(error)) => return Err(error),
        }
    }
    let wake = appender.finish()?;
    let tip = if accepted.is_empty() {
        None
    } else {
        Some(conversations::visible_tip(conn, place, caller.device)?)
    };
    Ok(AppendOutcome {
        accepted,
        tip,
        refused,
        wake,
    })
}

impl Appender<'_> {
    /// Accepts one message, or refuses it before anything is written.
    fn one(&mut self, message: &NewMessage) -> Result<Accepted, Stop<Refusal>> {
        let (conn, place, sender) = (self.conn, self.place, self.caller.device);
        let body_hash = Digest::of(&message.body);
        if let Some(known) = conversations::known_intent(conn, place, sender, message.intent, body_hash)? {
            return Ok(known);
        }
        let mut state = match self.state {
            Some(state) => state,
            None => self.start()?,
        };
        self.state = Some(state);
        let group = state.standing.group;
        if message.group != group.group {
            return Err(Stop::refused(Refusal::Rule("group")));
        }
        conversations::check_cursor(conn, place, message.cursor)?;
        if message.epoch > group.epoch {
            return Err(Stop::refused(Refusal::Rule("epoch_ahead")));
        }
        let nothing = || Missing {
            entries: Vec::new(),
            tip: conversations::tip(place, group.last_seq, group.last_h),
        };
        if message.epoch < group.epoch {
            return Err(Stop::refused(Refusal::StaleEpoch(nothing())));
        }
        if message.counter != state.counter + 1 {
            return Err(Stop::refused(Refusal::StaleCounter {
                last: state.counter,
                missing: nothing(),
            }));
        }
        let bytes = u64::try_from(message.body.len()).unwrap_or(u64::MAX);
        if let Some(room) = &mut state.room {
            let Some(left) = room.checked_sub(bytes) else {
                return Err(Stop::refused(Refusal::Quota("stored_bytes")));
            };
            *room = left;
        }
        let (tenant, conversation, incarnation) = place.key();
        let U(seq) = one(
            conn,
            "UPDATE incarnation SET last_seq = last_seq + 1
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 RETURNING last_seq",
            (tenant, conversation, incarnation),
            |row| row.get(0),
        )?;
        let position = tenants::take_positions(conn, place.tenant, 1)?;
        let header = EntryHeader {
            tenant: place.tenant,
            conversation: place.conversation,
            incarnation: place.incarnation,
            seq,
            h_prev: group.last_h,
            kind: EntryKind::Message,
            epoch: message.epoch,
            sender,
            intent: message.intent,
            directory_version: None,
            body_hash,
            time_ms: self.now_ms,
        };
        let h = log::append(conn, &header, position, &message.body)?;
        move_tip(conn, place, h, position)?;
        if group.keeps_none {
            retention::keeps_again(conn, place, self.now_ms)?;
            state.standing.group.keeps_none = false;
        }
        state.counter += 1;
        state.standing.group.last_seq = seq;
        state.standing.group.last_h = h;
        self.state = Some(state);
        self.fresh += 1;
        Ok(Accepted {
            intent: message.intent,
            seq,
            h,
            time_ms: self.now_ms,
            directory_version: None,
            duplicate: false,
        })
    }

    fn start(&self) -> Result<State, Stop<Refusal>> {
        let standing = conversations::standing(self.conn, self.place, self.caller)?;
        leaving::require_none_but(self.conn, self.place, &[])?;
        let (tenant, conversation, incarnation) = self.place.key();
        let U(counter) = one(
            self.conn,
            "SELECT counter FROM participant
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
            (tenant, conversation, incarnation, self.caller.device.0),
            |row| row.get(0),
        )?;
        let room = quotas::room(self.conn, self.place.tenant)?;
        Ok(State {
            standing,
            counter,
            room,
        })
    }

    /// Adds what the sender has missed.
    fn explain(&self, refusal: Refusal, message: &NewMessage) -> Result<Refusal, DbError> {
        let Some(State { standing, .. }) = self.state else {
            return Ok(refusal);
        };
        let missing = || conversations::missing(self.conn, self.place, standing, message.cursor);
        Ok(match refusal {
            Refusal::StaleEpoch(_) => Refusal::StaleEpoch(missing()?),
            Refusal::StaleCounter { last, .. } => Refusal::StaleCounter {
                last,
                missing: missing()?,
            },
            other => other,
        })
    }

    /// Stores the counter; who has news now.
    fn finish(&self) -> Result<Vec<DeviceId>, DbError> {
        if self.fresh == 0 {
            return Ok(Vec::new());
        }
        let (tenant, conversation, incarnation) = self.place.key();
        run(
            self.conn,
            "UPDATE participant SET counter = counter + ?5
             WHERE tenant = ?1 AND conversation = ?2 AND incarnation = ?3 AND device = ?4",
            (tenant, conversation, incarnation, self.caller.device.0, U(self.fresh)),
        )?;
        conversations::leaves(self.conn, self.place)
    }
}
