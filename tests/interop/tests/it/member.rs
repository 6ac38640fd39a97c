//! What a member of a group does, whoever wrote it. Knows bytes only.

use curo_mls::Suite;
use curo_types::format::Credential;
use curo_types::{DeviceId, TenantId, UserId};

/// The suites that groups are tried with: every one that our leaves advertise.
pub(crate) const SUITES: [Suite; 3] = Suite::SUPPORTED;

pub(crate) const GROUP: &[u8] = b"sixteen bytes id";

/// A commit that is made and waits for its verdict.
pub(crate) struct Made {
    pub(crate) commit: Vec<u8>,
    pub(crate) welcome: Option<Vec<u8>>,
    pub(crate) group_info: Vec<u8>,
}

/// A decrypted message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) sender: u32,
    pub(crate) aad: Vec<u8>,
    pub(crate) text: Vec<u8>,
}

/// One device, of one of the two implementations. Everything that fails panics with the implementation's own words.
pub(crate) trait Member {
    /// Makes a group of this member alone: GroupInfo and tree.
    fn create(&mut self) -> (Vec<u8>, Vec<u8>);
    fn key_package(&mut self) -> Vec<u8>;
    fn commit(&mut self, add: &[Vec<u8>], remove: &[u32], aad: &[u8]) -> Made;
    /// Applies the own commit.
    fn apply(&mut self);
    /// Applies the commit of another.
    fn follow(&mut self, commit: &[u8]);
    fn join(&mut self, welcome: &[u8], tree: &[u8]);
    /// Comes in from outside, or in again in place of the leaf `replaced`. It is in when this returns.
    fn come_in(&mut self, group_info: &[u8], tree: &[u8], replaced: Option<u32>) -> Made;
    fn encrypt(&mut self, aad: &[u8], text: &[u8]) -> Vec<u8>;
    fn read(&mut self, message: &[u8]) -> Read;
    fn epoch(&mut self) -> u64;
    fn index(&mut self) -> u32;
    /// Leaf index and identity of every member.
    fn members(&mut self) -> Vec<(u32, Vec<u8>)>;
    fn authenticator(&mut self) -> Vec<u8>;
    fn exported(&mut self, label: &str, context: &[u8], length: usize) -> Vec<u8>;
}

/// The credential's bytes of the n-th device.
pub(crate) fn identity(number: u8) -> Vec<u8> {
    Credential::new(
        TenantId::new("st-mary").unwrap(),
        UserId([number; 16]),
        DeviceId([number.wrapping_add(100); 16]),
    )
    .to_bytes()
}
