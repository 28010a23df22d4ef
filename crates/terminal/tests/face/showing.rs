//! What is shown without a card: the first pages, the settings, and what cannot be done.

use packs::{example_key, examples, sign};
use terminal::face::Locked;

use super::*;

#[tokio::test]
async fn the_first_page_names_industries_terminal_and_reader() {
    let field = "http://127.0.0.1:9/field".to_owned();
    let options = FaceOptions { field: Some(field), ..FaceOptions::default() };
    let counter = Counter::with(options).await;
    let page = counter.browser.page("/").await;
    page.shows(&["href=\"/industries/0101\"", "href=\"/industries/0103\"", "000001000050", "front reader"]);
    page.shows(&["href=\"/settings\"", "href=\"http://127.0.0.1:9/field\""]).hides(&["back reader"]);
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'self'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    counter.browser.chinese().page("/").await.shows(&["zh-Hans"]);

    let industry = counter.browser.page("/industries/0102").await;
    for what in ["balance", "load", "finish", "activate"] {
        industry.shows(&[&format!("action=\"/industries/0102/{what}\"")]);
    }
    assert!(counter.browser.page("/assets/terminal.js").await.header("etag").is_some());
}

#[tokio::test]
async fn what_is_not_there_is_said_on_a_page() {
    let counter = Counter::new().await;
    let id = "0123456789abcdef0123456789abcdef";
    for path in ["/nothing", "/industries/0999", "/industries/x", "/taps", "/settings/x"] {
        let answer = counter.browser.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.shows(&["href=\"/\""]);
    }
    for what in ["", "/load", "/confirm", "/activate", "/result"] {
        let answer = counter.browser.get(&format!("/taps/{id}{what}")).await;
        assert_eq!(answer.status, 404, "{what}");
        answer.shows(&["This transaction is over"]);
    }
    assert_eq!(counter.browser.get(&format!("/taps/{id}/live")).await.status, 404);
    for what in [
        "cancel",
        "amount",
        "confirm",
        "resend",
        "activation",
        "activate",
        "again",
        "balance",
        "verify",
        "finish",
    ] {
        let answer = counter.browser.chinese().post(&format!("/taps/{id}/{what}"), "").await;
        assert_eq!(answer.status, 404, "{what}");
        answer.shows(&["此次交易已结束"]);
    }
    for path in ["/industries/0999/balance", "/settings/readers/2", "/settings/readers/-1"] {
        assert_eq!(counter.browser.post(path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn another_sites_form_does_nothing() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        for path in ["/industries/0101/balance", "/settings/key", "/settings/readers/1", "/settings/packs"] {
            assert_eq!(browser.post_from(path, "", headers).await.status, 403, "{path} {headers:?}");
        }
    }
    browser.page("/").await.shows(&["front reader"]);
    // Nothing has the reader.
    let tap = browser.post("/industries/0101/balance", "").await.leads_to().to_owned();
    browser.post(&format!("{tap}/cancel"), "").await;
}

#[tokio::test]
async fn the_settings_show_what_there_is_and_choose_a_reader() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    let settings = browser.page("/settings").await;
    let signer = packs::example_signer().to_string();
    settings.shows(&[
        "front reader",
        "action=\"/settings/readers/1\"",
        "AES-128-GCM",
        "127.0.0.1:",
        &signer[..4],
    ]);
    settings.shows(&["strange.pack.toml", "this is no driver pack", "action=\"/settings/packs\""]);
    browser.chinese().page("/settings").await.shows(&["这不是驱动包文件"]);

    assert_eq!(browser.post("/settings/readers/1", "").await.leads_to(), "/settings");
    let notice = browser.page("/settings").await;
    notice.shows(&["action=\"/settings/readers/0\""]).hides(&["action=\"/settings/readers/1\""]);
    browser.page("/").await.shows(&["back reader"]).hides(&["front reader"]);
}

#[tokio::test]
async fn a_key_is_renewed_when_it_is_asked_for() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    soon("the first key", || counter.terminal.condition().key.is_some()).await;
    let before = counter.bank.key_id();
    assert_eq!(browser.post("/settings/key", "").await.leads_to(), "/settings");
    assert_eq!(counter.bank.key_id(), before + 1);
    // Nobody is served by a terminal that the bank does not know any more; its settings say why.
    let revoked = || stand::Reply::refusal(403, "terminal_revoked");
    counter.bank.will_at_ask([revoked(), revoked()]);
    let asked = counter.bank.asked().len();
    browser.post("/settings/key", "").await;
    browser.page("/settings").await.shows(&["terminal_revoked", &format!("{:08}", before + 1)]);
    let locked = browser.get("/").await;
    assert_eq!(locked.status, 503);
    locked.shows(&["000001000050", "class=\"sheet locked\""]);
    assert_eq!(browser.post("/industries/0101/balance", "").await.status, 503);
    // The page of the settings asked a second time.
    soon("both refusals", || counter.bank.asked().len() == asked + 2).await;
    browser.post("/settings/key", "").await;
    browser.page("/").await.shows(&["href=\"/industries/0101\""]);
}

#[tokio::test]
async fn a_good_pack_is_installed_and_a_bad_one_refused_by_name() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    let bus = examples()[0].pack;
    let body = bus.split_once('\n').unwrap().1;
    let newer = sign(&body.replace("code = \"0101\"", "code = \"0142\""), &example_key()).unwrap();
    assert!(newer.contains("0142"), "{newer}");
    browser.page("/").await.hides(&["/industries/0142"]);
    assert_eq!(browser.upload("/settings/packs", newer.as_bytes()).await.leads_to(), "/settings");
    browser.page("/").await.shows(&["href=\"/industries/0142\""]);
    browser.page("/settings").await.shows(&["0142"]);

    let changed = newer.replace("0142", "0143");
    let large = vec![b'#'; 80_000];
    for (file, english, chinese) in [
        (changed.as_bytes(), "the signature does not agree", "bad_signature"),
        (b"".as_slice(), "this is no driver pack", "not_a_pack"),
        (&large, "it has more than 65536 bytes", "too_large"),
        (&large[..66_000], "it has more than 65536 bytes", "too_large"),
    ] {
        browser.upload("/settings/packs", file).await;
        browser.page("/settings").await.shows(&[english]);
        browser.upload("/settings/packs", file).await;
        browser.chinese().page("/settings").await.shows(&[chinese]).hides(&[english]);
    }
    // A form without a file.
    browser.post("/settings/packs", "pack=x").await;
    browser.page("/settings").await.shows(&["this is no driver pack"]);
    browser.page("/").await.hides(&["/industries/0143"]);
}

#[tokio::test]
async fn a_terminal_that_can_serve_nobody_says_why_everywhere() {
    for (why, number, shown) in [
        (Locked::NotEnrolled, None, "counterfoil terminal enrol"),
        (Locked::Sealed, Some(TERMINAL), "000001000050"),
    ] {
        let (browser, _stop, _served) = serve(Face::locked(why, number, &FaceOptions::default())).await;
        for path in ["/", "/settings", "/taps/x", "/industries/0101"] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, 503, "{path}");
            answer.shows(&[shown]);
        }
        assert_eq!(browser.post("/industries/0101/balance", "").await.status, 503);
        assert_eq!(browser.get("/assets/app.css").await.status, 200);
    }
}
