//! A person in a room: what lines do, and what the screen shows of it. Knows no terminal.

use std::collections::BTreeMap;

use curo::{
    Client, ConnectionState, Conversation, ConversationId, ConversationState, Edge, Entry, ErrorCode, IntentId,
    Message, MessageId, NewMessage, Priority, SessionState, Start, Text, Timeline, TimelineOptions, TimelineState,
    UserId,
};

use super::command::{Command, USAGES};
use super::door::Room;
use super::view::{ItemLine, RoomLine, Screen};

/// Hits of a search that fit on a sheet.
const HITS: usize = 30;

/// One terminal's person.
pub(crate) struct App<'a> {
    room: &'a Room,
    client: Client,
    name: String,
    names: BTreeMap<UserId, String>,
    rooms: Vec<ConversationId>,
    open: Option<Open>,
    screen: Screen,
}

/// The conversation on the screen.
struct Open {
    conversation: Conversation,
    timeline: Timeline,
    state: TimelineState,
}

impl<'a> App<'a> {
    pub(crate) fn new(room: &'a Room, client: Client, name: &str) -> Self {
        Self {
            room,
            client,
            name: name.to_owned(),
            names: BTreeMap::new(),
            rooms: Vec::new(),
            open: None,
            screen: Screen {
                hint: "/help lists what can be typed; Tab goes to the next conversation".to_owned(),
                ..Screen::default()
            },
        }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) const fn screen(&self) -> &Screen {
        &self.screen
    }

    pub(crate) fn timeline(&self) -> Option<Timeline> {
        self.open.as_ref().map(|open| open.timeline.clone())
    }

    /// What is typed, before it is sent.
    pub(crate) const fn input(&mut self) -> &mut String {
        &mut self.screen.input
    }

    /// Takes a sheet away; false if there was none.
    pub(crate) fn close_sheet(&mut self) -> bool {
        !std::mem::take(&mut self.screen.sheet).is_empty()
    }

    /// Does what the typed line says. False: the person leaves.
    pub(crate) async fn enter(&mut self) -> bool {
        let line = std::mem::take(&mut self.screen.input);
        self.screen.hint.clear();
        let command = match Command::parse(&line) {
            Ok(Command::Quit) => return false,
            Ok(command) => command,
            Err(error) => {
                self.screen.hint = error.to_string();
                return true;
            }
        };
        if let Err(reason) = self.perform(command).await {
            self.screen.hint = reason;
        }
        self.refresh().await;
        true
    }

    async fn perform(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Nothing | Command::Quit => {}
            Command::Say(text) => self.send(NewMessage::text(text)).await?,
            Command::Urgent(text) => {
                let message = NewMessage {
                    priority: Priority::Urgent,
                    ..NewMessage::text(text)
                };
                self.send(message).await?;
            }
            Command::New { people, title } => {
                let people = self.find(&people).await?;
                let created = self.client.create_conversation(&people).await;
                let (conversation, _) = created.map_err(refused)?;
                if let Some(title) = title {
                    conversation.set_title(title.into()).await.map_err(refused)?;
                }
                self.show(conversation.id()).await?;
            }
            Command::Direct(person) => {
                let people = self.find(&[person]).await?;
                let person = people.first().copied().ok_or("nobody")?;
                let conversation = self.client.direct_conversation(person).await.map_err(refused)?;
                self.show(conversation.id()).await?;
            }
            Command::Add(people) => {
                let people = self.find(&people).await?;
                let intent = self.here()?.add(&people).await.map_err(refused)?;
                self.screen.hint = self.outcome(intent).await;
            }
            Command::Remove(people) => {
                let people = self.find(&people).await?;
                let intent = self.here()?.remove(&people).await.map_err(refused)?;
                self.screen.hint = self.outcome(intent).await;
            }
            Command::Leave => {
                self.here()?.leave().await.map_err(refused)?;
            }
            Command::Edit(number, text) => {
                let message = self.own(number)?.reference();
                self.here()?.edit(message, text.into(), &[]).await.map_err(refused)?;
            }
            Command::Delete(number) => {
                let message = self.own(number)?.reference();
                self.here()?.delete(message).await.map_err(refused)?;
            }
            Command::Acknowledge => {
                let urgent = |message: &&Message| message.sender_is_other() && message.priority != Priority::Routine;
                let message = self.messages().find(urgent).ok_or("nothing here asks for it")?;
                let message = message.reference();
                self.here()?.acknowledge(message).await.map_err(refused)?;
            }
            Command::Search(query) => self.search(&query).await?,
            Command::Lock => self.client.lock().await.map_err(refused)?,
            Command::Unlock => {
                self.client.unlock().await.map_err(refused)?;
                self.client.start().await.map_err(refused)?;
            }
            Command::Help => self.screen.sheet = USAGES.iter().map(|&line| line.to_owned()).collect(),
        }
        Ok(())
    }

    async fn send(&self, message: NewMessage) -> Result<(), String> {
        let here = self.here()?;
        here.send(message, MessageId::random()).await.map_err(refused)?;
        if let Some(open) = &self.open {
            open.timeline.jump_to_newest().await.map_err(refused)?;
        }
        Ok(())
    }

    async fn outcome(&self, intent: IntentId) -> String {
        match self.here() {
            Ok(here) => match here.intent(intent).await {
                Ok(curo::IntentStatus::Failed { code, .. }) => format!("failed: {code}"),
                _ => String::new(),
            },
            Err(_) => String::new(),
        }
    }

    async fn search(&mut self, query: &str) -> Result<(), String> {
        let page = self.client.search(query, None, HITS).await.map_err(refused)?;
        let mut sheet = vec![format!("found: {}", page.hits.len())];
        for hit in page.hits {
            let who = hit.sender.map_or("?", |user| self.name_of(user));
            sheet.push(format!("{who}: {}", hit.snippet.as_str()));
        }
        self.screen.sheet = sheet;
        Ok(())
    }

    /// The users of these names, who must have been here once.
    async fn find(&self, names: &[String]) -> Result<Vec<UserId>, String> {
        let subjects: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = self.client.find_people(&subjects).await.map_err(refused)?;
        for name in names {
            if !found.iter().any(|person| person.subject == *name) {
                return Err(format!(
                    "{name} has never been here: --interactive --as {name}, in another terminal"
                ));
            }
        }
        Ok(found.into_iter().map(|person| person.user).collect())
    }

    fn here(&self) -> Result<&Conversation, String> {
        let open = self.open.as_ref().ok_or("there is no conversation yet: /new NAME…")?;
        Ok(&open.conversation)
    }

    /// Messages on the screen, the newest first.
    fn messages(&self) -> impl Iterator<Item = &Message> {
        let items = self.open.iter().flat_map(|open| open.state.items.iter().rev());
        items.filter_map(|item| match &item.item.entry {
            Entry::Message(message) => Some(&**message),
            _ => None,
        })
    }

    fn own(&self, number: usize) -> Result<&Message, String> {
        let mut own = self.messages().filter(|message| message.own);
        own.nth(number.saturating_sub(1))
            .ok_or_else(|| "there is no such message of yours on the screen".to_owned())
    }

    fn name_of(&self, user: UserId) -> &str {
        self.names.get(&user).map_or("somebody", String::as_str)
    }

    /// Opens a conversation on the screen.
    async fn show(&mut self, id: ConversationId) -> Result<(), String> {
        let conversation = self.client.conversation(id);
        let options = TimelineOptions {
            start: Start::Newest,
            ..TimelineOptions::default()
        };
        let timeline = conversation.timeline(options).map_err(refused)?;
        let state = timeline.next(0).await.map_err(refused)?.state;
        self.open = Some(Open {
            conversation,
            timeline,
            state,
        });
        Ok(())
    }

    /// Goes to the conversation so many places further in the list.
    pub(crate) async fn go(&mut self, by: isize) {
        let count = self.rooms.len();
        if count == 0 {
            return;
        }
        let at = self.screen.selected.unwrap_or(0);
        let next = at.checked_add_signed(by).unwrap_or(count - 1) % count;
        if let Some(id) = self.rooms.get(next).copied()
            && let Err(reason) = self.show(id).await
        {
            self.screen.hint = reason;
        }
        self.refresh().await;
    }

    /// Shows older or the newest items.
    pub(crate) async fn scroll(&mut self, older: bool) {
        let Some(open) = &self.open else { return };
        let moved = match older {
            true => open.timeline.load_older().await,
            false => open.timeline.jump_to_newest().await,
        };
        if let Err(error) = moved {
            self.screen.hint = refused(error);
        }
        self.refresh().await;
    }

    /// Reads everything that the screen shows again.
    pub(crate) async fn refresh(&mut self) {
        self.screen.me.clone_from(&self.name);
        self.screen.host = self.room.is_host();
        self.screen.connection = connection(&self.client.connection());
        self.screen.locked = self.client.session() == SessionState::Locked;
        if self.screen.locked {
            self.forget();
            return;
        }
        if let Err(error) = self.read().await
            && *error.code() != ErrorCode::LOCKED
        {
            self.screen.hint = refused(error);
        }
    }

    /// Nothing of what people wrote stays while it is locked.
    fn forget(&mut self) {
        self.open = None;
        self.rooms.clear();
        self.screen.rooms.clear();
        self.screen.items.clear();
        self.screen.title.clear();
        self.screen.selected = None;
        self.screen.sheet.clear();
    }

    async fn read(&mut self) -> curo::Result<()> {
        let outbox = self.client.outbox().await?;
        (self.screen.waiting, self.screen.failed) = (outbox.waiting, outbox.failed);
        self.learn_names().await?;
        let list = self.client.conversations().await?;
        if self.open.is_none()
            && let Some(first) = list.first()
            && let Err(reason) = self.show(first.id).await
        {
            self.screen.hint = reason;
        }
        let shown = self.open.as_ref().map(|open| open.conversation.id());
        self.rooms = list.iter().map(|info| info.id).collect();
        self.screen.selected = self.rooms.iter().position(|id| Some(*id) == shown);
        self.screen.rooms.clear();
        for info in &list {
            let conversation = self.client.conversation(info.id);
            let title = self.title(info);
            if Some(info.id) == shown {
                self.screen.title = format!("{title} — {}", self.members(&info.members));
            }
            let newest = conversation.latest(1).await?.items;
            self.screen.rooms.push(RoomLine {
                title,
                preview: newest.first().map_or(String::new(), |item| self.line(&item.entry).text),
                unread: conversation.unread().await?,
                muted: conversation.is_muted().await?,
            });
        }
        self.screen.unread = self.client.unread().await?.messages;
        self.read_timeline().await
    }

    async fn read_timeline(&mut self) -> curo::Result<()> {
        let Some(timeline) = self.timeline() else {
            self.screen.items.clear();
            return Ok(());
        };
        let state = timeline.next(0).await?.state;
        self.screen.items = state.items.iter().map(|item| self.line(&item.item.entry)).collect();
        self.screen.older = state.older == Edge::More;
        self.screen.new_below = state.new_below;
        let at_the_end = state.newer == Edge::End;
        if let Some(open) = &mut self.open {
            open.state = state;
        }
        // Who has the newest on the screen has read it.
        if at_the_end
            && let Some(newest) = self.messages().find(|message| message.sender_is_other())
            && let Some(open) = &self.open
        {
            open.conversation.mark_read(newest.reference()).await?;
        }
        Ok(())
    }

    /// Names of everybody who was ever in this room's folder.
    async fn learn_names(&mut self) -> curo::Result<()> {
        let names = self.room.names().unwrap_or_default();
        if names.len() == self.names.len() {
            return Ok(());
        }
        let subjects: Vec<&str> = names.iter().map(String::as_str).collect();
        // Offline, those who are not known yet have no name until later.
        if let Ok(people) = self.client.find_people(&subjects).await {
            self.names = people.into_iter().map(|person| (person.user, person.subject)).collect();
        }
        Ok(())
    }

    fn title(&self, info: &curo::ConversationInfo) -> String {
        let title = info.title.as_ref().map(Text::as_str).filter(|title| !title.is_empty());
        let mut text = title.map_or_else(|| self.members(&info.members), str::to_owned);
        match info.state {
            ConversationState::Active => {}
            ConversationState::Creating | ConversationState::Waiting => text.push_str(" …"),
            other => text.push_str(&format!(" [{}]", other.as_str())),
        }
        text
    }

    fn members(&self, members: &[UserId]) -> String {
        let mut names: Vec<&str> = members.iter().map(|user| self.name_of(*user)).collect();
        names.sort_unstable();
        names.join(", ")
    }

    fn line(&self, entry: &Entry) -> ItemLine {
        let event = |text: String| ItemLine {
            text,
            event: true,
            ..ItemLine::default()
        };
        match entry {
            Entry::Message(message) => self.message(message),
            Entry::Members {
                by,
                added,
                removed,
                left,
            } => {
                let by = by.map_or("somebody", |user| self.name_of(user));
                let mut parts = Vec::new();
                if !added.is_empty() {
                    parts.push(format!("added {}", self.members(added)));
                }
                if !removed.is_empty() {
                    parts.push(format!("removed {}", self.members(removed)));
                }
                let done = (!parts.is_empty()).then(|| format!("{by} {}", parts.join(", ")));
                let gone = (!left.is_empty()).then(|| format!("{} left", self.members(left)));
                event([done, gone].into_iter().flatten().collect::<Vec<_>>().join("; "))
            }
            Entry::Joined => event("you are in this conversation from here on".to_owned()),
            Entry::Unreadable { code, .. } => event(format!("a message that cannot be read ({code})")),
            Entry::ContentLost => event("a message whose content is lost".to_owned()),
            other => event(format!("{other:?}")),
        }
    }

    fn message(&self, message: &Message) -> ItemLine {
        let mut marks = Vec::new();
        if message.edited {
            marks.push("edited".to_owned());
        }
        if let Some(delivery) = &message.delivery {
            marks.push(delivery.to_string());
        }
        if !message.acknowledged_by.is_empty() {
            marks.push(format!("acknowledged by {}", self.members(&message.acknowledged_by)));
        }
        ItemLine {
            who: self.name_of(message.sender).to_owned(),
            text: match &message.body {
                curo::Body::Text(text) => text.as_str().to_owned(),
                curo::Body::Amendment { text, .. } => format!("amendment: {}", text.as_str()),
                curo::Body::Deleted => "(deleted)".to_owned(),
                _ => "(this version cannot show it)".to_owned(),
            },
            marks: marks.join(", "),
            own: message.own,
            urgent: message.priority != Priority::Routine,
            event: false,
        }
    }
}

trait FromOthers {
    fn sender_is_other(&self) -> bool;
}

impl FromOthers for Message {
    fn sender_is_other(&self) -> bool {
        !self.own
    }
}

fn refused(error: curo::Error) -> String {
    format!("refused: {}", error.code())
}

fn connection(state: &ConnectionState) -> String {
    match state {
        ConnectionState::Stopped => "stopped".to_owned(),
        ConnectionState::CatchingUp => "catching up".to_owned(),
        ConnectionState::Live => "live".to_owned(),
        ConnectionState::Waiting { code } => format!("waiting ({code})"),
        ConnectionState::SignInNeeded => "sign in".to_owned(),
        ConnectionState::Failed { code } => format!("stopped ({code})"),
        other => format!("{other:?}"),
    }
}
