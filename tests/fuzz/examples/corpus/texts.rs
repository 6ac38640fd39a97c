//! Seeds that are text: tokens, keys, configuration, queries, answers, ids.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use curo::{AccessContext, Disclosure, PurposeOfUse};
use curo_fuzz::Material;
use curo_types::UserId;
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

use crate::{root, seed};

pub(crate) fn write() {
    tokens();
    answers();
    let config = std::fs::read(root().join("relay/relay.example.toml")).unwrap();
    seed("config", "example", &config);
    for (name, words) in [
        ("latin", "potass chlor\nPotassium chloride 20 mmol, Kaliumchlorid"),
        ("chinese", "血压\n今天的血压是 118/76，很好"),
        ("hebrew", "שלום\nשָׁלוֹם"),
        ("arabic", "القهوه\nالقَهوة"),
        ("hangul", "혈압\n혈압은 정상입니다"),
        ("quotes", "\"a\" OR b*\nshe said \"a\" OR b*"),
        ("accents", "cafe\nle Café, CAFE\u{301}!"),
        ("thai", "ยา\nกินยาแล้ว"),
        ("syntax", "NEAR(a b) {text} : ^a-b\nnear a b text a-b"),
    ] {
        seed("search", name, words.as_bytes());
    }
    let id = "0123456789abcdef0123456789abcdef";
    let key = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    for (name, text) in [
        ("id", id.to_owned()),
        ("digest", id.repeat(2)),
        ("database-key", id.repeat(3)),
        ("tenant", "st-mary".to_owned()),
        ("cursor-log", "l1.42".to_owned()),
        ("cursor-unsent", "u7".to_owned()),
        ("search-cursor", "1767225600000".to_owned()),
        ("item-key", format!("{id}.{id}")),
        ("pin", "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned()),
        ("sync-token", format!("v1.{id}.0123456789abcdef.42")),
        ("sync-token-later", format!("v1.{id}.0123456789abcdef.42.43")),
        ("version", "1.10.0-rc.1+5".to_owned()),
        ("relay", "https://relay.example:8443".to_owned()),
        ("proxy", "http://[::1]:3128/".to_owned()),
        ("bearer", "Bearer abc.def.ghi".to_owned()),
        (
            "dpop-ed25519",
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{key}"}}"#),
        ),
        (
            "dpop-p256",
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{key}","y":"{key}"}}"#),
        ),
    ] {
        seed("texts", name, text.as_bytes());
    }
    let export = AccessContext {
        purpose_of_use: PurposeOfUse::PATRQT,
        role: Some("privacy-officer".to_owned()),
        reason_code: Some("copy".to_owned()),
        on_behalf_of: Some(UserId([7; 16])),
        disclosure: Some(Disclosure {
            recipient: "Dr. Grey".into(),
            address: Some("12 High Street".into()),
            description: "messages of May".into(),
            purpose: "the patient asked for it".into(),
            accountable: true,
        }),
    };
    seed("access_context", "export", &export.to_bytes());
    seed("access_context", "treatment", &AccessContext::default().to_bytes());
}

fn tokens() {
    let good = json!({
        "iss": Material::ISSUER, "aud": [Material::AUDIENCE, "other"], "sub": "dr-lee", "client_id": "app",
        "iat": 1_767_225_000, "exp": 1_767_229_200.5, "nbf": 1_767_225_000, "auth_time": 1_767_225_000,
    });
    seed("access_token", "good", token(&good).as_bytes());
    let mut over = good.clone();
    over["exp"] = json!(1_767_225_001);
    seed("access_token", "expired", token(&over).as_bytes());
    let jwk = Material::issuer_jwk();
    let ec = json!({"kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "alg": "ES256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let rsa = json!({"kty": "RSA", "kid": "rsa", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xc5; 256])});
    let oct = json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"});
    seed("jwks", "one", json!({"keys": [jwk]}).to_string().as_bytes());
    seed(
        "jwks",
        "kinds",
        json!({"keys": [jwk, ec, rsa, oct, 7]}).to_string().as_bytes(),
    );
}

fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"});
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = Material::issuer_key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn answers() {
    let problem = json!({"type": "about:blank", "title": "Too many requests", "status": 429, "code": "rate_limited",
        "retry_after_ms": 99_000_000_000_u64});
    let media = "application/problem+json";
    seed(
        "problem",
        "rate-limited",
        format!("429\n{media}\n120\n\n{problem}").as_bytes(),
    );
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let later = "Sun, 06 Nov 1994 08:50:07 GMT";
    seed(
        "problem",
        "date",
        format!("503\ntext/html\n{later}\n{date}\n<html>").as_bytes(),
    );
    seed("problem", "portal", b"200\ntext/html\n\n\n<html>sign in</html>");
    seed("problem", "gateway", b"502\n\n99999999999999999999\n\n");
    seed("answer", "json", b"application/json; charset=utf-8\n\n{\"appended\":1}");
    seed("answer", "length", b"application/json\n3\n{}\n");
    seed("answer", "endless", b"application/json\n99999999999\n{}");
    seed("answer", "page", b"text/html\n\n<html>");
}
