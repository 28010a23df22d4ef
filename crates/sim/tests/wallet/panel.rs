//! The field's page, and the phone that text messages come to.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use sim::Links;
use sim::outbox::{self, MESSAGES_MAX, Outbox};
use sim::wallet::face::{self, FieldHost};
use sim::wallet::{Field, SoftWallet};
use tap::DriverPack;
use tower::ServiceExt;

use super::*;

fn links() -> Links {
    Links {
        home: "http://127.0.0.1:8090/".into(),
        settings: "http://127.0.0.1:8090/settings".into(),
        field: "/".into(),
        outbox: "http://127.0.0.1:8092/".into(),
    }
}

fn bus() -> Arc<DriverPack> {
    packs::Packs::examples().get("0101".parse().unwrap()).unwrap()
}

/// A field with two cards of one industry; the second waits to be activated.
struct Panel {
    field: Field,
    wallets: [SoftWallet; 2],
    host: FieldHost,
    router: Router,
}

impl Panel {
    fn new() -> Self {
        let field = Field::new();
        let mut fresh = image(2);
        fresh.memory.set_validity([0; 4], [0; 4]);
        let wallets = [SoftWallet::new(image(1)), SoftWallet::new(fresh)];
        let cards = wallets.clone().map(|wallet| (wallet, bus()));
        let host = FieldHost::new(field.clone(), cards, links());
        Self { field, wallets, router: face::router(host.clone()), host }
    }

    async fn page(&self) -> String {
        text(get(&self.router, "/").await).await
    }

    async fn hold(&self, card: &str, tear: &str) {
        let held = post(&self.router, &format!("/cards/{card}/hold"), &format!("tear={tear}"), &[]).await;
        assert_eq!(held.status(), StatusCode::SEE_OTHER);
        assert_eq!(held.headers()[header::LOCATION], "/");
    }
}

async fn get(router: &Router, path: &str) -> Response {
    router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()
}

async fn post(router: &Router, path: &str, body: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::post(path);
    let is_json = body.starts_with('{');
    let form = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
    request = request.header("content-type", form);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn the_page_shows_each_card_as_itself_knows_it() {
    let panel = Panel::new();
    let page = panel.page().await;
    for shown in
        ["•••• 7801", "•••• 7802", "¥100.00", "2036-12-31", "id=\"hold-0101\"", "id=\"after-0101-2\""]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(page.contains("href=\"http://127.0.0.1:8092/\"") && !page.contains("1234567801"));
    // The one that is not activated buys nothing.
    let buy = page.split("id=\"buy-0101-2\"").nth(1).unwrap();
    assert!(buy.split('>').next().unwrap().contains("disabled"));
    assert_eq!(get(&panel.router, "/nothing").await.status(), StatusCode::NOT_FOUND);
    for what in ["hold", "remove", "buy"] {
        let missing = post(&panel.router, &format!("/cards/9/{what}"), "", &[]).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND, "{what}");
    }
    let other = [("sec-fetch-site", "cross-site")];
    let refused = post(&panel.router, "/cards/0101/hold", "tear=never", &other).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let strange = post(&panel.router, "/cards/0101/hold", "tear=sometimes", &[]).await;
    assert!(strange.status().is_client_error());
    assert!(panel.field.wallet().is_none());
}

#[tokio::test]
async fn one_card_lies_in_the_field_and_is_taken_away() {
    let panel = Panel::new();
    panel.hold("0101", "never").await;
    assert!(panel.field.wallet().unwrap().is(&panel.wallets[0]));
    assert!(panel.page().await.contains("id=\"remove-0101\""));
    panel.hold("0101-2", "never").await;
    assert!(panel.field.wallet().unwrap().is(&panel.wallets[1]));
    // Taking away what lies elsewhere changes nothing.
    post(&panel.router, "/cards/0101/remove", "", &[]).await;
    assert!(panel.field.wallet().is_some());
    post(&panel.router, "/cards/0101-2/remove", "", &[]).await;
    assert!(panel.field.wallet().is_none());
}

#[tokio::test]
async fn a_card_is_pulled_away_around_the_command_that_writes_whichever_it_is() {
    let session = |reader: &mut SoftReader| {
        ok(reader, SELECT);
        ok(reader, READ_PUBLIC);
        let opened = Opened::read(&ok(reader, &initialize(Fen(1_000))), Fen(1_000));
        send(reader, &opened.credit(when(0)))
    };
    for (tear, taken, said) in
        [("before_writing", false, "just before writing"), ("after_writing", true, "just after writing")]
    {
        let panel = Panel::new();
        let mut reader = reader(&panel.field);
        panel.hold("0101", tear).await;
        assert!(!panel.page().await.contains("Last time"));
        reader.connect().unwrap();
        assert_eq!(session(&mut reader), Err(ReaderError::CardGone));
        assert_eq!(panel.wallets[0].balance(), Fen(if taken { 11_000 } else { 10_000 }));
        assert!(panel.field.wallet().is_none());
        assert!(panel.page().await.contains(said), "{tear}");
        // The next holding is whole.
        panel.hold("0101", "never").await;
        reader.connect().unwrap();
        assert!(session(&mut reader).unwrap().ends_with("9000"));
        assert!(!panel.page().await.contains("Last time"));
    }
}

#[test]
fn updating_under_a_code_is_writing_and_reading_is_not() {
    use sim::wallet::When;
    let wallet = SoftWallet::new(image(1));
    let field = Field::new();
    field.hold(&wallet);
    let mut reader = reader(&field);
    reader.connect().unwrap();
    wallet.tear_writing(When::Before);
    for apdu in [SELECT, READ_PUBLIC, "0084000004", "805c000204"] {
        ok(&mut reader, apdu);
    }
    let update = "04d695140c202611242036112400000000";
    assert_eq!(send(&mut reader, update), Err(ReaderError::CardGone));
    assert!(!wallet.is_tear_pending());
    assert_eq!(wallet.memory(), image(1).memory);
}

#[tokio::test]
async fn a_tear_that_did_not_happen_ends_with_its_holding() {
    let panel = Panel::new();
    panel.hold("0101", "after_writing").await;
    assert!(panel.wallets[0].is_tear_pending());
    post(&panel.router, "/cards/0101/remove", "", &[]).await;
    assert!(!panel.wallets[0].is_tear_pending());
    panel.hold("0101", "before_writing").await;
    panel.hold("0101-2", "never").await;
    assert!(!panel.wallets[0].is_tear_pending());
    assert!(!panel.page().await.contains("Last time"));
}

#[tokio::test]
async fn a_card_buys_at_another_reader_as_often_as_it_can() {
    let panel = Panel::new();
    panel.hold("0101", "after_writing").await;
    for left in [9_800, 9_600] {
        assert_eq!(post(&panel.router, "/cards/0101/buy", "", &[]).await.status(), StatusCode::SEE_OTHER);
        assert_eq!(panel.wallets[0].balance(), Fen(left));
    }
    assert!(panel.field.wallet().is_none());
    assert!(panel.page().await.contains("¥96.00"));
    let purchases = panel.wallets[0].memory().purchases;
    assert_eq!((purchases.len(), purchases[0].amount), (2, Fen(200)));
    assert_eq!(post(&panel.router, "/cards/0101-2/buy", "", &[]).await.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_fields_live_part_follows_field_and_cards() {
    let panel = Panel::new();
    let live = get(&panel.router, "/live?lang=zh").await;
    assert_eq!(live.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut events = live.into_body().into_data_stream();
    let first = next(&mut events).await;
    assert!(first.starts_with("event: field\n") && first.contains("hold-0101"), "{first}");
    panel.hold("0101", "never").await;
    assert!(next(&mut events).await.contains("remove-0101"));
    post(&panel.router, "/cards/0101/buy", "", &[]).await;
    while !next(&mut events).await.contains("¥98.00") {}
    panel.host.close();
    assert!(events.next().await.is_none());
}

async fn next(events: &mut axum::body::BodyDataStream) -> String {
    let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.expect("an event comes");
    String::from_utf8(event.unwrap().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn the_outbox_takes_texts_and_shows_the_newest_first() {
    let outbox = Outbox::new(links());
    let router = outbox::router(outbox.clone());
    let mut events = get(&router, "/live?lang=en").await.into_body().into_data_stream();
    assert!(next(&mut events).await.starts_with("event: outbox\n"));
    for text in ["Code 480213", "验证码 <b>077541</b>"] {
        let body = format!(r#"{{"to": "+8613812345678", "text": "{text}"}}"#);
        assert_eq!(post(&router, "/messages", &body, &[]).await.status(), StatusCode::NO_CONTENT);
        assert!(next(&mut events).await.contains("8613812345678"));
    }
    let page = text(get(&router, "/").await).await;
    assert!(page.find("077541").unwrap() < page.find("480213").unwrap());
    assert!(!page.contains("<b>077541"));
    let messages = outbox.messages();
    assert_eq!((messages[1].to.as_str(), messages[1].text.as_str()), ("+8613812345678", "Code 480213"));
    outbox.close();
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn the_outbox_keeps_the_last_hundred_and_refuses_what_is_no_text() {
    let outbox = Outbox::new(links());
    let router = outbox::router(outbox.clone());
    for number in 0..MESSAGES_MAX + 5 {
        let body = format!(r#"{{"to": "1", "text": "number {number}"}}"#);
        post(&router, "/messages", &body, &[]).await;
    }
    let messages = outbox.messages();
    assert_eq!(messages.len(), MESSAGES_MAX);
    assert_eq!((&*messages[0].text, &*messages[MESSAGES_MAX - 1].text), ("number 104", "number 5"));
    let long = "1".repeat(1_001);
    for body in [
        r#"{"to": "1"}"#.to_owned(),
        r#"{"to": "1", "text": "a", "more": 1}"#.to_owned(),
        format!(r#"{{"to": "1", "text": "{long}"}}"#),
        format!(r#"{{"to": "{long}", "text": "a"}}"#),
        format!(r#"{{"to": "1", "text": "{}"}}"#, "1".repeat(20_000)),
        "to=1&text=a".to_owned(),
    ] {
        assert!(post(&router, "/messages", &body, &[]).await.status().is_client_error());
    }
    let own = [("origin", "http://evil.example")];
    let refused = post(&router, "/messages", r#"{"to": "1", "text": "a"}"#, &own).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(outbox.messages().len(), MESSAGES_MAX);
}
