//! The doors themselves: which TLS they speak, whom clients believe, how they end, and what opens none.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use server::tls::{
    DevCertificateError, DevCertificates, ServerTls, TlsError, TlsListener, dev_certificates, trusting,
};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::desk::{Caller, machine_now};

fn certificates(folder: &TempDir, names: &[&str]) -> DevCertificates {
    dev_certificates(folder.path(), names, machine_now(), false).unwrap()
}

fn speaking(version: &'static SupportedProtocolVersion, authority: &Path) -> Caller {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Caller::trusting(config)
}

async fn serve(made: &DevCertificates, router: Router) -> (TlsListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tls = ServerTls::load(&made.certificate, &made.key).unwrap();
    let serving = TlsListener::serve(listener, router, tls).unwrap();
    let port = serving.address().port();
    (serving, format!("https://localhost:{port}/"))
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

#[tokio::test]
async fn a_door_speaks_tls_13_and_nothing_older() {
    let folder = tempfile::tempdir().unwrap();
    let made = certificates(&folder, &[]);
    let (serving, url) = serve(&made, hello()).await;
    let new = speaking(&TLS13, &made.authority).get(&url).await.unwrap();
    assert_eq!(new.status, StatusCode::OK);
    let old = speaking(&TLS12, &made.authority).get(&url).await.err().unwrap();
    assert!(format!("{old:?}").contains("ProtocolVersion"), "{old:?}");
    serving.stop().await;
}

#[tokio::test]
async fn a_client_believes_no_other_authority_and_no_other_name() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = certificates(&folder, &["bank.example"]);
    let stranger = certificates(&elsewhere, &[]);
    let (serving, url) = serve(&made, hello()).await;
    let wrong = Caller::trusting(trusting(Some(&stranger.authority)).unwrap()).get(&url).await.err().unwrap();
    assert!(format!("{wrong:?}").contains("InvalidCertificate"), "{wrong:?}");

    let trusting = Caller::trusting(trusting(Some(&made.authority)).unwrap());
    for good in [url.clone(), url.replace("localhost", "127.0.0.1")] {
        assert_eq!(trusting.get(&good).await.unwrap().status, StatusCode::OK, "{good}");
    }
    // 127.0.0.2 reaches the same socket only where it listens everywhere; the name is what counts here.
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let tls = ServerTls::load(&made.certificate, &made.key).unwrap();
    let wide = TlsListener::serve(everywhere, hello(), tls).unwrap();
    let other_name = format!("https://127.0.0.2:{}/", wide.address().port());
    let refused = trusting.get(&other_name).await.err().unwrap();
    assert!(format!("{refused:?}").contains("NotValidForName"), "{refused:?}");
    wide.stop().await;
    serving.stop().await;
}

#[tokio::test]
async fn a_door_that_closes_finishes_what_it_began_and_takes_nothing_new() {
    let folder = tempfile::tempdir().unwrap();
    let made = certificates(&folder, &[]);
    let (began, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (began, go_on) = (began.clone(), go_on.clone());
        move || async move {
            began.notify_one();
            go_on.notified().await;
            "done"
        }
    };
    let router = Router::new().route("/slow", get(slow)).route("/", get(|| async { "hello" }));
    let (serving, url) = serve(&made, router).await;
    let caller = Caller::trusting(trusting(Some(&made.authority)).unwrap());
    let slow_url = format!("{url}slow");
    let asked = tokio::spawn(async move { caller.get(&slow_url).await.unwrap().body });
    began.notified().await;
    let stopping = tokio::spawn(serving.stop());
    let late = Caller::trusting(trusting(Some(&made.authority)).unwrap());
    while late.get(&url).await.is_ok() {}
    go_on.notify_one();
    assert_eq!(asked.await.unwrap(), b"done");
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_door_that_closes_does_not_wait_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let made = certificates(&folder, &[]);
    let began = Arc::new(Notify::new());
    let hang = {
        let began = began.clone();
        move || async move {
            began.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let (serving, url) = serve(&made, Router::new().route("/", get(hang))).await;
    let caller = Caller::trusting(trusting(Some(&made.authority)).unwrap());
    let asked = tokio::spawn(async move { caller.get(&url).await.is_err() });
    began.notified().await;
    tokio::time::timeout(Duration::from_secs(10), serving.stop()).await.unwrap();
    assert!(asked.await.unwrap());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_the_next_client() {
    let (folder, renewed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (made, next) = (certificates(&folder, &[]), certificates(&renewed, &[]));
    let (serving, url) = serve(&made, hello()).await;
    serving.renew(ServerTls::load(&next.certificate, &next.key).unwrap());
    assert!(Caller::trusting(trusting(Some(&made.authority)).unwrap()).get(&url).await.is_err());
    assert!(Caller::trusting(trusting(Some(&next.authority)).unwrap()).get(&url).await.is_ok());
    serving.stop().await;
}

#[test]
fn certificates_that_cannot_be_used_are_refused_by_name() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (made, foreign) = (certificates(&folder, &[]), certificates(&other, &[]));
    let nothing = folder.path().join("nothing.pem");
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "no PEM at all\n").unwrap();
    let broken = folder.path().join("broken.pem");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
    let load = |certificate: &Path, key: &Path| ServerTls::load(certificate, key).err().unwrap();
    assert!(matches!(load(&nothing, &made.key), TlsError::Unreadable { .. }));
    assert!(matches!(load(&made.certificate, &nothing), TlsError::Unreadable { .. }));
    assert!(matches!(load(&empty, &made.key), TlsError::NoCertificate { .. }));
    assert!(matches!(load(&made.certificate, &empty), TlsError::NoKey { .. }));
    assert!(matches!(load(&made.certificate, &made.authority), TlsError::NoKey { .. }));
    assert!(matches!(load(&broken, &made.key), TlsError::NotPem { .. }));
    assert!(matches!(load(&made.certificate, &foreign.key), TlsError::KeyDiffers { .. }));
    assert!(matches!(trusting(Some(&empty)), Err(TlsError::NoCertificate { .. })));
}

#[test]
fn certificates_to_try_with_are_never_overwritten_unasked_and_their_key_is_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let made = certificates(&folder, &["bank.example", "10.0.0.7"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&made.key), mode(&made.certificate)), (0o600, 0o644));
    let read = || fs::read(&made.key).unwrap();
    let before = read();
    let again = |overwrite| dev_certificates(folder.path(), &[], machine_now(), overwrite);
    assert!(matches!(again(false), Err(DevCertificateError::AlreadyThere { .. })));
    assert_eq!(read(), before);
    fs::set_permissions(&made.key, fs::Permissions::from_mode(0o644)).unwrap();
    again(true).unwrap();
    assert_ne!(read(), before);
    assert_eq!(mode(&made.key), 0o600);
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 3, "nothing is left beside them");
}

#[test]
fn names_that_cannot_stand_in_a_certificate_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["", "a b", "-x.example", "x..example", "银行"] {
        let refused = dev_certificates(folder.path(), &[name], machine_now(), false);
        assert!(matches!(refused, Err(DevCertificateError::Name { .. })), "{name:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let far = model::UnixMillis(i64::MAX);
    assert!(matches!(dev_certificates(folder.path(), &[], far, false), Err(DevCertificateError::Time)));
}

#[tokio::test]
async fn a_client_that_says_nothing_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = certificates(&folder, &[]);
    let (serving, _) = serve(&made, hello()).await;
    let mut silent = TcpStream::connect(serving.address()).await.unwrap();
    // Ten seconds of the machine's own time, in which nothing of TLS comes.
    let read = tokio::time::timeout(Duration::from_secs(18), silent.read(&mut [0])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    serving.stop().await;
}
