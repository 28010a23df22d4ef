//! Why a listener has no TLS, each by its name.

use std::path::PathBuf;

/// A certificate, key or trust cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no such file, or it cannot be read.
    #[error("{path} cannot be read: {reason}. `counterfoil tls dev` makes certificates to try with")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A part of the file is no PEM.
    #[error("{path} is not PEM: between its BEGIN and END lines must stand base 64")]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no certificate.
    #[error("{path} holds no certificate: its text must have a `BEGIN CERTIFICATE` line")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no private key.
    #[error("{path} holds no private key: its text must have a `BEGIN PRIVATE KEY` line, unencrypted")]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key is another certificate's.
    #[error("{key} is not the key of the first certificate in {certificate}")]
    KeyDiffers {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate or key is of a kind that is not worked with.
    #[error("{path} cannot be used: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the TLS library says.
        reason: rustls::Error,
    },
    /// The machine trusts nobody.
    #[error(
        "this machine has no certificates of authorities: install ca-certificates, or name a file of them"
    )]
    NoAuthorities,
    /// The TLS library does not have what is asked of it.
    #[error("TLS cannot be set up: {0}")]
    Library(rustls::Error),
    /// The socket cannot be served.
    #[error("the listener cannot be served: {0}")]
    Socket(std::io::Error),
}

/// Certificates to try with were not made.
#[derive(Debug, thiserror::Error)]
pub enum DevCertificateError {
    /// Something stands where they would be written.
    #[error("{path} is there already: choose another folder, or say that it may be overwritten")]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written: {reason}")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A name cannot stand in a certificate.
    #[error("{name:?} is no host name and no IP address")]
    Name {
        /// The name.
        name: String,
    },
    /// The clock says a time that no certificate can hold.
    #[error("the clock is outside of the years 1970 to 9998")]
    Time,
    /// The library did not make them.
    #[error("the certificates were not made: {0}")]
    Library(rcgen::Error),
}
