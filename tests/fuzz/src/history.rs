//! What a member and the relay make of the kept log, delivered by somebody hostile: out of order, again, cut, changed, with the
//! member killed in between. Three bytes are one step: what is done, to which entry, where.
//!
//! An entry is taken if it is genuine, of the current epoch and new; anything else changes nothing.

use curo_mls::{Follower, MlsEngine as _, OpenMlsEngine, Processed};

use crate::Material;
use crate::group::{Entry, Member, follower};

struct Standing {
    member: Member,
    relay: Follower,
    /// Entries that the member has taken.
    taken: Vec<usize>,
    epoch: u64,
    relay_epoch: u64,
}

/// Steps that one input may have: more say nothing new.
const STEPS: usize = 40;

pub(crate) fn history(bytes: &[u8]) -> bool {
    let kept = Material::kept();
    let (member, relay) = (Member::reader(), follower());
    let begun = relay.epoch();
    let mut standing = Standing {
        member,
        relay,
        taken: Vec::new(),
        epoch: begun,
        relay_epoch: begun,
    };
    let (steps, _) = bytes.as_chunks::<3>();
    for [what, which, place] in steps.iter().take(STEPS) {
        let number = usize::from(*which) % kept.log.len();
        let entry = kept.log.get(number).expect("an entry");
        match what % 6 {
            0 | 1 => standing.deliver(number, entry),
            2 => standing.accept(entry),
            3 => {
                let end = entry.body.len() * usize::from(*place) / 256;
                let cut = entry.body.as_slice().get(..end).unwrap_or_default();
                assert!(standing.process(cut).is_none() && standing.relay.stage(cut).is_err());
            }
            4 => {
                let mut changed = entry.body.0.clone();
                let at = changed.len() * usize::from(*place) / 256;
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1 << (what >> 5);
                }
                // The relay cannot tell where only a tag is changed that it has no key for (3.9).
                assert!(standing.process(&changed).is_none());
            }
            _ => standing.member.engine = OpenMlsEngine::new(),
        }
        standing.check();
    }
    !standing.taken.is_empty()
}

impl Standing {
    fn process(&mut self, bytes: &[u8]) -> Option<Processed> {
        let group = Material::kept().group.as_slice();
        let Member { store, engine } = &mut self.member;
        store.begin();
        match engine.process(store, group, bytes, &mut |_| Ok(())) {
            Ok(processed) => {
                store.commit();
                Some(processed)
            }
            Err(error) => {
                assert!(!error.retryable(), "{error:?}");
                store.rollback();
                engine.forget_all();
                None
            }
        }
    }

    fn deliver(&mut self, number: usize, entry: &Entry) {
        let expected = entry.epoch == self.epoch && !self.taken.contains(&number);
        let processed = self.process(entry.body.as_slice());
        assert_eq!(processed.is_some(), expected, "entry {number} in epoch {}", self.epoch);
        match processed {
            Some(Processed::Commit(outcome)) => {
                self.epoch = outcome.epoch;
                let group = Material::kept().group.as_slice();
                let Member { store, engine } = &mut self.member;
                let authenticator = engine.epoch_authenticator(store, group).expect("the group");
                assert_eq!(
                    Some(authenticator),
                    entry.authenticator.as_ref().map(|kept| kept.0.clone())
                );
                self.taken.push(number);
            }
            Some(Processed::Message { .. }) => self.taken.push(number),
            None => {}
        }
    }

    /// The relay's part of a commit.
    fn accept(&mut self, entry: &Entry) {
        let staged = self.relay.stage(entry.body.as_slice());
        let Some(group_info) = &entry.group_info else {
            assert!(staged.is_err(), "a message is no commit");
            return;
        };
        assert_eq!(staged.is_ok(), entry.epoch == self.relay_epoch);
        if let Ok(staged) = staged {
            self.relay
                .accept(staged, group_info.as_slice())
                .expect("the GroupInfo of the commit");
            self.relay_epoch += 1;
        }
    }

    fn check(&mut self) {
        let group = Material::kept().group.as_slice();
        let Member { store, engine } = &mut self.member;
        assert_eq!(engine.epoch(store, group).expect("the group"), self.epoch);
        assert_eq!(self.relay.epoch(), self.relay_epoch);
        if self.epoch == self.relay_epoch {
            let members = engine.members(store, group).expect("members");
            assert_eq!(members, self.relay.members().expect("members"));
        }
    }
}
