//! TLS of the client: rustls with ring, TLS 1.2 and 1.3, bundled web roots and the app's own, pinned keys on top. There is
//! no way to switch verification off.

use std::collections::BTreeSet;
use std::sync::Arc;

use curo_types::ErrorCode;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::error::Fault;
use crate::options::ClientOptions;
use crate::pin::SpkiPin;

/// One pin is in use, one is the way out when its key is lost.
const MIN_PINS: usize = 2;

/// The certificate verifies, its key is not pinned.
#[derive(Debug, thiserror::Error)]
#[error("public key is not pinned")]
pub(super) struct PinMismatch;

/// Clones share the memory of sessions, so that a new pool resumes the sessions of the old one (RFC 8446 section 2.2).
pub(super) fn client_config(options: &ClientOptions) -> Result<ClientConfig, Fault> {
    let invalid = || Fault::Code(ErrorCode::INVALID_ARGUMENT);
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in &options.extra_roots {
        roots.add(root.clone().into()).map_err(|_| invalid())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|_| invalid())?;
    let mut config = match &options.pins {
        None => builder.with_root_certificates(roots),
        Some(pins) => {
            let pins: BTreeSet<_> = pins.iter().copied().collect();
            if pins.len() < MIN_PINS {
                return Err(invalid());
            }
            let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let chain = chain.map_err(|_| invalid())?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned { chain, pins }))
        }
    }
    .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// All of rustls's own checks, and then the pins.
#[derive(Debug)]
struct Pinned {
    chain: Arc<WebPkiServerVerifier>,
    pins: BTreeSet<SpkiPin>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .chain
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
        let spki = ParsedCertificate::try_from(end_entity)?.subject_public_key_info();
        if self.pins.contains(&SpkiPin::of_public_key(spki.as_ref())) {
            return Ok(verified);
        }
        Err(CertificateError::Other(OtherError(Arc::new(PinMismatch))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.chain.root_hint_subjects()
    }
}
