//! What the signatures of an envelope must be. Knows no algorithm of a suite: the caller checks single signatures.

use super::{Approval, Envelope, EnvelopeBody, FORMAT, Signer};
use crate::format::tip;
use crate::{DeviceId, Digest, FormatError, SuiteId};

/// What came of checking a signature of an MLS suite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SuiteVerdict {
    /// It is valid.
    Valid,
    /// It is not, or key or signature are not of the suite's form.
    Wrong,
    /// The reader cannot run the suite: it is of a later version.
    UnknownSuite,
}

impl From<bool> for SuiteVerdict {
    /// The verdict of a reader that can run the suite.
    fn from(valid: bool) -> Self {
        if valid { Self::Valid } else { Self::Wrong }
    }
}

/// Checks a signature of an MLS suite: (suite, public key, message, signature) -> verdict.
pub type SuiteVerifier<'a> = &'a dyn Fn(SuiteId, &[u8], &[u8], &[u8]) -> SuiteVerdict;

impl Envelope {
    /// Checks that the device has proved possession of each of its keys whose suite `verify` can run. The others say nothing
    /// to this reader: it must not use them.
    ///
    /// # Errors
    /// [`FormatError::BadSignature`].
    pub fn verify_possession(&self, verify: SuiteVerifier<'_>) -> Result<(), FormatError> {
        let message = self.signed_bytes();
        let proved = self.body.keys.iter().all(|key| {
            let check = |signature: &[u8]| verify(key.suite, &key.public_key, &message, signature);
            check(&[]) == SuiteVerdict::UnknownSuite
                || self
                    .signatures
                    .iter()
                    .any(|s| s.signer == Signer::Subject(key.suite) && check(&s.signature) == SuiteVerdict::Valid)
        });
        held(proved)
    }

    /// Checks all that the envelope needs by itself: possession of each key, and the approval that its body names. `device_key`
    /// gives the key that another device of the same user had in the directory when this envelope came. An approval by a key
    /// whose suite `verify` cannot run does not hold.
    ///
    /// # Errors
    /// [`FormatError::BadSignature`].
    pub fn verify(
        &self,
        directory_key: &Digest,
        verify: SuiteVerifier<'_>,
        device_key: &dyn Fn(DeviceId, SuiteId) -> Option<Vec<u8>>,
    ) -> Result<(), FormatError> {
        self.verify_possession(verify)?;
        let message = self.signed_bytes();
        held(self.signatures.iter().any(|s| {
            match (self.body.approval, s.signer) {
                (Approval::Directory, Signer::Directory) => {
                    tip::verify(FORMAT, directory_key, &message, &s.signature).is_ok()
                }
                (Approval::Device(device, suite), Signer::Device(by, with)) => {
                    device == by
                        && suite == with
                        && device != self.body.device
                        && device_key(device, suite)
                            .is_some_and(|key| verify(suite, &key, &message, &s.signature) == SuiteVerdict::Valid)
                }
                _ => false,
            }
        }))
    }

    /// Checks that the device itself has made a rotation, so that a directory cannot give it keys that it does not know of:
    /// a key of `before`, the body of its last envelope, has signed. That is one that stays (signer 1), or one that goes
    /// (signer 2, naming the device itself). If `verify` can run the suite of no key of `before`, nothing speaks against it.
    ///
    /// # Errors
    /// [`FormatError::BadSignature`].
    pub fn verify_rotation(&self, before: &EnvelopeBody, verify: SuiteVerifier<'_>) -> Result<(), FormatError> {
        let message = self.signed_bytes();
        let mut all_unknown = true;
        for key in &before.keys {
            let by = [Signer::Subject(key.suite), Signer::Device(self.body.device, key.suite)];
            let check = |signature: &[u8]| verify(key.suite, &key.public_key, &message, signature);
            all_unknown &= check(&[]) == SuiteVerdict::UnknownSuite;
            let mut own = self.signatures.iter().filter(|s| by.contains(&s.signer));
            if own.any(|s| check(&s.signature) == SuiteVerdict::Valid) {
                return Ok(());
            }
        }
        held(all_unknown)
    }
}

fn held(holds: bool) -> Result<(), FormatError> {
    if holds {
        Ok(())
    } else {
        Err(FormatError::BadSignature { format: FORMAT })
    }
}
