//! The canary: a secret is sent, queued, refused and read in every way; then it is sought, in every form that a careless
//! line of code could give it, in every byte on disk, in logs at the level of traces, in the captured traffic and in
//! everything that can be printed. Nothing may be found, and the search must find what is planted.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use curo::{ConversationState, DeliveryState, KeyVault as _, MessageId, UserId};
use curo_kit::{Person, TestRelay, items, texts, until, until_delivery, until_text};
use rusqlite::types::ValueRef;

use crate::SOON;

/// A form and what it looks like.
type Needle = (&'static str, Vec<u8>);

struct Search {
    needles: Vec<Needle>,
    automaton: AhoCorasick,
}

impl Search {
    fn new(secret: &str) -> Self {
        let needles = needles(secret);
        let automaton = AhoCorasick::new(needles.iter().map(|(_, bytes)| bytes)).unwrap();
        Self { needles, automaton }
    }

    fn forms(&self, bytes: &[u8]) -> BTreeSet<&'static str> {
        let hits = self.automaton.find_overlapping_iter(bytes);
        hits.map(|hit| self.needles[hit.pattern().as_usize()].0).collect()
    }

    /// Where the secret stands below a folder, names of files included.
    fn below(&self, folder: &Path) -> Vec<(PathBuf, BTreeSet<&'static str>)> {
        let mut hits = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                hits.extend(self.below(&path));
                continue;
            }
            // A database that is open removes files beside it.
            let mut bytes = fs::read(&path).unwrap_or_default();
            bytes.extend_from_slice(path.as_os_str().as_encoded_bytes());
            let forms = self.forms(&bytes);
            if !forms.is_empty() {
                hits.push((path, forms));
            }
        }
        hits
    }
}

/// UTF-8, UTF-16, base64 at each of its three alignments, hexadecimal, and bytes as Rust's Debug and JSON list them.
fn needles(secret: &str) -> Vec<Needle> {
    let bytes = secret.as_bytes();
    let list = |separator: &str| {
        bytes
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(separator)
            .into_bytes()
    };
    let mut needles: Vec<Needle> = vec![
        ("UTF-8", bytes.to_vec()),
        ("UTF-16LE", secret.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE", secret.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("hex", hex::encode(bytes).into_bytes()),
        ("HEX", hex::encode_upper(bytes).into_bytes()),
        ("list with spaces", list(", ")),
        ("list without spaces", list(",")),
    ];
    for (form, engine) in [("base64", STANDARD_NO_PAD), ("base64url", URL_SAFE_NO_PAD)] {
        for before in 0..3 {
            // What stands before and behind takes part in the first and last characters: they are left out.
            let text = engine.encode([&[0; 2][..before], bytes].concat());
            let whole = text.len() - usize::from(!(before + bytes.len()).is_multiple_of(3));
            needles.push((form, text.as_bytes()[before + usize::from(before != 0)..whole].to_vec()));
        }
    }
    needles
}

#[test]
fn the_search_finds_each_form_amid_other_bytes() {
    let secret = MessageId::random().to_string();
    let search = Search::new(&secret);
    let folder = tempfile::tempdir().unwrap();
    let noise = vec![0xa5; 5000];
    let plant = |name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b").join(name), [&noise, bytes, &noise].concat()).unwrap();
    };
    let count = search.needles.len();
    for (n, (_, bytes)) in search.needles.iter().enumerate() {
        plant(&n.to_string(), bytes);
    }
    // And as it would come about, at any place in a longer text.
    let mut expected = BTreeSet::from(["UTF-8", "UTF-16LE", "UTF-16BE", "hex", "HEX", "base64", "base64url"]);
    for before in 0..7 {
        let text = format!("{}{secret} and more", "x".repeat(before));
        plant(&format!("std-{before}"), STANDARD_NO_PAD.encode(&text).as_bytes());
        plant(&format!("url-{before}"), URL_SAFE_NO_PAD.encode(&text).as_bytes());
        plant(
            &format!("json-{before}"),
            serde_json::to_string(text.as_bytes()).unwrap().as_bytes(),
        );
        plant(&format!("debug-{before}"), format!("{:?}", text.as_bytes()).as_bytes());
    }
    fs::write(folder.path().join(&secret), "").unwrap();
    let hits = search.below(folder.path());
    assert_eq!(hits.len(), count + 4 * 7 + 1, "{hits:?}");
    expected.extend(["list with spaces", "list without spaces"]);
    assert_eq!(
        hits.into_iter().flat_map(|(_, forms)| forms).collect::<BTreeSet<_>>(),
        expected
    );
    assert!(
        Search::new(&MessageId::random().to_string())
            .below(folder.path())
            .is_empty()
    );
}

/// A log that keeps all that is written, by `tracing` and by `log`, and shares it with nobody.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// From now on, for the whole process.
    fn capture() -> Self {
        let logs = Self::default();
        let writer = logs.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log::set_boxed_logger(Box::new(logs.clone())).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
        logs
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl log::Log for Logs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let _ = writeln!(
            self.clone(),
            "log: {} {}: {}",
            record.level(),
            record.target(),
            record.args()
        );
    }

    fn flush(&self) {}
}

/// Every text and blob of a database, as whoever has its key reads them.
pub fn decrypt(path: &Path, key: &[u8]) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "looks into it as a thief with the key would")]
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(&format!(
            "PRAGMA key = \"x'{}'\"; PRAGMA cipher_plaintext_header_size = 32;",
            hex::encode(key)
        ))
        .unwrap();
    let mut tables = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .unwrap();
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(tables.len() > 5);
    let mut all = Vec::new();
    for table in tables {
        let mut rows = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = row.get_ref(column).unwrap() {
                    all.extend_from_slice(bytes);
                    all.push(b'\n');
                }
            }
        }
    }
    all
}

#[test]
fn no_text_is_found_outside_the_encrypted_stores() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["canary::in_a_process_of_its_own", "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&child.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "captures the logs of its process: the test above runs it in one of its own"]
async fn in_a_process_of_its_own() {
    let logs = Logs::capture();
    let secret = MessageId::random().to_string();
    let search = Search::new(&secret);
    let mut relay = TestRelay::start().await.unwrap();
    let (ana, ben) = (
        Person::new(&relay, "ana").await.unwrap(),
        Person::new(&relay, "ben").await.unwrap(),
    );
    for person in [&ana, &ben] {
        person.cable().record();
        person.go_online().await.unwrap();
    }
    let mut printed = String::new();
    let text = |what: &str| format!("{what}: {secret}");
    let send = async |person: &Person, id, what: &str| {
        let conversation = person.client().conversation(id);
        conversation
            .send_text(text(what).into(), MessageId::random())
            .await
            .unwrap()
    };

    // Sent and delivered, both ways.
    let (ward, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    let id = ward.id();
    let first = send(&ana, id, "sent").await;
    until_text(ben.client(), id, &text("sent"), SOON).await;
    until_delivery(ana.client(), id, first, DeliveryState::Delivered { by: 1, of: 1 }, SOON).await;
    send(&ben, id, "answered").await;
    until_text(ana.client(), id, &text("answered"), SOON).await;

    // Edited, quoted, reacted to, begun, sought, amended, urgent.
    let message = items(&ward)
        .await
        .unwrap()
        .into_iter()
        .find_map(|item| match item.entry {
            curo::Entry::Message(message) if message.id == first => Some(message.reference()),
            _ => None,
        });
    let message = message.unwrap();
    let edit = ward.edit(message, text("edited").into(), &[]).await.unwrap();
    let reply = curo::NewMessage {
        reply_to: Some(message),
        priority: curo::Priority::Stat,
        ..curo::NewMessage::text(text("replied"))
    };
    printed.push_str(&format!("{reply:?} {edit:?}"));
    ward.send(reply, MessageId::random()).await.unwrap();
    until_text(ben.client(), id, &text("replied"), SOON).await;
    let there = ben.client().conversation(id);
    there.react(message, &secret).await.unwrap();
    there
        .amend(message, text("amended").into(), MessageId::random())
        .await
        .unwrap();
    let gone = send(&ana, id, "deleted").await;
    let device = ana.account().await.unwrap().device;
    ward.delete(curo::MessageRef {
        sender: device,
        message: gone,
    })
    .await
    .unwrap();
    for conversation in [&ward, &there] {
        conversation.set_draft(text("drafted").into()).await.unwrap();
        let found = conversation.search(&secret, None, 9).await.unwrap();
        assert!(!found.hits.is_empty());
        printed.push_str(&format!("{found:?} {:?}", conversation.draft().await.unwrap()));
    }
    printed.push_str(&format!("{:?}", ana.client().search(&secret, None, 9).await.unwrap()));
    until(ana.client(), "all of it", SOON, async || {
        let seen = ward.message(message).await.unwrap().map(|item| item.entry);
        matches!(seen, Some(curo::Entry::Message(seen)) if seen.reactions.len() == 1)
    })
    .await;

    // What it is about, and what people are called.
    ana.client().set_display_name(text("name").into()).await.unwrap();
    ward.set_title(text("title").into()).await.unwrap();
    let patient = curo::Subject {
        system: "urn:x".into(),
        value: text("subject"),
    };
    ward.bind_subject(patient.clone()).await.unwrap();
    let theirs = ben.client().conversation(id);
    until(ben.client(), "title", SOON, async || {
        let info = theirs.info().await.unwrap();
        printed.push_str(&format!("{info:?} {patient:?}"));
        info.title.is_some() && info.subjects.contains(&patient)
    })
    .await;

    // Sent without an answer, then again.
    let swallowed = ana.cable().swallowed();
    ana.cable().swallow_answers();
    send(&ana, id, "unanswered").await;
    ana.cable().until_swallowed(swallowed).await;
    ana.cable().restore();
    until_text(ben.client(), id, &text("unanswered"), SOON).await;

    // The relay goes and comes back.
    relay.kill();
    send(&ana, id, "nobody there").await;
    relay.start_again().await.unwrap();
    until_text(ben.client(), id, &text("nobody there"), SOON).await;

    // Refused: too large, nobody to send it to, and removed while it waited.
    let long = secret.repeat(40_000);
    let refused = ward.send_text(long.into(), MessageId::random()).await.unwrap_err();
    assert_eq!(refused.code().as_str(), "too_large");
    printed.push_str(&format!("{refused} {refused:?}"));
    let (nobody, _) = ana.client().create_conversation(&[UserId::random()]).await.unwrap();
    let failed = send(&ana, nobody.id(), "failed").await;
    let no_device = async || matches!(nobody.delivery(failed).await, Ok(DeliveryState::Failed { .. }));
    until(ana.client(), "failed", SOON, no_device).await;
    crate::team::admins(&[&ana, &ben], id).await;
    ana.cable().cut();
    send(&ana, id, "too late").await;
    let removed = ben.client().conversation(id).remove(&[ana.user().await]).await.unwrap();
    curo_kit::until_done(ben.client(), id, removed, SOON).await;
    ana.cable().restore();
    until(ana.client(), "removed", SOON, async || {
        ward.info().await.unwrap().state == ConversationState::Removed
    })
    .await;

    // Queued, and never sent.
    ana.cable().cut();
    let (later, _) = ana.client().create_conversation(&[ben.user().await]).await.unwrap();
    send(&ana, later.id(), "queued").await;

    // Everything that an app may print.
    for person in [&ana, &ben] {
        for info in person.client().conversations().await.unwrap() {
            let conversation = person.client().conversation(info.id);
            let page = conversation.latest(300).await.unwrap();
            printed.push_str(&format!("{info:?} {page:?} {:?}", items(&conversation).await.unwrap()));
            for item in page.items {
                printed.push_str(&format!("{item:?} {:?} {:#?}", item.entry, item));
            }
        }
        printed.push_str(&format!(
            "{person:?} {:?} {:?}",
            person.client().outbox().await.unwrap(),
            person.options()
        ));
    }
    printed.push_str(&format!(
        "{:?} {:?}",
        curo::Text::from(text("a text")),
        curo::Body::Text(text("a body").into())
    ));

    // The stores are open: their write-ahead logs lie beside them.
    let open: Vec<_> = [ana.dir(), ben.dir(), relay.dir()]
        .map(|folder| search.below(folder))
        .into();
    assert_eq!(texts(&ward).await.unwrap().len(), 6);
    ana.client().lock().await.unwrap();
    ben.close().await.unwrap();
    relay.stop().await;
    let closed: Vec<_> = [ana.dir(), ben.dir(), relay.dir()]
        .map(|folder| search.below(folder))
        .into();
    assert!(
        open.iter().chain(&closed).all(Vec::is_empty),
        "on disk: {open:?} {closed:?}"
    );

    assert!(
        search.forms(printed.as_bytes()).is_empty() && printed.len() > 1000,
        "in what can be printed"
    );
    let log = logs.bytes();
    let lines = String::from_utf8_lossy(&log);
    for expected in [" TRACE ", "curo: ", "curo_relay", "log: TRACE rustls"] {
        assert!(lines.contains(expected), "the log has no {expected:?}");
    }
    let leaks: Vec<_> = lines
        .lines()
        .filter(|line| !search.forms(line.as_bytes()).is_empty())
        .collect();
    assert!(leaks.is_empty(), "in the log: {leaks:?}");
    for person in [&ana, &ben] {
        let traffic = person.cable().recorded();
        assert!(
            traffic.len() > 10_000 && search.forms(&traffic).is_empty(),
            "in the traffic of {person:?}"
        );
    }

    // Whoever has the relay's key finds nothing either; whoever has a device's key finds all, so the search is good.
    let key = hex::decode(fs::read_to_string(relay.dir().join("database.key")).unwrap().trim()).unwrap();
    let database = fs::read_dir(relay.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let database = database
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "db"))
        .unwrap();
    let relays = decrypt(&database, &key);
    assert!(contains(&relays, b"st-mary"), "the relay's database was not read");
    assert!(search.forms(&relays).is_empty(), "in the relay's database");
    for person in [&ana, &ben] {
        let key = person.vault().load(&person.client().profile()).await.unwrap();
        let forms = search.forms(&decrypt(&person.database(), key.expose()));
        assert!(forms.contains("UTF-8"), "{person:?}: {forms:?}");
    }
}

pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    AhoCorasick::new([part]).unwrap().find(bytes).is_some()
}
