//! The server's side of TLS: certificate and key from PEM files, TLS 1.2 and 1.3 with ring, HTTP/2 and HTTP/1.1.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::StartError;
use crate::config::TlsConfig;

/// Reads the files and checks that they belong together. The crypto provider is named, never a default of the process.
pub(super) fn server_config(config: &TlsConfig) -> Result<rustls::ServerConfig, StartError> {
    let fault = |what, path: &Path, reason| StartError::Tls {
        what,
        path: path.to_owned(),
        reason,
    };
    let cert = |reason| fault("certificate chain", &config.cert, reason);
    let key = |reason| fault("private key", &config.key, reason);
    let chain: Vec<_> = CertificateDer::pem_file_iter(&config.cert)
        .map_err(|_| cert("cannot be read"))?
        .collect::<Result<_, _>>()
        .map_err(|_| cert("is not PEM"))?;
    if chain.is_empty() {
        return Err(cert("holds no certificate"));
    }
    let private =
        PrivateKeyDer::from_pem_file(&config.key).map_err(|_| key("cannot be read, or holds no private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| key("TLS 1.2 and 1.3 are not available"))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|_| key("does not belong to the certificate, or is of an unknown kind"))?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}
