//! Whom a client of ours trusts.

use std::path::Path;

use rustls::{ClientConfig, RootCertStore};

use super::certificate::certificates;
use super::{TlsError, provider};

/// A client's end of TLS 1.2 or 1.3 that trusts the authorities of a file, or else those of this machine.
///
/// For asking others, such as an SMS gateway: they choose the version, and some know 1.2 only.
pub fn trusting(authorities: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|reason| TlsError::Unusable { path: path.into(), reason })?;
            }
        }
        None => {
            // A machine's folder may hold a certificate or two that do not parse; the rest counts.
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(TlsError::NoAuthorities);
            }
        }
    }
    config(roots)
}

/// A client's end that is never used: for addresses without TLS.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    config(RootCertStore::empty())
}

fn config(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Library)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
