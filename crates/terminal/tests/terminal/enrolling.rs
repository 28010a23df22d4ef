//! From a code that was read aloud to a sealed file, and back to nothing where that fails.

use crypto::TerminalSuite;
use serde_json::json;
use terminal::{EnrolError, EnrolRequest, Refusal, ServerError, StateError};

use super::*;
use crate::stand::Reply;

#[tokio::test]
async fn a_code_becomes_a_terminal() {
    let world = World::new().await;
    world.bank.set_suite(TerminalSuite::Sm4Gcm);
    let enrolled = enrol(&world.path(), world.request()).await.unwrap();
    assert_eq!((enrolled.suite, enrolled.clock_wrong_by_seconds), (TerminalSuite::Sm4Gcm, None));
    assert_eq!(json!(enrolled.check_value.to_string()), world.bank.activated()["check_value"]);
    let names: Vec<_> = std::fs::read_dir(world.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(
        names.iter().all(|name| ["terminal.cft", "terminal.lock"].contains(&name.to_str().unwrap())),
        "{names:?}"
    );

    let terminal = world.open().await;
    assert_eq!((terminal.id(), terminal.suite()), (TERMINAL, TerminalSuite::Sm4Gcm));
    terminal.prepare().await.unwrap();
    assert_eq!(terminal.condition().key.unwrap().0, world.bank.key_id());
}

#[tokio::test]
async fn a_folder_with_a_terminal_is_left_alone() {
    let world = World::new().await;
    enrol(&world.path(), world.request()).await.unwrap();
    let before = std::fs::read(world.path().join("terminal.cft")).unwrap();
    let again = enrol(&world.path(), world.request()).await;
    assert!(matches!(again, Err(EnrolError::State(StateError::Taken { .. }))), "{again:?}");
    assert_eq!(std::fs::read(world.path().join("terminal.cft")).unwrap(), before);
}

#[tokio::test]
async fn after_a_lost_answer_the_same_code_is_tried_again() {
    let world = World::new().await;
    let (bank, turn) = (Arc::clone(&world.bank), std::sync::atomic::AtomicBool::new(true));
    let stand = Stand::start(world.authority.server(), move |path, body| {
        let done = bank.answer(path, body);
        if turn.swap(false, std::sync::atomic::Ordering::Relaxed) { Reply::Close } else { done }
    })
    .await;
    let asked = || request(world.bank.code(), &stand.url(), world.authority.pem());
    let lost = enrol(&world.path(), asked()).await;
    assert!(matches!(lost, Err(EnrolError::Server(ServerError::Broken { .. }))), "{lost:?}");
    assert_nothing_at(&world.path());
    enrol(&world.path(), asked()).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_was_there_stays_with_what_was_in_it() {
    let world = World::new().await;
    std::fs::create_dir(world.path()).unwrap();
    std::fs::write(world.path().join("note"), "mine").unwrap();
    let wrong = EnrolRequest { code: ActivationSecret::from_bytes([9; 16]), ..world.request() };
    let refused = enrol(&world.path(), wrong).await;
    let Err(EnrolError::Server(ServerError::Refused(Refusal { code, status, .. }))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((code.as_str(), status), ("wrong_code", 403));
    let names: Vec<_> = std::fs::read_dir(world.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["note"]);
}

#[tokio::test]
async fn a_key_that_is_not_the_announced_one_is_not_kept() {
    let world = World::new().await;
    let whole = world.bank.activated();
    for (field, value, what) in [
        ("check_value", json!("000000"), "another than"),
        ("wrapped_master", json!("00".repeat(24)), "does not open"),
        ("wrapped_master", json!("zz"), "hexadecimal"),
        ("suite", json!(9), "suite"),
        ("pack_signers", json!(["00"]), "hexadecimal"),
    ] {
        let mut answer = whole.clone();
        answer[field] = value;
        let stand =
            Stand::start(world.authority.server(), move |_, _| Reply::json(200, answer.clone())).await;
        let request = request(world.bank.code(), &stand.url(), world.authority.pem());
        let refused = enrol(&world.path(), request).await.unwrap_err();
        assert!(refused.to_string().contains(what), "{refused}");
        assert_nothing_at(&world.path());
    }
}

#[tokio::test]
async fn a_suite_that_is_not_built_is_told() {
    let world = World::new().await;
    if TerminalSuite::Des.is_built() {
        return;
    }
    world.bank.set_suite(TerminalSuite::Des);
    let refused = enrol(&world.path(), world.request()).await;
    assert!(matches!(refused, Err(EnrolError::SuiteNotBuilt(_))), "{refused:?}");
    assert_nothing_at(&world.path());
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_and_stops_nothing() {
    let world = World::new().await;
    world.bank.set_ahead(3_600_000);
    let enrolled = enrol(&world.path(), world.request()).await.unwrap();
    assert!((-3_601..=-3_599).contains(&enrolled.clock_wrong_by_seconds.unwrap()));
}
