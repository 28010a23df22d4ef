//! Transactions that need no bank: a card is held, taken away, not held at all.

use super::*;

#[tokio::test]
async fn a_balance_is_read_and_shown() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    let tap = browser.post("/industries/0101/balance", "").await.leads_to().to_owned();
    assert_eq!(tap.strip_prefix("/taps/").unwrap().len(), 32);
    let hold = browser.page(&tap).await;
    hold.shows(&[
        &format!("{tap}/live?lang=en"),
        &format!("action=\"{tap}/cancel\""),
        "http-equiv=\"refresh\"",
    ]);
    hold.shows(&["is-wanted", "data-expires"]);
    // A page of it that comes too early leads back.
    assert_eq!(browser.get(&format!("{tap}/result")).await.leads_to(), tap);
    assert_eq!(browser.get(&format!("{tap}/load")).await.leads_to(), tap);

    let live = tokio::spawn({
        let (browser, path) = (browser.clone(), format!("{tap}/live"));
        async move { browser.live(&path).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    counter.field.hold(&counter.wallet);
    let live = live.await.unwrap();
    assert!(live.contains("event: tap") && live.contains("event: end"), "{live}");
    assert!(live.contains(&format!("data-leads-to href=\"{tap}/result\"")), "{live}");

    assert_eq!(browser.until_it_leads(&tap).await, format!("{tap}/result"));
    let result = browser.page(&format!("{tap}/result")).await;
    result.shows(&["¥100.00", "•••• 7801", &format!("href=\"{tap}/load\"")]).hides(&["1234567801"]);
    result.shows(&[&format!("action=\"{tap}/verify\""), &format!("action=\"{tap}/balance\"")]);
    // Whoever follows what is over is told so at once.
    assert!(browser.live(&format!("{tap}/live")).await.contains("event: end"));
    // It can be read again, as a transaction of its own.
    let again = browser.post(&format!("{tap}/balance"), "").await.leads_to().to_owned();
    assert_ne!(again, tap);
    assert_eq!(browser.until_it_leads(&again).await, format!("{again}/result"));
    browser.page(&format!("{tap}/result")).await;
}

#[tokio::test]
async fn a_second_transaction_is_told_that_the_reader_is_in_use() {
    let counter = Counter::new().await;
    let browser = &counter.browser;
    let tap = browser.post("/industries/0101/balance", "").await.leads_to().to_owned();
    for what in ["balance", "load", "finish", "activate"] {
        let busy = browser.post(&format!("/industries/0101/{what}"), "").await;
        assert_eq!(busy.status, 409);
        busy.shows(&["The reader is in use"]).hides(&[&tap]);
    }
    browser.post(&format!("{tap}/cancel"), "").await;
    let result = browser.until_it_leads(&tap).await;
    browser.page(&result).await.shows(&["data-outcome=\"canceled\"", &format!("action=\"{tap}/again\"")]);
    let again = browser.post(&format!("{tap}/again"), "").await.leads_to().to_owned();
    counter.field.hold(&counter.wallet);
    let result = browser.until_it_leads(&again).await;
    browser.page(&result).await.shows(&["¥100.00"]);
}

#[tokio::test]
async fn a_transaction_is_forgotten_after_its_time() {
    let options = FaceOptions { session_life: Duration::from_millis(300), ..FaceOptions::default() };
    let counter = Counter::with(options).await;
    let browser = &counter.browser;
    let tap = browser.post("/industries/0101/balance", "").await.leads_to().to_owned();
    // While it runs it is not.
    tokio::time::sleep(Duration::from_millis(500)).await;
    browser.page(&tap).await;
    counter.field.hold(&counter.wallet);
    let result = browser.until_it_leads(&tap).await;
    browser.page(&result).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let gone = browser.get(&result).await;
    assert_eq!(gone.status, 404);
    gone.shows(&["This transaction is over"]).hides(&["7801", "100.00"]);
}

#[tokio::test]
async fn a_stop_ends_live_pages_and_what_waits_for_a_card() {
    let mut counter = Counter::new().await;
    let browser = &counter.browser;
    let tap = browser.post("/industries/0101/balance", "").await.leads_to().to_owned();
    let live = tokio::spawn({
        let (browser, path) = (browser.clone(), format!("{tap}/live"));
        async move { browser.live(&path).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    counter.stop.take().unwrap().send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), counter.served).await.expect("it stops").unwrap();
    assert!(live.await.unwrap().contains("event: tap"));
}

#[tokio::test]
async fn no_card_is_asked_for_without_a_reader() {
    let counter = Counter::new().await;
    let field = counter.field.clone();
    drop(field);
    let (folder, terminal) = lonely().await;
    let (browser, _stop, _served) = serve(Face::new(terminal, Vec::new(), &FaceOptions::default())).await;
    let refused = browser.post("/industries/0101/balance", "").await;
    assert_eq!(refused.status, 409);
    refused.shows(&["There is no reader"]);
    browser.page("/").await;
    drop(folder);
}

/// A terminal whose bank went away after it was enrolled.
async fn lonely() -> (TempDir, Terminal) {
    let authority = Authority::new();
    let bank = Arc::new(Bank::new());
    let stand = Stand::start(authority.server(), move |path, body| bank.answer(path, body)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("terminal");
    let passphrase = || Passphrase::new("correct horse battery".into()).unwrap();
    let request = EnrolRequest {
        terminal: TERMINAL,
        code: Bank::new().code().clone(),
        security_url: stand.url().parse().unwrap(),
        transaction_url: stand.url().parse().unwrap(),
        ca: Some(authority.pem().into()),
        passphrase: passphrase(),
        cost: Cost::Testing,
    };
    terminal::enrol(&path, request).await.unwrap();
    drop(stand);
    std::fs::create_dir(path.join("packs")).unwrap();
    packs::write_examples(&path.join("packs")).unwrap();
    (folder, Terminal::open(&path, passphrase()).await.unwrap())
}
