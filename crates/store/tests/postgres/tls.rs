//! Whom the store believes to be the database: nobody else, and never in the clear.

use std::process::Command;
use std::sync::{Arc, OnceLock};

use cluster::{Cluster, Durability};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use store::StoreError;
use store::postgres::{Settings, open};

use crate::maker::kept;
use crate::{mark, marks, migrated, refused, settings, wait_for};

/// Who signs servers' certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    own: rustls::pki_types::CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), own }
    }

    /// What a client has that believes those whom this authority signed.
    fn believed(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.own.clone()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

/// A server that calls itself `localhost`, and who says that it is.
fn guarded() -> &'static (Cluster, Authority) {
    static GUARDED: OnceLock<(Cluster, Authority)> = OnceLock::new();
    GUARDED.get_or_init(|| {
        let cluster = Cluster::start(Durability::None, &[]).unwrap();
        let authority = Authority::new();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority.issuer).unwrap();
        for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
            let file = cluster.folder().join("data").join(name);
            std::fs::write(&file, text).unwrap();
            let owner = format!("--reference={}", cluster.folder().join("data/PG_VERSION").display());
            assert!(Command::new("chown").arg(owner).arg(&file).status().unwrap().success());
            assert!(Command::new("chmod").arg("600").arg(&file).status().unwrap().success());
        }
        cluster.ask("postgres", "alter system set ssl = on").unwrap();
        cluster.ask("postgres", "select pg_reload_conf()").unwrap();
        wait_for("TLS", || cluster.ask("postgres", "show ssl").unwrap() == "on");
        (cluster, authority)
    })
}

/// An address that is resolved here and now: the name is what the certificate is for.
fn named(name: &str, database: &str) -> String {
    let port = guarded().0.port();
    format!("postgres://postgres@{name}:{port}/{database}?hostaddr=127.0.0.1&sslmode=require")
}

fn not_believed(settings: &Settings, why: &str) {
    let error = refused(settings);
    assert_eq!(error.code(), "database_not_trusted", "{error:?}");
    assert!(error.to_string().contains(why), "{error}");
    assert!(!error.may_pass());
}

#[tokio::test]
async fn a_server_whose_certificate_is_of_the_authority_and_name_is_spoken_to_in_secret() {
    let (cluster, authority) = guarded();
    let database = cluster.fresh(None).unwrap();
    let tls = Some(authority.believed());
    let store = open(&Settings { tls, ..settings(named("localhost", &database.name)) }).unwrap();
    kept(&store, |unit| mark(unit, "in secret")).await;
    assert_eq!(marks(&store).len(), 1);
    let sessions = "select count(*), count(*) filter (where ssl and version = 'TLSv1.3') from pg_stat_ssl \
                    join pg_stat_activity using (pid) where application_name = 'counterfoil'";
    assert_eq!(cluster.ask("postgres", sessions).unwrap(), "2|2");
}

#[test]
fn a_server_with_a_certificate_of_a_stranger_is_refused() {
    let tls = Some(Authority::new().believed());
    not_believed(&Settings { tls, ..settings(named("localhost", "postgres")) }, "invalid peer certificate");
}

#[test]
fn a_server_of_another_name_is_refused() {
    for name in ["127.0.0.1", "database.example"] {
        let tls = Some(guarded().1.believed());
        not_believed(&Settings { tls, ..settings(named(name, "postgres")) }, "not valid for name");
    }
}

#[test]
fn a_server_without_tls_is_refused_where_authorities_are_given_whatever_the_address_says() {
    let database = migrated();
    for mode in ["?sslmode=require", "?sslmode=prefer", ""] {
        let tls = Some(Authority::new().believed());
        let url = format!("{}{mode}", database.url);
        not_believed(&Settings { tls, ..settings(url) }, "does not support TLS");
    }
    let tls = Some(Authority::new().believed());
    let error = refused(&Settings { tls, ..settings(format!("{}?sslmode=disable", database.url)) });
    assert!(matches!(error, StoreError::Settings(_)), "{error:?}");
}
