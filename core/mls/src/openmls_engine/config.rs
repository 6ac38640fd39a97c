//! How groups are configured: rules 2.7 and 2.8 and the traps of OpenMLS's defaults.

use openmls::prelude::{
    Lifetime, MlsGroupCreateConfig, MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, SenderRatchetConfiguration,
};

use crate::error::MlsError;
use crate::rules;
use crate::suite::Suite;
use crate::wire::UNBOUNDED_LIFETIME;

/// Encrypted content is a multiple of this many bytes. Short messages ("yes", "no", a reaction, a receipt) must look the
/// same, and with references and subjects most of them fit into one block; 256 hides them at a mean cost of 128 bytes,
/// while a block of 1 KiB would double what an ordinary message costs on a bad connection.
pub(super) const PADDING: usize = 256;

/// Log order is epoch order and a sender's order, so messages come in order within an epoch; the tolerance is for a sender
/// that discarded ciphertexts (rule 4.1 forces an update after 512) and for entries that were quarantined.
const OUT_OF_ORDER: u32 = 500;
const FORWARD: u32 = 5000;

/// PSKs are refused (rule 3.4), so one resumption secret, the current one, is all that OpenMLS needs to hold.
const RESUMPTION_PSKS: usize = 1;

/// Handshakes in the open for the relay to follow, content encrypted; no past epochs, because they would be rewritten with
/// the member list at every message and would accept what a removed member sends.
pub(super) fn join() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .padding_size(PADDING)
        .max_past_epochs(0)
        .number_of_resumption_psks(RESUMPTION_PSKS)
        .use_ratchet_tree_extension(false)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(OUT_OF_ORDER, FORWARD))
        .build()
}

/// As [`join`], for a group that we create.
pub(super) fn create(suite: Suite) -> Result<MlsGroupCreateConfig, MlsError> {
    Ok(MlsGroupCreateConfig::builder()
        .ciphersuite(suite.cipher()?)
        .capabilities(rules::capabilities()?)
        .lifetime(lifetime())
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .padding_size(PADDING)
        .max_past_epochs(0)
        .number_of_resumption_psks(RESUMPTION_PSKS)
        .use_ratchet_tree_extension(false)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(OUT_OF_ORDER, FORWARD))
        .build())
}

/// The lifetime that holds on every clock.
pub(super) fn lifetime() -> Lifetime {
    let (not_before, not_after) = UNBOUNDED_LIFETIME;
    Lifetime::init(not_before, not_after)
}
