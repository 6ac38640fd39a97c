//! The list of conversations as a screen shows it: a window over them in the order of their last activity, with edges.
//!
//! Stands above the store's overview of each conversation and the window. A row is read again only when something in its
//! conversation has changed.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use curo_store::repo::account::Account;
use curo_store::repo::ranking::{self, Rank};
use curo_store::repo::{about, conversation, item, overview, span};
use curo_types::{ConversationId, ErrorCode, Text, UserId};
use rusqlite::Connection;

use super::slider::{Edge, Side, Slider, Stand};
use super::timeline::ItemKey;
use super::window::{self, Rows, Window};
use super::{Mark, Observe, Observed, Snapshot, Source, Touched};
use crate::client::Client;
use crate::conversations::ConversationState;
use crate::core::Core;
use crate::delivery::Deliveries;
use crate::error::{Error, Fault, Result};
use crate::pages::item_of;
use crate::state::ConnectionState;
use crate::timeline::{Body, DeliveryState, Entry};

/// Members that a row names.
const FEW: usize = 3;
/// Characters of a preview's text.
const PREVIEW: usize = 200;

/// The last message of a conversation, short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Its name in the timeline.
    pub key: ItemKey,
    /// The sender.
    pub sender: UserId,
    /// Whether this device sent it.
    pub own: bool,
    /// What it says; a text is cut after 200 characters.
    pub body: Body,
    /// When the relay accepted it, milliseconds since 1970 UTC; absent while it is unsent.
    pub accepted_ms: Option<u64>,
    /// How far it has come; of own messages only.
    pub delivery: Option<DeliveryState>,
}

/// One conversation in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationItem {
    /// The conversation.
    pub id: ConversationId,
    /// Another one whenever anything here has changed; until then the item is the same instance in every snapshot.
    pub revision: u64,
    /// What it shows.
    pub row: ConversationSummary,
}

/// What a list shows of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationSummary {
    /// What can be done with it.
    pub state: ConversationState,
    /// Why it is frozen.
    pub frozen: Option<ErrorCode>,
    /// Whether the relay has more of it than this device.
    pub behind: bool,
    /// Its title, if it has one.
    pub title: Option<Text>,
    /// Of a direct conversation: the other one.
    pub direct_with: Option<UserId>,
    /// How many people are in it, this user included.
    pub members: u64,
    /// Up to three of the others, to name a conversation that has no title.
    pub people: Vec<UserId>,
    /// The relay's time of the last activity, milliseconds since 1970 UTC. Lists are in this order. While
    /// something that this device has said is on its way, it may be a millisecond after that of the conversation that was first.
    pub activity_ms: u64,
    /// The last message.
    pub last: Option<Preview>,
    /// Messages of others that are not read.
    pub unread: u64,
    /// Whether it is left out of the totals.
    pub muted: bool,
    /// What is written and not sent.
    pub draft: Option<Text>,
}

/// What a list of conversations shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationsState {
    /// At most 300 conversations, the last active first.
    pub items: Vec<Arc<ConversationItem>>,
    /// What lies before the first: more active ones. [`Edge::End`] as long as the list follows what becomes active.
    pub newer: Edge,
    /// What lies behind the last: less active ones.
    pub older: Edge,
}

impl ConversationsState {
    fn empty() -> Self {
        Self {
            items: Vec::new(),
            newer: Edge::End,
            older: Edge::End,
        }
    }
}

/// The list of conversations of a screen. Clones are one list: they share the window.
#[derive(Clone)]
pub struct ConversationList {
    core: Arc<Core>,
    source: Arc<ListSource>,
    observed: Observed<ConversationsState>,
}

impl fmt::Debug for ConversationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationList").finish_non_exhaustive()
    }
}

impl Client {
    /// The list of conversations, pulled with [`ConversationList::next`]: at first the `page` (1 to 300) last active ones.
    /// It follows what becomes active, and grows to 300 by [`ConversationList::load_older`]; beyond that the other end
    /// leaves it, as in a timeline.
    ///
    /// ```no_run
    /// # async fn example(client: &curo::Client) -> curo::Result<()> {
    /// let list = client.conversation_list(50)?;
    /// let mut seen = 0;
    /// loop {
    ///     let snapshot = list.next(seen).await?;
    ///     seen = snapshot.revision;
    ///     for item in &snapshot.state.items {
    ///         println!("{}: {} unread", item.id, item.row.unread);
    ///     }
    /// #   break Ok(());
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` for a page outside 1 to 300.
    pub fn conversation_list(&self, page: usize) -> Result<ConversationList> {
        if !(1..=window::LIMIT).contains(&page) {
            return Err(Error::new(ErrorCode::INVALID_ARGUMENT));
        }
        let source = Arc::new(ListSource {
            page,
            slider: Slider::new(),
        });
        Ok(ConversationList {
            core: Arc::clone(&self.core),
            observed: Observed::new(Arc::clone(&self.core), source.clone()),
            source,
        })
    }
}

impl ConversationList {
    /// The newest snapshot, as soon as it is another than that of revision `after`. See [`Observed::next`].
    ///
    /// # Errors
    /// As [`Observed::next`]; `sign_in_needed` before the first sign-in.
    pub async fn next(&self, after: u64) -> Result<Snapshot<ConversationsState>> {
        self.observed.next(after).await
    }

    /// Shows a page more of less active conversations. Beyond 300 the most active ones leave the list.
    ///
    /// # Errors
    /// `locked`, `closed`, or the database's; the edge shows the last as [`Edge::Failed`].
    pub async fn load_older(&self) -> Result<()> {
        Ok(self.source.load(&self.core, Side::Older).await?)
    }

    /// Shows a page more of more active conversations. Does nothing while the list follows what becomes active.
    ///
    /// # Errors
    /// As [`ConversationList::load_older`].
    pub async fn load_newer(&self) -> Result<()> {
        Ok(self.source.load(&self.core, Side::Newer).await?)
    }

    /// Shows the last active conversations, and follows what becomes active.
    ///
    /// # Errors
    /// As [`ConversationList::load_older`].
    pub async fn jump_to_newest(&self) -> Result<()> {
        let open = self.source.open();
        Ok(self.source.slider.jump(&self.core, open).await?)
    }
}

/// All conversations, as rows of a window.
#[derive(Clone, Copy)]
struct Ranks;

impl Rows for Ranks {
    type Place = Rank;
    type Row = Rank;

    fn before(&self, conn: &Connection, rank: Option<Rank>, limit: usize) -> rusqlite::Result<Vec<Rank>> {
        ranking::before(conn, rank, limit)
    }

    fn after(&self, conn: &Connection, rank: Option<Rank>, limit: usize) -> rusqlite::Result<Vec<Rank>> {
        ranking::after(conn, rank, limit)
    }

    fn between(
        &self,
        conn: &Connection,
        bounds: (Option<Rank>, Option<Rank>),
        newest_first: bool,
        limit: usize,
    ) -> rusqlite::Result<Vec<Rank>> {
        ranking::between(conn, bounds, newest_first, limit)
    }

    fn place(&self, row: &Rank) -> Rank {
        *row
    }
}

impl Stand for Window<Rank> {
    type Place = Rank;

    fn window(&mut self) -> &mut Window<Rank> {
        self
    }
}

/// The rows of the last reading, and when that was.
#[derive(Default)]
struct Items {
    at: u64,
    rows: HashMap<ConversationId, Arc<ConversationItem>>,
}

struct ListSource {
    page: usize,
    slider: Slider<Window<Rank>, Items>,
}

impl ListSource {
    fn open(&self) -> impl FnOnce(&Connection) -> Result<Window<Rank>, Fault> + Send + 'static {
        let page = self.page;
        move |conn| Ok(Window::newest(&Ranks, conn, page)?)
    }

    async fn load(&self, core: &Core, side: Side) -> Result<(), Fault> {
        self.slider.load(core, Ranks, side, self.page, self.open()).await
    }
}

#[async_trait]
impl Source<ConversationsState> for ListSource {
    fn mark(&self, observe: &Observe) -> Mark {
        (observe.changed_at(Touched::All), self.slider.view().version)
    }

    async fn read(&self, core: &Core) -> Result<ConversationsState, Fault> {
        loop {
            let stand = self.slider.stand(core, self.open()).await?;
            let (version, items) = {
                let view = self.slider.view();
                (view.version, Arc::clone(&view.items))
            };
            // Before the look: what changes during it is read again next time.
            let at = core.observe.changed_at(Touched::All);
            let changed = core.observe.changed_since(items.at);
            let me = core.account().await?;
            let connection = core.connection.borrow().clone();
            let found = core.db.read(move |conn| {
                let view = stand.read(&Ranks, conn)?;
                let rows = view.rows.iter().rev().map(|rank| {
                    let before = items.rows.get(&rank.id);
                    if let (Some(same), Some(changed)) = (before, &changed)
                        && !changed.contains(&rank.id)
                    {
                        return Ok(Some((rank.id, Ok(Arc::clone(same)))));
                    }
                    let now = summary(conn, rank.id, &me)?;
                    Ok(now.map(|now| match before {
                        Some(same) if same.row == now => (rank.id, Ok(Arc::clone(same))),
                        _ => (rank.id, Err(now)),
                    }))
                });
                let rows = rows.collect::<Result<Vec<_>, Fault>>()?;
                Ok((view.window, rows, view.older, view.newer))
            });
            let (window, rows, older, newer) = found.await?;
            let mut view = self.slider.view();
            if view.version != version {
                // A load, a jump or a lock has come in between.
                continue;
            }
            let items: Vec<_> = rows
                .into_iter()
                .flatten()
                .map(|(id, row)| {
                    row.unwrap_or_else(|row| {
                        Arc::new(ConversationItem {
                            id,
                            revision: core.observe.next_revision(),
                            row,
                        })
                    })
                })
                .collect();
            let rows = items.iter().map(|item| (item.id, Arc::clone(item))).collect();
            view.items = Arc::new(Items { at, rows });
            view.stand = Some(window);
            let newest = match connection {
                ConnectionState::CatchingUp => Edge::Loading,
                _ => Edge::End,
            };
            return Ok(ConversationsState {
                items,
                newer: view.newer.or(if newer { Edge::More } else { newest }),
                older: view.older.or(if older { Edge::More } else { Edge::End }),
            });
        }
    }

    fn emptied(&self) -> Option<ConversationsState> {
        Some(ConversationsState::empty())
    }

    fn forget(&self) {
        self.slider.forget();
    }
}

/// The title, unless it is empty.
fn title(conn: &Connection, id: ConversationId) -> Result<Option<Text>, Fault> {
    let about = about::get(conn, id)?;
    Ok(about
        .map(|about| about.title)
        .filter(|title| !title.is_empty())
        .map(Text::new))
}

/// One row. Costs the same for every conversation.
fn summary(conn: &Connection, id: ConversationId, me: &Account) -> Result<Option<ConversationSummary>, Fault> {
    let Some(row) = conversation::get(conn, id)? else {
        return Ok(None);
    };
    let overview = overview::get(conn, id)?;
    let last = match overview.last {
        Some(place) => preview(conn, id, place, me)?,
        None => None,
    };
    let (members, people) = ranking::people(conn, id, row.incarnation, me.user, FEW)?;
    Ok(Some(ConversationSummary {
        state: row.state,
        frozen: row.frozen_code.map(ErrorCode::from),
        behind: row.behind,
        title: title(conn, id)?,
        direct_with: row.direct_with,
        members,
        people,
        activity_ms: row.activity,
        last,
        unread: overview.unread,
        muted: overview.muted,
        draft: overview.draft,
    }))
}

fn preview(conn: &Connection, id: ConversationId, place: item::Place, me: &Account) -> Result<Option<Preview>, Fault> {
    let Some(stub) = span::between(conn, id, (Some(place), Some(place)), false, 1)?.pop() else {
        return Ok(None);
    };
    let Some(row) = item::get(conn, id, stub.sender_device, stub.message)? else {
        return Ok(None);
    };
    let item = item_of(conn, &row, me, &mut Deliveries::new(id, me.user))?;
    let Entry::Message(message) = item.entry else {
        return Ok(None);
    };
    let message = *message;
    Ok(Some(Preview {
        key: ItemKey::new(stub.sender_device, stub.message),
        sender: message.sender,
        own: message.own,
        body: match message.body {
            Body::Text(text) => Body::Text(cut(text)),
            Body::Amendment { of, text } => Body::Amendment { of, text: cut(text) },
            other => other,
        },
        accepted_ms: item.accepted_ms,
        delivery: message.delivery,
    }))
}

fn cut(text: Text) -> Text {
    match text.as_str().char_indices().nth(PREVIEW) {
        Some((end, _)) => text.as_str().get(..end).map(Text::new).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests;
