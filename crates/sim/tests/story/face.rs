//! The card's face: pages, key, live events, and who is kept out.

use air::card::{Light, Shown};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use sim::face::{CardHost, Framing, router};
use sim::{OwnedScreen, SoftwareCard};
use tower::ServiceExt;

use crate::platform::{breakfast, with_text};
use crate::{card, platform, soon};

const PATH: &str = "/cards/card_00000001";

fn host(card: &SoftwareCard) -> Router {
    assert_eq!(CardHost::path(card), PATH);
    router(CardHost::new([card.clone()]).framed_by(Framing::Anybody))
}

async fn get(host: &Router, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    host.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn key(host: &Router, path: &str, edge: &str, headers: &[(&str, &str)]) -> StatusCode {
    let mut request =
        Request::post(format!("{path}/key")).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(format!("edge={edge}"))).unwrap();
    host.clone().oneshot(request).await.unwrap().status()
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn pages_are_shown_in_the_readers_language() {
    let platform = platform().await;
    let card = card(&platform, |image, _| image.printed_name = "Lin <Wei>".into()).await;
    let host = host(&card);
    let list = get(&host, "/", &[("accept-language", "zh-CN,en;q=0.5")]).await;
    assert_eq!(list.status(), StatusCode::OK);
    let policy = list.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("frame-ancestors *"));
    assert_eq!(list.headers()[header::CACHE_CONTROL], "no-store");
    let list = text(list).await;
    assert!(list.contains("全部卡片") || list.contains("卡片"));
    assert!(list.contains(PATH) && list.contains("Lin &#60;Wei&#62;"));

    let page = get(&host, &format!("{PATH}?lang=zh&bare=1"), &[("cookie", "a=b; lang=en")]).await;
    assert!(page.headers()[header::SET_COOKIE].to_str().unwrap().starts_with("lang=zh;"));
    let page = text(page).await;
    assert!(page.contains("zh-Hans") && page.contains("is-bare") && !page.contains("masthead"));
    assert!(page.contains(&format!("{PATH}/key")) && page.contains(&format!("{PATH}/live?lang=zh")));
    let number = platform.shared().cards[0].image().information().number;
    assert!(page.contains(&number.to_string()) && !page.contains(&number.digits().to_string()));
    let page = text(get(&host, PATH, &[("cookie", "lang=zh")]).await).await;
    assert!(page.contains("zh-Hans"));

    for path in ["/cards/card_99999999", "/cards/x/live", "/nothing", "/assets/nothing"] {
        let missing = get(&host, path, &[]).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(text(missing).await.contains("href=\"/\""), "{path}");
    }
}

#[tokio::test]
async fn assets_are_asked_for_and_not_sent_twice() {
    let host = router(CardHost::new([]));
    let style = get(&host, "/assets/app.css", &[]).await;
    let tag = style.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(style.headers()[header::CACHE_CONTROL], "no-cache");
    assert!(!text(style).await.is_empty());
    let again = get(&host, "/assets/app.css", &[("if-none-match", &tag)]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(text(again).await.is_empty());
}

#[tokio::test]
async fn another_sites_page_cannot_press_the_key() {
    let platform = platform().await;
    let card = card(&platform, |_, _| {}).await;
    let host = host(&card);
    let cross: &[&[(&str, &str)]] = &[
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example"), ("host", "127.0.0.1:8090")],
    ];
    for headers in cross {
        assert_eq!(key(&host, PATH, "down", headers).await, StatusCode::FORBIDDEN);
    }
    assert!(key(&host, PATH, "sideways", &[]).await.is_client_error());
    assert_eq!(key(&host, "/cards/x", "up", &[]).await, StatusCode::NOT_FOUND);
    assert_eq!(card.view().version, 0);
    let own = &[("sec-fetch-site", "same-origin")];
    assert_eq!(key(&host, PATH, "down", own).await, StatusCode::NO_CONTENT);
    assert_eq!(key(&host, PATH, "up", own).await, StatusCode::NO_CONTENT);
    let state = soon(card.until(|state| state.light == Light::Amber)).await.unwrap();
    assert_eq!(state.screen, OwnedScreen::Notice(Shown::NothingWaits));
    card.stop().await;
    assert_eq!(key(&host, PATH, "down", own).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_live_part_follows_the_card() {
    let platform = platform().await;
    let card = card(&platform, |image, _| image.has_display = true).await;
    let host = host(&card);
    let live = get(&host, &format!("{PATH}/live?lang=en"), &[]).await;
    assert_eq!(live.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut events = live.into_body().into_data_stream();
    let mut event = async || String::from_utf8(soon(events.next()).await.unwrap().unwrap().to_vec()).unwrap();
    let first = event().await;
    assert!(first.starts_with("event: card\n") && first.contains("led-off"), "{first}");
    assert!(first.contains("data: <div class=\"face") && first.contains("card-frames"));

    for (order, shown) in [(breakfast(), "place 4097"), (with_text("Noodle bar"), "Noodle bar")] {
        platform.order(order, 1);
        soon(card.press(1)).await.unwrap();
        let lit = loop {
            let event = event().await;
            if event.contains("lcd-amount") {
                break event;
            }
        };
        assert!(lit.contains("led-green") && lit.contains("¥20.00") && lit.contains(shown), "{lit}");
        // Nothing changes while the holder reads, and the seconds are counted all the same.
        assert!(event().await.contains("lcd-time"));
        soon(card.prompted()).await.unwrap();
        soon(card.press(1)).await.unwrap();
        while !event().await.contains("Paid") {}
        soon(card.until(|state| state.light == Light::Green)).await.unwrap();
    }
    card.stop().await;
    while !event().await.contains("event: end") {}
}
