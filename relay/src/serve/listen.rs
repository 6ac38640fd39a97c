//! Listeners: what bounds a connection, and how one is stopped.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use tokio::task::JoinHandle;

use super::{Connections, StartError};
use crate::config::Limits;

/// A header may hold an access token of 16 KiB.
const HEADER_BYTES: u32 = 32 * 1024;

/// A listener at work. Dropped, it stops at once.
pub(super) struct Listener {
    pub(super) addr: SocketAddr,
    handle: Handle<SocketAddr>,
    server: Option<JoinHandle<std::io::Result<()>>>,
}

impl Listener {
    /// Takes no new connections, and gives those that are there some time to finish.
    pub(super) async fn stop(&mut self, grace: Duration) {
        self.handle.graceful_shutdown(Some(grace));
        if let Some(server) = self.server.take()
            && let Ok(Err(error)) = server.await
        {
            tracing::error!(kind = ?error.kind(), "the listener failed");
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.shutdown();
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

/// Serves the relay's calls over TLS.
pub(super) fn relay(
    listen: SocketAddr,
    tls: rustls::ServerConfig,
    connections: Connections,
    app: Router,
    limits: &Limits,
) -> Result<Listener, StartError> {
    let (server, addr, handle) = bind(listen, limits)?;
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(tls)))
        .handshake_timeout(limits.header_timeout)
        .acceptor(connections);
    let server = server.acceptor(acceptor);
    Ok(Listener {
        addr,
        handle,
        server: Some(tokio::spawn(server.serve(app.into_make_service()))),
    })
}

/// Serves metrics without TLS.
pub(super) fn metrics(listen: SocketAddr, app: Router, limits: &Limits) -> Result<Listener, StartError> {
    let (server, addr, handle) = bind(listen, limits)?;
    Ok(Listener {
        addr,
        handle,
        server: Some(tokio::spawn(server.serve(app.into_make_service()))),
    })
}

fn bind(
    listen: SocketAddr,
    limits: &Limits,
) -> Result<(Server<SocketAddr>, SocketAddr, Handle<SocketAddr>), StartError> {
    let refused = |error: std::io::Error| StartError::Listen {
        addr: listen,
        reason: error.kind(),
    };
    let listener = TcpListener::bind(listen).map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)
        .map_err(refused)?
        .handle(handle.clone())
        .first_request_timeout(limits.header_timeout)
        .accept_error_handler(|_, error| tracing::debug!(kind = ?error.kind(), "a connection was not accepted"));
    bound_connections(&mut server, limits);
    Ok((server, addr, handle))
}

fn bound_connections(server: &mut Server<SocketAddr>, limits: &Limits) {
    let builder = server.http_builder();
    builder
        .http1()
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(128 * 1024);
    builder
        .http2()
        .max_header_list_size(HEADER_BYTES)
        .max_concurrent_streams(64)
        .adaptive_window(true)
        // Finds clients that vanished while a live stream was open.
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
}
