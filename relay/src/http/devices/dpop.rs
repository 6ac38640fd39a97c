//! The form of a DPoP key in an envelope: the canonical JSON of a public JWK (RFC 7638 section 3). Knows no request.

use curo_types::Blob;
use serde::{Deserialize, Serialize};

/// Bytes of such a key: those of P-521 need 210.
const LIMIT: usize = 512;

/// The members in the order of RFC 7638, and no others: what else a JWK may have could be a secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicJwk {
    crv: String,
    kty: String,
    x: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<Blob>,
}

/// Whether it is the canonical JSON of an OKP or EC public key.
pub(crate) fn is_canonical(text: &str) -> bool {
    if text.len() > LIMIT {
        return false;
    }
    let Ok(jwk) = serde_json::from_str::<PublicJwk>(text) else {
        return false;
    };
    let coordinates = match (jwk.kty.as_str(), jwk.crv.as_str()) {
        ("OKP", "Ed25519") => (32, None),
        ("OKP", "Ed448") => (57, None),
        ("EC", "P-256") => (32, Some(32)),
        ("EC", "P-384") => (48, Some(48)),
        ("EC", "P-521") => (66, Some(66)),
        _ => return false,
    };
    (jwk.x.len(), jwk.y.as_ref().map(Blob::len)) == coordinates
        && serde_json::to_string(&jwk).is_ok_and(|canonical| canonical == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_json_of_a_public_key_is_taken() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        for good in [
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{x}"}}"#),
        ] {
            assert!(is_canonical(&good), "{good}");
        }
        for bad in [
            String::new(),
            "{}".into(),
            "7".into(),
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#),
            format!(r#"{{"crv":"Ed25519", "kty":"OKP","x":"{x}"}}"#),
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}","d":"{x}"}}"#),
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}","y":null}}"#),
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}","y":"{x}"}}"#),
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}"}}"#),
            format!(r#"{{"crv":"Ed25519","kty":"EC","x":"{x}"}}"#),
            r#"{"crv":"Ed25519","kty":"OKP","x":"AA"}"#.into(),
            format!(r#"{{"e":"AQAB","kty":"RSA","n":"{x}"}}"#),
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, "A".repeat(512)),
        ] {
            assert!(!is_canonical(&bad), "{bad}");
        }
    }
}
