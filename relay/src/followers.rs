//! Loaded group states of conversations that change often, so that a commit need not read and decode what the commit before it
//! has just written.
//!
//! The storage stays the truth: what is here was saved there, belongs to one epoch, and is good for checking only. Whether a
//! commit wins is decided by the storage's compare-and-set on the epoch. A follower is taken out while it is used; whoever finds
//! none loads one. After trouble of any kind it is not put back.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use curo_mls::Follower;
use curo_types::{ConversationId, TenantId};

/// Which group state: the state of an epoch is the same for everybody, because one commit wins.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct GroupKey {
    pub(crate) tenant: TenantId,
    pub(crate) conversation: ConversationId,
    pub(crate) incarnation: u64,
    pub(crate) epoch: u64,
}

/// A follower and the size of its saved form.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) follower: Follower,
    pub(crate) bytes: usize,
}

/// Least recently used ones go first.
pub(crate) struct Followers {
    inner: Mutex<Inner>,
    limit: usize,
}

#[derive(Default)]
struct Inner {
    kept: HashMap<GroupKey, (u64, Loaded)>,
    /// By age.
    order: BTreeMap<u64, GroupKey>,
    next: u64,
    bytes: usize,
}

impl Followers {
    /// Keeps those whose saved forms have so many bytes together.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            inner: Mutex::default(),
            limit,
        }
    }

    /// Takes out the state of an epoch.
    pub(crate) fn take(&self, key: &GroupKey) -> Option<Loaded> {
        self.lock().remove(key)
    }

    /// Keeps the state of an epoch that the storage has. Says how many had to give way: whoever needs one of them reads it again,
    /// so nothing is saved for that.
    pub(crate) fn put(&self, key: GroupKey, loaded: Loaded) -> usize {
        if loaded.bytes > self.limit {
            // It gives way itself.
            return 1;
        }
        let mut evicted = 0;
        let mut guard = self.lock();
        let inner = &mut *guard;
        // Two that were loaded at the same time are the same.
        drop(inner.remove(&key));
        inner.bytes += loaded.bytes;
        inner.next += 1;
        inner.order.insert(inner.next, key.clone());
        inner.kept.insert(key, (inner.next, loaded));
        while inner.bytes > self.limit {
            let Some((_, oldest)) = inner.order.first_key_value() else {
                break;
            };
            let oldest = oldest.clone();
            drop(inner.remove(&oldest));
            evicted += 1;
        }
        evicted
    }

    /// How many are kept.
    pub(crate) fn count(&self) -> usize {
        self.lock().kept.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, key: &GroupKey) -> Option<Loaded> {
        let (age, loaded) = self.kept.remove(key)?;
        self.order.remove(&age);
        self.bytes -= loaded.bytes;
        Some(loaded)
    }
}

impl fmt::Debug for Followers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        write!(f, "Followers({} of {} bytes)", inner.kept.len(), inner.bytes)
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]
mod tests {
    use std::time::{Duration, Instant};

    use curo_mls::{CommitPlan, MemoryStore, MlsEngine as _, OpenMlsEngine, Signer, Suite};
    use curo_sqlite::CipherKey;
    use curo_types::api::{CommitBundle, CreateConversation};
    use curo_types::format::{Action, AuthenticatedData, Credential};
    use curo_types::{Blob, DeviceId, Digest, GroupId, IntentId, SuiteId, UserId};

    use super::*;
    use crate::accept::{self, Checked};
    use crate::storage::{
        CommitCheck, CommitOutcome, DeviceRef, DirectoryChange, DirectoryLimits, SqliteOptions, SqliteStorage,
        Storage as _,
    };

    const SUITE: SuiteId = SuiteId::MLS_128_X25519_AES128GCM_SHA256_ED25519;

    fn tenant() -> TenantId {
        TenantId::new("st-mary").unwrap()
    }

    fn key(n: u8, epoch: u64) -> GroupKey {
        GroupKey {
            tenant: tenant(),
            conversation: ConversationId([n; 16]),
            incarnation: 1,
            epoch,
        }
    }

    /// A creator with others, and their first commit.
    struct Group {
        engine: OpenMlsEngine,
        store: MemoryStore,
        id: GroupId,
        creator: DeviceRef,
        devices: Vec<DirectoryChange>,
        request: Option<CreateConversation>,
    }

    impl Group {
        fn new(conversation: ConversationId, leaves: usize) -> Self {
            let (mut engine, store, id) = (OpenMlsEngine::new(), MemoryStore::new(), GroupId::random());
            let mut devices = Vec::new();
            let mut signers = Vec::new();
            for _ in 0..leaves {
                let device = DeviceRef {
                    user: UserId::random(),
                    device: DeviceId::random(),
                };
                let suite = Suite(SUITE.0);
                let public_key = engine.new_signature_key(&store, suite).unwrap();
                let identity = Credential::new(tenant(), device.user, device.device).to_bytes();
                devices.push(DirectoryChange {
                    device,
                    action: Action::Add,
                    keys: vec![(SUITE, public_key.clone())],
                    previous: None,
                    request_hash: Digest::of(&device.device.0),
                    envelope: device.device.0.to_vec(),
                    approved_by: None,
                });
                signers.push(Signer {
                    suite,
                    identity,
                    public_key,
                });
            }
            let created = engine.create(&store, &signers[0], id.as_bytes()).unwrap();
            let add = signers[1..]
                .iter()
                .map(|signer| {
                    engine
                        .new_key_packages(&store, signer, 1, false)
                        .unwrap()
                        .remove(0)
                        .bytes
                })
                .collect();
            let creator = devices[0].device;
            let mut group = Self {
                engine,
                store,
                id,
                creator,
                devices,
                request: None,
            };
            let version = u64::try_from(leaves).unwrap();
            let first_commit = group.commit(&CommitPlan { add, remove: vec![] }, version);
            group.request = Some(CreateConversation {
                conversation,
                incarnation: 1,
                group: id,
                suite: SUITE,
                group_info: Blob(created.group_info),
                tree: Blob(created.tree),
                first_commit,
                lost: None,
            });
            group
        }

        fn commit(&mut self, plan: &CommitPlan, version: u64) -> CommitBundle {
            let aad = AuthenticatedData::commit(IntentId::random(), version, None).to_bytes();
            let made = self
                .engine
                .prepare_commit(&self.store, self.id.as_bytes(), plan, &aad)
                .unwrap();
            CommitBundle {
                commit: Blob(made.commit),
                group_info: Blob(made.group_info),
                welcome: made.welcome.map(Blob),
            }
        }

        fn merge(&mut self) {
            self.engine.apply_own_commit(&self.store, self.id.as_bytes()).unwrap();
        }

        fn follower(&mut self) -> Loaded {
            let request = self.request.take().unwrap();
            let (new, follower) = accept::check_creation(&tenant(), self.creator, request).unwrap();
            Loaded {
                follower,
                bytes: new.first_commit.follower.unwrap().len(),
            }
        }
    }

    #[test]
    fn they_are_bounded_in_bytes_and_the_least_recently_used_goes_first() {
        let followers = Followers::new(300);
        let follower = |n| Loaded {
            bytes: 100,
            ..Group::new(ConversationId([n; 16]), 2).follower()
        };
        for n in 1..=3 {
            followers.put(key(n, 1), follower(n));
        }
        assert!(followers.take(&key(1, 2)).is_none(), "another epoch is another state");
        let first = followers.take(&key(1, 1)).unwrap();
        assert!(followers.take(&key(1, 1)).is_none(), "one at a time");
        followers.put(key(1, 1), first);
        followers.put(key(4, 1), follower(4));
        assert!(followers.take(&key(2, 1)).is_none(), "the oldest has gone");
        assert_eq!(format!("{followers:?}"), "Followers(3 of 300 bytes)");
        followers.put(key(4, 1), follower(4));
        assert_eq!(
            format!("{followers:?}"),
            "Followers(3 of 300 bytes)",
            "put twice, kept once"
        );
        followers.put(
            key(5, 1),
            Loaded {
                bytes: 301,
                ..follower(5)
            },
        );
        assert!(
            followers.take(&key(5, 1)).is_none(),
            "what is over the limit alone pushes nobody out"
        );
        for n in [1, 3, 4] {
            assert!(followers.take(&key(n, 1)).is_some(), "{n}");
        }
        assert_eq!(format!("{followers:?}"), "Followers(0 of 0 bytes)");
    }

    #[test]
    fn p3_4_a_refused_commit_leaves_the_follower_as_it_was_or_unusable() {
        let conversation = ConversationId([1; 16]);
        let mut group = Group::new(conversation, 3);
        let Loaded { follower, .. } = group.follower();
        let before = follower.save().unwrap();
        group.merge();
        let good = group.commit(&CommitPlan::default(), 3);
        let check = |follower, caller, bundle: &CommitBundle| {
            let head = accept::read_commit(conversation, 1, bundle).unwrap();
            accept::check_commit(&tenant(), caller, follower, head, bundle.clone(), true)
        };
        let other = group.devices[1].device;
        let Checked { result, follower } = check(follower, other, &good);
        assert!(result.is_err());
        let follower = follower.unwrap();
        assert_eq!(follower.save().unwrap(), before, "judged and not touched");
        let bent = CommitBundle {
            group_info: Blob(vec![0; 40]),
            ..good.clone()
        };
        let Checked { result, follower } = check(follower, group.creator, &bent);
        assert!(result.is_err() && follower.is_none(), "it failed while it was applied");
        let Checked { result, follower } = check(Follower::load(&before).unwrap(), group.creator, &good);
        assert_eq!(result.unwrap().follower, Some(follower.unwrap().save().unwrap()));
    }

    /// Time of this thread on a processor (Linux).
    fn cpu() -> Duration {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
    }

    /// Prints what a commit costs with the group in memory and without, and with a checkpoint every so many commits. `cargo test -p curo-relay --lib -- --ignored --nocapture hot_groups`
    #[tokio::test]
    #[ignore = "a measurement"]
    async fn hot_groups_measured() {
        for leaves in [10, 200, 1000] {
            let dir = tempfile::tempdir().unwrap();
            let cipher = CipherKey::new(&[7; 32], &[8; 16]);
            let path = dir.path().join("relay.db");
            let storage = SqliteStorage::open(&path, &cipher, SqliteOptions::default())
                .await
                .unwrap();
            let mut group = Group::new(ConversationId([1; 16]), leaves);
            let bounds = DirectoryLimits {
                active: 10,
                additions_per_day: 10,
            };
            for change in group.devices.clone() {
                storage
                    .change_directory(&tenant(), vec![change], bounds, 1)
                    .await
                    .unwrap();
            }
            let request = group.request.take().unwrap();
            let (new, mut follower) = accept::check_creation(&tenant(), group.creator, request).unwrap();
            storage
                .create_conversation(&tenant(), group.creator, new, 1)
                .await
                .unwrap();
            group.merge();
            for (hot, every) in [(false, 1), (true, 1), (false, 16), (true, 16)] {
                let (mut spent, mut bytes) = ([Duration::ZERO; 4], 0);
                const ROUNDS: u32 = 32;
                for _ in 0..ROUNDS {
                    let bundle = group.commit(&CommitPlan::default(), u64::try_from(leaves).unwrap());
                    let head = accept::read_commit(ConversationId([1; 16]), 1, &bundle).unwrap();
                    let has = hot.then_some(head.key.epoch);
                    let mut at = (Instant::now(), cpu());
                    let mut lap = |n: usize| {
                        // Computation by the time on a processor, which other work on the machine does not lengthen.
                        spent[n] += if n == 1 || n == 2 {
                            cpu().saturating_sub(at.1)
                        } else {
                            at.0.elapsed()
                        };
                        at = (Instant::now(), cpu());
                    };
                    let check = storage
                        .check_commit(&tenant(), group.creator, head.key.clone(), has, 1)
                        .await;
                    let CommitCheck::Open(state) = check.unwrap() else {
                        panic!("not open")
                    };
                    lap(0);
                    let checkpoint = state.epoch + 1 >= state.checkpoint_epoch + every;
                    if let Some(stored) = state.follower {
                        follower = Follower::load(&stored.follower).unwrap();
                        for commit in &stored.commits {
                            follower.replay(commit).unwrap();
                        }
                    }
                    lap(1);
                    let checked = accept::check_commit(&tenant(), group.creator, follower, head, bundle, checkpoint);
                    follower = checked.follower.unwrap();
                    lap(2);
                    let new = checked.result.as_ref().unwrap();
                    bytes += new.follower.as_ref().map_or(0, Vec::len) + new.body.len() + new.group_info.len();
                    bytes += new.tree.len();
                    let outcome = storage
                        .accept_commit(&tenant(), group.creator, checked.result.unwrap(), 1)
                        .await;
                    assert!(matches!(outcome.unwrap(), CommitOutcome::Accepted(_)));
                    lap(3);
                    group.merge();
                }
                let [read, load, check, accept] = spent.map(|spent| (spent / ROUNDS).as_secs_f64() * 1000.0);
                let all = read + load + check + accept;
                eprintln!(
                    "{leaves} leaves, hot {hot}, checkpoint every {every}: {} kB a commit, read {read:.2} load {load:.2} check {check:.2} accept {accept:.2} \
                     = {all:.2} ms",
                    bytes / ROUNDS as usize / 1000
                );
            }
            storage.close().await;
        }
    }
}
