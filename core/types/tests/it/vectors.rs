//! Every published vector: the fields encode to the bytes, the bytes decode to the fields, the signatures hold.

use curo_types::api::EntryRecord;
use curo_types::format::{
    AccountStatement, Content, ContentBody, EntryHeader, EntryKind, Envelope, Kind, Leave, LogKeyStatement, Receipt,
    ReceiptPlace, RequestContext, SignedTip,
};
use curo_types::{Blob, ConversationId, Digest, FormatError};

use ed25519_dalek::Signer as _;

use crate::any::{Any, DECODABLE};
use crate::fields::{made, request_context};
use crate::file::{Vectors, bytes, id, number, optional, repository_file, tenant, text};

/// All formats of docs/protocol.md section 2.
pub const FORMATS: [&str; 13] = [
    "credential",
    "authenticated_data",
    "content",
    "entry_hash",
    "signed_tip",
    "log_key_statement",
    "account_statement",
    "directory_envelope",
    "request_context",
    "leave_request",
    "direct_conversation_id",
    "receipt",
    "conversation_state",
];

#[test]
fn the_file_has_vectors_of_every_format() {
    let file = Vectors::read();
    for format in FORMATS {
        assert!(!file.of(format).is_empty(), "no vector of {format}");
    }
    assert_eq!(
        file.formats().len(),
        FORMATS.len(),
        "a format in the file that no test reads"
    );
}

/// A new file in src/format, or a new signed or hashed domain, needs a vector.
#[test]
fn the_file_has_vectors_of_every_format_in_the_source() {
    let file = Vectors::read();
    let all: Vec<Vec<u8>> = FORMATS
        .iter()
        .flat_map(|format| file.of(format))
        .map(|vector| bytes(&vector["bytes"]))
        .collect();
    let signed: Vec<Vec<u8>> = ["directory_envelope", "leave_request"]
        .iter()
        .flat_map(|format| file.of(format))
        .map(|vector| bytes(&vector["signed"]))
        .collect();
    let sealed = file.of("receipt").iter();
    let signed: Vec<Vec<u8>> = sealed
        .flat_map(|vector| [bytes(&vector["signed"]), bytes(&vector["associated"])])
        .chain(signed)
        .collect();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut files = vec![std::path::PathBuf::from(source).join("id.rs")];
    let mut names = Vec::new();
    for entry in std::fs::read_dir(format!("{source}/format")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
            files.push(path);
        }
    }
    names.retain(|name| name != "cbor");
    for name in &names {
        assert!(
            FORMATS.iter().any(|format| format.contains(name.as_str())),
            "no vector of src/format/{name}.rs"
        );
    }
    let mut domains = 0;
    for path in files {
        for piece in std::fs::read_to_string(path).unwrap().split("e.str(\"").skip(1) {
            let domain = piece.split('"').next().unwrap();
            let used = |bytes: &Vec<u8>| bytes.windows(domain.len()).any(|window| window == domain.as_bytes());
            assert!(all.iter().chain(&signed).any(used), "no vector with {domain:?}");
            domains += 1;
        }
    }
    assert_eq!(
        domains, 9,
        "entry, tip, log key, account, directory, leave, direct, receipt twice"
    );
}

#[test]
fn p2_decodable_formats_encode_and_decode_as_published() {
    let file = Vectors::read();
    for format in DECODABLE {
        for vector in file.of(format) {
            let (name, expected) = (text(&vector["name"]), bytes(&vector["bytes"]));
            let made = made(format, &vector["fields"]);
            assert_eq!(hex::encode(made.encode()), hex::encode(&expected), "{format}: {name}");
            assert_eq!(Any::decode(format, &expected).unwrap(), made, "{format}: {name}");
        }
    }
}

#[test]
fn p2_entries_with_later_keys_are_passed_over() {
    let file = Vectors::read();
    assert_eq!(file.list("accepted").len(), 6);
    for row in file.list("accepted") {
        let format = text(&row["format"]);
        let same = file
            .of(format)
            .iter()
            .find(|vector| vector["name"] == row["same_as"])
            .unwrap();
        let decoded = Any::decode(format, &bytes(&row["bytes"])).unwrap();
        assert_eq!(decoded, made(format, &same["fields"]), "{format}: {}", row["why"]);
    }
}

#[test]
fn p2_refusals_are_as_published() {
    let file = Vectors::read();
    assert!(file.list("refused").len() > 80);
    for row in file.list("refused") {
        let (format, why) = (text(&row["format"]), text(&row["why"]));
        let found = match Any::decode(format, &bytes(&row["bytes"])).expect_err(why) {
            FormatError::Malformed { .. } => "malformed",
            FormatError::UnsupportedVersion { .. } => "unsupported_version",
            FormatError::Invalid { .. } => "invalid",
            FormatError::TooLarge { .. } => "too_large",
            FormatError::BadSignature { .. } => "bad_signature",
            other => panic!("{other}"),
        };
        assert_eq!(found, text(&row["error"]), "{format}: {why}");
    }
}

#[test]
fn p2_4_texts_are_read_and_unknown_kinds_are_kept() {
    for vector in Vectors::read().of("content") {
        let content = Content::from_bytes(&bytes(&vector["bytes"])).unwrap();
        if let Some(body) = crate::fields::content_body(&vector["fields"]) {
            assert_eq!(content.typed(), body, "{}", vector["name"]);
            continue;
        }
        match vector["fields"].get("text") {
            Some(words) => {
                assert_eq!(content.kind, Kind(Kind::TEXT.to_owned()));
                assert_eq!(content.as_text().unwrap().as_str(), text(words));
            }
            None => {
                assert_eq!(content.as_text(), None);
                assert_eq!(content.body(), bytes(&vector["fields"]["body"]));
            }
        }
    }
}

#[test]
fn p2_4_a_known_kind_that_cannot_be_read_is_kept_as_unsupported() {
    let file = Vectors::read();
    assert!(file.list("unsupported").len() > 10);
    for row in file.list("unsupported") {
        let genuine = bytes(&row["bytes"]);
        let content = Content::from_bytes(&genuine).unwrap();
        assert_eq!(content.typed(), ContentBody::Unsupported, "{}", row["why"]);
        assert_eq!(content.to_bytes().unwrap(), genuine, "{}", row["why"]);
    }
}

#[test]
fn p2_5_entry_hashes_form_a_chain() {
    let mut h_prev = Digest::ZERO;
    let file = Vectors::read();
    assert_eq!(file.of("entry_hash").len(), 3);
    for (vector, seq) in file.of("entry_hash").iter().zip(1..) {
        let fields = &vector["fields"];
        let (tenant, body) = (tenant(fields), bytes(&fields["body"]));
        let record = EntryRecord {
            incarnation: number(&fields["incarnation"]),
            seq: number(&fields["seq"]),
            kind: if fields["kind"] == "commit" {
                EntryKind::Commit
            } else {
                EntryKind::Message
            },
            epoch: number(&fields["epoch"]),
            sender: id(&fields["sender"]),
            intent: id(&fields["intent"]),
            directory_version: optional(fields, "directory_version", number),
            time_ms: number(&fields["time_ms"]),
            body: Blob(body.clone()),
            h: id(&vector["h"]),
            leaves: Vec::new(),
        };
        let conversation = id(&fields["conversation"]);
        let header = EntryHeader {
            tenant: &tenant,
            conversation,
            incarnation: record.incarnation,
            seq,
            h_prev: id(&fields["h_prev"]),
            kind: record.kind,
            epoch: record.epoch,
            sender: record.sender,
            intent: record.intent,
            directory_version: record.directory_version,
            body_hash: Digest::of(&body),
            time_ms: record.time_ms,
        };
        assert_eq!(hex::encode(header.to_bytes()), text(&vector["bytes"]));
        assert_eq!(header.hash(), record.h);
        assert_eq!(
            record.expected_hash(&tenant, conversation, h_prev),
            record.h,
            "entry {seq}"
        );
        h_prev = record.h;
    }
}

#[test]
fn p2_6_tips_and_log_keys_are_signed_as_published() {
    let file = Vectors::read();
    for vector in file.of("signed_tip") {
        let fields = &vector["fields"];
        let tip = SignedTip::sign(
            &file.key("log"),
            id(&fields["store"]),
            tenant(fields),
            id(&fields["conversation"]),
            number(&fields["incarnation"]),
            number(&fields["seq"]),
            id(&fields["h"]),
            number(&fields["time_ms"]),
        );
        assert_eq!(hex::encode(tip.signed_bytes()), text(&vector["bytes"]));
        assert_eq!(tip.signature.0, bytes(&fields["signature"]));
        tip.verify(&file.public_key("log")).unwrap();
        assert_eq!(
            tip.h,
            id(&file.of("entry_hash")[2]["h"]),
            "the tip of the chain of three"
        );
    }
    for vector in file.of("log_key_statement") {
        let fields = &vector["fields"];
        let statement = LogKeyStatement::sign(&file.key("directory"), tenant(fields), id(&fields["log_key"]));
        assert_eq!(hex::encode(statement.signed_bytes()), text(&vector["bytes"]));
        assert_eq!(statement.signature.0, bytes(&fields["signature"]));
        statement.verify(&file.public_key("directory")).unwrap();
    }
}

#[test]
fn p7_2_account_statements_are_signed_as_published() {
    let file = Vectors::read();
    for vector in file.of("account_statement") {
        let fields = &vector["fields"];
        let tenant = tenant(fields);
        let statement = AccountStatement {
            tenant: &tenant,
            user: id(&fields["user"]),
            subject: text(&fields["subject"]),
        };
        assert_eq!(hex::encode(statement.signed_bytes()), text(&vector["bytes"]));
        let signature = statement.sign(&file.key("directory"));
        assert_eq!(signature.0, bytes(&fields["signature"]));
        let directory = file.public_key("directory");
        statement.verify(&directory, signature.as_slice()).unwrap();
        let other = AccountStatement {
            subject: "somebody else",
            ..statement
        };
        other.verify(&directory, signature.as_slice()).unwrap_err();
        assert!(!format!("{statement:?}").contains(statement.subject));
    }
}

#[test]
fn p2_2_envelopes_are_signed_as_published() {
    let file = Vectors::read();
    let vectors = file.of("directory_envelope");
    for vector in vectors {
        let envelope = Envelope::from_bytes(&bytes(&vector["bytes"])).unwrap();
        assert_eq!(hex::encode(envelope.signed_bytes()), text(&vector["signed"]));
        assert_eq!(envelope.hash(), id(&vector["hash"]));
        crate::signatures::verify(&file, &envelope).unwrap();
    }
    let last = Envelope::from_bytes(&bytes(&vectors[2]["bytes"])).unwrap();
    assert_eq!(
        last.body().previous,
        Some(id(&vectors[0]["hash"])),
        "a revocation names the envelope before"
    );
}

#[test]
fn p8_3_receipts_are_signed_and_bound_to_their_place_as_published() {
    let file = Vectors::read();
    for vector in file.of("receipt") {
        let fields = &vector["fields"];
        let tenant = tenant(fields);
        let place = ReceiptPlace {
            tenant: &tenant,
            conversation: id(&fields["conversation"]),
            incarnation: number(&fields["incarnation"]),
            epoch: number(&fields["epoch"]),
            device: id(&fields["device"]),
        };
        let (seq, read_ms) = (number(&fields["seq"]), number(&fields["read_ms"]));
        let signed = place.signed_bytes(seq, read_ms);
        assert_eq!(hex::encode(&signed), text(&vector["signed"]));
        assert_eq!(hex::encode(place.associated_data()), text(&vector["associated"]));
        let signature = file.key(text(&fields["signed_by"])).sign(&signed).to_vec();
        assert_eq!(hex::encode(&signature), text(&fields["signature"]));
        let read = Receipt::from_bytes(&bytes(&vector["bytes"])).unwrap();
        assert_eq!(
            (read.seq(), read.read_ms(), read.signature()),
            (seq, read_ms, &signature[..])
        );
        assert_eq!(read.to_bytes().len(), text(&vector["bytes"]).len() / 2);
    }
    let lengths: std::collections::BTreeSet<_> = file
        .of("receipt")
        .iter()
        .map(|vector| text(&vector["bytes"]).len())
        .collect();
    assert_eq!(lengths.len(), 1, "the length says nothing of the watermark");
}

#[test]
fn p6_1_requests_to_leave_are_signed_as_published() {
    let file = Vectors::read();
    for vector in file.of("leave_request") {
        let leave = Leave::from_bytes(&bytes(&vector["bytes"])).unwrap();
        assert_eq!(hex::encode(leave.signed_bytes()), text(&vector["signed"]));
        let signer = text(&vector["fields"]["signed_by"]);
        for key in ["directory", "log", "phone", "tablet"] {
            let verified = leave.verify(&file.public_key(key).0, &crate::signatures::ed25519);
            assert_eq!(verified.is_ok(), key == signer, "{key}");
        }
    }
}

#[test]
fn p2_the_header_is_unpadded_base64url() {
    for vector in Vectors::read().of("request_context") {
        let context = RequestContext::from_header(text(&vector["header"])).unwrap();
        assert_eq!(context, request_context(&vector["fields"]));
        assert_eq!(context.to_header(), text(&vector["header"]));
    }
}

#[test]
fn p1_direct_conversations_are_named_as_published() {
    for vector in Vectors::read().of("direct_conversation_id") {
        let fields = &vector["fields"];
        let (a, b) = (id(&fields["users"][0]), id(&fields["users"][1]));
        let expected: ConversationId = id(&vector["id"]);
        assert_eq!(ConversationId::direct(&tenant(fields), a, b), expected);
        assert_eq!(ConversationId::direct(&tenant(fields), b, a), expected);
        assert_eq!(Digest::of(&bytes(&vector["bytes"])).0[..16], expected.0);
    }
}

#[test]
fn the_outsiders_script_knows_every_format() {
    let script = repository_file("docs/vectors/verify.py");
    for format in FORMATS {
        assert!(script.contains(&format!("def {format}(")), "{format}");
    }
}
