//! TLS 1.3 at the bank's doors, and certificates to try it with.
//!
//! For: [`ServerTls`] reads a certificate and its key; [`TlsListener`] serves a router behind them and ends in
//! order; [`trusting`] is the other end's trust; [`dev_certificates`] makes what a desk needs to try all that.
//! Refuses: TLS 1.2 and below towards terminals; a process-wide default of the TLS library: who serves or asks
//! says with what. Next: `http` of [`crate::bank`] and [`crate::security`] for what is served.

mod certificate;
mod dev;
mod error;
mod listener;
mod trust;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

pub use certificate::ServerTls;
pub use dev::{DevCertificates, dev_certificates};
pub use error::{DevCertificateError, TlsError};
pub use listener::TlsListener;
pub use trust::trusting;
pub(crate) use trust::trusting_nobody;

/// The ciphers of both ends.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
