//! Joining by Welcome.

use openmls::prelude::{MlsGroup, RatchetTreeIn, StagedWelcome};
use openmls_traits::OpenMlsProvider as _;
use tls_codec::Deserialize as _;

use super::{config, load};
use crate::engine::JoinJudge;
use crate::error::{MlsError, Rule};
use crate::key_package;
use crate::provider::Provider;
use crate::rules;
use crate::suite::Suite;
use crate::types::{JoinView, Joined};

pub(super) fn join(
    provider: &Provider<'_>,
    welcome: &[u8],
    tree: &[u8],
    judge: &mut JoinJudge<'_>,
) -> Result<(MlsGroup, Joined), MlsError> {
    // Both are read before OpenMLS deletes the KeyPackage.
    let welcome = key_package::read_welcome(welcome)?;
    let tree = RatchetTreeIn::tls_deserialize_exact(tree).map_err(|_| MlsError::Malformed("tree"))?;

    let builder = StagedWelcome::build_from_welcome(provider, &config::join(), welcome)?;
    provider.check()?;
    if !builder.processed_welcome().psks().is_empty() {
        return Err(MlsError::NotAllowed(Rule::PreSharedKey));
    }
    if builder
        .processed_welcome()
        .unverified_group_info()
        .extensions()
        .ratchet_tree()
        .is_some()
    {
        return Err(MlsError::NotAllowed(Rule::TreeInGroupInfo));
    }
    let staged = builder
        .with_ratchet_tree(tree)
        // Verdicts do not depend on this device's clock (rule 2.8), and one stale leaf would block every join.
        .skip_lifetime_validation()
        .replace_old_group()
        .build()?;
    provider.check()?;
    if staged.group_context().extensions().iter().next().is_some() {
        return Err(MlsError::NotAllowed(Rule::GroupContextExtensions));
    }

    let view = view(&staged)?;
    judge(&view).map_err(MlsError::Refused)?;
    // OpenMLS would leave the old epoch's keys behind.
    if let Some(mut old) = load(provider, &view.group_id)? {
        old.delete(provider.storage())?;
    }
    let group = staged.into_group(provider)?;
    let JoinView {
        group_id,
        epoch,
        suite,
        leaves: members,
        ..
    } = view;
    Ok((
        group,
        Joined {
            group_id,
            epoch,
            suite,
            members,
        },
    ))
}

fn view(staged: &StagedWelcome) -> Result<JoinView, MlsError> {
    let context = staged.group_context();
    let mut leaves = Vec::new();
    for member in staged.members() {
        leaves.push(rules::leaf_of_member(member)?);
    }
    Ok(JoinView {
        group_id: context.group_id().to_vec(),
        epoch: context.epoch().as_u64(),
        suite: Suite::from(context.ciphersuite()),
        leaves,
        own_index: staged.own_leaf_index().u32(),
        sender: rules::leaf_at(staged.welcome_sender_index().u32(), staged.welcome_sender()?)?,
    })
}
