//! `docs/vectors/formats.json`, read as any outsider would read it.

use std::path::PathBuf;
use std::str::FromStr;

use curo_types::{Digest, FormatError, TenantId};
use ed25519_dalek::SigningKey;
use serde_json::Value;

pub fn repository_file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub struct Vectors(Value);

impl Vectors {
    pub fn read() -> Self {
        Self(serde_json::from_str(&repository_file("docs/vectors/formats.json")).unwrap())
    }

    /// The vectors of a format; none if the file lacks it.
    pub fn of(&self, format: &str) -> &[Value] {
        self.0["vectors"][format].as_array().map_or(&[], Vec::as_slice)
    }

    pub fn formats(&self) -> Vec<&str> {
        self.0["vectors"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    /// `accepted` or `refused`.
    pub fn list(&self, name: &str) -> &[Value] {
        self.0[name].as_array().unwrap()
    }

    pub fn key(&self, name: &str) -> SigningKey {
        SigningKey::from_bytes(&bytes(&self.0["keys"][name]["seed"]).try_into().unwrap())
    }

    pub fn public_key(&self, name: &str) -> Digest {
        let public = id(&self.0["keys"][name]["public"]);
        assert_eq!(public, Digest(self.key(name).verifying_key().to_bytes()), "{name}");
        public
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

pub fn id<T: FromStr<Err = FormatError>>(value: &Value) -> T {
    text(value).parse().unwrap()
}

pub fn tenant(fields: &Value) -> TenantId {
    id(&fields["tenant"])
}

/// What `read` makes of a member that may be absent.
pub fn optional<'v, T>(fields: &'v Value, name: &str, read: impl FnOnce(&'v Value) -> T) -> Option<T> {
    fields.get(name).filter(|value| !value.is_null()).map(read)
}
