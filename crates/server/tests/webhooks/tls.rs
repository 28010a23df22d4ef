//! Servers behind TLS: with a good certificate, and with each kind of bad one.

use std::net::SocketAddr;
use std::path::Path;

use model::UnixMillis;
use serde_json::json;
use server::tls::{DevCertificates, ServerTls, TlsListener, dev_certificates};
use server::webhooks::Settings;
use server::{Clock as _, SystemClock};
use tokio::net::TcpListener;

use crate::receiver::recording;
use crate::town::soon;
use crate::{becomes, desk, endpoint, text};

const TWO_YEARS: i64 = 2 * 366 * 86_400_000;

fn certificates(folder: &Path, name: &str, now: UnixMillis) -> DevCertificates {
    dev_certificates(&folder.join(name), &[], now, false).unwrap()
}

#[tokio::test]
async fn a_good_certificate_is_believed_and_a_bad_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let now = SystemClock.now();
    let good = certificates(folder.path(), "good", now);
    let stranger = certificates(folder.path(), "stranger", now);
    let old = certificates(folder.path(), "old", now.plus(-TWO_YEARS));
    for (served, trusted, host, expected) in [
        (&good, &good, "localhost", None),
        (&stranger, &good, "localhost", Some("certificate_untrusted")),
        (&good, &good, "127.0.0.2", Some("certificate_other_name")),
        (&old, &old, "localhost", Some("certificate_expired")),
    ] {
        let (router, mut heard) = recording();
        let bind: SocketAddr =
            if host == "localhost" { ([127, 0, 0, 1], 0).into() } else { ([127, 0, 0, 2], 0).into() };
        let listener = TcpListener::bind(bind).await.unwrap();
        let tls = ServerTls::load(&served.certificate, &served.key).unwrap();
        let serving = TlsListener::serve(listener, router, tls).unwrap();
        let town = desk().await;
        let url = format!("https://{host}:{}/", serving.address().port());
        let made = endpoint(&town.bakery.api, &url).await;
        let settings = Settings { authorities: Some(trusted.authority.clone()), ..Settings::default() };
        let courier = town.courier(&settings);
        let path = format!("/v1/webhook_endpoints/{}/test", text(&made, "id"));
        let sent = town.bakery.api.post(&path, &json!({})).await.json(201);
        let path = format!("/v1/webhook_deliveries/{}", text(&sent, "id"));
        let tried = becomes(&town.bakery.api, &path, |found| found["attempts"] == 1).await;
        match expected {
            None => {
                assert_eq!(tried["state"], "delivered");
                soon("the message", heard.recv()).await.unwrap();
            }
            Some(reason) => {
                assert_eq!(tried["log"][0]["reason"], reason, "{host}");
                assert!(heard.try_recv().is_err());
            }
        }
        courier.stop().await;
        serving.stop().await;
    }
}
