//! What a card says before the bank says yes: its MAC1, its counter, and that no load of it is open.

use crypto::{LoadRequest, PurseKind};
use model::{Fen, OnlineCounter};
use tap::message::CardReading;
use tap::{Body, InitializeAnswer, Opening, Outcome, Transaction};

use crate::counter::{Plan, TERMINAL, bus};
use crate::elsewhere::load_elsewhere;
use crate::scene::{AMOUNT, LOADED, SET_ASIDE, Scene, end_of, list_of, outcome_of, spoil};

/// An answer to INITIALIZE that the card would never give, with a MAC1 that is right.
fn answer_by_hand(scene: &Scene, counter: OnlineCounter) -> InitializeAnswer {
    let random = [1, 2, 3, 4];
    let key = scene.wallet.image().keys.sets[0].load.clone();
    let request = LoadRequest {
        balance: Fen(0),
        amount: AMOUNT,
        kind: PurseKind::PurseLoad,
        terminal: TERMINAL,
        counter,
        random,
    };
    let mac1 = key.load_session(random, counter).load_mac1(&request);
    InitializeAnswer { balance: Fen(0), counter, key_version: 0, algorithm: 0, random, mac1 }
}

/// Every part that MAC1 is over, or made with.
fn forgeries(reading: &CardReading) -> Vec<CardReading> {
    let edits: [fn(&mut InitializeAnswer); 4] = [
        |answer| answer.balance.0 += 1,
        |answer| answer.counter.0 += 1,
        |answer| answer.random[0] ^= 1,
        |answer| answer.mac1.0[3] ^= 1,
    ];
    let forged = edits.map(|edit| {
        let mut forged = reading.clone();
        edit(forged.initialized.as_mut().unwrap());
        forged
    });
    forged.into()
}

#[tokio::test]
async fn a_wrong_mac1_pays_nothing_and_the_issuer_hears_of_it() {
    let scene = Scene::begin(401).await;
    let reference = Some(scene.authorized(AMOUNT).await);
    let reading = scene.hold().initialized(reference, AMOUNT);
    for forged in &forgeries(&reading) {
        assert_eq!(outcome_of(scene.load_card(forged).await), Outcome::Mac1Wrong);
        assert_eq!(scene.counter.alarms(scene.asn), ["mac1_wrong"], "once an hour");
    }
    scene.counter.pass(3_600_000);
    let _told_again = scene.load_card(&forgeries(&reading)[0]).await;
    assert_eq!(scene.counter.alarms(scene.asn), ["mac1_wrong"; 2]);
    let reference = Some(scene.authorized(AMOUNT).await);
    let reading = scene.hold().initialized(reference, AMOUNT);
    scene.nothing_moved();
    assert!(
        matches!(scene.load_card(&reading).await, Body::Commands(_)),
        "the right one is as good as before"
    );
}

#[tokio::test]
async fn a_verified_balance_with_a_wrong_mac1_is_not_believed() {
    let mut scene = Scene::begin(402).await;
    scene.load(AMOUNT).await;
    let reading = scene.hold().initialized(None, Fen(1));
    for forged in forgeries(&reading) {
        let end = end_of(scene.card(Transaction::Balance, &forged).await);
        assert_eq!((end.known(), end.balance, end.verified), (Some(Outcome::Mac1Wrong), None, false));
    }
    assert_eq!(scene.counter.alarms(scene.asn), ["mac1_wrong"]);
    let end = end_of(scene.card(Transaction::Balance, &reading).await);
    assert_eq!((end.known(), end.balance, end.verified), (Some(Outcome::BalanceRead), Some(AMOUNT), true));
    assert_eq!(scene.counter.money(), LOADED);
}

#[tokio::test]
async fn a_verified_balance_tells_of_an_open_load_and_leaves_it_open() {
    let mut scene = Scene::begin(403).await;
    let _torn = scene.begin_load().await;
    let ended = scene.tap(Opening::verified_balance(bus(), TERMINAL)).await;
    assert_eq!(ended.outcome(), Outcome::OpenLoad);
    assert_eq!((ended.report.end.balance, ended.report.end.amount), (Some(Fen(0)), Some(AMOUNT)));
    assert_eq!(scene.counter.money(), SET_ASIDE);
    assert_eq!(scene.finish().await, Outcome::Loaded);
}

#[tokio::test]
async fn what_was_read_without_what_the_transaction_needs_is_malformed() {
    let scene = Scene::begin(404).await;
    let reading = scene.hold().reading();
    for transaction in [Transaction::Balance, Transaction::Load, Transaction::Activation] {
        assert_eq!(
            outcome_of(scene.card(transaction, &reading).await),
            Outcome::Malformed,
            "{transaction:?}"
        );
    }
    scene.nothing_moved();
}

#[tokio::test]
async fn a_card_at_the_end_of_its_counter_is_loaded_no_more() {
    let last = |image: &mut tap::card::WalletImage| image.memory.online = OnlineCounter(u16::MAX);
    let mut scene = Scene::begin_as(Plan::of(405), last).await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::CounterEnd, "the card says so");
    let reading = CardReading {
        authorization: Some(scene.authorized(AMOUNT).await),
        amount: Some(AMOUNT),
        initialized: Some(answer_by_hand(&scene, OnlineCounter(u16::MAX))),
        ..scene.hold().reading()
    };
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::CounterEnd, "the bank says so");
    scene.nothing_moved();
}

#[tokio::test]
async fn the_last_load_of_a_card_is_loaded() {
    let last_but_one = |image: &mut tap::card::WalletImage| image.memory.online = OnlineCounter(u16::MAX - 1);
    let mut scene = Scene::begin_as(Plan::of(406), last_but_one).await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    assert_eq!(scene.load(AMOUNT).await, Outcome::CounterEnd);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn an_answer_from_before_the_cards_latest_load_is_stale() {
    let mut scene = Scene::begin(407).await;
    let old = scene.hold().initialized(None, AMOUNT);
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    let reading = CardReading { authorization: Some(scene.authorized(AMOUNT).await), ..old };
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::StaleCounter);
    assert_eq!((scene.counter.money(), scene.counter.unfinished(scene.asn)), (LOADED, None));
}

#[tokio::test]
async fn an_answer_below_a_counter_that_was_proven_is_stale_even_if_no_load_has_it() {
    let mut scene = Scene::begin(408).await;
    let old = scene.hold().initialized(None, AMOUNT);
    // The bank has no load at counter 0: that one was loaded elsewhere.
    load_elsewhere(&scene.wallet, Fen(1), scene.counter.now());
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    let reading = CardReading { authorization: Some(scene.authorized(AMOUNT).await), ..old };
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::StaleCounter);
    scene.counter.kill();
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::StaleCounter, "it is kept on disk");
    assert_eq!((scene.counter.money(), scene.counter.unfinished(scene.asn)), (LOADED, None));
}

#[tokio::test]
async fn a_counter_is_kept_from_the_moment_that_a_load_is_begun() {
    let mut scene = Scene::begin(409).await;
    load_elsewhere(&scene.wallet, Fen(1), scene.counter.now());
    let old = scene.hold().initialized(None, AMOUNT);
    load_elsewhere(&scene.wallet, Fen(1), scene.counter.now());
    let _torn = scene.begin_load().await;
    scene.counter.kill();
    assert_eq!(scene.kept_counter(), OnlineCounter(2));
    let reading = CardReading { authorization: Some(scene.authorized_elsewhere().await), ..old };
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::OpenLoad);
    assert_eq!(scene.counter.money(), SET_ASIDE);
}

#[tokio::test]
async fn a_counter_is_kept_one_further_once_the_load_is_on_the_card() {
    let mut scene = Scene::begin(413).await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    scene.counter.kill();
    assert_eq!(scene.kept_counter(), OnlineCounter(1));
    let (mut held, list) = scene.begin_load().await;
    held.run(&list);
    scene.counter.kill();
    assert_eq!(scene.kept_counter(), OnlineCounter(1), "nothing is proven yet");
    assert_eq!(scene.finish().await, Outcome::Loaded);
    assert_eq!(scene.kept_counter(), OnlineCounter(2));
}

impl Scene {
    fn kept_counter(&self) -> OnlineCounter {
        self.counter.bank.app().store().peek(|rows| rows.wallet(self.asn)).unwrap().unwrap().counter
    }

    /// A permission that was asked for before the load that is open.
    async fn authorized_elsewhere(&self) -> tap::Reference {
        let reference = self.counter.dice.throw().to_be_bytes();
        let reference = [reference, reference].concat().try_into().unwrap();
        let (asn, expires_at) = (self.asn, self.counter.now().plus(300_000));
        let authorization = store::TapAuthorization {
            reference,
            terminal: TERMINAL,
            asn,
            transaction: Transaction::Load.number(),
            amount: Some(AMOUNT),
            expires_at,
            used_by: None,
        };
        self.counter.write(move |unit| unit.add_tap_authorization(&authorization)).await;
        tap::Reference(reference)
    }
}

#[tokio::test]
async fn the_same_card_message_twice_gives_the_same_mac2_and_one_debit() {
    let mut scene = Scene::begin(410).await;
    let reference = Some(scene.authorized(AMOUNT).await);
    let mut held = scene.hold();
    let reading = held.initialized(reference, AMOUNT);
    let first = list_of(scene.load_card(&reading).await);
    scene.counter.kill();
    let second = list_of(scene.load_card(&reading).await);
    assert_eq!(first, second);
    assert_eq!(scene.counter.money(), SET_ASIDE);
    assert_eq!(scene.counter.stored_loads(scene.asn).len(), 1);
    let outputs = held.run(&second);
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::Loaded);
    assert_eq!(
        outcome_of(scene.load_card(&reading).await),
        Outcome::StaleCounter,
        "a third time, after the end"
    );
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_new_initialize_while_a_load_is_open_gets_no_mac2() {
    let mut scene = Scene::begin(411).await;
    let permissions = [scene.authorized(AMOUNT).await, scene.authorized(AMOUNT).await];
    let reading = scene.hold().initialized(Some(permissions[0]), AMOUNT);
    assert!(matches!(scene.load_card(&reading).await, Body::Commands(_)));
    for permission in permissions {
        let again = scene.hold().initialized(Some(permission), AMOUNT);
        assert_eq!(outcome_of(scene.load_card(&again).await), Outcome::OpenLoad);
    }
    assert_eq!(scene.load(AMOUNT).await, Outcome::OpenLoad, "nor is another authorized");
    assert_eq!(scene.counter.money(), SET_ASIDE);
    assert_eq!(scene.finish().await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_probe_with_a_wrong_mac1_is_told_and_the_load_stays_open() {
    let mut scene = Scene::begin(412).await;
    let _torn = scene.begin_load().await;
    let (mut held, list) = scene.probe().await;
    let mut outputs = held.run(&list);
    if let Some(tap::CardAnswer::Said { data, .. }) = outputs.outputs.last_mut() {
        spoil(data);
    }
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::PaidNotWritten);
    assert_eq!(scene.counter.alarms(scene.asn), ["mac1_wrong"]);
    assert_eq!(scene.counter.money(), SET_ASIDE);
    assert_eq!(scene.finish().await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}
