//! Loaded groups, bounded: the least recently used one goes first.

use std::collections::HashMap;
use std::fmt;

use openmls::prelude::MlsGroup;

/// How many groups stay loaded. A group of 1,000 members takes about a megabyte.
const CAPACITY: usize = 64;

#[derive(Default)]
pub(super) struct Cache {
    groups: HashMap<Vec<u8>, (u64, MlsGroup)>,
    uses: u64,
}

impl Cache {
    /// Takes a group out.
    pub(super) fn take(&mut self, group_id: &[u8]) -> Option<MlsGroup> {
        self.groups.remove(group_id).map(|(_, group)| group)
    }

    /// Puts a group in as the most recently used one.
    pub(super) fn put(&mut self, group: MlsGroup) {
        self.uses += 1;
        self.groups.insert(group.group_id().to_vec(), (self.uses, group));
        if self.groups.len() > CAPACITY {
            let oldest = self
                .groups
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(id, _)| id.clone());
            if let Some(id) = oldest {
                self.groups.remove(&id);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.groups.clear();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} loaded groups", self.groups.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use super::super::OpenMlsEngine;
    use super::CAPACITY;
    use crate::{MemoryStore, MlsEngine, Signer, Suite};

    #[test]
    fn the_cache_is_bounded_and_evicted_groups_are_loaded_again() {
        let (store, mut engine) = (MemoryStore::new(), OpenMlsEngine::new());
        let suite = Suite::X25519_AES128GCM_SHA256_ED25519;
        let public_key = engine.new_signature_key(&store, suite).unwrap();
        let signer = Signer {
            suite,
            identity: b"anna".to_vec(),
            public_key,
        };
        let ids: Vec<Vec<u8>> = (0..CAPACITY + 3).map(|n| n.to_be_bytes().to_vec()).collect();
        for id in &ids {
            engine.create(&store, &signer, id).unwrap();
            assert!(engine.groups.len() <= CAPACITY);
        }
        assert_eq!(engine.groups.len(), CAPACITY);
        assert!(engine.groups.take(&ids[0]).is_none());
        assert_eq!(engine.epoch(&store, &ids[0]).unwrap(), 0);
        // The one just used stays, the least recently used one made room for it.
        assert!(engine.groups.take(&ids[0]).is_some());
        assert!(engine.groups.take(&ids[3]).is_none());
    }
}
