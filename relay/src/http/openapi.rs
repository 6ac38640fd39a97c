//! The API as an OpenAPI 3.1 document, made from the handlers and the types that they take and give.
//!
//! The derives know paths, parameters and bodies. What they cannot know is added here, from the same constants that the
//! relay decides by: who may call, which problems a call answers, and limits.

mod problems;

use std::sync::LazyLock;

use axum::http::header;
use axum::response::IntoResponse;
use curo_types::api::{Problem, limits};
use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::{
    approval, conversations, devices, directory, directory_replay, health, incarnations, key_packages, leave, log,
    messages, own_devices, push, receipts, replay, session, stream, sync,
};

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        session::open,
        devices::register,
        devices::add_keys,
        own_devices::list,
        own_devices::revoke,
        approval::approve,
        approval::refuse,
        directory::query,
        directory_replay::replay,
        directory::people,
        key_packages::upload,
        key_packages::claim,
        conversations::create,
        conversations::commit,
        messages::append,
        receipts::put,
        leave::leave,
        log::entries,
        log::winner,
        log::tree,
        log::group_info,
        incarnations::list,
        incarnations::report,
        incarnations::duty,
        replay::replay,
        push::put,
        sync::sync,
        stream::open,
        health::alive,
        health::ready,
        served,
    ),
    components(schemas(Problem))
)]
struct Derived;

const DESCRIPTION: &str = "The HTTP calls of Curo's relay. Rules and formats of the bytes inside are in docs/protocol.md.\n\n\
    HTTPS only. Bodies are JSON: at most 8 MiB of conversations, commits and messages, 4 MiB of KeyPackages, 256 KiB of all \
    else. A reader passes over members that it does not know. A path or method that is not here is answered with the problem `not_found` or `method_not_allowed`. Limits on lists stand in the schemas, those \
    in bytes under `x-curo-limits`; what exceeds them is refused with `too_large`.";

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("{:#}", document());
    text.push('\n');
    text
});

/// The OpenAPI 3.1 document of this relay's API, as `GET /openapi.json` serves it: JSON, one line break at its end.
pub fn openapi() -> &'static str {
    &TEXT
}

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "operation",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object))
)]
pub(super) async fn served() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi())
}

pub(super) fn document() -> Value {
    // Maps with text for keys always serialise.
    let mut document = serde_json::to_value(Derived::openapi()).unwrap_or_default();
    document["info"] = json!({
        "title": "Curo relay",
        "version": "1",
        "description": DESCRIPTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["x-curo-limits"] = json!({
        "BATCH_BYTES": limits::BATCH_BYTES,
        "MESSAGE_BYTES": limits::MESSAGE_BYTES,
        "COMMIT_BYTES": limits::COMMIT_BYTES,
        "WELCOME_BYTES": limits::WELCOME_BYTES,
        "GROUP_INFO_BYTES": limits::GROUP_INFO_BYTES,
        "KEY_PACKAGE_BYTES": limits::KEY_PACKAGE_BYTES,
        "PAGE_BYTES": limits::PAGE_BYTES,
        "RECEIPT_BYTES": limits::RECEIPT_BYTES,
        "REQUEST_BYTES": limits::REQUEST_BYTES,
        "ANSWER_BYTES": limits::ANSWER_BYTES,
        "KEY_PACKAGES_PER_DEVICE": limits::KEY_PACKAGES_PER_DEVICE,
        "DEVICES_PER_USER": limits::DEVICES_PER_USER,
        "MANDATORY_MEMBERS": limits::MANDATORY_MEMBERS,
        "LEAVES": limits::LEAVES,
        "HEARTBEAT_SECONDS": limits::HEARTBEAT_SECONDS,
    });
    let components = &mut document["components"];
    components["securitySchemes"] = json!({"token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token after RFC 9068 of the tenant's identity provider.",
    }});
    components["parameters"] = json!({"context": {
        "name": "Curo-Context",
        "in": "header",
        "required": true,
        "description": "The request context (docs/protocol.md, 2.16): names the calling device. At most 1 KiB before base64url.",
        "schema": {"$ref": "#/components/schemas/Blob"},
    }});
    components["headers"] = json!({
        "request-id": {"description": "Stands in the relay's log too.", "schema": {"type": "string"}},
        "retry-after": {"description": "Seconds to wait, where the problem has `retry_after_ms`.",
            "schema": {"type": "integer", "minimum": 0}},
    });
    bound_lists(components);
    forget_unknown(components);
    problems::add(&mut document);
    document
}

/// The lists that have a limit.
fn bound_lists(components: &mut Value) {
    let bounds = [
        ("MessagesRequest", "messages", limits::MESSAGES_PER_BATCH),
        ("DirectoryQuery", "users", limits::USERS_PER_REQUEST),
        ("PeopleQuery", "subjects", limits::USERS_PER_REQUEST),
        ("ClaimRequest", "users", limits::USERS_PER_REQUEST),
        ("ClaimRequest", "suites", limits::SUITES),
        ("UploadKeyPackages", "one_time", limits::KEY_PACKAGES_PER_UPLOAD),
        ("TenantPolicy", "mandatory", limits::MANDATORY_MEMBERS),
        ("SyncRequest", "cursors", limits::CURSORS_PER_REQUEST),
        ("SyncAnswer", "inbox", limits::INBOX_PER_PAGE),
        ("SyncAnswer", "conversations", limits::ENTRIES_PER_PAGE),
        ("EntriesPage", "entries", limits::ENTRIES_PER_PAGE),
        ("ReplayRequest", "entries", limits::REPLAY_ENTRIES),
        ("ReplayDirectory", "envelopes", limits::REPLAY_ENVELOPES),
        ("MessagesAccepted", "accepted", limits::MESSAGES_PER_BATCH),
    ];
    let schemas = &mut components["schemas"];
    for (schema, member, most) in bounds {
        schemas[schema]["properties"][member]["maxItems"] = json!(most);
    }
    for (schema, member) in [
        ("MessagesRequest", "messages"),
        ("DirectoryQuery", "users"),
        ("PeopleQuery", "subjects"),
        ("ClaimRequest", "users"),
        ("ClaimRequest", "suites"),
        ("ReplayRequest", "entries"),
        ("ReplayDirectory", "envelopes"),
    ] {
        schemas[schema]["properties"][member]["minItems"] = json!(1);
    }
    schemas["PeopleQuery"]["properties"]["subjects"]["items"]["maxLength"] = json!(directory::SUBJECT_LIMIT);
    for schema in [
        "MessagesRequest",
        "CreateConversation",
        "CommitRequest",
        "ReportCommit",
        "DutyRequest",
        "PutReceipt",
        "ReplayRequest",
    ] {
        schemas[schema]["properties"]["incarnation"]["minimum"] = json!(1);
    }
}

/// Takes out what stands for kinds of later versions: no relay of this version sends one.
fn forget_unknown(components: &mut Value) {
    for (schema, tag) in [("StreamEvent", "event"), ("InboxItem", "kind")] {
        if let Some(kinds) = components["schemas"][schema]["oneOf"].as_array_mut() {
            kinds.retain(|kind| kind["properties"][tag]["enum"] != json!(["unknown"]));
        }
    }
}
