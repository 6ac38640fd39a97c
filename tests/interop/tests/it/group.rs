//! A group of members of both implementations, and the relay's follower that every commit has to pass.

use curo_mls::{Follower, Suite, key_package_info, welcome_recipients};

use crate::member::{Made, Member, Read};
use crate::ours::Ours;
use crate::theirs::{self, Setup};

/// Whose implementation a member is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

pub(crate) const SIDES: [Side; 2] = [Side::Ours, Side::Theirs];

pub(crate) fn device(side: Side, number: u8, suite: Suite) -> Box<dyn Member> {
    match side {
        Side::Ours => Box::new(Ours::new(number, suite)),
        Side::Theirs => Box::new(theirs::member(number, suite, Setup::OURS)),
    }
}

pub(crate) struct Conversation {
    pub(crate) members: Vec<Box<dyn Member>>,
    pub(crate) relay: Follower,
    /// Of the current epoch.
    pub(crate) group_info: Vec<u8>,
}

impl Conversation {
    /// A group of this member alone.
    pub(crate) fn begun_by(mut creator: Box<dyn Member>) -> Self {
        let (group_info, tree) = creator.create();
        Self {
            members: vec![creator],
            relay: Follower::create(&group_info, &tree).unwrap(),
            group_info,
        }
    }

    /// The member at `author` adds, and removes the members at `removed`; everyone follows.
    pub(crate) fn commit(&mut self, author: usize, mut joiners: Vec<Box<dyn Member>>, removed: &[usize]) {
        let add: Vec<_> = joiners.iter_mut().map(|joiner| joiner.key_package()).collect();
        let mut invited: Vec<_> = add
            .iter()
            .map(|bytes| key_package_info(bytes).unwrap().hash_ref)
            .collect();
        let remove: Vec<_> = removed.iter().map(|at| self.members[*at].index()).collect();
        let made = self.members[author].commit(&add, &remove, b"commit aad");
        self.pass(&made, b"commit aad");
        for (at, member) in self.members.iter_mut().enumerate() {
            match at {
                _ if at == author => member.apply(),
                _ if removed.contains(&at) => {}
                _ => member.follow(&made.commit),
            }
        }
        let mut at = 0;
        self.members.retain(|_| {
            at += 1;
            !removed.contains(&(at - 1))
        });
        if let Some(welcome) = &made.welcome {
            let mut recipients = welcome_recipients(welcome).unwrap();
            recipients.sort();
            invited.sort();
            assert_eq!(recipients, invited, "the Welcome is for exactly those added");
            let tree = self.relay.tree().unwrap();
            for mut joiner in joiners {
                joiner.join(welcome, &tree);
                self.members.push(joiner);
            }
        } else {
            assert!(joiners.is_empty(), "those added have no Welcome");
        }
    }

    /// Someone comes in from outside; everyone follows.
    pub(crate) fn come_in(&mut self, mut newcomer: Box<dyn Member>) {
        let made = newcomer.come_in(&self.group_info, &self.relay.tree().unwrap(), None);
        self.pass(&made, b"from outside");
        for member in &mut self.members {
            member.follow(&made.commit);
        }
        self.members.push(newcomer);
    }

    /// The member at this place comes in again from outside, in place of its own leaf.
    pub(crate) fn come_in_again(&mut self, at: usize) {
        let tree = self.relay.tree().unwrap();
        let replaced = Some(self.members[at].index());
        let made = self.members[at].come_in(&self.group_info, &tree, replaced);
        self.pass(&made, b"from outside");
        for (other, member) in self.members.iter_mut().enumerate() {
            if other != at {
                member.follow(&made.commit);
            }
        }
    }

    /// What the relay does with a commit.
    fn pass(&mut self, made: &Made, aad: &[u8]) {
        let staged = self.relay.stage(&made.commit).unwrap();
        assert_eq!(staged.aad, aad);
        self.relay.accept(staged, &made.group_info).unwrap();
        self.group_info.clone_from(&made.group_info);
    }

    /// Everyone has the same epoch, members and secrets, and everyone reads everyone.
    pub(crate) fn agree(&mut self) {
        let epoch = self.relay.epoch();
        let leaves = self.relay.members().unwrap();
        let members: Vec<_> = leaves.into_iter().map(|leaf| (leaf.index, leaf.identity)).collect();
        let authenticator = self.members[0].authenticator();
        // The label and length of receipts' keys, and one that is longer than a hash.
        let exported = [("curo receipt v1", &b""[..], 32), ("another", b"context", 100)];
        let secrets = exported.map(|(label, context, length)| self.members[0].exported(label, context, length));
        for member in &mut self.members {
            assert_eq!(member.epoch(), epoch);
            assert_eq!(member.members(), members);
            assert_eq!(member.authenticator(), authenticator);
            assert_eq!(
                exported.map(|(label, context, length)| member.exported(label, context, length)),
                secrets
            );
        }
        for sender in 0..self.members.len() {
            let text = format!("who reads {sender}?").into_bytes();
            let bytes = self.members[sender].encrypt(b"message aad", &text);
            let expected = Read {
                sender: self.members[sender].index(),
                aad: b"message aad".to_vec(),
                text,
            };
            for reader in (0..self.members.len()).filter(|reader| *reader != sender) {
                assert_eq!(self.members[reader].read(&bytes), expected);
            }
        }
    }
}
