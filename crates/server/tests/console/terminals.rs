//! Terminals, and how one is revoked.

use crypto::TerminalSuite;
use model::TerminalId;
use store::{TerminalState, WorkingKey};
use tap::SequenceMark;

use crate::house::{House, TERMINAL};
use crate::town::EVENING;

#[tokio::test]
async fn terminals_are_shown_with_their_keys_and_weak_ciphers_by_name() {
    let house = House::open().await;
    house.add_terminal(TERMINAL, "East Gate <kiosk>", TerminalSuite::Sm4Gcm).await;
    house.add_terminal(TerminalId([0, 0, 1, 0, 0, 0x51]), "Old hall", TerminalSuite::TripleDes).await;
    let new = TerminalId([0, 0, 1, 0, 0, 0x52]);
    house.security.register_terminal(new, "Spare", TerminalSuite::Aes128Gcm).await.unwrap();
    house
        .write(|unit| {
            let mut terminal = unit.terminal(TERMINAL)?.unwrap();
            terminal.key_id = 17;
            unit.put_terminal(&terminal)?;
            unit.add_working_key(&WorkingKey {
                terminal: TERMINAL,
                key_id: 17,
                issued_at: EVENING,
                expires_at: EVENING.plus(12 * 3_600_000),
                mark: SequenceMark::default(),
            })
        })
        .await;
    for (language, texts) in [
        ("en", ["Active", "Registered", "Insecure; interoperation only"]),
        ("zh", ["使用中", "已注册", "不安全，仅供互通"]),
    ] {
        let page = house.get(&format!("/console/terminals?lang={language}")).await;
        house.is_page(&page, 200);
        for text in texts.into_iter().chain([
            "000001000050",
            ">17<",
            "2026-11-21 06:31:28 UTC",
            "2026-11-20 18:31:23 UTC",
            "SM4-GCM",
            "3DES-CBC",
            "Old hall",
            "href=\"/console/terminals/000001000050/revoke\"",
        ]) {
            assert!(page.body.contains(text), "{language}: {text}");
        }
        assert_eq!(page.body.matches(texts[2]).count(), 1);
        assert!(!page.body.contains("<kiosk>"));
    }
}

#[tokio::test]
async fn a_list_of_terminals_goes_on_after_the_last_of_fifty() {
    let house = House::open().await;
    for n in 0..51 {
        house.add_terminal(TerminalId([0, 0, 0, 0, 1, n]), "T", TerminalSuite::Aes128Gcm).await;
    }
    let first = house.get("/console/terminals").await;
    house.is_page(&first, 200);
    assert_eq!(first.body.matches("/revoke\"").count(), 50);
    assert!(first.body.contains("href=\"/console/terminals?after=000000000131\""));
    let second = house.get("/console/terminals?after=000000000131").await;
    assert_eq!(second.body.matches("/revoke\"").count(), 1);
    assert!(second.body.contains("000000000132") && !second.body.contains("rel=\"next\""));
    house.is_page(&house.get("/console/terminals?after=1").await, 404);
}

#[tokio::test]
async fn a_terminal_is_revoked_after_the_page_asked() {
    let house = House::open().await;
    house.add_terminal(TERMINAL, "East Gate", TerminalSuite::Aes128Gcm).await;
    let path = "/console/terminals/000001000050/revoke";
    let state = || house.read(|rows| rows.terminal(TERMINAL)).unwrap().state;
    for (language, question) in [("en", "Revoke this terminal?"), ("zh", "确认撤销终端？")] {
        let path = format!("{path}?lang={language}");
        for asked in [house.get(&path).await, house.send(&path, &[]).await] {
            house.is_page(&asked, 200);
            assert!(asked.body.contains(question) && asked.body.contains("East Gate"));
        }
    }
    let yes = [("confirmed", "yes")];
    assert_eq!(house.send_from("cross-site", path, &yes).await.status, 403);
    assert_eq!(state(), TerminalState::Active);
    // A hasty finger sends it twice.
    for _ in 0..2 {
        let done = house.send(path, &yes).await;
        assert_eq!((done.status, done.header("location")), (303, "/console/terminals"));
        assert_eq!(state(), TerminalState::Revoked);
    }
    let list = house.get("/console/terminals").await;
    house.is_page(&list, 200);
    assert!(list.body.contains("Revoked") && !list.body.contains("/revoke\""));
}

#[tokio::test]
async fn what_names_no_terminal_is_a_page_that_says_so() {
    let house = House::open().await;
    for id in ["000001000050", "1", "%FF"] {
        let path = format!("/console/terminals/{id}/revoke");
        house.is_page(&house.get(&path).await, 404);
        house.is_page(&house.send(&path, &[("confirmed", "yes")]).await, 404);
    }
}
