//! The network between an app and its relay: how many connections there are, other networks, portals, pinned keys; and what
//! logs and diagnostics tell of it all.

mod wires;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum_server::tls_rustls::RustlsConfig;
use curo::{
    Client, ClientOptions, ConnectionState, ConversationId, DeliveryState, ErrorCode, LogBatch, LogLevel, LogSink,
    MessageId, SpkiPin,
};
use curo_kit::{Person, TestRelay, until, until_connection, until_delivery, until_done, until_live, until_text};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::ParsedCertificate;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::SOON;

/// Longer than any test waits: what needs this back-off to pass does not come about.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// An address that refuses every connection, and that nobody else gets as long as this is held.
struct Nowhere(TcpSocket);

impl Nowhere {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    fn addr(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

/// The way to the relay, which may lead elsewhere. Counts connections; those that are up break when it is turned.
struct Line {
    addr: SocketAddr,
    to: watch::Sender<SocketAddr>,
    accepted: Arc<AtomicUsize>,
    open: watch::Receiver<usize>,
}

/// Counts an open connection for as long as it lives.
struct Open(Arc<watch::Sender<usize>>);

impl Open {
    fn new(opened: Arc<watch::Sender<usize>>) -> Self {
        opened.send_modify(|open| *open += 1);
        Self(opened)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

impl Line {
    async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (to, target) = watch::channel(target);
        let accepted = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&accepted);
        let (opened, open) = watch::channel(0);
        let opened = Arc::new(opened);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut target = target.clone();
                let opened = Arc::clone(&opened);
                tokio::spawn(async move {
                    let _open = Open::new(opened);
                    let addr = *target.borrow_and_update();
                    let Ok(mut far) = TcpStream::connect(addr).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = target.changed() => {}
                    }
                });
            }
        });
        Self {
            addr,
            to,
            accepted,
            open,
        }
    }

    fn turn(&self, target: SocketAddr) {
        self.to.send_replace(target);
    }

    /// Waits until exactly one connection is open.
    async fn until_one(&self) {
        let mut open = self.open.clone();
        let one = open.wait_for(|open| *open == 1);
        tokio::time::timeout(SOON, one)
            .await
            .expect("not one connection")
            .unwrap();
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

async fn person(
    relay: &TestRelay,
    subject: &str,
    line: &Line,
    change: impl FnOnce(ClientOptions) -> ClientOptions,
) -> (Person, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let options = ClientOptions::new(dir.path().join("profiles"), format!("https://{}", line.addr))
        .extra_root(relay.ca().root_der())
        .request_timeout(Duration::from_secs(10))
        .retry_between(Duration::from_millis(20), Duration::from_millis(500));
    let person = Person::with_options(relay, subject, dir.path(), |_| change(options))
        .await
        .unwrap();
    (person, dir)
}

async fn talk(a: &Person, b: &Person) -> ConversationId {
    let (talk, created) = a.client().create_conversation(&[b.user().await]).await.unwrap();
    until_done(a.client(), talk.id(), created, SOON).await;
    until(b.client(), "joined", SOON, async || {
        b.client().conversation(talk.id()).info().await.is_ok()
    })
    .await;
    talk.id()
}

async fn until_waiting(client: &Client, code: ErrorCode) {
    let waiting = ConnectionState::Waiting { code };
    until_connection(client, &format!("{waiting:?}"), SOON, |state| *state == waiting).await;
}

fn pin_of(cert: &Path) -> SpkiPin {
    let der = CertificateDer::from_pem_file(cert).unwrap();
    let parsed = ParsedCertificate::try_from(&der).unwrap();
    SpkiPin::of_public_key(parsed.subject_public_key_info().as_ref())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_syncs_streams_and_sends_over_one_connection() {
    let relay = TestRelay::start().await.unwrap();
    let line = Line::to(relay.addr()).await;
    let (ana, _dir) = person(&relay, "ana", &line, |options| options).await;
    ana.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = talk(&ana, &ben).await;
    let mut last = None;
    for n in 0..30 {
        let message = MessageId::random();
        let hers = ana.client().conversation(id);
        hers.send_text(format!("hers {n}").into(), message).await.unwrap();
        let his = ben.client().conversation(id);
        his.send_text(format!("his {n}").into(), MessageId::random())
            .await
            .unwrap();
        ana.client().find_people(&["ben"]).await.unwrap();
        last = Some(message);
    }
    until_text(ana.client(), id, "his 29", SOON).await;
    let delivered = DeliveryState::Delivered { by: 1, of: 1 };
    until_delivery(ana.client(), id, last.unwrap(), delivered, SOON).await;
    assert_eq!(ana.client().connection(), ConnectionState::Live);
    assert_eq!(line.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_network_is_used_at_once_whatever_wait_was_running() {
    let relay = TestRelay::start().await.unwrap();
    let nowhere = Nowhere::new();
    let line = Line::to(relay.addr()).await;
    let (ana, _dir) = person(&relay, "ana", &line, |options| options.retry_between(NEVER, NEVER)).await;
    ana.client().network_changed();
    ana.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = talk(&ana, &ben).await;
    line.turn(nowhere.addr());
    until_waiting(ana.client(), ErrorCode::OFFLINE).await;
    let words = ana.client().conversation(id);
    words
        .send_text("written underground".into(), MessageId::random())
        .await
        .unwrap();
    line.turn(relay.addr());
    ana.client().network_changed();
    until_live(ana.client(), SOON).await;
    until_text(ben.client(), id, "written underground", SOON).await;
    // While all is well it costs a new connection.
    let before = line.accepted();
    ana.client().network_changed();
    words
        .send_text("on another network".into(), MessageId::random())
        .await
        .unwrap();
    until_text(ben.client(), id, "on another network", SOON).await;
    until_live(ana.client(), SOON).await;
    // A connection that was being made at that moment may be given up half-way; one is what remains.
    assert!(line.accepted() > before);
    line.until_one().await;
    ana.client().stop().await;
    ana.client().network_changed();
    assert_eq!(ana.client().connection(), ConnectionState::Stopped);
}

/// A server with the relay's own certificate that knows only a page.
async fn portal(relay: &TestRelay) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    // The kit's key is for the relay's library; read both files the same way.
    let chain = CertificateDer::pem_file_iter(&relay.tls().cert)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(&relay.tls().key).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let app = Router::new().fallback(|| async { Html("<html>Accept our terms") });
    let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(Arc::new(config))).unwrap();
    tokio::spawn(async move { server.serve(app.into_make_service()).await.unwrap() });
    addr
}

#[tokio::test(flavor = "multi_thread")]
async fn portals_and_strangers_are_waited_out_and_nothing_is_lost() {
    let relay = TestRelay::start().await.unwrap();
    let stranger = TestRelay::start().await.unwrap();
    let portal = portal(&relay).await;
    let line = Line::to(relay.addr()).await;
    let backup = SpkiPin::from_sha256([7; 32]);
    let pins = [pin_of(&relay.tls().cert), backup];
    let (ana, _dir) = person(&relay, "ana", &line, |options| options.pins(pins)).await;
    ana.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = talk(&ana, &ben).await;
    let words = ana.client().conversation(id);
    for (n, (place, code)) in [
        (portal, ErrorCode::CAPTIVE_PORTAL),
        (stranger.addr(), ErrorCode::TLS_FAILED),
    ]
    .into_iter()
    .enumerate()
    {
        line.turn(place);
        until_waiting(ana.client(), code.clone()).await;
        let text = format!("written in the lobby {n}");
        let message = MessageId::random();
        words.send_text(text.as_str().into(), message).await.unwrap();
        let error = ana.client().catch_up().await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), (&code, true));
        line.turn(relay.addr());
        until_text(ben.client(), id, &text, SOON).await;
        until_live(ana.client(), SOON).await;
        let delivered = DeliveryState::Delivered { by: 1, of: 1 };
        until_delivery(ana.client(), id, message, delivered, SOON).await;
    }
    // A certificate of the right authority, with a key that is not pinned.
    let other = tempfile::tempdir().unwrap();
    let unpinned = [pin_of(&relay.ca().issue(other.path()).unwrap().cert), backup];
    let (zoe, _dir) = person(&relay, "zoe", &line, |options| options.pins(unpinned)).await;
    let error = zoe.client().sign_in().await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (&ErrorCode::PIN_MISMATCH, true));
}

#[derive(Default)]
struct Lines(Mutex<String>);

impl LogSink for Lines {
    fn log(&self, batch: LogBatch) {
        let mut lines = self.0.lock().unwrap();
        for record in batch.records {
            lines.push_str(&format!("{record}\n{record:?}\n"));
        }
    }
}

const CANARY: &str = "canary-7f3a9";

#[tokio::test(flavor = "multi_thread")]
async fn neither_logs_nor_diagnostics_tell_what_people_wrote_or_who_they_are() {
    let lines = Arc::new(Lines::default());
    curo::set_log_sink(lines.clone(), LogLevel::Debug).unwrap();
    let relay = TestRelay::start().await.unwrap();
    let line = Line::to(relay.addr()).await;
    let name = |who| format!("{who}-{CANARY}");
    // So that it stays at waiting.
    let (ana, dir) = person(&relay, &name("ana"), &line, |options| {
        options.retry_between(NEVER, NEVER)
    })
    .await;
    let unbound = ana.client().diagnostics().await;
    assert!(unbound.contains("registered: false\n"), "{unbound}");
    ana.go_online().await.unwrap();
    let ben = Person::online(&relay, &name("ben")).await.unwrap();
    let id = talk(&ana, &ben).await;
    let words = ana.client().conversation(id);
    words
        .send_text(format!("BP {CANARY}").into(), MessageId::random())
        .await
        .unwrap();
    until_text(ben.client(), id, &format!("BP {CANARY}"), SOON).await;
    ana.client().find_people(&[CANARY]).await.unwrap();
    let nowhere = Nowhere::new();
    line.turn(nowhere.addr());
    until_waiting(ana.client(), ErrorCode::OFFLINE).await;
    words
        .send_text(format!("unsent {CANARY}").into(), MessageId::random())
        .await
        .unwrap();
    let first = ana.client().diagnostics().await;
    let second = ana.client().diagnostics().await;
    for expected in [
        "registered: true\n",
        "connection: waiting\nconnection_code: offline\n",
        "http: 2\n",
        "curo: 0.",
        "store_version: ",
        "conversations: 1\n",
        "outbox_waiting: 1\n",
        " state=active frozen=no direct=false members=2 suite=1 incarnation=1 ",
        "error: offline place=",
    ] {
        assert!(first.contains(expected), "{expected:?} in {first}");
    }
    let hash = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("conversation: "))
            .unwrap()
            .get(14..30)
            .unwrap()
            .to_owned()
    };
    assert_ne!(hash(&first), hash(&second), "two exports cannot be joined");
    let me = ana.account().await.unwrap();
    ana.client().lock().await.unwrap();
    let locked = ana.client().diagnostics().await;
    assert!(locked.contains("locked: true\nstore: locked\n"), "{locked}");
    let all = [unbound, first, second, locked].concat();
    let secrets = [
        CANARY.to_owned(),
        ana.tokens().good(),
        relay.tenant().to_string(),
        line.addr.to_string(),
        dir.path().display().to_string(),
    ];
    let ids = [
        id.to_string(),
        me.user.to_string(),
        me.device.to_string(),
        ben.user().await.to_string(),
        ana.client().profile().to_string(),
    ];
    assert!(!all.contains("eyJ"), "a token in {all}");
    for hidden in secrets.iter().chain(&ids) {
        assert!(!all.contains(hidden.as_str()), "{hidden} in {all}");
    }
    curo::clear_log_sink();
    let told = loop {
        // The state of the connection is an event; the sink's thread may still be at work.
        let told = lines.0.lock().unwrap().clone();
        if told.contains("connection state=waiting code=offline") {
            break told;
        }
        tokio::task::yield_now().await;
    };
    assert!(!told.contains("eyJ"), "a token in {told}");
    // Ids may be logged; nothing else may.
    for hidden in &secrets[..3] {
        assert!(!told.contains(hidden.as_str()), "{hidden} in {told}");
    }
}
