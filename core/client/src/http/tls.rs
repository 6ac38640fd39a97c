//! TLS of the client: rustls with ring, TLS 1.2 and 1.3, bundled web roots and the app's own. There is no way to switch
//! verification off.

use std::sync::Arc;

use curo_types::ErrorCode;
use rustls::{ClientConfig, RootCertStore};

use crate::error::Fault;

pub(super) fn client_config(extra_roots: &[Vec<u8>]) -> Result<ClientConfig, Fault> {
    let invalid = |_| Fault::Code(ErrorCode::INVALID_ARGUMENT);
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in extra_roots {
        roots.add(root.clone().into()).map_err(invalid)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(invalid)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
