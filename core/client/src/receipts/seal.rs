//! The sealed form of a receipt (docs/protocol.md 2.20): AES-256-GCM under the epoch's key, bound to its place.
//!
//! Knows bytes and keys; who has signed is checked above.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use curo_types::ErrorCode;
use curo_types::format::{Receipt, ReceiptPlace};
use zeroize::Zeroizing;

use crate::error::Fault;

/// Length of an epoch's key.
pub(super) const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;

/// Seals a signed receipt.
pub(crate) fn seal(key: &Zeroizing<Vec<u8>>, place: &ReceiptPlace<'_>, receipt: &Receipt) -> Result<Vec<u8>, Fault> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|_| Fault::Code(ErrorCode::INTERNAL))?;
    seal_with(key, nonce, place, receipt).ok_or(Fault::Code(ErrorCode::INTERNAL))
}

fn seal_with(
    key: &Zeroizing<Vec<u8>>,
    nonce: [u8; NONCE_LEN],
    place: &ReceiptPlace<'_>,
    receipt: &Receipt,
) -> Option<Vec<u8>> {
    let payload = Payload {
        msg: &receipt.to_bytes(),
        aad: &place.associated_data(),
    };
    let sealed = Aes256Gcm::new_from_slice(key)
        .ok()?
        .encrypt((&nonce).into(), payload)
        .ok()?;
    Some([&nonce[..], &sealed].concat())
}

/// Opens what stands in a slot. `None`: it is not of this key or place, or says nothing that this version reads.
pub(crate) fn open(key: &Zeroizing<Vec<u8>>, place: &ReceiptPlace<'_>, sealed: &[u8]) -> Option<Receipt> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let payload = Payload {
        msg: rest,
        aad: &place.associated_data(),
    };
    let plain = Aes256Gcm::new_from_slice(key)
        .ok()?
        .decrypt(nonce.into(), payload)
        .ok()?;
    Receipt::from_bytes(&plain).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
mod tests {
    use curo_types::{ConversationId, DeviceId, TenantId};
    use serde_json::Value;

    use super::*;

    fn bytes(text: &Value) -> Vec<u8> {
        let text = text.as_str().unwrap();
        let at = |n: usize| u8::from_str_radix(text.get(2 * n..2 * n + 2).unwrap(), 16).unwrap();
        (0..text.len() / 2).map(at).collect()
    }

    #[test]
    fn p8_3_receipts_are_sealed_as_published_and_open_in_their_place_alone() {
        let file: Value = serde_json::from_str(include_str!("../../../../docs/vectors/formats.json")).unwrap();
        for vector in file["vectors"]["receipt"].as_array().unwrap() {
            let fields = &vector["fields"];
            let tenant: TenantId = fields["tenant"].as_str().unwrap().parse().unwrap();
            let place = ReceiptPlace {
                tenant: &tenant,
                conversation: ConversationId::from_slice(&bytes(&fields["conversation"])).unwrap(),
                incarnation: fields["incarnation"].as_u64().unwrap(),
                epoch: fields["epoch"].as_u64().unwrap(),
                device: DeviceId::from_slice(&bytes(&fields["device"])).unwrap(),
            };
            let key = Zeroizing::new(bytes(&fields["epoch_key"]));
            let receipt = Receipt::from_bytes(&bytes(&vector["bytes"])).unwrap();
            let sealed = bytes(&vector["sealed"]);
            let nonce = bytes(&fields["nonce"]).try_into().unwrap();
            assert_eq!(seal_with(&key, nonce, &place, &receipt).unwrap(), sealed);
            assert_eq!(open(&key, &place, &sealed), Some(receipt.clone()));
            let own = seal(&key, &place, &receipt).unwrap();
            assert_ne!(own, sealed, "another nonce");
            assert_eq!((own.len(), open(&key, &place, &own)), (sealed.len(), Some(receipt)));

            // Another place, another key, another byte, a part: nothing.
            let other = TenantId::new("elsewhere").unwrap();
            let elsewhere = [
                ReceiptPlace {
                    tenant: &other,
                    ..place.clone()
                },
                ReceiptPlace {
                    conversation: ConversationId([9; 16]),
                    ..place.clone()
                },
                ReceiptPlace {
                    incarnation: place.incarnation + 1,
                    ..place.clone()
                },
                ReceiptPlace {
                    epoch: place.epoch + 1,
                    ..place.clone()
                },
                ReceiptPlace {
                    device: DeviceId([9; 16]),
                    ..place.clone()
                },
            ];
            assert!(elsewhere.iter().all(|place| open(&key, place, &sealed).is_none()));
            assert_eq!(open(&Zeroizing::new(vec![9; KEY_LEN]), &place, &sealed), None);
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert_eq!(open(&key, &place, &changed), None, "{at}");
                assert_eq!(open(&key, &place, &sealed[..at]), None, "{at}");
            }
        }
    }
}
