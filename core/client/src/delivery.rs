//! How far own messages have come (rule 8.2): counted for a whole page or window with one look at the store.
//!
//! Stands above the rows of members and leaves; pages, timelines and lists ask it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use curo_store::repo::conversation::{self, MemberRow};
use curo_store::repo::item::{ItemKind, ItemRow, Place};
use curo_store::repo::leaf::{self, LeafRow};
use curo_store::repo::outbox::{self, IntentState};
use curo_types::{ConversationId, UserId};
use rusqlite::Connection;

use crate::error::Fault;
use crate::pages::failure;
use crate::timeline::DeliveryState;

/// What one look at a conversation found. Of one transaction: what changes later it does not know.
pub(crate) struct Deliveries {
    id: ConversationId,
    own: UserId,
    members: Option<Vec<MemberRow>>,
    leaves: HashMap<u64, HashMap<UserId, Vec<LeafRow>>>,
}

impl Deliveries {
    /// Nothing is read before somebody asks.
    pub(crate) fn new(id: ConversationId, own: UserId) -> Self {
        Self {
            id,
            own,
            members: None,
            leaves: HashMap::new(),
        }
    }

    /// The conversation that it is about.
    pub(crate) const fn conversation(&self) -> ConversationId {
        self.id
    }

    /// Delivery of a message of this user's, sent from whatever device; `None` for anything else.
    pub(crate) fn of(&mut self, conn: &Connection, row: &ItemRow) -> Result<Option<DeliveryState>, Fault> {
        if row.kind != ItemKind::Message || row.sender_user != Some(self.own) {
            return Ok(None);
        }
        Ok(Some(match row.place {
            Place::Log { incarnation, seq } => self.at(conn, incarnation, seq)?,
            Place::Unsent(_) => match outbox::get(conn, row.message.into())? {
                Some(sent) if sent.state == IntentState::Failed => DeliveryState::failed(failure(&sent)),
                Some(sent) if sent.state == IntentState::Accepted => DeliveryState::Sent,
                _ => DeliveryState::Queued,
            },
        }))
    }

    /// Delivery of a message of this user's that stands in the log.
    pub(crate) fn at(&mut self, conn: &Connection, incarnation: u64, seq: u64) -> Result<DeliveryState, Fault> {
        let people = self.people(conn, (incarnation, seq), self.own)?;
        let leaves = self.leaves(conn, incarnation)?;
        let delivered = |user: &&UserId| leaves.get(user).is_some_and(|all| all.iter().any(|leaf| leaf.has(seq)));
        Ok(match (count(people.iter().filter(delivered)), count(people.iter())) {
            (0, _) => DeliveryState::Sent,
            (by, of) => DeliveryState::Delivered { by, of },
        })
    }

    /// Who was on the roster at an entry, its author excepted.
    fn people(
        &mut self,
        conn: &Connection,
        (incarnation, seq): (u64, u64),
        author: UserId,
    ) -> Result<BTreeSet<UserId>, Fault> {
        let members = match &mut self.members {
            Some(members) => members,
            members => members.insert(conversation::members(conn, self.id)?),
        };
        let there = |member: &&MemberRow| {
            member.incarnation == incarnation
                && member.user != author
                && member.joined_seq < seq
                && member.removed_seq.is_none_or(|removed| removed > seq)
        };
        Ok(members.iter().filter(there).map(|member| member.user).collect())
    }

    fn leaves(&mut self, conn: &Connection, incarnation: u64) -> Result<&HashMap<UserId, Vec<LeafRow>>, Fault> {
        Ok(match self.leaves.entry(incarnation) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let mut by_user: HashMap<_, Vec<_>> = HashMap::new();
                for row in leaf::all(conn, self.id, incarnation)? {
                    by_user.entry(row.user).or_default().push(row);
                }
                free.insert(by_user)
            }
        })
    }
}

fn count(people: impl Iterator) -> u32 {
    u32::try_from(people.count()).unwrap_or(u32::MAX)
}
