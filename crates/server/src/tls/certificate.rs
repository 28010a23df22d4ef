//! A server's certificate and key, from two files of PEM.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use rustls::{InconsistentKeys, ServerConfig};

use super::{TlsError, provider};

/// A server's end of TLS.
pub struct ServerTls;

impl ServerTls {
    /// Reads a certificate with its chain, and its key. TLS 1.3 and HTTP/1.1 only.
    pub fn load(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates(certificate)?;
        let secret = private_key(key)?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::Library)?
            .with_no_client_auth();
        let mut config = builder.with_single_cert(chain, secret).map_err(|reason| match reason {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::KeyDiffers { certificate: certificate.into(), key: key.into() }
            }
            rustls::Error::InvalidCertificate(_) => TlsError::Unusable { path: certificate.into(), reason },
            reason => TlsError::Unusable { path: key.into(), reason },
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// All certificates of a file, in their order.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, PemError>>();
    let found = found.map_err(|_| TlsError::NotPem { path: path.into() })?;
    if found.is_empty() { Err(TlsError::NoCertificate { path: path.into() }) } else { Ok(found) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = zeroize::Zeroizing::new(read(path)?);
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        PemError::NoItemsFound => TlsError::NoKey { path: path.into() },
        _ => TlsError::NotPem { path: path.into() },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|reason| TlsError::Unreadable { path: path.into(), reason })
}
