use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig, version};

/// Why there is no TLS with these files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("failed to read the {what} {}", path.display())]
    File {
        /// Certificate or key.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The key's permissions cannot be looked at.
    #[error("failed to read the key {}", path.display())]
    Permissions {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file without a certificate.
    #[error("{} holds no certificate; it should be a PEM file", .0.display())]
    NoCertificate(PathBuf),
    /// Every account of the machine may read the key.
    #[error("everybody may read the key {path}; take that away: chmod o-rwx {path}", path = .0.display())]
    OpenKey(PathBuf),
    /// The key is of another certificate, or of a kind that is not supported.
    #[error("the certificate and the key do not belong together")]
    Pair(#[source] rustls::Error),
}

/// What answers TLS 1.2 and 1.3 with this certificate chain and key, both PEM files.
///
/// # Errors
/// When a file cannot be read, everybody may read the key, or the two do not belong together.
pub fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { what, path, source }
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(failed("certificate", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(certificate.to_owned()));
    }
    let metadata = std::fs::metadata(key);
    let metadata = metadata.map_err(|source| TlsError::Permissions { path: key.to_owned(), source })?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(TlsError::OpenKey(key.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(failed("key", key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
