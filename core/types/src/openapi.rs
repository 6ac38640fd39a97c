//! Schemas (OpenAPI 3.1) of the types whose JSON is written by hand: what a reader of the API may rely on in their text.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema as AnySchema};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    Blob, ChainId, ClaimId, ConversationId, DeviceId, Digest, ErrorCode, GroupId, IntentId, MessageId, ProfileId,
    StoreId, SuiteId, TenantId, UserId,
};

fn text(description: &str, format: &str, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom(format.to_owned())))
        .pattern(Some(pattern))
        .description(Some(description))
}

fn done(schema: ObjectBuilder) -> RefOr<AnySchema> {
    RefOr::T(Schema::Object(schema.build()))
}

macro_rules! ids {
    ($($name:ident: $description:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<AnySchema> {
                done(text($description, "hex", "^[0-9a-f]{32}$"))
            }
        }

        impl ToSchema for $name {}
    )*};
}

ids! {
    UserId: "A user: 16 bytes, minted by the relay.";
    DeviceId: "A device: 16 bytes, made by the device.";
    ProfileId: "A local profile: 16 bytes.";
    ConversationId: "A conversation: 16 bytes.";
    IntentId: "What a person asked for: 16 bytes. The key of idempotency.";
    MessageId: "A message: the id of the intent that sent it.";
    GroupId: "An MLS group: 16 bytes.";
    StoreId: "The relay's store: 16 bytes. A restored store has another.";
    ClaimId: "A claim of KeyPackages: 16 bytes. The key of idempotency.";
    ChainId: "A device's audit chain: 16 bytes.";
}

impl PartialSchema for Digest {
    fn schema() -> RefOr<AnySchema> {
        done(text(
            "32 bytes: a SHA-256 digest, or an Ed25519 public key.",
            "hex",
            "^[0-9a-f]{64}$",
        ))
    }
}

impl ToSchema for Digest {}

impl PartialSchema for Blob {
    fn schema() -> RefOr<AnySchema> {
        let description = "Bytes in unpadded base64url (RFC 4648 section 5).";
        done(text(description, "base64url", "^[A-Za-z0-9_-]*$").content_encoding("base64url"))
    }
}

impl ToSchema for Blob {}

impl PartialSchema for TenantId {
    fn schema() -> RefOr<AnySchema> {
        let schema = text("A tenant's name.", "tenant", "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$");
        done(schema.min_length(Some(1)).max_length(Some(63)))
    }
}

impl ToSchema for TenantId {}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<AnySchema> {
        let description =
            "A stable code; programs decide by it. An open set: keep one that you do not know, as not retryable.";
        let schema = text(description, "code", "^[a-z0-9_]*$");
        done(schema.min_length(Some(1)).max_length(Some(64)))
    }
}

impl ToSchema for ErrorCode {}

impl PartialSchema for SuiteId {
    fn schema() -> RefOr<AnySchema> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(0))
            .maximum(Some(u16::MAX))
            .description(Some("An MLS cipher suite (RFC 9420 section 17.1)."));
        done(schema)
    }
}

impl ToSchema for SuiteId {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_id_fits_its_schema() {
        // The patterns stand in a published document; the types decide. Here the two meet.
        let length = |pattern: &str| pattern.split(['{', '}']).nth(1).unwrap().parse::<usize>().unwrap();
        let pattern = |schema: RefOr<AnySchema>| serde_json::to_value(schema).unwrap()["pattern"].clone();
        let id = pattern(UserId::schema());
        assert_eq!(length(id.as_str().unwrap()), UserId([0xff; 16]).to_string().len());
        let digest = pattern(Digest::schema());
        assert_eq!(length(digest.as_str().unwrap()), Digest::ZERO.to_string().len());
        for (code, ..) in ErrorCode::KNOWN {
            assert!(
                code.len() <= 64
                    && code
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            );
        }
    }
}
