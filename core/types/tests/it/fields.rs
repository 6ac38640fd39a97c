//! From the `fields` of a vector to the value that they describe.

use std::str::FromStr;

use curo_types::format::{
    AccessContext, Action, Approval, AsOf, AuditHead, AuthenticatedData, Content, ContentBody, Credential, CursorClaim,
    Envelope, EnvelopeBody, Leave, LeaveBody, Priority, PurposeOfUse, Receipt, Reference, RequestContext, Signer,
    StateBody, Subject, SuiteKey, TextBody, UserText,
};
use curo_types::{FormatError, SuiteId, Text};
use serde_json::Value;

use crate::any::Any;
use crate::file::{bytes, id, number, optional, tenant, text};

fn cursor(value: &Value) -> CursorClaim {
    CursorClaim {
        seq: number(&value["seq"]),
        h: id(&value["h"]),
    }
}

fn audit_head(value: &Value) -> AuditHead {
    AuditHead {
        chain: id(&value["chain"]),
        seq: number(&value["seq"]),
        head: id(&value["head"]),
    }
}

fn credential(fields: &Value) -> Credential {
    Credential::new(tenant(fields), id(&fields["user"]), id(&fields["device"]))
}

fn ids<T: FromStr<Err = FormatError>>(list: &Value) -> Vec<T> {
    list.as_array().unwrap().iter().map(id).collect()
}

fn authenticated_data(fields: &Value) -> AuthenticatedData {
    let (intent, cursor) = (id(&fields["intent"]), optional(fields, "cursor", cursor));
    let mut data = match optional(fields, "counter", number) {
        Some(counter) => AuthenticatedData::message(intent, counter, cursor),
        None => AuthenticatedData::commit(intent, number(&fields["directory_version"]), cursor),
    };
    data.audit_head = optional(fields, "audit_head", audit_head);
    data.dormant = optional(fields, "dormant", ids);
    data.gone = optional(fields, "gone", ids);
    data
}

/// The body that the fields of a content say.
pub fn content_body(fields: &Value) -> Option<ContentBody> {
    let says = fields.get("says")?;
    if text(&fields["kind"]) == "receipt_request" {
        return Some(ContentBody::ReceiptRequest);
    }
    let references = references(fields).unwrap();
    let words = || Text::new(text(&says["text"]));
    let mentions = || {
        optional(says, "mentions", |list| {
            list.as_array().unwrap().iter().map(id).collect()
        })
        .unwrap_or_default()
    };
    let at = |name| optional(says, name, |at| references[usize::try_from(number(at)).unwrap()]);
    let target = references[0];
    Some(match text(&fields["kind"]) {
        "text" => ContentBody::Text(TextBody {
            text: words(),
            mentions: mentions(),
            priority: match optional(says, "priority", text) {
                None => Priority::Routine,
                Some("urgent") => Priority::Urgent,
                Some("stat") => Priority::Stat,
                Some(other) => panic!("{other}"),
            },
            reply_to: at("reply_to"),
            thread: at("thread"),
        }),
        "edit" => ContentBody::Edit {
            target,
            text: words(),
            mentions: mentions(),
        },
        "amendment" => ContentBody::Amendment {
            target,
            text: words(),
            mentions: mentions(),
        },
        "delete" => ContentBody::Delete { target },
        "reaction" => ContentBody::Reaction {
            target,
            emoji: text(&says["emoji"]).into(),
            set: says["set"].as_bool().unwrap(),
        },
        "ack" => ContentBody::Acknowledgement { target },
        "purged" => ContentBody::Purged { targets: references },
        other => panic!("{other}"),
    })
}

fn references(fields: &Value) -> Option<Vec<Reference>> {
    optional(fields, "references", |list| {
        let reference = |r: &Value| Reference {
            sender: id(&r["sender"]),
            message: id(&r["message"]),
        };
        list.as_array().unwrap().iter().map(reference).collect()
    })
}

fn content(fields: &Value) -> Content {
    let message = id(&fields["message"]);
    let mut content = match (content_body(fields), optional(fields, "text", text)) {
        (Some(body), _) => Content::of(message, &body).unwrap(),
        (None, Some(words)) => Content::text(message, &Text::new(words)).unwrap(),
        (None, None) => Content::of_kind(text(&fields["kind"]), message, bytes(&fields["body"])),
    };
    content.claimed_ms = optional(fields, "claimed_ms", number);
    content.references = references(fields);
    content.subjects = optional(fields, "subjects", subjects);
    content
}

fn subjects(list: &Value) -> Vec<Subject> {
    let subject = |s: &Value| Subject {
        system: text(&s["system"]).to_owned(),
        value: text(&s["value"]).to_owned(),
    };
    list.as_array().unwrap().iter().map(subject).collect()
}

fn receipt(fields: &Value) -> Receipt {
    Receipt::new(
        number(&fields["seq"]),
        number(&fields["read_ms"]),
        bytes(&fields["signature"]),
    )
}

fn state(fields: &Value) -> StateBody {
    let users = |list: &Value| {
        let one = |u: &Value| UserText {
            user: id(&u["user"]),
            text: text(&u["text"]).to_owned(),
        };
        list.as_array().unwrap().iter().map(one).collect()
    };
    let mut body = StateBody::default();
    body.as_of = optional(fields, "as_of", |at| AsOf {
        incarnation: number(&at["incarnation"]),
        seq: number(&at["seq"]),
    });
    body.title = optional(fields, "title", |title| text(title).to_owned());
    body.bound = optional(fields, "bound", subjects);
    body.unbound = optional(fields, "unbound", subjects);
    body.roles = optional(fields, "roles", users);
    body.names = optional(fields, "names", users);
    body.dormant = optional(fields, "dormant", ids);
    body
}

pub fn request_context(fields: &Value) -> RequestContext {
    let mut context = RequestContext::new(optional(fields, "device", id));
    context.audit_head = optional(fields, "audit_head", audit_head);
    match optional(fields, "access", access) {
        Some(access) => context.with_access(&access),
        None => context,
    }
}

fn access(fields: &Value) -> AccessContext {
    AccessContext {
        purpose_of_use: PurposeOfUse::new(text(&fields["purpose_of_use"])).unwrap(),
        role: optional(fields, "role", |role| text(role).to_owned()),
        reason_code: optional(fields, "reason_code", |code| text(code).to_owned()),
        on_behalf_of: optional(fields, "on_behalf_of", id),
        disclosure: None,
    }
}

fn suite(value: &Value) -> SuiteId {
    SuiteId(number(&value["suite"]).try_into().unwrap())
}

fn envelope(fields: &Value) -> Envelope {
    let keys = fields["keys"].as_array().unwrap();
    let keys = keys
        .iter()
        .map(|key| SuiteKey {
            suite: suite(key),
            public_key: bytes(&key["public_key"]),
        })
        .collect();
    let dpop_key = optional(fields, "dpop_key", |key| text(key).to_owned());
    let audit_chain = optional(fields, "audit_chain", id);
    let mut body = EnvelopeBody::add(
        tenant(fields),
        id(&fields["user"]),
        id(&fields["device"]),
        keys,
        dpop_key,
        audit_chain,
    );
    body.action = match text(&fields["action"]) {
        "add" => Action::Add,
        "rotate" => Action::Rotate,
        "revoke" => Action::Revoke,
        other => panic!("{other}"),
    };
    if fields["approval"].is_object() {
        body.approval = Approval::Device(id(&fields["approval"]["device"]), suite(&fields["approval"]));
    }
    body.previous = optional(fields, "previous", id);
    let mut envelope = Envelope::new(body);
    for signature in fields["signatures"].as_array().unwrap() {
        let signer = &signature["signer"];
        let signer = match (signer.as_str(), signer.get("device")) {
            (Some("directory"), _) => Signer::Directory,
            (_, Some(device)) => Signer::Device(id(device), suite(signer)),
            _ => Signer::Subject(suite(signer)),
        };
        envelope.push(signer, bytes(&signature["signature"]));
    }
    envelope
}

fn leave(fields: &Value) -> Leave {
    let mut leave = Leave::new(LeaveBody::new(
        tenant(fields),
        id(&fields["conversation"]),
        number(&fields["incarnation"]),
        id(&fields["user"]),
        id(&fields["device"]),
        suite(fields),
        id(&fields["intent"]),
        number(&fields["seq"]),
    ));
    leave.signature = bytes(&fields["signature"]);
    leave
}

pub fn made(format: &str, fields: &Value) -> Any {
    match format {
        "credential" => Any::Credential(credential(fields)),
        "authenticated_data" => Any::Data(authenticated_data(fields)),
        "content" => Any::Content(content(fields)),
        "directory_envelope" => Any::Envelope(envelope(fields)),
        "request_context" => Any::Context(request_context(fields)),
        "receipt" => Any::Receipt(receipt(fields)),
        "conversation_state" => Any::State(state(fields)),
        "leave_request" => Any::Leave(leave(fields)),
        other => panic!("{other}"),
    }
}
