//! Whatever happens to log, paging and windows: what is shown is a stretch of what a naive look at the whole log gives.

use std::collections::BTreeMap;

use curo_store::repo::leaf;
use curo_store::repo::receipt::{self, Watermark};
use proptest::prelude::*;

use super::*;
use crate::delivery::Deliveries;
use crate::pages::item_of;

/// Two people and their devices.
const OTHERS: [(UserId, DeviceId); 3] = [
    (THEM, THEIRS),
    (UserId([3; 16]), DeviceId([0xd3; 16])),
    (UserId([3; 16]), DeviceId([0xd4; 16])),
];

/// The second device of the second person came later than the others.
async fn with_others(core: &Core) {
    let done = core.db.write(|tx| {
        for (who, since) in OTHERS.iter().zip([0, 0, 20]) {
            conversation::add_member(tx.conn, CARE, 1, who.0, 0)?;
            leaf::enter(tx.conn, CARE, 1, *who, since)?;
        }
        Ok(())
    });
    done.await.unwrap();
}

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    /// So many messages of others arrive at once.
    Arrive(u16),
    /// So many own ones are queued.
    Queue(u8),
    /// The first unsent ones get their places.
    Accept(u8),
    /// The last unsent one is taken back.
    Cancel,
    /// Somebody's device has come so far, and somebody has read so far, of 255.
    Reach(u8, u8),
    Read(u8, u8),
    Older,
    Newer,
    Newest,
    Jump(prop::sample::Index),
    Lock,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..40_u16).prop_map(Step::Arrive),
        1 => (200..400_u16).prop_map(Step::Arrive),
        3 => (1..30_u8).prop_map(Step::Queue),
        3 => (1..40_u8).prop_map(Step::Accept),
        1 => Just(Step::Cancel),
        2 => (0..3_u8, any::<u8>()).prop_map(|(who, to)| Step::Reach(who, to)),
        2 => (0..3_u8, any::<u8>()).prop_map(|(who, to)| Step::Read(who, to)),
        5 => Just(Step::Older),
        4 => Just(Step::Newer),
        1 => Just(Step::Newest),
        3 => any::<prop::sample::Index>().prop_map(Step::Jump),
        1 => Just(Step::Lock),
    ]
}

/// The log and the outbox, as a test keeps them.
#[derive(Default)]
struct Log {
    items: BTreeMap<At, ItemKey>,
    names: u64,
    seq: u64,
    position: u64,
}

impl Log {
    fn next(&mut self, own: bool) -> ItemRow {
        self.names += 1;
        let place = if own {
            self.position += 1;
            At::Unsent(self.position)
        } else {
            self.seq += 1;
            log(self.seq)
        };
        self.items.insert(place, key(self.names, own));
        row(place, self.names, own)
    }

    fn unsent(&self) -> Vec<(At, ItemKey)> {
        let unsent = self.items.range(At::Unsent(0)..);
        unsent.map(|(place, key)| (*place, *key)).collect()
    }

    fn keys(&self) -> Vec<ItemKey> {
        self.items.values().copied().collect()
    }
}

/// What was shown last, as a stretch of the whole: first and last item, both included.
#[derive(Clone, Copy)]
struct Shown {
    first: usize,
    last: usize,
}

struct World {
    core: Arc<Core>,
    log: Log,
    timeline: Timeline,
    page: usize,
    before: BTreeMap<ItemKey, Arc<TimelineItem>>,
}

impl World {
    async fn happen(&mut self, step: &Step) {
        match step {
            Step::Arrive(count) => {
                let rows = (0..*count).map(|_| self.log.next(false)).collect();
                add(&self.core, rows).await;
            }
            Step::Queue(count) => {
                let rows = (0..*count).map(|_| self.log.next(true)).collect();
                add(&self.core, rows).await;
            }
            Step::Accept(count) => {
                for (place, key) in self.log.unsent().into_iter().take((*count).into()) {
                    self.log.seq += 1;
                    let to = log(self.log.seq);
                    self.log.items.remove(&place);
                    self.log.items.insert(to, key);
                    self.core
                        .db
                        .write(move |tx| Ok(item::accept(tx.conn, CARE, MINE, key.message, to, 5)?))
                        .await
                        .unwrap();
                }
                self.core.changed_in(CARE);
            }
            Step::Cancel => {
                if let Some((place, key)) = self.log.unsent().pop() {
                    self.log.items.remove(&place);
                    self.core
                        .db
                        .write(move |tx| {
                            tx.conn
                                .execute("DELETE FROM item WHERE message = ?1", [key.message.0])?;
                            Ok(())
                        })
                        .await
                        .unwrap();
                    self.core.changed_in(CARE);
                }
            }
            Step::Reach(who, to) | Step::Read(who, to) => {
                let (at, here) = (self.log.seq * u64::from(*to) / 255, self.log.seq);
                let (device, reads) = (OTHERS[usize::from(*who)].1, matches!(step, Step::Read(..)));
                let done = self.core.db.write(move |tx| {
                    leaf::see_cursor(tx.conn, CARE, 1, device, at, here)?;
                    if reads {
                        let mark = Watermark {
                            incarnation: 1,
                            seq: at,
                            read_ms: 9,
                        };
                        receipt::advance(tx.conn, CARE, device, mark)?;
                    }
                    Ok(())
                });
                done.await.unwrap();
                self.core.changed_in(CARE);
            }
            Step::Older => self.timeline.load_older().await.unwrap(),
            Step::Newer => self.timeline.load_newer().await.unwrap(),
            Step::Newest => self.timeline.jump_to_newest().await.unwrap(),
            Step::Jump(to) => {
                let keys = self.log.keys();
                if !keys.is_empty() {
                    self.timeline.jump_to(*to.get(&keys)).await.unwrap();
                }
            }
            Step::Lock => {
                self.core.observe.session(|session| session.locked = true);
                assert!(self.timeline.next(0).await.unwrap().state.items.is_empty());
                self.core.observe.session(|session| session.locked = false);
            }
        }
    }

    /// Compares a snapshot with a naive look at everything. Returns where it stands in the whole.
    async fn check(&mut self) -> (TimelineState, Option<Shown>) {
        let state = now(&self.timeline).await;
        let all = self.log.keys();
        let shown = keys(&state);
        assert!(shown.len() <= 300);
        let place = shown.first().map(|first| {
            let first = all.iter().position(|key| key == first).unwrap();
            Shown {
                first,
                last: first + shown.len() - 1,
            }
        });
        let (older, newer) = match place {
            Some(Shown { first, last }) => {
                assert_eq!(all.get(first..=last), Some(&shown[..]), "a stretch without a hole");
                (first > 0, last + 1 < all.len())
            }
            None => (!all.is_empty(), false),
        };
        let edge = |more| if more { Edge::More } else { Edge::End };
        assert_eq!((&state.older, &state.newer), (&edge(older), &edge(newer)));
        assert!(newer || state.new_below == 0);
        // The items themselves, as the store has them.
        let me = self.core.account().await.unwrap();
        let wanted = shown.clone();
        let naive = self.core.db.read(move |conn| {
            wanted
                .iter()
                .map(|key| {
                    let row = item::get(conn, CARE, key.sender, key.message)?.unwrap();
                    item_of(conn, &row, &me, &mut Deliveries::new(CARE, me.user))
                })
                .collect::<Result<Vec<_>, Fault>>()
        });
        for (item, naive) in state.items.iter().zip(naive.await.unwrap()) {
            assert_eq!(item.item, naive);
            // Another revision if and only if something has changed.
            if let Some(before) = self.before.get(&item.key) {
                assert_eq!(before.revision == item.revision, before.item == item.item);
                assert_eq!(before.revision == item.revision, Arc::ptr_eq(before, item));
            }
        }
        self.before = state.items.iter().map(|item| (item.key, Arc::clone(item))).collect();
        (state, place)
    }

    async fn run(&mut self, steps: Vec<Step>) {
        let (mut state, mut stood) = self.check().await;
        for step in steps {
            let below = state.new_below;
            let total = self.log.items.len();
            let live = state.newer == Edge::End;
            let unsent = self.log.unsent().len();
            if matches!(step, Step::Lock) {
                self.before.clear();
            }
            self.happen(&step).await;
            let (now, stands) = self.check().await;
            let all = self.log.items.len();
            match (&step, stood, stands) {
                (Step::Older, Some(was), Some(is)) => {
                    assert_eq!(is.first, was.first.saturating_sub(self.page));
                    assert_eq!(is.last, was.last.min(is.first + 299));
                }
                (Step::Newer, Some(was), Some(is)) => {
                    let last = if live {
                        was.last
                    } else {
                        (was.last + self.page).min(total - 1)
                    };
                    assert_eq!(
                        (is.last, is.first),
                        (last, was.first.max((last + 1).saturating_sub(300)))
                    );
                }
                (Step::Newest, _, Some(is)) => {
                    assert_eq!((is.last + 1, is.last + 1 - is.first), (all, self.page.min(all)));
                }
                (Step::Jump(_), _, Some(is)) => {
                    let anchor = now.anchor.unwrap();
                    let at = self.log.keys().iter().position(|key| *key == anchor).unwrap();
                    let older = self.page / 2;
                    assert_eq!(is.first, at.saturating_sub(older));
                    assert_eq!(is.last, (at + self.page - older - 1).min(all - 1));
                }
                // At the live end all is appended; elsewhere nothing comes, and what others said is counted.
                (Step::Arrive(_) | Step::Queue(_), _, Some(is)) if live => assert_eq!(is.last + 1, all),
                (Step::Arrive(count), Some(was), Some(is)) if was.last < total - unsent => {
                    assert_eq!((is.first, is.last), (was.first, was.last));
                    assert_eq!(now.new_below, (below + u64::from(*count)).min(1000));
                }
                (Step::Lock, Some(was), Some(is)) => {
                    assert_eq!((is.first, is.last), (was.first, was.last));
                }
                _ => {}
            }
            (state, stood) = (now, stands);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_equals_a_naive_recomputation(steps in prop::collection::vec(step(), 1..40), page in 1..60_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (core, _dir, care) = with_conversation().await;
            with_others(&core).await;
            let timeline = care.timeline(options(Start::Newest, page)).unwrap();
            let mut world = World {
                core,
                log: Log::default(),
                timeline,
                page,
                before: BTreeMap::new(),
            };
            world.run(steps).await;
        });
    }
}
