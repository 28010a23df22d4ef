//! Certificates for a desk: an authority that signs one server and is forgotten.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use model::UnixMillis;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use zeroize::Zeroizing;

use super::DevCertificateError;

/// Names that every certificate has.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Where certificates to try with were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevCertificates {
    /// The authority's certificate: what terminals trust.
    pub authority: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's key, for its owner's eyes only.
    pub key: PathBuf,
}

/// Makes an authority, good for a year, and a server certificate for `localhost`, its addresses and these names.
///
/// The authority's key is written nowhere: who finds the folder can sign nothing with it, and a further
/// certificate needs a new authority.
pub fn dev_certificates(
    folder: &Path,
    names: &[&str],
    now: UnixMillis,
    overwrite: bool,
) -> Result<DevCertificates, DevCertificateError> {
    let made = DevCertificates {
        authority: folder.join("ca.pem"),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    let paths = [&made.authority, &made.certificate, &made.key];
    if let Some(path) = paths.into_iter().find(|path| !overwrite && path.symlink_metadata().is_ok()) {
        return Err(DevCertificateError::AlreadyThere { path: path.clone() });
    }
    let texts = make(names, now)?;
    fs::create_dir_all(folder)
        .map_err(|reason| DevCertificateError::Unwritable { path: folder.into(), reason })?;
    write(&made.authority, texts.authority.as_bytes(), 0o644, overwrite)?;
    write(&made.certificate, texts.certificate.as_bytes(), 0o644, overwrite)?;
    write(&made.key, texts.key.as_bytes(), 0o600, overwrite)?;
    Ok(made)
}

struct Texts {
    authority: String,
    certificate: String,
    key: Zeroizing<String>,
}

fn make(names: &[&str], now: UnixMillis) -> Result<Texts, DevCertificateError> {
    use DevCertificateError::Library;
    let authority_key = KeyPair::generate().map_err(Library)?;
    let mut authority = parameters(Vec::new(), "Counterfoil desk authority", now)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&authority_key).map_err(Library)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut all: Vec<String> = NAMES.map(str::to_owned).into();
    for name in names {
        if !is_name(name) {
            return Err(DevCertificateError::Name { name: (*name).to_owned() });
        }
        if !NAMES.contains(name) {
            all.push((*name).to_owned());
        }
    }
    let server_key = KeyPair::generate().map_err(Library)?;
    let mut server = parameters(all, "Counterfoil desk server", now)?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let server_certificate = server.signed_by(&server_key, &issuer).map_err(Library)?;
    Ok(Texts {
        authority: authority_certificate.pem(),
        certificate: server_certificate.pem(),
        key: Zeroizing::new(server_key.serialize_pem()),
    })
}

/// A certificate from the day before, for clocks that go slow, to a year after.
fn parameters(
    names: Vec<String>,
    title: &str,
    now: UnixMillis,
) -> Result<CertificateParams, DevCertificateError> {
    let today = Timestamp::from_millisecond(now.0).map_err(|_| DevCertificateError::Time)?;
    let today = today.to_zoned(TimeZone::UTC).date();
    let day = |date: Result<jiff::civil::Date, jiff::Error>| {
        let date = date.ok().filter(|date| (1970..=9998).contains(&date.year()));
        let date = date.ok_or(DevCertificateError::Time)?;
        Ok(date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs()))
    };
    let mut parameters = CertificateParams::new(names).map_err(DevCertificateError::Library)?;
    parameters.not_before = day(today.checked_sub(1.day()))?;
    parameters.not_after = day(today.checked_add(1.year()))?;
    parameters.distinguished_name.push(DnType::CommonName, title);
    Ok(parameters)
}

fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.parse::<std::net::IpAddr>().is_ok() || name.len() <= 253 && name.split('.').all(is_label)
}

/// Writes beside, then renames: nobody reads half a file, and a key is never open to others for a moment.
fn write(path: &Path, bytes: &[u8], mode: u32, overwrite: bool) -> Result<(), DevCertificateError> {
    let unwritable = |reason| DevCertificateError::Unwritable { path: path.into(), reason };
    let beside = path.with_added_extension("new");
    // One that a broken run left would keep its own mode.
    match fs::remove_file(&beside) {
        Err(reason) if reason.kind() != ErrorKind::NotFound => return Err(unwritable(reason)),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside).map_err(unwritable)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(unwritable)?;
    let placed = if overwrite {
        fs::rename(&beside, path)
    } else {
        // Unlike a rename, a link refuses what came there meanwhile.
        fs::hard_link(&beside, path).and_then(|()| fs::remove_file(&beside))
    };
    placed.map_err(|reason| match reason.kind() {
        ErrorKind::AlreadyExists => DevCertificateError::AlreadyThere { path: path.into() },
        _ => unwritable(reason),
    })
}
