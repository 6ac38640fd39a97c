//! What an app sets about the network, with the whole client and the real relay: proxy, trust, resumption, time-outs, limits.

use std::sync::atomic::{AtomicUsize, Ordering};

use curo::Proxy;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// A proxy that tunnels for whoever has the password, and keeps the heads of what it is asked.
struct Tunnel {
    addr: SocketAddr,
    heads: Arc<Mutex<String>>,
    tunnels: Arc<AtomicUsize>,
}

impl Tunnel {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (heads, tunnels) = (Arc::<Mutex<String>>::default(), Arc::<AtomicUsize>::default());
        let kept = (Arc::clone(&heads), Arc::clone(&tunnels));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(tunnel(near, kept.clone()));
            }
        });
        Self { addr, heads, tunnels }
    }

    fn proxy(&self, password: &str) -> Proxy {
        Proxy::new(format!("http://{}", self.addr)).credentials("ward-7", password)
    }
}

async fn tunnel(mut near: TcpStream, (heads, tunnels): (Arc<Mutex<String>>, Arc<AtomicUsize>)) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = near.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push_str(&head);
    // ward-7:secret
    if !head.contains("Basic d2FyZC03OnNlY3JldA==") {
        let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        let _ = near.write_all(refusal).await;
        return;
    }
    let target = head.split(' ').nth(1).unwrap();
    let mut far = TcpStream::connect(target).await.unwrap();
    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    tunnels.fetch_add(1, Ordering::SeqCst);
    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_proxy_all_works_over_one_tunnel_and_the_proxy_learns_the_name_alone() {
    let relay = TestRelay::start().await.unwrap();
    let tunnel = Tunnel::start().await;
    let line = Line::to(relay.addr()).await;
    let (ana, _dir) = person(&relay, "ana", &line, |options| options.proxy(tunnel.proxy("secret"))).await;
    ana.go_online().await.unwrap();
    let ben = Person::online(&relay, "ben").await.unwrap();
    let id = talk(&ana, &ben).await;
    for (from, to) in [(&ana, &ben), (&ben, &ana)] {
        let text = format!("{CANARY} of {}", from.subject());
        let words = from.client().conversation(id);
        words
            .send_text(text.as_str().into(), MessageId::random())
            .await
            .unwrap();
        until_text(to.client(), id, &text, SOON).await;
    }
    assert_eq!((tunnel.tunnels.load(Ordering::SeqCst), line.accepted()), (1, 1));
    let heads = tunnel.heads.lock().unwrap().clone();
    assert!(
        heads.starts_with(&format!("CONNECT {} HTTP/1.1\r\n", line.addr)),
        "{heads}"
    );
    for hidden in [CANARY, "/v1/", "eyJ", "ana"] {
        assert!(!heads.contains(hidden), "{hidden} in {heads}");
    }
    // Whom the proxy does not know is offline, and goes nowhere past it.
    let (zoe, _dir) = person(&relay, "zoe", &line, |options| options.proxy(tunnel.proxy("guessed"))).await;
    let error = zoe.client().sign_in().await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (&ErrorCode::OFFLINE, true));
    assert_eq!(line.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_authority_is_trusted_only_where_the_app_says_so() {
    let relay = TestRelay::start().await.unwrap();
    let line = Line::to(relay.addr()).await;
    let stranger = TestRelay::start().await.unwrap();
    for root in [None, Some(stranger.ca().root_der())] {
        let dir = tempfile::tempdir().unwrap();
        let fresh = ClientOptions::new(dir.path().join("profiles"), format!("https://{}", line.addr));
        let fresh = root.into_iter().fold(fresh, |options, root| options.extra_root(root));
        let (zoe, _dir) = person(&relay, "zoe", &line, |_| fresh).await;
        let error = zoe.client().sign_in().await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), (&ErrorCode::TLS_FAILED, true));
    }
    // Several may be given.
    let also = stranger.ca().root_der();
    let (ana, _dir) = person(&relay, "ana", &line, |options| options.extra_root(also)).await;
    ana.go_online().await.unwrap();
}

/// The ServerHellos of recorded connections: whether each took up an older session (RFC 8446 section 4.2.11).
fn resumed(recorded: &[u8]) -> Vec<bool> {
    let mut hellos = Vec::new();
    for at in 0..recorded.len() {
        // A record with a handshake message 2, of at least its fixed part.
        let [0x16, 0x03, 0x03, _, _, 0x02, 0x00, high, low, 0x03, 0x03, rest @ ..] = &recorded[at..] else {
            continue;
        };
        let length = usize::from(*high) << 8 | usize::from(*low);
        let Some(body) = rest.get(..length.saturating_sub(2)) else {
            continue;
        };
        let Some(session) = body.get(32) else { continue };
        // Random, session id, cipher suite, compression, length of the extensions.
        let mut extensions = body.get(32 + 1 + usize::from(*session) + 3 + 2..).unwrap_or_default();
        let mut took_up = false;
        while let [t1, t2, l1, l2, rest @ ..] = extensions {
            took_up |= (*t1, *t2) == (0x00, 0x29);
            let skip = usize::from(*l1) << 8 | usize::from(*l2);
            extensions = rest.get(skip..).unwrap_or_default();
        }
        hellos.push(took_up);
    }
    hellos
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_after_a_break_resumes_the_session_with_the_relay() {
    let relay = TestRelay::start().await.unwrap();
    let ana = Person::new(&relay, "ana").await.unwrap();
    ana.cable().record();
    ana.go_online().await.unwrap();
    assert_eq!(resumed(&ana.cable().recorded()), [false]);
    for breaks in 1..3 {
        // Only for an instant: each attempt on a cut cable would use up one of the relay's few tickets.
        ana.cable().cut();
        ana.cable().restore();
        until(ana.client(), "live on a new connection", SOON, async || {
            let connections = resumed(&ana.cable().recorded()).len();
            connections > breaks && ana.client().connection() == ConnectionState::Live
        })
        .await;
        let hellos = resumed(&ana.cable().recorded());
        assert_eq!(hellos.len(), 1 + breaks, "{hellos:?}");
        assert!(hellos[1..].iter().all(|took_up| *took_up), "{hellos:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_says_nothing_is_given_up_and_asked_again() {
    let relay = TestRelay::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let ana = Person::with_options(&relay, "ana", dir.path(), |options| {
        // Short to wait out, and long for a sign-in on a busy machine.
        options.request_timeout(Duration::from_secs(5))
    });
    let ana = ana.await.unwrap();
    ana.client().sign_in().await.unwrap();
    let before = ana.cable().swallowed();
    ana.cable().swallow_answers();
    let error = ana.client().find_people(&["ben"]).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (&ErrorCode::OFFLINE, true));
    // The relay has answered, and nobody heard it.
    ana.cable().until_swallowed(before).await;
    ana.cable().restore();
    ana.client().start().await.unwrap();
    until_live(ana.client(), SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_who_asks_too_much_is_told_when_to_come_again_and_nothing_is_lost() {
    let relay = TestRelay::builder().limits(|limits| limits.requests_per_user_per_second = 5);
    let relay = relay.start().await.unwrap();
    let (ana, ben) = tokio::join!(Person::online(&relay, "ana"), Person::online(&relay, "ben"));
    let (ana, ben) = (ana.unwrap(), ben.unwrap());
    let id = talk(&ana, &ben).await;
    let refused = async {
        let mut asked = 0;
        loop {
            asked += 1;
            if let Err(error) = ana.client().find_people(&[&format!("nobody-{asked}")]).await {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(SOON, refused).await.unwrap();
    assert_eq!((error.code(), error.retryable()), (&ErrorCode::RATE_LIMITED, true));
    let wait = error.retry_after().unwrap();
    assert!(Duration::ZERO < wait && wait <= Duration::from_secs(10), "{wait:?}");
    // The client itself waits as long as it is told, and goes on.
    let words = ana.client().conversation(id);
    let message = words
        .send_text("in good time".into(), MessageId::random())
        .await
        .unwrap();
    until_text(ben.client(), id, "in good time", SOON).await;
    let delivered = DeliveryState::Delivered { by: 1, of: 1 };
    until_delivery(ana.client(), id, message, delivered, SOON).await;
}
