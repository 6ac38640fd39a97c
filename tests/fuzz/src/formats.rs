//! The formats of docs/protocol.md section 2. What is read, written again and read again is the same, and no longer than it was:
//! only what a later version has added is left out.

use std::fmt::Debug;

use curo_mls::{MlsError, Suite, verify_signature};
use curo_types::format::{
    AccessContext, Approval, AuthenticatedData, Content, ContentBody, Credential, Envelope, Leave, Receipt,
    RequestContext, StateBody, SuiteVerdict,
};
use curo_types::{Digest, FormatError, SuiteId};

fn round<T: PartialEq + Debug>(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<T, FormatError>,
    write: impl Fn(&T) -> Vec<u8>,
) -> Option<T> {
    let value = read(bytes).ok()?;
    let written = write(&value);
    assert!(
        written.len() <= bytes.len(),
        "grown from {} to {}",
        bytes.len(),
        written.len()
    );
    let again = read(&written).expect("what was written can be read");
    assert_eq!(again, value);
    assert_eq!(write(&again), written, "one value has one encoding");
    Some(value)
}

pub(crate) fn content(bytes: &[u8]) -> bool {
    let write = |content: &Content| content.to_bytes().expect("what was read can be written");
    let Some(content) = round(bytes, Content::from_bytes, write) else {
        return false;
    };
    if content.kind.0 == StateBody::KIND {
        state(content.body());
    }
    let body = content.typed();
    if body != ContentBody::Unsupported {
        let again = Content::of(content.message, &body).expect("what was understood can be said again");
        assert_eq!(again.typed(), body);
    }
    true
}

pub(crate) fn state(bytes: &[u8]) -> bool {
    let write = |state: &StateBody| state.to_bytes().expect("what was read can be written");
    round(bytes, StateBody::from_bytes, write).is_some()
}

pub(crate) fn authenticated_data(bytes: &[u8]) -> bool {
    let Some(data) = round(bytes, AuthenticatedData::from_bytes, AuthenticatedData::to_bytes) else {
        return false;
    };
    assert_ne!(data.counter.is_some(), data.directory_version.is_some());
    true
}

pub(crate) fn credential(bytes: &[u8]) -> bool {
    round(bytes, Credential::from_bytes, Credential::to_bytes).is_some()
}

pub(crate) fn receipt(bytes: &[u8]) -> bool {
    const KEY: [u8; 32] = [7; 32];
    // As it stands in a slot: only what was sealed opens, and that is not what a fuzzer makes.
    assert!(curo::fuzzing::open_receipt(&KEY, bytes).is_none());
    let Some(receipt) = round(bytes, Receipt::from_bytes, Receipt::to_bytes) else {
        return false;
    };
    let sealed = curo::fuzzing::seal_receipt(&KEY, &receipt).expect("a receipt can be sealed");
    assert_eq!(curo::fuzzing::open_receipt(&KEY, &sealed), Some(receipt));
    true
}

/// What is signed is kept as it came.
pub(crate) fn leave(bytes: &[u8]) -> bool {
    let Ok(leave) = Leave::from_bytes(bytes) else {
        return false;
    };
    assert_eq!(leave.to_bytes(), bytes);
    let _ = leave.verify(&[1; 32], &verify);
    true
}

/// What is signed is kept as it came. Nobody's signature is valid under keys that nobody has.
pub(crate) fn envelope(bytes: &[u8]) -> bool {
    let Ok(envelope) = Envelope::from_bytes(bytes) else {
        return false;
    };
    assert_eq!(envelope.to_bytes(), bytes);
    let nobody = Digest([3; 32]);
    assert!(envelope.verify(&nobody, &verify, &|_, _| Some(vec![4; 32])).is_err());
    let _ = envelope.verify_rotation(envelope.body(), &verify);
    if let Approval::Device(device, _) = envelope.body().approval {
        let itself = device == envelope.body().device;
        assert!(!itself || envelope.verify(&nobody, &verify, &|_, _| None).is_err());
    }
    true
}

fn verify(suite: SuiteId, key: &[u8], message: &[u8], signature: &[u8]) -> SuiteVerdict {
    match verify_signature(Suite(suite.0), key, message, signature) {
        Err(MlsError::UnsupportedSuite(_)) => SuiteVerdict::UnknownSuite,
        verdict => verdict.is_ok().into(),
    }
}

pub(crate) fn access_context(bytes: &[u8]) -> bool {
    let Some(access) = round(bytes, AccessContext::from_bytes, AccessContext::to_bytes) else {
        return false;
    };
    access.check().expect("what was read is within its limits");
    true
}

/// The header's text; the relay reads its access context too.
pub(crate) fn request_context(bytes: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| FormatError::Malformed { format: "text" })?;
        RequestContext::from_header(text)
    };
    let Some(context) = round(bytes, read, |context| context.to_header().into_bytes()) else {
        return false;
    };
    if let Ok(Some(access)) = context.access() {
        assert!(access.disclosure.is_none(), "a disclosure does not travel");
        let again = RequestContext::new(context.device).with_access(&access);
        assert_eq!(again.access(), Ok(Some(access)));
    }
    true
}
