//! The four transactions as they should go, with the round trips of the protocol's table counted.

use model::Fen;
use tap::{Opening, Outcome};

use crate::counter::{Counter, Money, TERMINAL, bus};
use crate::hand::{Disturbance, Hand};
use payment::LoadState;
use sim::wallet::Tear;

const AMOUNT: Fen = Fen(5_000);

#[tokio::test]
async fn a_load_takes_one_round_trip_in_the_field_and_moves_the_money_once() {
    let mut counter = Counter::open(1).await;
    let (asn, wallet) = counter.active_card().await;
    let opening = Hand::default().load(&counter, asn, AMOUNT).await;
    let ended = Hand::default().tap(&mut counter, opening, &wallet).await;
    assert_eq!(ended.outcome(), Outcome::Loaded);
    assert_eq!((ended.in_field, ended.elsewhere), (1, 2), "authorize before, the TAC's report after");
    assert_eq!(ended.report.end.balance, Some(AMOUNT));
    assert_eq!(wallet.balance(), AMOUNT);
    assert_eq!(counter.money(), Money { debited: 5_000, set_aside: 0, on_cards: 5_000 });
    assert_eq!(counter.loads(asn), [(LoadState::Closed, AMOUNT)]);
}

#[tokio::test]
async fn a_balance_takes_no_round_trip_and_a_verified_one_takes_one() {
    let mut counter = Counter::open(2).await;
    let (asn, wallet) = counter.active_card().await;
    let opening = Hand::default().load(&counter, asn, AMOUNT).await;
    Hand::default().tap(&mut counter, opening, &wallet).await;
    let plain = Opening::balance(bus(), TERMINAL);
    let ended = Hand::default().tap(&mut counter, plain, &wallet).await;
    assert_eq!((ended.outcome(), ended.in_field, ended.elsewhere), (Outcome::BalanceRead, 0, 0));
    assert_eq!((ended.report.end.balance, ended.report.end.verified), (Some(AMOUNT), false));
    let verified = Opening::verified_balance(bus(), TERMINAL);
    let ended = Hand::default().tap(&mut counter, verified, &wallet).await;
    assert_eq!((ended.outcome(), ended.in_field, ended.elsewhere), (Outcome::BalanceRead, 1, 0));
    assert_eq!((ended.report.end.balance, ended.report.end.verified), (Some(AMOUNT), true));
}

#[tokio::test]
async fn a_load_torn_before_the_card_took_it_is_finished_without_a_second_debit() {
    rescued(Tear::before(4), 2, 1).await;
}

#[tokio::test]
async fn a_load_torn_after_the_card_took_it_is_proven_and_not_credited_again() {
    rescued(Tear::after(4), 2, 0).await;
}

/// SELECT, READ BINARY, INITIALIZE, CREDIT: the fourth command is the one that matters.
async fn rescued(tear: Tear, in_field: u8, elsewhere: u8) {
    let mut counter = Counter::open(3).await;
    let (asn, wallet) = counter.active_card().await;
    let opening = Hand::default().load(&counter, asn, AMOUNT).await;
    let torn = Disturbance { tear: Some(tear), ..Disturbance::default() };
    let ended = Hand::default().run(&mut counter, opening, &wallet, torn).await;
    assert_eq!(ended.outcome(), Outcome::PaidNotWritten);
    assert_eq!(counter.money(), Money { debited: 0, set_aside: 5_000, on_cards: 0 });

    let again = Hand::default().load(&counter, asn, AMOUNT).await;
    let ended = Hand::default().tap(&mut counter, again, &wallet).await;
    assert_eq!(ended.outcome(), Outcome::OpenLoad, "one open load a card");

    let ended = Hand::default().tap(&mut counter, Hand::default().finish(asn), &wallet).await;
    assert_eq!(ended.outcome(), Outcome::Loaded);
    assert_eq!((ended.in_field, ended.elsewhere), (in_field, elsewhere));
    assert_eq!(wallet.balance(), AMOUNT);
    assert_eq!(counter.money(), Money { debited: 5_000, set_aside: 0, on_cards: 5_000 });
}

#[tokio::test]
async fn an_activation_takes_one_round_trip_in_the_field() {
    let mut counter = Counter::open(4).await;
    let (asn, image) = counter.new_card(bus()).await;
    let wallet = counter.put_into_plastic(image);
    let too_early = Hand::default().load(&counter, asn, AMOUNT).await;
    let ended = Hand::default().tap(&mut counter, too_early, &wallet).await;
    assert_eq!(ended.outcome(), Outcome::NotActivated);
    let opening = Opening::activation(bus(), TERMINAL, asn, counter.pin(asn));
    let ended = Hand::default().tap(&mut counter, opening, &wallet).await;
    assert_eq!(ended.outcome(), Outcome::Activated);
    assert_eq!((ended.in_field, ended.elsewhere), (1, 2));
    assert!(wallet.image().memory.is_activated());
    let opening = Hand::default().load(&counter, asn, AMOUNT).await;
    let ended = Hand::default().tap(&mut counter, opening, &wallet).await;
    assert_eq!(ended.outcome(), Outcome::Loaded);
}

#[tokio::test]
async fn without_an_open_load_there_is_nothing_to_finish() {
    let mut counter = Counter::open(5).await;
    let (asn, wallet) = counter.active_card().await;
    let ended = Hand::default().tap(&mut counter, Hand::default().finish(asn), &wallet).await;
    assert_eq!(ended.outcome(), Outcome::NothingOpen);
}
