//! Who may make a call, and the problems that it answers: the tables of `docs/protocol.md` section 10, for programs.

use std::collections::BTreeMap;

use curo_types::ErrorCode;
use curo_types::api::PROBLEM_MEDIA_TYPE;
use serde_json::{Map, Value, json};

type Code = ErrorCode;

/// What must be true of the caller.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Anybody,
    /// Has an access token.
    Token,
    /// Has opened a session.
    User,
    /// Names an active device of theirs.
    Device,
}

const ALWAYS: [Code; 1] = [Code::INTERNAL];
const TOKEN: [Code; 6] = [
    Code::UPDATE_REQUIRED,
    Code::UNAUTHENTICATED,
    Code::TOKEN_EXPIRED,
    Code::RATE_LIMITED,
    Code::TIMEOUT,
    Code::UNAVAILABLE,
];
const USER: [Code; 1] = [Code::UNKNOWN_DEVICE];
const DEVICE: [Code; 5] = [
    Code::MALFORMED,
    Code::UNSUPPORTED_VERSION,
    Code::TOO_LARGE,
    Code::UNKNOWN_DEVICE,
    Code::DEVICE_REVOKED,
];
const BODY: [Code; 3] = [Code::MALFORMED, Code::TOO_LARGE, Code::UNSUPPORTED_MEDIA_TYPE];
const PATH: [Code; 1] = [Code::NOT_FOUND];

/// By operation: the caller, and the codes beyond those that caller, body and path bring.
const CALLS: &[(&str, Caller, &[Code])] = &[
    ("healthz", Caller::Anybody, &[]),
    ("readyz", Caller::Anybody, &[Code::UNAVAILABLE]),
    ("openapi", Caller::Anybody, &[]),
    ("openSession", Caller::Token, &[]),
    (
        "registerDevice",
        Caller::User,
        &[
            Code::QUOTA_EXCEEDED,
            Code::UNSUPPORTED_VERSION,
            Code::FORBIDDEN,
            Code::DEVICE_EXISTS,
            Code::APPROVAL_PENDING,
            Code::DEVICE_REVOKED,
            Code::REFUSED,
            Code::RATE_LIMITED,
        ],
    ),
    (
        "addKeys",
        Caller::Device,
        &[
            Code::FORBIDDEN,
            Code::DIRECTORY_CHANGED,
            Code::DEVICE_EXISTS,
            Code::REFUSED,
        ],
    ),
    ("listDevices", Caller::Device, &[]),
    (
        "revokeDevice",
        Caller::Device,
        &[
            Code::UNSUPPORTED_VERSION,
            Code::FORBIDDEN,
            Code::DIRECTORY_CHANGED,
            Code::REFUSED,
        ],
    ),
    (
        "approveDevice",
        Caller::Device,
        &[
            Code::QUOTA_EXCEEDED,
            Code::UNSUPPORTED_VERSION,
            Code::DIRECTORY_CHANGED,
            Code::DEVICE_EXISTS,
            Code::REFUSED,
            Code::RATE_LIMITED,
        ],
    ),
    ("refuseDevice", Caller::Device, &[]),
    ("putPush", Caller::Device, &[]),
    ("queryDirectory", Caller::Device, &[]),
    (
        "replayDirectory",
        Caller::User,
        &[Code::UNSUPPORTED_VERSION, Code::FORBIDDEN],
    ),
    ("findPeople", Caller::Device, &[]),
    ("uploadKeyPackages", Caller::Device, &[Code::REFUSED]),
    (
        "claimKeyPackages",
        Caller::Device,
        &[Code::INTENT_REUSED, Code::REFUSED, Code::RATE_LIMITED],
    ),
    (
        "createConversation",
        Caller::Device,
        &[
            Code::QUOTA_EXCEEDED,
            Code::NOT_A_MEMBER,
            Code::REMOVED,
            Code::INCARNATION_CHANGED,
            Code::DIRECTORY_CHANGED,
            Code::MANDATORY_MEMBER,
            Code::INTENT_REUSED,
            Code::REFUSED,
        ],
    ),
    (
        "commit",
        Caller::Device,
        &[
            Code::NOT_A_MEMBER,
            Code::REMOVED,
            Code::REMOVAL_PENDING,
            Code::EPOCH_TAKEN,
            Code::NOT_YOUR_TURN,
            Code::INCARNATION_CHANGED,
            Code::INCARNATION_OVER,
            Code::DIRECTORY_CHANGED,
            Code::MANDATORY_MEMBER,
            Code::INTENT_REUSED,
            Code::STORE_CHANGED,
            Code::REFUSED,
        ],
    ),
    (
        "sendMessages",
        Caller::Device,
        &[
            Code::QUOTA_EXCEEDED,
            Code::NOT_A_MEMBER,
            Code::REMOVED,
            Code::REMOVAL_PENDING,
            Code::STALE_EPOCH,
            Code::STALE_COUNTER,
            Code::INCARNATION_CHANGED,
            Code::INCARNATION_OVER,
            Code::INTENT_REUSED,
            Code::STORE_CHANGED,
            Code::REFUSED,
        ],
    ),
    (
        "putReceipt",
        Caller::Device,
        &[
            Code::NOT_A_MEMBER,
            Code::REMOVED,
            Code::INCARNATION_CHANGED,
            Code::INCARNATION_OVER,
            Code::REFUSED,
        ],
    ),
    (
        "leave",
        Caller::Device,
        &[
            Code::UNSUPPORTED_VERSION,
            Code::FORBIDDEN,
            Code::NOT_A_MEMBER,
            Code::REMOVED,
            Code::INCARNATION_CHANGED,
            Code::MANDATORY_MEMBER,
            Code::INTENT_REUSED,
            Code::STORE_CHANGED,
            Code::REFUSED,
        ],
    ),
    (
        "readEntries",
        Caller::Device,
        &[Code::NOT_A_MEMBER, Code::REMOVED, Code::BODY_GONE],
    ),
    ("readIncarnations", Caller::Device, &[Code::NOT_A_MEMBER]),
    (
        "reportCommit",
        Caller::Device,
        &[
            Code::NOT_A_MEMBER,
            Code::REMOVED,
            Code::INCARNATION_CHANGED,
            Code::REFUSED,
        ],
    ),
    (
        "askForDuty",
        Caller::Device,
        &[Code::NOT_A_MEMBER, Code::REMOVED, Code::INCARNATION_CHANGED],
    ),
    (
        "replay",
        Caller::Device,
        &[
            Code::UNSUPPORTED_VERSION,
            Code::NOT_A_MEMBER,
            Code::REMOVED,
            Code::INCARNATION_CHANGED,
            Code::INCARNATION_OVER,
            Code::LOG_DIVERGED,
            Code::TIP_NOT_OURS,
            Code::REFUSED,
        ],
    ),
    ("readWinner", Caller::Device, &[Code::NOT_A_MEMBER]),
    ("readTree", Caller::Device, &[Code::NOT_A_MEMBER]),
    ("readGroupInfo", Caller::Device, &[Code::NOT_A_MEMBER, Code::REMOVED]),
    ("sync", Caller::Device, &[Code::STORE_CHANGED]),
    ("openStream", Caller::Device, &[Code::STORE_CHANGED]),
];

/// Adds security, the context header and the problems to every call.
pub(super) fn add(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, item) in paths {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete(path, operation);
        }
    }
}

fn complete(path: &str, operation: &mut Value) {
    // One that is not in the table gets no problems, and the test of the document says so.
    let Some((_, caller, own)) = CALLS.iter().find(|(id, ..)| operation["operationId"] == *id) else {
        return;
    };
    let mut codes: Vec<&Code> = ALWAYS.iter().chain(*own).collect();
    if *caller != Caller::Anybody {
        codes.extend(&TOKEN);
        operation["security"] = json!([{"token": []}]);
    }
    match caller {
        Caller::User => codes.extend(&USER),
        Caller::Device => {
            codes.extend(&DEVICE);
            let context = json!({"$ref": "#/components/parameters/context"});
            match operation["parameters"].as_array_mut() {
                Some(parameters) => parameters.push(context),
                None => operation["parameters"] = json!([context]),
            }
        }
        Caller::Anybody | Caller::Token => {}
    }
    if operation.get("requestBody").is_some() {
        operation["requestBody"]["required"] = json!(true);
        codes.extend(&BODY);
    }
    if path.contains('{') {
        codes.extend(&PATH);
    }
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in codes {
        let same = by_status.entry(code.status()).or_default();
        if !same.contains(&code.as_str()) {
            same.push(code.as_str());
        }
    }
    operation["responses"]["200"]["headers"] = json!({"Curo-Request-Id": {"$ref": "#/components/headers/request-id"}});
    for (status, codes) in by_status {
        operation["responses"][status.to_string()] = problem(status, &codes);
    }
}

fn problem(status: u16, codes: &[&str]) -> Value {
    let mut headers = json!({"Curo-Request-Id": {"$ref": "#/components/headers/request-id"}});
    if status == 429 || status == 503 {
        headers["Retry-After"] = json!({"$ref": "#/components/headers/retry-after"});
    }
    let schema = json!({"allOf": [
        {"$ref": "#/components/schemas/Problem"},
        {"type": "object", "properties": {"status": {"const": status}, "code": {"enum": codes}}},
    ]});
    let description: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    json!({
        "description": description.join(", "),
        "headers": headers,
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema}},
    })
}
