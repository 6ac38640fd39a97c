//! How far messages have come (rules 8.2, 8.3): counted for a whole page or window with one look at the store.
//!
//! Stands above the rows of members, leaves and watermarks; pages, timelines and lists ask it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use curo_store::repo::conversation;
use curo_store::repo::item::{ItemKind, ItemRow, Place};
use curo_store::repo::leaf::{self, LeafRow};
use curo_store::repo::outbox::{self, IntentState};
use curo_store::repo::receipt::{self, Watermark};
use curo_types::{ConversationId, UserId};
use rusqlite::Connection;

use crate::error::Fault;
use crate::pages::failure;
use crate::receipts::PersonReceipt;
use crate::timeline::DeliveryState;

/// What one look at a conversation found. Of one transaction: what changes later it does not know.
pub(crate) struct Deliveries {
    id: ConversationId,
    own: UserId,
    of: HashMap<u64, Vec<Person>>,
}

/// A person in one incarnation.
struct Person {
    user: UserId,
    /// When they were on the roster: after the first entry, before the second.
    there: Vec<(u64, Option<u64>)>,
    /// Their devices' stays, and how far each says that they have read.
    leaves: Vec<(LeafRow, Option<Watermark>)>,
}

impl Person {
    fn was_there(&self, seq: u64) -> bool {
        let within = |(from, to): &(u64, Option<u64>)| *from < seq && to.is_none_or(|to| seq < to);
        self.there.iter().any(within)
    }

    /// How the entry stands with a person who was there: a watermark counts for what the device has.
    fn receipt(&self, (incarnation, seq): (u64, u64)) -> PersonReceipt {
        let mut receipt = PersonReceipt {
            user: self.user,
            delivered: false,
            read: false,
            read_by_ms: None,
        };
        for (_, mark) in self.leaves.iter().filter(|(leaf, _)| leaf.has(seq)) {
            receipt.delivered = true;
            if let Some(mark) = mark.filter(|mark| (mark.incarnation, mark.seq) >= (incarnation, seq)) {
                receipt.read = true;
                let earlier = receipt.read_by_ms.map_or(mark.read_ms, |known| known.min(mark.read_ms));
                receipt.read_by_ms = Some(earlier);
            }
        }
        receipt
    }
}

impl Deliveries {
    /// Nothing is read before somebody asks.
    pub(crate) fn new(id: ConversationId, own: UserId) -> Self {
        Self {
            id,
            own,
            of: HashMap::new(),
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
            Place::Log { incarnation, seq } => self.at(conn, (incarnation, seq))?,
            Place::Unsent(_) => match outbox::get(conn, row.message.into())? {
                Some(sent) if sent.state == IntentState::Failed => DeliveryState::failed(failure(&sent)),
                Some(sent) if sent.state == IntentState::Accepted => DeliveryState::Sent,
                _ => DeliveryState::Queued,
            },
        }))
    }

    /// Delivery of a message of this user's that stands in the log at (incarnation, seq).
    pub(crate) fn at(&mut self, conn: &Connection, place: (u64, u64)) -> Result<DeliveryState, Fault> {
        let own = self.own;
        let (mut of, mut delivered, mut read) = (0, 0, 0);
        for person in self.incarnation(conn, place.0)? {
            if person.user != own && person.was_there(place.1) {
                let receipt = person.receipt(place);
                of += 1;
                delivered += u32::from(receipt.delivered);
                read += u32::from(receipt.read);
            }
        }
        Ok(match (read, delivered) {
            (0, 0) => DeliveryState::Sent,
            (0, by) => DeliveryState::Delivered { by, of },
            (by, _) => DeliveryState::Read { by, of },
        })
    }

    /// Everybody who was there when the entry at (incarnation, seq) came, its author excepted, by user.
    pub(crate) fn people(
        &mut self,
        conn: &Connection,
        place: (u64, u64),
        author: UserId,
    ) -> Result<Vec<PersonReceipt>, Fault> {
        let people = self.incarnation(conn, place.0)?.iter();
        let there = people.filter(|person| person.user != author && person.was_there(place.1));
        Ok(there.map(|person| person.receipt(place)).collect())
    }

    fn incarnation(&mut self, conn: &Connection, incarnation: u64) -> Result<&[Person], Fault> {
        Ok(match self.of.entry(incarnation) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(read(conn, self.id, incarnation)?),
        })
    }
}

/// Everybody who is or was on the roster of an incarnation, by user.
fn read(conn: &Connection, id: ConversationId, incarnation: u64) -> Result<Vec<Person>, Fault> {
    let mut people = BTreeMap::new();
    let members = conversation::members(conn, id)?.into_iter();
    for member in members.filter(|member| member.incarnation == incarnation) {
        let person = people.entry(member.user).or_insert_with(|| Person {
            user: member.user,
            there: Vec::new(),
            leaves: Vec::new(),
        });
        person.there.push((member.joined_seq, member.removed_seq));
    }
    let marks = receipt::watermarks(conn, id)?;
    for leaf in leaf::all(conn, id, incarnation)? {
        if let Some(person) = people.get_mut(&leaf.user) {
            person.leaves.push((leaf, marks.get(&leaf.device).copied()));
        }
    }
    Ok(people.into_values().collect())
}
