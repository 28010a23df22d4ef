//! What the library that Standard Webhooks publishes (PyPI; `scripts/python-peers` puts it where it is looked for) says of what we
//! send.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use server::webhooks::Settings;
use server::{Clock as _, SystemClock};

use crate::receiver::{Heard, Receiver};
use crate::{desk, endpoint, text};

/// What it says of a message.
fn verdict(secret: &str, heard: &Heard, body: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = folder.join("../../target/peers/venv/bin/python");
    assert!(python.is_file(), "standardwebhooks is missing: run scripts/python-peers");
    let headers = json!({
        "webhook-id": heard.id, "webhook-timestamp": heard.timestamp, "webhook-signature": heard.signature,
    });
    let given = json!({ "secret": secret, "headers": headers, "body": body });
    let mut command = Command::new(python);
    command.arg(folder.join("tests/webhooks/verify.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn an_independent_library_believes_what_we_send_and_nothing_else() {
    let town = desk().await;
    // The library looks at this machine's clock.
    town.pass(SystemClock.now().0 - town.app.now().0);
    let mut shop = Receiver::answering([]).await;
    let bakery = &town.bakery.api;
    let made = endpoint(bakery, &shop.url()).await;
    let path = format!("/v1/webhook_endpoints/{}", text(&made, "id"));
    let rotated = bakery.post(&format!("{path}/secrets"), &json!({})).await.json(201);
    let other = endpoint(bakery, "https://other.example/").await;
    let courier = town.courier(&Settings::default());
    bakery.post(&format!("{path}/test"), &json!({})).await.json(201);
    let heard = shop.hears().await;
    courier.stop().await;
    let body = String::from_utf8(heard.body.clone()).unwrap();
    for secret in [text(&made, "secret"), text(&rotated, "secret")] {
        assert_eq!(verdict(secret, &heard, &body), "believed");
    }
    assert!(verdict(text(&other, "secret"), &heard, &body).starts_with("refused"));
    assert!(verdict(text(&made, "secret"), &heard, &format!("{body} ")).starts_with("refused"));
    let renamed = Heard { id: format!("{}0", heard.id), ..heard };
    assert!(verdict(text(&made, "secret"), &renamed, &body).starts_with("refused"));
}
