//! One reading of a timeline's window: which rows are in it, what has changed about them, what lies beyond.

use std::collections::HashMap;
use std::sync::Arc;

use curo_store::repo::account::Account;
use curo_store::repo::item::{self, Place};
use curo_store::repo::span::{self, Stub};
use curo_store::repo::{conversation, overview};
use curo_types::{ConversationId, ErrorCode};
use rusqlite::Connection;

use super::{ItemKey, Start, TimelineItem, TimelineOptions, TimelineState};
use crate::delivery::Deliveries;
use crate::error::{Error, Fault};
use crate::observe::slider::{Edge, Load};
use crate::observe::window::{Rows, Window};
use crate::pages::item_of;
use crate::state::ConnectionState;
use crate::timeline::{DeliveryState, Entry, Item, Message};

/// New items below the window are counted up to here.
const COUNTED: usize = 1000;

/// The items of the last reading.
pub(super) type Items = HashMap<ItemKey, Kept>;

/// An item, and the revision of the row that it was read from.
pub(super) struct Kept {
    row: u64,
    item: Arc<TimelineItem>,
}

/// The items of one conversation, as rows of a window.
#[derive(Clone, Copy)]
pub(super) struct Places(pub(super) ConversationId);

/// Where an item stands, and its name: an unsent one gets another place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    place: Place,
    key: ItemKey,
    /// The revision of its row.
    row: u64,
}

impl From<Stub> for Spot {
    fn from(stub: Stub) -> Self {
        Self {
            place: stub.place,
            key: ItemKey::new(stub.sender_device, stub.message),
            row: stub.revision,
        }
    }
}

impl PartialEq for Spot {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Spot {}

impl PartialOrd for Spot {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Spot {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

impl Rows for Places {
    type Place = Spot;
    type Row = Spot;

    fn before(&self, conn: &Connection, spot: Option<Spot>, limit: usize) -> rusqlite::Result<Vec<Spot>> {
        let stubs = span::before(conn, self.0, spot.map(|spot| spot.place), limit)?;
        Ok(stubs.into_iter().map(Spot::from).collect())
    }

    fn after(&self, conn: &Connection, spot: Option<Spot>, limit: usize) -> rusqlite::Result<Vec<Spot>> {
        let stubs = span::after(conn, self.0, spot.map(|spot| spot.place), limit)?;
        Ok(stubs.into_iter().map(Spot::from).collect())
    }

    fn between(
        &self,
        conn: &Connection,
        (from, to): (Option<Spot>, Option<Spot>),
        newest_first: bool,
        limit: usize,
    ) -> rusqlite::Result<Vec<Spot>> {
        let bounds = (from.map(|spot| spot.place), to.map(|spot| spot.place));
        let stubs = span::between(conn, self.0, bounds, newest_first, limit)?;
        Ok(stubs.into_iter().map(Spot::from).collect())
    }

    fn place(&self, row: &Spot) -> Spot {
        *row
    }

    fn floats(&self, spot: Spot) -> bool {
        matches!(spot.place, Place::Unsent(_))
    }

    fn follow(&self, conn: &Connection, spot: Spot) -> rusqlite::Result<Option<Spot>> {
        let place = span::place_of(conn, self.0, spot.key.sender, spot.key.message)?;
        Ok(place.map(|place| Spot { place, ..spot }))
    }
}

/// Where a timeline begins.
pub(super) fn open(conn: &Connection, id: ConversationId, options: TimelineOptions) -> Result<super::Place, Fault> {
    let stand = match options.start {
        Start::At(key) => around(conn, id, key, options.page)?,
        Start::FirstUnread => match first_unread(conn, id)? {
            Some(key) => around(conn, id, key, options.page)?,
            None => None,
        },
        Start::Newest => None,
    };
    match stand {
        Some(stand) => Ok(stand),
        None => newest(conn, id, options.page),
    }
}

/// The first message behind the read mark that counts as unread.
fn first_unread(conn: &Connection, id: ConversationId) -> Result<Option<ItemKey>, Fault> {
    let overview = overview::get(conn, id)?;
    if overview.unread == 0 {
        return Ok(None);
    }
    let first = span::first_unread(conn, id, overview.read)?;
    Ok(first.map(|stub| ItemKey::new(stub.sender_device, stub.message)))
}

/// The newest page.
pub(super) fn newest(conn: &Connection, id: ConversationId, page: usize) -> Result<super::Place, Fault> {
    Ok(super::Place {
        window: Window::newest(&Places(id), conn, page)?,
        base: span::newest_in_log(conn, id)?,
        anchor: None,
    })
}

/// A page with an item in its middle; `None` if it is not here.
pub(super) fn around(
    conn: &Connection,
    id: ConversationId,
    key: ItemKey,
    page: usize,
) -> Result<Option<super::Place>, Fault> {
    let Some(place) = span::place_of(conn, id, key.sender, key.message)? else {
        return Ok(None);
    };
    let spot = Spot { place, key, row: 0 };
    let older = page / 2;
    let newer = page - older - 1;
    Ok(Some(super::Place {
        window: Window::around(&Places(id), conn, spot, (older, newer))?,
        base: span::newest_in_log(conn, id)?,
        anchor: Some(key),
    }))
}

/// What a reading starts from.
pub(super) struct Reading {
    pub(super) id: ConversationId,
    pub(super) me: Account,
    pub(super) stand: super::Place,
    pub(super) items: Arc<Items>,
}

/// One item of the window.
enum Now {
    Same(Arc<TimelineItem>),
    Changed(Box<Item>),
}

struct Row {
    key: ItemKey,
    row: u64,
    now: Now,
}

/// What a reading found.
pub(super) struct Found {
    pub(super) stand: super::Place,
    rows: Vec<Row>,
    older: bool,
    newer: bool,
    new_below: u64,
    behind: bool,
}

impl Reading {
    /// Reads. All queries see one state.
    pub(super) fn run(mut self, conn: &Connection) -> Result<Found, Fault> {
        let conversation = conversation::get(conn, self.id)?.ok_or(Fault::Code(ErrorCode::UNKNOWN))?;
        let was_live = self.stand.window.is_live();
        let view = self.stand.window.read(&Places(self.id), conn)?;
        self.stand.window = view.window;
        if was_live || !view.newer {
            self.stand.base = span::newest_in_log(conn, self.id)?;
        }
        let mut deliveries = Deliveries::new(self.id, self.me.user);
        let rows = view
            .rows
            .iter()
            .map(|spot| self.row(conn, *spot, &mut deliveries))
            .collect::<Result<Vec<_>, Fault>>()?;
        let new_below = if view.newer {
            let from = self.stand.base.max(self.stand.window.bottom().map(|spot| spot.place));
            span::arrived_after(conn, self.id, from, self.me.user, COUNTED)?
        } else {
            0
        };
        Ok(Found {
            stand: self.stand,
            rows: rows.into_iter().flatten().collect(),
            older: view.older,
            newer: view.newer,
            new_below,
            behind: conversation.behind,
        })
    }

    fn row(&self, conn: &Connection, spot: Spot, deliveries: &mut Deliveries) -> Result<Option<Row>, Fault> {
        let row = |now| {
            Some(Row {
                key: spot.key,
                row: spot.row,
                now,
            })
        };
        let before = self.items.get(&spot.key);
        if let Some(kept) = before
            && kept.row == spot.row
            && kept.item.item.cursor.0 == spot.place
        {
            match (open_part(&kept.item.item), spot.place) {
                (Open::Nothing, _) => return Ok(row(Now::Same(Arc::clone(&kept.item)))),
                (Open::Delivery, Place::Log { incarnation, seq }) => {
                    let delivery = Some(deliveries.at(conn, (incarnation, seq))?);
                    return Ok(row(match &kept.item.item.entry {
                        Entry::Message(message) if message.delivery != delivery => {
                            let message = Message {
                                delivery,
                                ..Message::clone(message)
                            };
                            Now::Changed(Box::new(Item {
                                entry: Entry::Message(Box::new(message)),
                                ..kept.item.item.clone()
                            }))
                        }
                        _ => Now::Same(Arc::clone(&kept.item)),
                    }));
                }
                _ => {}
            }
        }
        let Some(read) = item::get(conn, self.id, spot.key.sender, spot.key.message)? else {
            return Ok(None);
        };
        let now = item_of(conn, &read, &self.me, deliveries)?;
        Ok(row(match before {
            Some(kept) if kept.item.item == now => Now::Same(Arc::clone(&kept.item)),
            _ => Now::Changed(Box::new(now)),
        }))
    }
}

/// What of an item may change although its row does not.
enum Open {
    Nothing,
    /// Only how many people have it or have read it.
    Delivery,
    /// It is on its way, in whole or in part.
    All,
}

fn open_part(item: &Item) -> Open {
    let Entry::Message(message) = &item.entry else {
        return Open::Nothing;
    };
    match message.delivery {
        _ if message.unsent_change.is_some() => Open::All,
        None => Open::Nothing,
        Some(DeliveryState::Read { by, of }) if by == of => Open::Nothing,
        Some(DeliveryState::Sent | DeliveryState::Delivered { .. } | DeliveryState::Read { .. }) => Open::Delivery,
        Some(DeliveryState::Queued | DeliveryState::Failed { .. }) => Open::All,
    }
}

impl Found {
    /// The state, and the items for the next reading.
    pub(super) fn show(
        &self,
        connection: &ConnectionState,
        (older, newer): (&Load, &Load),
        revision: impl Fn() -> u64,
    ) -> (TimelineState, Items) {
        let mut kept = Items::with_capacity(self.rows.len());
        let mut items = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let item = match &row.now {
                Now::Same(item) => Arc::clone(item),
                Now::Changed(item) => Arc::new(TimelineItem {
                    key: row.key,
                    revision: revision(),
                    item: (**item).clone(),
                }),
            };
            items.push(Arc::clone(&item));
            kept.insert(row.key, Kept { row: row.row, item });
        }
        let state = TimelineState {
            older: older.or(if self.older { Edge::More } else { Edge::End }),
            newer: newer.or(if self.newer {
                Edge::More
            } else {
                self.live_end(connection)
            }),
            items,
            new_below: self.new_below,
            anchor: self.stand.anchor,
        };
        (state, kept)
    }

    /// What lies behind the newest item of this device: what the relay has and this device has not.
    fn live_end(&self, connection: &ConnectionState) -> Edge {
        match connection {
            ConnectionState::CatchingUp => Edge::Loading,
            ConnectionState::Live if self.behind => Edge::Loading,
            ConnectionState::Waiting { code } | ConnectionState::Failed { code } if self.behind => {
                Edge::Failed(Error::new(code.clone()))
            }
            // Known to be there, and nobody fetches it.
            _ if self.behind => Edge::More,
            _ => Edge::End,
        }
    }
}
