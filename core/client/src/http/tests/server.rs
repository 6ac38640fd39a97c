//! Small real servers: TLS with a throw-away authority, a TCP line that can freeze, a proxy that tunnels.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData as _};
use rustls::{HandshakeKind, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::SpkiPin;

/// What a server has seen.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) tcp: AtomicUsize,
    pub(super) resumed: AtomicUsize,
}

pub(super) struct Server {
    pub(super) addr: SocketAddr,
    pub(super) root: Vec<u8>,
    pub(super) pin: SpkiPin,
    pub(super) seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How a server is made.
pub(super) struct Tls {
    pub(super) alpn: &'static [&'static [u8]],
    pub(super) versions: &'static [&'static SupportedProtocolVersion],
}

pub(super) const BOTH: Tls = Tls {
    alpn: &[b"h2", b"http/1.1"],
    versions: rustls::DEFAULT_VERSIONS,
};

impl Server {
    pub(super) fn start(app: Router, tls: &Tls) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        let pin = SpkiPin::of_public_key(&key.subject_public_key_info());
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(tls.versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        config.alpn_protocols = tls.alpn.iter().map(|name| name.to_vec()).collect();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let acceptor = Watching {
            inner: RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(config))),
            seen: Arc::clone(&seen),
        };
        let server = axum_server::from_tcp(listener).unwrap().acceptor(acceptor);
        let task = tokio::spawn(async move { server.serve(app.into_make_service()).await.unwrap() });
        Self {
            addr,
            root: ca.der().to_vec(),
            pin,
            seen,
            task,
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.tcp.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Watching {
    inner: RustlsAcceptor,
    seen: Arc<Seen>,
}

type TlsStream = <RustlsAcceptor as Accept<TcpStream, ()>>::Stream;
type TlsService<S> = <RustlsAcceptor as Accept<TcpStream, S>>::Service;

impl<S: Send + 'static> Accept<TcpStream, S> for Watching {
    type Stream = TlsStream;
    type Service = TlsService<S>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(TlsStream, TlsService<S>)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        self.seen.tcp.fetch_add(1, Ordering::SeqCst);
        let seen = Arc::clone(&self.seen);
        let accepting = self.inner.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
                seen.resumed.fetch_add(1, Ordering::SeqCst);
            }
            Ok((stream, service))
        })
    }
}

/// Carries TCP connections to `to`. Frozen, it keeps them open and moves nothing.
pub(super) async fn line(to: SocketAddr) -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (frozen, state) = watch::channel(false);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let mut state = state.clone();
            held.push(tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let dies = async { state.wait_for(|frozen| *frozen).await.map(drop) };
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = dies => {
                        // Open, and deaf, until the test ends.
                        let _open = (near, far);
                        std::future::pending::<()>().await;
                    }
                }
            }));
        }
    });
    (addr, frozen)
}

/// An HTTP proxy that answers CONNECT with 200, or with 407 unless the head has `wants`. Tells the heads that it got.
pub(super) async fn proxy(wants: &'static str) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let heads = Arc::<Mutex<Vec<String>>>::default();
    let told = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(near.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().to_owned();
                let welcome = head.contains(wants);
                told.lock().unwrap().push(head);
                if !welcome {
                    let refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
                    near.write_all(refusal).await.unwrap();
                    return;
                }
                let mut far = TcpStream::connect(target).await.unwrap();
                near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (addr, heads)
}
