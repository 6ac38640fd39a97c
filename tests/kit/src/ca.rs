//! A throw-away certification authority and the server certificates that it signs for the loopback interface.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use curo_relay::TlsConfig;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

use crate::KitError;

/// A certification authority that lives as long as the value; its private key never touches a disk.
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Ca {
    /// A new authority.
    ///
    /// # Errors
    /// [`KitError::Certificate`].
    pub fn new() -> Result<Self, KitError> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Curo test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
        })
    }

    /// The authority's certificate (DER), for [`curo::ClientOptions::extra_root`].
    pub fn root_der(&self) -> &[u8] {
        self.issuer.der()
    }

    /// The same as PEM, for configuration files.
    pub fn root_pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs a certificate for `localhost` and `127.0.0.1` and writes it with its key (readable by the owner only) into
    /// `dir`. What is there is replaced. Blocks.
    ///
    /// # Errors
    /// [`KitError::Certificate`], [`KitError::Io`].
    pub fn issue(&self, dir: &Path) -> Result<TlsConfig, KitError> {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, "Curo test relay");
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let tls = TlsConfig {
            cert: dir.join("cert.pem"),
            key: dir.join("key.pem"),
        };
        std::fs::write(&tls.cert, certificate.pem())?;
        write_private(&tls.key, key.serialize_pem().as_bytes())?;
        Ok(tls)
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ca(redacted)")
    }
}

/// Writes a file that only its owner may read. Blocks.
///
/// # Errors
/// What the file system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
