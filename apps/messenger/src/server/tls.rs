//! Certificate and key from files.

use anyhow::{Context, Result, bail};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, version};

/// What answers TLS with this certificate chain and key, both PEM.
///
/// # Errors
/// When a file cannot be read, others may read the key, or the two do not belong together.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let say = |what: &str, path: &Path| format!("failed to read the {what} {}", path.display());
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| say("certificate", certificate))?;
    if chain.is_empty() {
        bail!("{} holds no certificate; it should be a PEM file", certificate.display());
    }
    let mode = std::fs::metadata(key).with_context(|| say("key", key))?.permissions().mode();
    if mode & 0o007 != 0 {
        bail!("everybody may read the key {}; take that away: chmod o-rwx {}", key.display(), key.display());
    }
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| say("key", key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and the key do not belong together")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
