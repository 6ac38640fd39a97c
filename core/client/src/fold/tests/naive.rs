//! Whatever comes in whatever order, the folded rows equal a naive recomputation from all messages by their places.

use std::collections::BTreeMap;

use curo_store::repo::item::Deleted;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    /// A message; `late` ones get their place now and come with [`Op::Deliver`].
    Text {
        who: u8,
        urgent: bool,
        late: bool,
    },
    Edit {
        who: u8,
        of: usize,
    },
    Delete {
        who: u8,
        of: usize,
    },
    React {
        who: u8,
        of: usize,
        emoji: u8,
        set: bool,
    },
    Acknowledge {
        who: u8,
        of: usize,
    },
    /// The first unsent one gets its place.
    Accept,
    /// The last unsent one is taken back.
    Cancel,
    /// The first late one comes.
    Deliver,
    MarkRead {
        at: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..5_u8;
    let of = 0..12_usize;
    prop_oneof![
        4 => (who.clone(), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(who, urgent, late)| Op::Text { who, urgent, late }),
        4 => (who.clone(), of.clone()).prop_map(|(who, of)| Op::Edit { who, of }),
        1 => (who.clone(), of.clone()).prop_map(|(who, of)| Op::Delete { who, of }),
        3 => (who.clone(), of.clone(), 0..3_u8, any::<bool>())
            .prop_map(|(who, of, emoji, set)| Op::React { who, of, emoji, set }),
        2 => (who, of).prop_map(|(who, of)| Op::Acknowledge { who, of }),
        3 => Just(Op::Accept),
        1 => Just(Op::Cancel),
        1 => Just(Op::Deliver),
        1 => (0..12_usize).prop_map(|at| Op::MarkRead { at }),
    ]
}

/// Whose message: this device queues, the others arrive.
const SENDERS: [(u8, u8); 5] = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)];

#[derive(Clone)]
struct Sent {
    sender: (u8, u8),
    n: u16,
    place: Place,
    body: ContentBody,
    late: bool,
}

#[derive(Default)]
struct World {
    /// All that was said.
    sent: Vec<Sent>,
    seq: u64,
    position: u64,
    read: Option<Place>,
}

impl World {
    fn texts(&self) -> Vec<Sent> {
        let texts = self
            .sent
            .iter()
            .filter(|sent| matches!(sent.body, ContentBody::Text(_)));
        texts.cloned().collect()
    }

    fn target(&self, of: usize) -> Option<Reference> {
        let texts = self.texts();
        let sent = texts.get(of % texts.len().max(1))?;
        Some(reference(device(sent.sender.0, sent.sender.1), sent.n))
    }

    fn add(&mut self, conn: &Connection, who: u8, body: ContentBody, late: bool) {
        let sender = SENDERS[usize::from(who)];
        let own = who == 0;
        let place = if own {
            self.position += 1;
            Place::Unsent(self.position)
        } else {
            self.seq += 1;
            log(self.seq)
        };
        let n = u16::try_from(self.sent.len()).unwrap();
        let late = late && !own;
        if !late {
            say(conn, sender, n, place, &body);
        }
        self.sent.push(Sent {
            sender,
            n,
            place,
            body,
            late,
        });
    }

    fn run(&mut self, conn: &Connection, op: Op) {
        let body = match op {
            Op::Text {
                who,
                urgent: soon,
                late,
            } => {
                let words = format!("w{:04}", self.sent.len());
                let body = if soon { urgent(&words) } else { text(&words) };
                return self.add(conn, who, body, late);
            }
            Op::Accept => {
                let Some(one) = self.sent.iter_mut().find(|sent| matches!(sent.place, Place::Unsent(_))) else {
                    return;
                };
                self.seq += 1;
                one.place = log(self.seq);
                let payload = Content::of(message(one.n), &one.body).unwrap().to_bytes().unwrap();
                let folding = Folding {
                    conn,
                    me: &me(),
                    id: ID,
                };
                return folding
                    .accepted(message(one.n), &payload, one.place, 1000 + self.seq)
                    .unwrap();
            }
            Op::Cancel => {
                let unsent = self
                    .sent
                    .iter()
                    .rposition(|sent| matches!(sent.place, Place::Unsent(_)));
                let Some(at) = unsent else { return };
                let gone = &mut self.sent[at];
                Folding::new(conn, &me(), ID).cancelled(message(gone.n)).unwrap();
                // Its number stays used.
                gone.body = ContentBody::Unsupported;
                gone.place = log(0);
                return;
            }
            Op::Deliver => {
                let Some(one) = self.sent.iter_mut().find(|sent| sent.late) else {
                    return;
                };
                one.late = false;
                return say(conn, one.sender, one.n, one.place, &one.body);
            }
            Op::MarkRead { at } => {
                let here: Vec<_> = self.texts().into_iter().filter(|sent| !sent.late).collect();
                if let Some(Place::Log { .. }) = here.get(at % here.len().max(1)).map(|sent| sent.place) {
                    let place = here[at % here.len()].place;
                    overview::mark_read(conn, ID, place).unwrap();
                    self.read = self.read.max(Some(place));
                }
                return;
            }
            Op::Edit { who, of } => (
                who,
                self.target(of)
                    .map(|target| edit(target, &format!("w{:04}", self.sent.len()))),
            ),
            Op::Delete { who, of } => (who, self.target(of).map(|target| ContentBody::Delete { target })),
            Op::React { who, of, emoji, set } => (
                who,
                self.target(of).map(|target| react(target, &emoji.to_string(), set)),
            ),
            Op::Acknowledge { who, of } => (
                who,
                self.target(of).map(|target| ContentBody::Acknowledgement { target }),
            ),
        };
        if let (who, Some(body)) = body {
            self.add(conn, who, body, false);
        }
    }

    /// Everything from the beginning, for one message.
    fn check(&self, conn: &Connection, one: &Sent) -> (bool, bool) {
        let target = reference(device(one.sender.0, one.sender.1), one.n);
        let ContentBody::Text(original) = &one.body else {
            panic!()
        };
        let mut said: Vec<_> = self.sent.iter().collect();
        said.sort_by_key(|sent| sent.place);
        let (mut words, mut deleted) = (original.text.as_str().to_owned(), Deleted::No);
        let mut reacted = BTreeMap::new();
        let mut acknowledged = std::collections::BTreeSet::new();
        for sent in said {
            if deleted == Deleted::Yes {
                break;
            }
            let of_author = sent.sender.0 == one.sender.0;
            match &sent.body {
                ContentBody::Edit { target: t, text, .. } if *t == target && of_author => {
                    words = text.as_str().to_owned();
                }
                ContentBody::Delete { target: t } if *t == target && of_author => {
                    deleted = if matches!(sent.place, Place::Log { .. }) {
                        Deleted::Yes
                    } else {
                        Deleted::Asked
                    };
                }
                ContentBody::Reaction { target: t, emoji, set } if *t == target => {
                    reacted.insert((emoji.as_str().to_owned(), user(sent.sender.0)), *set);
                }
                ContentBody::Acknowledgement { target: t }
                    if *t == target && !of_author && original.priority != Priority::Routine =>
                {
                    acknowledged.insert(user(sent.sender.0));
                }
                _ => {}
            }
        }
        let row = item::get(conn, ID, target.sender, target.message).unwrap().unwrap();
        assert_eq!((row.place, row.fold.deleted), (one.place, deleted));
        let gone = deleted == Deleted::Yes;
        assert_eq!(shown(conn, target), (!gone).then(|| words.clone()));
        let set: Vec<_> = reacted
            .into_iter()
            .filter(|(_, set)| *set && !gone)
            .map(|(key, _)| key)
            .collect();
        assert_eq!(reactions(conn, target), set);
        let acks = change::live(conn, ID, target, ChangeKind::Acknowledgement).unwrap();
        let acks: std::collections::BTreeSet<_> = acks.iter().map(|row| row.sender_user).collect();
        assert_eq!(acks, acknowledged);
        let logged = matches!(one.place, Place::Log { .. });
        assert_eq!(found(conn, &words), logged && deleted == Deleted::No, "{words}");
        (
            one.sender.0 != 1 && !gone && Some(one.place) > self.read,
            row.fold.counts,
        )
    }

    fn check_all(&self, conn: &Connection) {
        let here: Vec<_> = self.texts().into_iter().filter(|sent| !sent.late).collect();
        let unread = here.iter().filter(|sent| self.check(conn, sent).0).count();
        let overview = overview::get(conn, ID).unwrap();
        assert_eq!(overview.unread, unread as u64);
        assert_eq!(overview.read, self.read);
        assert_eq!(overview.last, here.iter().map(|sent| sent.place).max());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p8_4_folding_in_any_order_of_arrival_equals_a_naive_recomputation(ops in prop::collection::vec(op(), 1..60)) {
        with_store(move |conn| {
            let mut world = World::default();
            for op in ops {
                world.run(conn, op);
                world.check_all(conn);
            }
        });
    }
}
