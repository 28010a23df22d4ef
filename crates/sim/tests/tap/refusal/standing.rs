//! Who may load at all, what, and how much: cards, accounts, industries, limits, funds.

use model::{Asn, Fen, IndustryCode};
use server::Actor;
use tap::{Body, Opening, Outcome, Transaction};

use crate::counter::{Money, Plan, TERMINAL, bus};
use crate::elsewhere::spend;
use crate::hand::{Disturbance, Hand};
use crate::scene::{AMOUNT, LOADED, Scene, outcome_of};
use sim::wallet::Tear;

fn school() -> IndustryCode {
    "0102".parse().unwrap()
}

/// What each transaction's first message with a card in the field comes to.
async fn all_card_messages(scene: &Scene, industry: IndustryCode, asn: Asn) -> Vec<Outcome> {
    let authorized = scene.authorized(AMOUNT).await;
    let mut outcomes = Vec::new();
    for transaction in Transaction::ALL {
        let mut held = scene.hold();
        let mut reading = held.initialized(Some(authorized), AMOUNT);
        reading.challenge = Some([1, 2, 3, 4]);
        reading.asn = asn;
        // File 0015 begins with issuer and type, 10 bytes; then comes the serial number.
        reading.public_data[10..20].copy_from_slice(&asn.to_bytes());
        let answer = scene.ask_at(TERMINAL, industry, transaction, Body::Card(reading)).await.unwrap();
        outcomes.push(outcome_of(answer));
    }
    outcomes
}

#[tokio::test]
async fn a_frozen_bank_card_pays_for_nothing_not_even_what_it_was_asked_for_before() {
    let mut scene = Scene::begin(201).await;
    let authorized = scene.authorized(AMOUNT).await;
    scene.counter.bank.freeze_bank_card(Actor::command_line(), &scene.counter.bank_card, true).await.unwrap();
    let reading = scene.hold().initialized(Some(authorized), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::AccountFrozen, "between");
    assert_eq!(scene.load(AMOUNT).await, Outcome::AccountFrozen, "before");
    scene.nothing_moved();
    scene
        .counter
        .bank
        .freeze_bank_card(Actor::command_line(), &scene.counter.bank_card, false)
        .await
        .unwrap();
    let reading = scene.hold().initialized(Some(authorized), AMOUNT);
    assert!(matches!(scene.load_card(&reading).await, Body::Commands(_)), "the permission was not used up");
}

#[tokio::test]
async fn a_frozen_wallet_card_is_not_loaded() {
    let mut scene = Scene::begin(202).await;
    let authorized = scene.authorized(AMOUNT).await;
    scene.counter.bank.freeze_wallet(scene.asn, true).await.unwrap();
    let reading = scene.hold().initialized(Some(authorized), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::CardFrozen, "between");
    assert_eq!(scene.load(AMOUNT).await, Outcome::CardFrozen, "before");
    scene.nothing_moved();
}

#[tokio::test]
async fn what_was_paid_before_a_freeze_still_reaches_the_card() {
    let mut scene = Scene::begin(203).await;
    let opening = Hand::default().load(&scene.counter, scene.asn, AMOUNT).await;
    let torn = Disturbance { tear: Some(Tear::before(4)), ..Disturbance::default() };
    assert_eq!(scene.disturbed(opening, torn).await.outcome(), Outcome::PaidNotWritten);
    scene.counter.bank.freeze_wallet(scene.asn, true).await.unwrap();
    scene.counter.bank.freeze_bank_card(Actor::command_line(), &scene.counter.bank_card, true).await.unwrap();
    assert_eq!(scene.finish().await, Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_card_that_the_bank_did_not_issue_is_unknown_in_every_transaction() {
    let scene = Scene::begin(204).await;
    let unknown = Asn::from_digits(1_010_000_000_000_000_042);
    let pin = scene.counter.pin(unknown);
    let answer = scene.authorize_but(AMOUNT, |request| (request.asn, request.pin) = (unknown, pin)).await;
    assert_eq!(outcome_of(answer), Outcome::UnknownCard);
    assert_eq!(all_card_messages(&scene, bus(), unknown).await, [Outcome::UnknownCard; 4]);
    scene.nothing_moved();
}

#[tokio::test]
async fn a_card_of_another_issuer_is_foreign_in_every_transaction() {
    let mut scene = Scene::begin(205).await;
    scene.forge(|image| image.memory.set_issuer(*b"NOT-OURS"));
    assert_eq!(all_card_messages(&scene, bus(), scene.asn).await, [Outcome::ForeignCard; 4]);
    assert_eq!(scene.load(AMOUNT).await, Outcome::ForeignCard);
    scene.nothing_moved();
}

#[tokio::test]
async fn a_card_of_another_industry_is_foreign_in_every_transaction_whatever_its_file_says() {
    let scene = Scene::begin(206).await;
    let (pupil, _) = scene.counter.active_card_of(school(), |_| {}).await;
    let sms = scene.counter.sms(pupil, AMOUNT).await;
    let pin = scene.counter.pin(pupil);
    let answer = scene
        .authorize_but(AMOUNT, |request| {
            (request.asn, request.pin, request.sms) = (pupil, pin, Some(sms));
        })
        .await;
    assert_eq!(outcome_of(answer), Outcome::ForeignCard);
    assert_eq!(all_card_messages(&scene, bus(), pupil).await, [Outcome::ForeignCard; 4]);
    scene.nothing_moved();
}

#[tokio::test]
async fn a_card_that_says_another_serial_number_than_its_file_is_malformed() {
    let scene = Scene::begin(207).await;
    let authorized = scene.authorized(AMOUNT).await;
    let mut reading = scene.hold().initialized(Some(authorized), AMOUNT);
    reading.public_data[19] ^= 1;
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::Malformed);
    reading.public_data[19] |= 0x0f;
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::Malformed, "and one that is no number");
    scene.nothing_moved();
}

#[tokio::test]
async fn the_bank_serves_no_industry_that_it_has_no_product_of() {
    let scene = Scene::begin(208).await;
    let nobodys: IndustryCode = "0999".parse().unwrap();
    assert_eq!(all_card_messages(&scene, nobodys, scene.asn).await, [Outcome::UnknownIndustry; 4]);
    for transaction in [Transaction::Load, Transaction::Activation] {
        let body = Body::Authorize(scene.activation());
        let answer = scene.ask_at(TERMINAL, nobodys, transaction, body).await.unwrap();
        assert_eq!(outcome_of(answer), Outcome::UnknownIndustry);
    }
    scene.nothing_moved();
}

#[tokio::test]
async fn a_card_without_activation_is_not_loaded() {
    let mut scene = Scene::begin_before_activation(209).await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::NotActivated);
    // A card that was written, but whose bank never heard of it: the bank decides by its own books.
    let authorized = scene.authorized_activation().await;
    scene.forge(|image| image.memory.set_validity([0x20, 0x26, 0x11, 0x24], [0x20, 0x36, 0x11, 0x23]));
    let reading = scene.hold().initialized(Some(authorized), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::NotActivated);
    scene.nothing_moved();
}

#[tokio::test]
async fn a_card_is_good_until_the_end_of_its_last_day() {
    let mut scene = Scene::begin(210).await;
    scene.forge(|image| image.memory.set_validity([0x20, 0x16, 0x11, 0x24], [0x20, 0x26, 0x11, 0x24]));
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded, "today is its last");
    scene.forge(|image| image.memory.set_validity([0x20, 0x16, 0x11, 0x23], [0x20, 0x26, 0x11, 0x23]));
    assert_eq!(scene.load(AMOUNT).await, Outcome::CardExpired);
    assert_eq!(scene.counter.money(), LOADED);
    assert!(scene.counter.unfinished(scene.asn).is_none());
}

#[tokio::test]
async fn amounts_outside_of_the_products_limits_are_refused_by_the_bank_itself() {
    let scene = Scene::begin(211).await;
    for amount in [0, 1, 99, 50_001, u32::MAX].map(Fen) {
        let answer = scene.authorize_but(amount, |_| {}).await;
        assert_eq!(outcome_of(answer), Outcome::AmountRefused, "{amount:?}");
    }
    for amount in [100, 50_000].map(Fen) {
        scene.authorized(amount).await;
    }
    // No code can be for no amount, so that is found first.
    let answer = scene.authorize_but(AMOUNT, |request| request.amount = None).await;
    assert_eq!(outcome_of(answer), Outcome::SmsNotForThis);
    scene.nothing_moved();
}

#[tokio::test]
async fn a_driver_refuses_an_amount_over_its_pack_by_itself() {
    let mut scene = Scene::begin(212).await;
    for amount in [Fen(0), Fen(50_001)] {
        let opening = Hand::default().load(&scene.counter, scene.asn, amount).await;
        let ended = scene.tap(opening).await;
        assert_eq!((ended.outcome(), ended.in_field + ended.elsewhere), (Outcome::AmountRefused, 0));
    }
    scene.nothing_moved();
}

#[tokio::test]
async fn a_card_never_comes_to_hold_more_than_it_may() {
    let full = |image: &mut tap::card::WalletImage| image.memory.balance = Fen(95_001);
    let mut scene = Scene::begin_as(Plan::of(213), full).await;
    let authorized = scene.authorized(AMOUNT).await;
    let reading = scene.hold().initialized(Some(authorized), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::BalanceOverLimit, "the bank");
    assert_eq!(scene.load(AMOUNT).await, Outcome::BalanceOverLimit, "the driver");
    scene.nothing_moved();
    spend(&scene.wallet, Fen(1), scene.counter.now());
    assert_eq!(scene.load(AMOUNT).await, Outcome::Loaded);
    assert_eq!(scene.wallet.balance(), Fen(100_000));
}

#[tokio::test]
async fn the_days_limit_counts_all_loads_of_a_card_when_asked_and_when_tapped() {
    let mut scene = Scene::begin(214).await;
    for _ in 0..3 {
        assert_eq!(scene.load(Fen(50_000)).await, Outcome::Loaded);
        spend(&scene.wallet, Fen(50_000), scene.counter.now());
    }
    let before = scene.counter.money();
    let small = scene.authorized(Fen(100)).await;
    let (_, list) = {
        let reference = scene.authorized(Fen(50_000)).await;
        let mut held = scene.hold();
        let reading = held.initialized(Some(reference), Fen(50_000));
        let list = crate::scene::list_of(scene.load_card(&reading).await);
        let outputs = held.run(&list);
        assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::Loaded);
        (held, list)
    };
    assert_eq!(list.commands.len(), 1);
    let reading = scene.hold().initialized(Some(small), Fen(100));
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::DayLimit, "tapped");
    assert_eq!(scene.load(Fen(100)).await, Outcome::DayLimit, "asked");
    let after = scene.counter.money();
    assert_eq!((after.debited - before.debited, after.set_aside), (50_000, 0));
    let (asn, wallet) = scene.counter.active_card().await;
    (scene.asn, scene.wallet) = (asn, wallet);
    assert_eq!(scene.load(Fen(100)).await, Outcome::Loaded, "another card has a day of its own");
}

#[tokio::test]
async fn without_funds_nothing_is_authorized() {
    let mut scene = Scene::begin_as(Plan { funds: 4_999, ..Plan::of(215) }, |_| {}).await;
    assert_eq!(scene.load(AMOUNT).await, Outcome::InsufficientFunds);
    scene.nothing_moved();
    assert_eq!(scene.load(Fen(4_999)).await, Outcome::Loaded);
}

#[tokio::test]
async fn funds_that_went_to_another_card_between_code_and_tap_are_missed_at_the_tap() {
    let mut scene = Scene::begin_as(Plan { funds: 7_000, ..Plan::of(216) }, |_| {}).await;
    let authorized = scene.authorized(AMOUNT).await;
    let first = (scene.asn, scene.wallet.clone());
    (scene.asn, scene.wallet) = scene.counter.active_card().await;
    let (_, _) = scene.begin_load().await;
    let aside = Money { debited: 0, set_aside: 5_000, on_cards: 0 };
    assert_eq!(scene.counter.money(), aside);
    (scene.asn, scene.wallet) = first;
    let reading = scene.hold().initialized(Some(authorized), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::InsufficientFunds);
    assert_eq!(scene.counter.money(), aside);
    assert!(scene.counter.unfinished(scene.asn).is_none());
}

#[tokio::test]
async fn a_terminal_that_asks_for_an_activation_with_a_load_gets_no_load() {
    let mut scene = Scene::begin_before_activation(217).await;
    let reference = scene.authorized_activation().await;
    assert_eq!(scene.activate_in_peace().await, Outcome::Activated);
    let reading = scene.hold().initialized(Some(reference), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::AuthorizationRefused);
    scene.nothing_moved();
}

#[tokio::test]
async fn the_holders_other_card_is_noticed_before_anything_is_sent() {
    let mut scene = Scene::begin(218).await;
    let (_, another) = scene.counter.active_card().await;
    let sms = scene.counter.sms(scene.asn, AMOUNT).await;
    let pin = scene.counter.pin(scene.asn);
    let opening = Opening::load(bus(), TERMINAL, scene.asn, AMOUNT, sms, pin);
    let ended = Hand::default().tap(&mut scene.counter, opening, &another).await;
    assert_eq!((ended.outcome(), ended.in_field), (Outcome::AnotherCard, 0));
    scene.nothing_moved();
}
