//! Texts on their way: at once, again when they were not taken, across a restart, and never too late.

use model::Asn;
use serde_json::Value;
use server::tls::{ServerTls, TlsListener};
use tokio::net::TcpListener;

use crate::codes::wish;
use crate::desk::{Desk, PHONE, TERMINAL};
use crate::device::Device;
use crate::gateway::{Texts, Turn};
use crate::town::soon;

const SECOND: i64 = 1_000;

async fn queue(desk: &Desk, device: &mut Device, asn: Asn) {
    assert!(desk.asks(device, &wish(desk, asn)).await["reference"].is_string());
}

fn waiting(desk: &Desk) -> usize {
    let end = desk.app().now().plus(i64::from(i32::MAX));
    desk.app().store().peek(|rows| rows.due_sms(end, 99)).unwrap().len()
}

/// Waits until the store says so.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let looking = async {
        while !holds() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    soon(what, looking).await;
}

fn body(text: &Value) -> &str {
    text["message"]["body"].as_str().unwrap()
}

#[tokio::test]
async fn a_text_leaves_at_once_and_is_forgotten() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let texts = Texts::open().await;
    let delivery = desk.security.deliver_sms(texts.gateway());
    queue(&desk, &mut device, asn).await;
    let came = texts.come(1).await;
    assert_eq!(came[0]["to"][0], PHONE);
    assert!(body(&came[0]).starts_with("验证码"));
    assert_eq!(texts.headers()["authorization"], "Bearer gateway-key");
    assert!(texts.headers()["content-type"].to_str().unwrap().starts_with("application/json"));
    until("a text that is forgotten", || waiting(&desk) == 0).await;
    assert_eq!(desk.counted("sms", "delivered"), 1);
    delivery.stop().await;
}

#[tokio::test]
async fn a_text_that_was_not_taken_is_tried_again_with_growing_pauses() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let texts = Texts::open().await;
    texts.will([Turn::Status(500), Turn::Status(302)]);
    let delivery = desk.security.deliver_sms(texts.gateway());
    queue(&desk, &mut device, asn).await;
    let attempts = || {
        let end = desk.app().now().plus(i64::from(i32::MAX));
        let rows = desk.app().store().peek(|rows| rows.due_sms(end, 9)).unwrap();
        rows.first().map(|sms| (sms.attempts, sms.next_at.0 - desk.app().now().0))
    };
    texts.come(1).await;
    until("the first pause", || attempts() == Some((1, SECOND))).await;
    desk.pass(SECOND);
    texts.come(2).await;
    until("the second pause", || attempts() == Some((2, 3 * SECOND))).await;
    desk.pass(3 * SECOND);
    let came = texts.come(3).await;
    until("a text that is forgotten", || waiting(&desk) == 0).await;
    assert!(came.iter().all(|text| text == &came[0]), "it is the same text");
    assert_eq!((desk.counted("sms", "failed"), desk.counted("sms", "delivered")), (2, 1));
    delivery.stop().await;
}

#[tokio::test]
async fn a_gateway_that_hangs_holds_up_nobody_else() {
    let mut desk = Desk::open().await;
    let (first, second) = (desk.wallet().await, desk.wallet().await);
    let mut device = desk.device(TERMINAL).await;
    let texts = Texts::open().await;
    texts.will([Turn::Hang]);
    let delivery = desk.security.deliver_sms(texts.gateway());
    queue(&desk, &mut device, first).await;
    texts.come(1).await;
    queue(&desk, &mut device, second).await;
    texts.come(2).await;
    until("the second text to be forgotten", || waiting(&desk) == 1).await;
    assert_eq!(desk.counted("sms", "failed"), 0);
    // Five seconds of the machine's own time.
    until("the first one to be given up for now", || desk.counted("sms", "failed") == 1).await;
    until("the pause to be kept", || desk.counted("sms", "delivered") == 1).await;
    desk.pass(SECOND);
    texts.come(3).await;
    until("the first text to be forgotten", || waiting(&desk) == 0).await;
    delivery.stop().await;
}

#[tokio::test]
async fn what_was_queued_is_delivered_after_a_restart() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    queue(&desk, &mut device, asn).await;
    let desk = desk.restart().await;
    assert_eq!(waiting(&desk), 1);
    let texts = Texts::open().await;
    let delivery = desk.security.deliver_sms(texts.gateway());
    texts.come(1).await;
    until("a text that is forgotten", || waiting(&desk) == 0).await;
    delivery.stop().await;
}

#[tokio::test]
async fn a_text_whose_code_is_over_is_not_sent() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    queue(&desk, &mut device, asn).await;
    desk.pass(300 * SECOND);
    let texts = Texts::open().await;
    let delivery = desk.security.deliver_sms(texts.gateway());
    until("a text that is forgotten", || waiting(&desk) == 0).await;
    assert!(texts.got().is_empty());
    assert_eq!(desk.counted("sms", "expired"), 1);
    delivery.stop().await;
}

#[tokio::test]
async fn a_text_is_given_up_when_its_next_turn_would_be_too_late() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    queue(&desk, &mut device, asn).await;
    desk.pass(299 * SECOND);
    let texts = Texts::open().await;
    texts.will([Turn::Status(503)]);
    let delivery = desk.security.deliver_sms(texts.gateway());
    texts.come(1).await;
    until("a text that is forgotten", || waiting(&desk) == 0).await;
    assert_eq!((desk.counted("sms", "failed"), desk.counted("sms", "expired")), (1, 1));
    delivery.stop().await;
}

#[tokio::test]
async fn without_a_gateway_texts_wait_until_their_codes_are_over() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let delivery = desk.security.deliver_sms(None);
    queue(&desk, &mut device, asn).await;
    desk.pass(SECOND);
    assert_eq!(waiting(&desk), 1);
    desk.pass(300 * SECOND);
    until("a text that is forgotten", || waiting(&desk) == 0).await;
    delivery.stop().await;
}

#[tokio::test]
async fn a_gateway_behind_tls_is_asked_only_where_its_authority_is_trusted() {
    let mut desk = Desk::open().await;
    let asn = desk.wallet().await;
    let mut device = desk.device(TERMINAL).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1/sms", listener.local_addr().unwrap().port());
    let (texts, router) = Texts::behind(url, &desk.certificates.authority);
    let tls = ServerTls::load(&desk.certificates.certificate, &desk.certificates.key).unwrap();
    let serving = TlsListener::serve(listener, router(), tls).unwrap();

    // Another authority of the same making.
    let elsewhere = desk.folder.path().join("elsewhere");
    let now = crate::desk::machine_now();
    let stranger = server::tls::dev_certificates(&elsewhere, &[], now, false).unwrap();
    let mut config = texts.config.clone();
    config.authorities = Some(stranger.authority);
    let distrustful = server::security::Gateway::new(&config).unwrap();
    let delivery = desk.security.deliver_sms(Some(distrustful));
    queue(&desk, &mut device, asn).await;
    until("an attempt that fails", || desk.counted("sms", "failed") == 1).await;
    delivery.stop().await;
    assert!(texts.got().is_empty());

    desk.pass(SECOND);
    let delivery = desk.security.deliver_sms(texts.gateway());
    texts.come(1).await;
    until("a text that is forgotten", || waiting(&desk) == 0).await;
    delivery.stop().await;
    serving.stop().await;
}
