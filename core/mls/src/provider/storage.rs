//! OpenMLS's storage trait over [`MlsStore`](crate::MlsStore): every call is one row, lists included.
//!
//! Nothing here decides anything; the methods differ in their types and tables only, hence the macro.

use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};

use super::Storage;
use super::rows::{Latched, List, Row};
use crate::store::table;

/// Methods that write, read or delete one row under one key.
macro_rules! rows {
    ($(write $name:ident($key:ident, $value:ident) in $table:ident;)*) => {$(
        fn $name<K: traits::$key<CURRENT_VERSION>, E: traits::$value<CURRENT_VERSION>>(
            &self, key: &K, value: &E,
        ) -> Row<()> {
            self.write(table::$table, key, value)
        }
    )*};
    ($(read $name:ident($key:ident, $value:ident) in $table:ident;)*) => {$(
        fn $name<K: traits::$key<CURRENT_VERSION>, E: traits::$value<CURRENT_VERSION>>(
            &self, key: &K,
        ) -> Row<Option<E>> {
            self.read(table::$table, key)
        }
    )*};
    // The trait names the value before the key here.
    ($(read_swapped $name:ident($value:ident, $key:ident) in $table:ident;)*) => {$(
        fn $name<E: traits::$value<CURRENT_VERSION>, K: traits::$key<CURRENT_VERSION>>(
            &self, key: &K,
        ) -> Row<Option<E>> {
            self.read(table::$table, key)
        }
    )*};
    ($(delete $name:ident($key:ident) in $table:ident;)*) => {$(
        fn $name<K: traits::$key<CURRENT_VERSION>>(&self, key: &K) -> Row<()> {
            self.erase(table::$table, key)
        }
    )*};
}

impl StorageProvider<CURRENT_VERSION> for Storage<'_> {
    type Error = Latched;

    rows! {
        write write_mls_join_config(GroupId, MlsGroupJoinConfig) in JOIN_CONFIG;
        write write_tree(GroupId, TreeSync) in TREE;
        write write_interim_transcript_hash(GroupId, InterimTranscriptHash) in TRANSCRIPT_HASH;
        write write_context(GroupId, GroupContext) in CONTEXT;
        write write_confirmation_tag(GroupId, ConfirmationTag) in CONFIRMATION_TAG;
        write write_message_secrets(GroupId, MessageSecrets) in MESSAGE_SECRETS;
        write write_resumption_psk_store(GroupId, ResumptionPskStore) in RESUMPTION_PSKS;
        write write_own_leaf_index(GroupId, LeafNodeIndex) in OWN_LEAF_INDEX;
        write write_group_epoch_secrets(GroupId, GroupEpochSecrets) in EPOCH_SECRETS;
        write write_signature_key_pair(SignaturePublicKey, SignatureKeyPair) in SIGNATURE_KEYS;
        write write_encryption_key_pair(EncryptionKey, HpkeKeyPair) in ENCRYPTION_KEYS;
        write write_key_package(HashReference, KeyPackage) in KEY_PACKAGES;
        write write_psk(PskId, PskBundle) in PSKS;
    }

    rows! {
        read mls_group_join_config(GroupId, MlsGroupJoinConfig) in JOIN_CONFIG;
        read tree(GroupId, TreeSync) in TREE;
        read group_context(GroupId, GroupContext) in CONTEXT;
        read interim_transcript_hash(GroupId, InterimTranscriptHash) in TRANSCRIPT_HASH;
        read confirmation_tag(GroupId, ConfirmationTag) in CONFIRMATION_TAG;
        read message_secrets(GroupId, MessageSecrets) in MESSAGE_SECRETS;
        read resumption_psk_store(GroupId, ResumptionPskStore) in RESUMPTION_PSKS;
        read own_leaf_index(GroupId, LeafNodeIndex) in OWN_LEAF_INDEX;
        read group_epoch_secrets(GroupId, GroupEpochSecrets) in EPOCH_SECRETS;
        read signature_key_pair(SignaturePublicKey, SignatureKeyPair) in SIGNATURE_KEYS;
        read key_package(HashReference, KeyPackage) in KEY_PACKAGES;
    }

    rows! {
        read_swapped group_state(GroupState, GroupId) in GROUP_STATE;
        read_swapped encryption_key_pair(HpkeKeyPair, EncryptionKey) in ENCRYPTION_KEYS;
        read_swapped psk(PskBundle, PskId) in PSKS;
    }

    rows! {
        delete delete_own_leaf_nodes(GroupId) in OWN_LEAF_NODES;
        delete delete_group_config(GroupId) in JOIN_CONFIG;
        delete delete_tree(GroupId) in TREE;
        delete delete_confirmation_tag(GroupId) in CONFIRMATION_TAG;
        delete delete_group_state(GroupId) in GROUP_STATE;
        delete delete_context(GroupId) in CONTEXT;
        delete delete_interim_transcript_hash(GroupId) in TRANSCRIPT_HASH;
        delete delete_message_secrets(GroupId) in MESSAGE_SECRETS;
        delete delete_all_resumption_psk_secrets(GroupId) in RESUMPTION_PSKS;
        delete delete_own_leaf_index(GroupId) in OWN_LEAF_INDEX;
        delete delete_group_epoch_secrets(GroupId) in EPOCH_SECRETS;
        delete delete_signature_key_pair(SignaturePublicKey) in SIGNATURE_KEYS;
        delete delete_encryption_key_pair(EncryptionKey) in ENCRYPTION_KEYS;
        delete delete_key_package(HashReference) in KEY_PACKAGES;
        delete delete_psk(PskId) in PSKS;
    }

    fn write_group_state<E: traits::GroupState<CURRENT_VERSION>, K: traits::GroupId<CURRENT_VERSION>>(
        &self,
        key: &K,
        value: &E,
    ) -> Row<()> {
        self.write(table::GROUP_STATE, key, value)
    }

    // Key pairs of an epoch: one row for (group, epoch, leaf).

    fn write_encryption_epoch_key_pairs<
        G: traits::GroupId<CURRENT_VERSION>,
        E: traits::EpochKey<CURRENT_VERSION>,
        P: traits::HpkeKeyPair<CURRENT_VERSION>,
    >(
        &self,
        group_id: &G,
        epoch: &E,
        leaf_index: u32,
        key_pairs: &[P],
    ) -> Row<()> {
        self.write(table::EPOCH_KEY_PAIRS, &(group_id, epoch, leaf_index), key_pairs)
    }

    fn encryption_epoch_key_pairs<
        G: traits::GroupId<CURRENT_VERSION>,
        E: traits::EpochKey<CURRENT_VERSION>,
        P: traits::HpkeKeyPair<CURRENT_VERSION>,
    >(
        &self,
        group_id: &G,
        epoch: &E,
        leaf_index: u32,
    ) -> Row<Vec<P>> {
        Ok(self
            .read(table::EPOCH_KEY_PAIRS, &(group_id, epoch, leaf_index))?
            .unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<G: traits::GroupId<CURRENT_VERSION>, E: traits::EpochKey<CURRENT_VERSION>>(
        &self,
        group_id: &G,
        epoch: &E,
        leaf_index: u32,
    ) -> Row<()> {
        self.erase(table::EPOCH_KEY_PAIRS, &(group_id, epoch, leaf_index))
    }

    // Own leaf nodes of update proposals: one list row for a group.

    fn append_own_leaf_node<G: traits::GroupId<CURRENT_VERSION>, L: traits::LeafNode<CURRENT_VERSION>>(
        &self,
        group_id: &G,
        leaf_node: &L,
    ) -> Row<()> {
        let mut list: List<Vec<u8>> = self.read(table::OWN_LEAF_NODES, group_id)?.unwrap_or_default();
        list.push(self.item(leaf_node)?);
        self.write(table::OWN_LEAF_NODES, group_id, &list)
    }

    fn own_leaf_nodes<G: traits::GroupId<CURRENT_VERSION>, L: traits::LeafNode<CURRENT_VERSION>>(
        &self,
        group_id: &G,
    ) -> Row<Vec<L>> {
        let list: List<Vec<u8>> = self.read(table::OWN_LEAF_NODES, group_id)?.unwrap_or_default();
        list.iter().map(|item| self.open(item)).collect()
    }

    // Queued proposals: one list row of (reference, proposal) for a group. Rule 3.4 keeps it empty.

    fn queue_proposal<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        P: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        group_id: &G,
        proposal_ref: &R,
        proposal: &P,
    ) -> Row<()> {
        let reference = self.item(proposal_ref)?;
        let mut list = self.proposals(group_id)?;
        list.retain(|(queued, _)| *queued != reference);
        list.push((reference, self.item(proposal)?));
        self.write(table::PROPOSALS, group_id, &list)
    }

    fn queued_proposal_refs<G: traits::GroupId<CURRENT_VERSION>, R: traits::ProposalRef<CURRENT_VERSION>>(
        &self,
        group_id: &G,
    ) -> Row<Vec<R>> {
        self.proposals(group_id)?
            .iter()
            .map(|(reference, _)| self.open(reference))
            .collect()
    }

    fn queued_proposals<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        P: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        group_id: &G,
    ) -> Row<Vec<(R, P)>> {
        let open = |(reference, proposal): &(Vec<u8>, Vec<u8>)| Ok((self.open(reference)?, self.open(proposal)?));
        self.proposals(group_id)?.iter().map(open).collect()
    }

    fn remove_proposal<G: traits::GroupId<CURRENT_VERSION>, R: traits::ProposalRef<CURRENT_VERSION>>(
        &self,
        group_id: &G,
        proposal_ref: &R,
    ) -> Row<()> {
        let reference = self.item(proposal_ref)?;
        let mut list = self.proposals(group_id)?;
        list.retain(|(queued, _)| *queued != reference);
        self.write(table::PROPOSALS, group_id, &list)
    }

    fn clear_proposal_queue<G: traits::GroupId<CURRENT_VERSION>, R: traits::ProposalRef<CURRENT_VERSION>>(
        &self,
        group_id: &G,
    ) -> Row<()> {
        self.erase(table::PROPOSALS, group_id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    //! What the engine never uses and OpenMLS may still call: queued proposals, own leaf nodes, PSKs.

    use openmls::prelude::{BasicCredential, CredentialWithKey, LeafNodeParameters, MlsGroup, MlsGroupCreateConfig};
    use openmls::schedule::{ExternalPsk, PreSharedKeyId, Psk};
    use openmls_basic_credential::SignatureKeyPair;
    use openmls_traits::OpenMlsProvider as _;

    use super::*;
    use crate::memory::MemoryStore;
    use crate::provider::Provider;
    use crate::suite::Suite;

    fn group(provider: &Provider<'_>) -> (MlsGroup, SignatureKeyPair) {
        let cipher = Suite::X25519_AES128GCM_SHA256_ED25519.cipher().unwrap();
        let keys = SignatureKeyPair::new(cipher.signature_algorithm()).unwrap();
        let credential = CredentialWithKey {
            credential: BasicCredential::new(b"anna".to_vec()).into(),
            signature_key: keys.to_public_vec().into(),
        };
        let config = MlsGroupCreateConfig::builder().ciphersuite(cipher).build();
        (MlsGroup::new(provider, &keys, &config, credential).unwrap(), keys)
    }

    #[test]
    fn queued_proposals_and_own_leaves_are_lists() {
        let store = MemoryStore::new();
        let provider = Provider::new(&store);
        let (mut group, keys) = group(&provider);
        let id = group.group_id().clone();
        let queued = || {
            let loaded = MlsGroup::load(provider.storage(), &id).unwrap().unwrap();
            loaded.pending_proposals().count()
        };
        let leaves = || {
            provider
                .storage()
                .own_leaf_nodes::<_, openmls::prelude::LeafNode>(&id)
                .unwrap()
                .len()
        };
        assert_eq!((queued(), leaves()), (0, 0));

        let mut propose = || {
            group
                .propose_self_update(&provider, &keys, LeafNodeParameters::default())
                .unwrap()
                .1
        };
        let (first, second) = (propose(), propose());
        assert_ne!(first, second);
        assert_eq!((queued(), leaves()), (2, 2));
        let references: Vec<openmls::prelude::hash_ref::ProposalRef> =
            provider.storage().queued_proposal_refs(&id).unwrap();
        assert_eq!(references, [first.clone(), second.clone()]);
        group.remove_pending_proposal(provider.storage(), &first).unwrap();
        assert_eq!(queued(), 1);
        group.clear_pending_proposals(provider.storage()).unwrap();
        assert_eq!(queued(), 0);
        provider.storage().delete_own_leaf_nodes(&id).unwrap();
        assert_eq!(leaves(), 0);
    }

    /// OpenMLS's own type is private; it has these fields and more.
    #[derive(serde::Serialize, serde::Deserialize)]
    struct AnyPsk {}
    impl openmls_traits::storage::Entity<CURRENT_VERSION> for AnyPsk {}
    impl traits::PskBundle<CURRENT_VERSION> for AnyPsk {}

    #[test]
    fn psks_are_rows() {
        let store = MemoryStore::new();
        let provider = Provider::new(&store);
        let cipher = Suite::X25519_AES128GCM_SHA256_ED25519.cipher().unwrap();
        let psk = Psk::External(ExternalPsk::new(b"id".to_vec()));
        let read = || provider.storage().psk::<AnyPsk, _>(&psk).unwrap().is_some();
        assert!(!read());
        PreSharedKeyId::new(cipher, provider.rand(), psk.clone())
            .unwrap()
            .store(&provider, b"secret")
            .unwrap();
        assert!(read());
        provider.storage().delete_psk(&psk).unwrap();
        assert!(!read() && store.is_empty());
    }
}
