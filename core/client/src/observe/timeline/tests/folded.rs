//! Whatever is said, edited, deleted, reacted to and acknowledged, by whom and in whatever order of arrival, with people who
//! come and go, gaps, and windows that move both ways: each item is what a naive recomputation from the log gives (rules
//! 8.1, 8.4), and only those that have changed are new.

use std::collections::BTreeMap;

use curo_types::format::{ContentBody, Priority, Reference, TextBody};
use proptest::prelude::*;

use super::*;
use crate::fold::Folding;
use crate::timeline::{Body, Missed};

#[derive(Clone, Debug)]
enum Op {
    /// So many texts; `late` ones have their place in the log now and come with [`Op::Deliver`].
    Text {
        who: u8,
        urgent: bool,
        late: bool,
        count: u8,
    },
    Edit(u8, prop::sample::Index),
    Delete(u8, prop::sample::Index),
    React(u8, prop::sample::Index, u8, bool),
    Acknowledge(u8, prop::sample::Index),
    /// Somebody comes or goes, this device misses something, another incarnation begins.
    Event(u8),
    /// The first unsent ones get their places.
    Accept(u8),
    /// The last unsent one is taken back.
    Cancel,
    /// The first late one comes.
    Deliver,
    Older,
    Newer,
    Newest,
    Jump(prop::sample::Index),
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..3_u8;
    let of = any::<prop::sample::Index>;
    prop_oneof![
        4 => (who.clone(), any::<bool>(), prop::bool::weighted(0.25), 1..12_u8)
            .prop_map(|(who, urgent, late, count)| Op::Text { who, urgent, late, count }),
        4 => (who.clone(), of()).prop_map(|(who, of)| Op::Edit(who, of)),
        2 => (who.clone(), of()).prop_map(|(who, of)| Op::Delete(who, of)),
        3 => (who.clone(), of(), 0..3_u8, any::<bool>()).prop_map(|(who, of, emoji, set)| Op::React(who, of, emoji, set)),
        3 => (who, of()).prop_map(|(who, of)| Op::Acknowledge(who, of)),
        2 => (0..4_u8).prop_map(Op::Event),
        3 => (1..20_u8).prop_map(Op::Accept),
        1 => Just(Op::Cancel),
        2 => Just(Op::Deliver),
        3 => Just(Op::Older),
        3 => Just(Op::Newer),
        1 => Just(Op::Newest),
        2 => of().prop_map(Op::Jump),
    ]
}

/// This device, another one's, a third person's.
const PEOPLE: [(UserId, DeviceId); 3] = [(ME, MINE), (THEM, THEIRS), (UserId([3; 16]), DeviceId([0xd3; 16]))];

#[derive(Clone)]
struct Sent {
    who: usize,
    n: u64,
    place: At,
    /// `None` for an event, and for what was taken back.
    body: Option<ContentBody>,
    event: bool,
    late: bool,
}

impl Sent {
    fn reference(&self) -> Reference {
        Reference {
            sender: PEOPLE[self.who].1,
            message: name(self.n),
        }
    }

    fn key(&self) -> ItemKey {
        ItemKey::new(PEOPLE[self.who].1, name(self.n))
    }

    fn is_text(&self) -> bool {
        matches!(self.body, Some(ContentBody::Text(_)))
    }

    fn row(&self) -> ItemRow {
        let content = self.body.as_ref().map(|body| Content::of(name(self.n), body).unwrap());
        ItemRow {
            sender_user: Some(PEOPLE[self.who].0),
            sender_device: PEOPLE[self.who].1,
            content: content.map(|content| content.to_bytes().unwrap()),
            ..row(self.place, self.n, false)
        }
    }
}

/// What is seen of a message, as everything that was said by now gives it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    body: Body,
    edited: bool,
    reactions: Vec<(String, Vec<UserId>)>,
    acknowledged_by: Vec<UserId>,
}

struct World {
    core: Arc<Core>,
    timeline: Timeline,
    sent: Vec<Sent>,
    seq: u64,
    position: u64,
    before: BTreeMap<ItemKey, Arc<TimelineItem>>,
}

impl World {
    fn texts(&self) -> Vec<Sent> {
        self.sent.iter().filter(|sent| sent.is_text()).cloned().collect()
    }

    async fn fold(&self, job: impl FnOnce(Folding<'_>) -> Result<(), Fault> + Send + 'static) {
        let me = self.core.account().await.unwrap();
        let done = self.core.db.write(move |tx| job(Folding::new(tx.conn, &me, CARE)));
        done.await.unwrap();
        self.core.changed_in(CARE);
    }

    async fn take(&self, sent: Sent) {
        let content = sent.body.as_ref().map(|body| Content::of(name(sent.n), body).unwrap());
        self.fold(move |folding| folding.take(sent.row(), content.as_ref()))
            .await;
    }

    async fn say(&mut self, who: u8, body: ContentBody, late: bool) {
        let who = usize::from(who);
        let place = if who == 0 {
            self.position += 1;
            At::Unsent(self.position)
        } else {
            self.seq += 1;
            log(self.seq)
        };
        let sent = Sent {
            who,
            n: self.sent.len() as u64,
            place,
            body: Some(body),
            event: false,
            late: late && who != 0,
        };
        self.sent.push(sent.clone());
        if !sent.late {
            self.take(sent).await;
        }
    }

    async fn about(&mut self, who: u8, of: prop::sample::Index, body: impl FnOnce(Reference) -> ContentBody) {
        let texts = self.texts();
        if !texts.is_empty() {
            let target = of.get(&texts).reference();
            self.say(who, body(target), false).await;
        }
    }

    async fn event(&mut self, which: u8) {
        self.seq += 1;
        let place = log(self.seq);
        let sent = Sent {
            who: 1,
            n: self.sent.len() as u64,
            place,
            body: None,
            event: true,
            late: false,
        };
        let change = crate::timeline::MemberChange {
            added: vec![PEOPLE[2].0],
            ..Default::default()
        };
        let missed = Missed {
            from: (1, self.seq),
            to: (1, self.seq),
        };
        let (kind, content, code) = match which {
            0 => (ItemKind::Members, Some(change.to_bytes()), None),
            1 => (ItemKind::Joined, Some(missed.to_bytes()), None),
            2 => (
                ItemKind::Joined,
                None,
                Some(crate::timeline::NEXT_INCARNATION.to_owned()),
            ),
            _ => (ItemKind::Unreadable, None, None),
        };
        let row = ItemRow {
            kind,
            content,
            code,
            ..sent.row()
        };
        self.sent.push(sent);
        add(&self.core, vec![row]).await;
    }

    async fn happen(&mut self, op: Op) {
        match op {
            Op::Text {
                who,
                urgent,
                late,
                count,
            } => {
                for _ in 0..count {
                    let body = ContentBody::Text(TextBody {
                        text: format!("w{}", self.sent.len()).as_str().into(),
                        priority: if urgent { Priority::Urgent } else { Priority::Routine },
                        ..TextBody::default()
                    });
                    self.say(who, body, late).await;
                }
            }
            Op::Edit(who, of) => {
                let text = format!("w{}", self.sent.len()).as_str().into();
                let mentions = Vec::new();
                let edit = |target| ContentBody::Edit { target, text, mentions };
                self.about(who, of, edit).await;
            }
            Op::Delete(who, of) => self.about(who, of, |target| ContentBody::Delete { target }).await,
            Op::React(who, of, emoji, set) => {
                let emoji = emoji.to_string().as_str().into();
                let react = |target| ContentBody::Reaction { target, emoji, set };
                self.about(who, of, react).await;
            }
            Op::Acknowledge(who, of) => {
                let acknowledge = |target| ContentBody::Acknowledgement { target };
                self.about(who, of, acknowledge).await;
            }
            Op::Event(which) => self.event(which).await,
            Op::Accept(count) => {
                for _ in 0..count {
                    let unsent = |sent: &&mut Sent| matches!(sent.place, At::Unsent(_));
                    let Some(one) = self.sent.iter_mut().filter(unsent).min_by_key(|sent| sent.place) else {
                        break;
                    };
                    self.seq += 1;
                    one.place = log(self.seq);
                    let (one, seq) = (one.clone(), self.seq);
                    self.fold(move |folding| {
                        let payload = one.row().content.unwrap();
                        folding.accepted(name(one.n), &payload, one.place, seq)
                    })
                    .await;
                }
            }
            Op::Cancel => {
                let unsent = |sent: &&mut Sent| matches!(sent.place, At::Unsent(_));
                let Some(one) = self.sent.iter_mut().filter(unsent).max_by_key(|sent| sent.place) else {
                    return;
                };
                // Its number stays used.
                (one.body, one.place) = (None, log(0));
                let gone = name(one.n);
                self.fold(move |folding| folding.cancelled(gone)).await;
            }
            Op::Deliver => {
                let Some(one) = self.sent.iter_mut().find(|sent| sent.late) else {
                    return;
                };
                one.late = false;
                let one = one.clone();
                self.take(one).await;
            }
            Op::Older => self.timeline.load_older().await.unwrap(),
            Op::Newer => self.timeline.load_newer().await.unwrap(),
            Op::Newest => self.timeline.jump_to_newest().await.unwrap(),
            Op::Jump(to) => {
                let all = self.all();
                if !all.is_empty() {
                    self.timeline.jump_to(to.get(&all).key()).await.unwrap();
                }
            }
        }
    }

    /// All that can be shown by now, in the order of display.
    fn all(&self) -> Vec<Sent> {
        let here = self
            .sent
            .iter()
            .filter(|sent| (sent.is_text() || sent.event) && !sent.late);
        let mut all: Vec<_> = here.cloned().collect();
        all.sort_by_key(|sent| sent.place);
        all
    }

    /// Everything that was said about one message, from the beginning.
    fn seen(&self, one: &Sent) -> Seen {
        let Some(ContentBody::Text(original)) = &one.body else {
            panic!()
        };
        let mut said: Vec<_> = self.sent.iter().filter(|sent| !sent.late).collect();
        said.sort_by_key(|sent| sent.place);
        let (mut words, mut edited, mut deleted, mut purged) = (original.text.clone(), false, false, false);
        let (mut reactions, mut acknowledged_by) = (BTreeMap::new(), Vec::new());
        for sent in said {
            let (user, of_author) = (PEOPLE[sent.who].0, sent.who == one.who);
            let logged = matches!(sent.place, At::Log { .. });
            match sent.body.as_ref() {
                _ if purged => break,
                Some(ContentBody::Edit { target, text, .. }) if *target == one.reference() && of_author => {
                    (words, edited) = (text.clone(), true);
                }
                Some(ContentBody::Delete { target }) if *target == one.reference() && of_author => {
                    (deleted, purged) = (true, logged);
                }
                Some(ContentBody::Reaction { target, emoji, set }) if *target == one.reference() => {
                    reactions.insert((emoji.as_str().to_owned(), user), *set);
                }
                Some(ContentBody::Acknowledgement { target })
                    if *target == one.reference()
                        && !of_author
                        && original.priority != Priority::Routine
                        && !acknowledged_by.contains(&user) =>
                {
                    acknowledged_by.push(user);
                }
                _ => {}
            }
        }
        let mut shown: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((emoji, user), _) in reactions.into_iter().filter(|(_, set)| *set && !deleted) {
            shown.entry(emoji).or_default().push(user);
        }
        Seen {
            body: if deleted { Body::Deleted } else { Body::Text(words) },
            // Nothing of it is left, not even that it was changed.
            edited: edited && !purged,
            reactions: shown.into_iter().collect(),
            acknowledged_by,
        }
    }

    async fn check(&mut self) {
        let state = now(&self.timeline).await;
        let (all, shown) = (self.all(), keys(&state));
        assert!(shown.len() <= 300);
        let first = shown
            .first()
            .map(|first| all.iter().position(|sent| sent.key() == *first).unwrap());
        let stretch = all.iter().skip(first.unwrap_or(0)).take(shown.len());
        let wanted: Vec<_> = stretch.clone().map(Sent::key).collect();
        assert_eq!(shown, wanted, "a stretch without a hole, in the order of the log");
        let edge = |more: bool| if more { Edge::More } else { Edge::End };
        if let Some(first) = first {
            let last = first + shown.len();
            assert_eq!((state.older, state.newer), (edge(first > 0), edge(last < all.len())));
        }
        for (item, sent) in state.items.iter().zip(stretch) {
            if let Some(before) = self.before.get(&item.key) {
                assert_eq!(
                    before.item == item.item,
                    Arc::ptr_eq(before, item),
                    "new if and only if changed"
                );
            }
            let crate::Entry::Message(message) = &item.item.entry else {
                assert!(sent.event);
                continue;
            };
            let reactions = message.reactions.iter();
            let seen = Seen {
                body: message.body.clone(),
                edited: message.edited,
                reactions: reactions
                    .map(|one| (one.emoji.as_str().to_owned(), one.users.clone()))
                    .collect(),
                acknowledged_by: message.acknowledged_by.clone(),
            };
            assert_eq!(seen, self.seen(sent), "{:?}", sent.place);
        }
        self.before = state.items.iter().map(|item| (item.key, Arc::clone(item))).collect();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p8_1_p8_4_every_item_equals_a_naive_recomputation_from_the_log(
        ops in prop::collection::vec(op(), 1..60),
        page in 1..40_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (core, _dir, care) = with_conversation().await;
            let timeline = care.timeline(options(Start::Newest, page)).unwrap();
            let mut world = World {
                core,
                timeline,
                sent: Vec::new(),
                seq: 0,
                position: 0,
                before: BTreeMap::new(),
            };
            for op in ops {
                world.happen(op).await;
                world.check().await;
            }
        });
    }
}
