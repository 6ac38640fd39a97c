//! After each step: every device that is online has what the ledger says, no more and no less.

use std::collections::BTreeSet;

use curo::{ConversationInfo, ConversationState};
use curo_kit::{texts, try_until};

use super::Player;
use crate::error::PlayError;
use crate::ledger::{Ledger, PersonNo, Room, RoomNo};
use crate::stage::{Stage, WITHIN};

impl Player<'_, '_> {
    pub(super) async fn settle(&self) -> Result<(), PlayError> {
        for person in self.ledger.online_people() {
            let client = self.stage.person(person)?.client();
            for (no, room) in self.ledger.rooms.iter().enumerate() {
                if !room.ever.contains(&person) {
                    continue;
                }
                let what = format!(
                    "\"{}\" as it should be on {}'s device",
                    room.name,
                    self.ledger.name(person)
                );
                let settled = async || as_told(&self.stage, &self.ledger, person, no, room).await;
                try_until(client, &what, WITHIN, settled).await?;
            }
            let sent = async || client.outbox().await.is_ok_and(|outbox| outbox.waiting == 0);
            let what = format!("an empty outbox on {}'s device", self.ledger.name(person));
            try_until(client, &what, WITHIN, sent).await?;
        }
        Ok(())
    }
}

async fn as_told(stage: &Stage, ledger: &Ledger, person: PersonNo, no: RoomNo, room: &Room) -> bool {
    let Ok(view) = stage.view(person, no) else { return false };
    let (Ok(info), Ok(texts)) = (view.info().await, texts(&view).await) else {
        return false;
    };
    let texts: BTreeSet<_> = texts.iter().map(String::as_str).collect();
    texts == ledger.on_device(person, no) && roster(stage, person, room, &info)
}

fn roster(stage: &Stage, person: PersonNo, room: &Room, info: &ConversationInfo) -> bool {
    if !room.believers.contains(&person) {
        return info.state == ConversationState::Removed;
    }
    let members: BTreeSet<_> = info.members.iter().copied().collect();
    // Who has signed out is a member until somebody's next commit, and anybody's device may make it.
    let without = stage.users(room.members.difference(&room.departing));
    info.state == ConversationState::Active && (members == stage.users(&room.members) || members == without)
}
