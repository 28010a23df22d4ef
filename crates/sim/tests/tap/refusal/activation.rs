//! Activation: torn, repeated, refused. It moves no money, and no freeze is undone by it.

use model::PurseTime;
use server::Actor;
use sim::wallet::Tear;
use store::WalletState;
use tap::message::Authorize;
use tap::{Body, CardAnswer, ListEnding, Outcome, Outputs, Reference, StatusWord, Transaction};

use crate::counter::{OTHER_TERMINAL, TERMINAL, bus};
use crate::hand::{Disturbance, Ended, Hand, Line};
use crate::scene::{AMOUNT, Scene, list_of, outcome_of, tries_of};

/// SELECT, READ BINARY, GET CHALLENGE, UPDATE BINARY.
const UPDATE: u32 = 4;

impl Scene {
    async fn activate(&mut self, disturbance: Disturbance) -> Ended {
        let opening = Hand::default().activation(&self.counter, self.asn);
        self.disturbed(opening, disturbance).await
    }

    pub(super) async fn activate_in_peace(&mut self) -> Outcome {
        self.activate(Disturbance::default()).await.outcome()
    }

    fn state(&self) -> WalletState {
        self.counter.bank.app().store().peek(|rows| rows.wallet(self.asn)).unwrap().unwrap().state
    }

    fn is_written(&self) -> bool {
        self.wallet.image().memory.is_activated()
    }

    /// Book and card agree, and the card can be loaded.
    async fn is_active(&mut self) {
        assert_eq!((self.state(), self.is_written()), (WalletState::Active, true));
        self.nothing_moved();
        assert_eq!(self.load(AMOUNT).await, Outcome::Loaded);
    }

    async fn activation_outputs(&self, outputs: &Outputs) -> Outcome {
        outcome_of(self.ask(Transaction::Activation, Body::Outputs(outputs.clone())).await)
    }
}

fn torn(tear: Tear) -> Disturbance {
    Disturbance { tear: Some(tear), ..Disturbance::default() }
}

#[tokio::test]
async fn an_activation_torn_before_the_update_is_begun_again() {
    let mut scene = Scene::begin_before_activation(701).await;
    assert_eq!(scene.activate(torn(Tear::before(UPDATE))).await.outcome(), Outcome::CardGone);
    assert_eq!((scene.state(), scene.is_written()), (WalletState::Issued, false));
    assert_eq!(scene.activate_in_peace().await, Outcome::Activated);
    scene.is_active().await;
}

#[tokio::test]
async fn an_activation_torn_after_the_update_is_taken_over_from_the_card() {
    let mut scene = Scene::begin_before_activation(702).await;
    assert_eq!(scene.activate(torn(Tear::after(UPDATE))).await.outcome(), Outcome::CardGone);
    assert_eq!((scene.state(), scene.is_written()), (WalletState::Issued, true));
    let dates = scene.wallet.image().memory.public_data;
    scene.counter.pass(24 * 60 * 1_000);
    let ended = scene.activate(Disturbance::default()).await;
    assert_eq!((ended.outcome(), ended.in_field, ended.elsewhere), (Outcome::Activated, 1, 1));
    assert_eq!(scene.wallet.image().memory.public_data, dates, "nothing was written twice");
    scene.is_active().await;
}

#[tokio::test]
async fn every_disturbed_activation_ends_with_a_card_that_works() {
    let mut disturbances: Vec<Disturbance> =
        (1..=UPDATE).flat_map(|nth| [torn(Tear::before(nth)), torn(Tear::after(nth))]).collect();
    for number in 1..=3 {
        let lines =
            Line::BAD.map(|line| Disturbance { line: Some((number, line)), ..Disturbance::default() });
        disturbances.extend(lines);
    }
    let mut scene = Scene::begin_before_activation(703).await;
    let mut count = 0;
    for (turn, first) in disturbances.iter().enumerate() {
        for second in disturbances.iter().skip(turn % 4).step_by(4) {
            count += 1;
            let (asn, image) = scene.counter.new_card(bus()).await;
            (scene.asn, scene.wallet) = (asn, scene.counter.put_into_plastic(image));
            let mut hand = Hand::default();
            for disturbance in [*first, *second] {
                let opening = hand.activation(&scene.counter, scene.asn);
                hand.run(&mut scene.counter, opening, &scene.wallet, disturbance).await;
            }
            hand.deliver_late(&scene.counter).await;
            assert_eq!(scene.activate_in_peace().await, Outcome::Activated, "{first:?}, {second:?}");
            assert_eq!((scene.state(), scene.is_written()), (WalletState::Active, true));
        }
    }
    println!("activation, pairs of disturbances: {count} cases");
    scene.is_active().await;
}

#[tokio::test]
async fn an_activated_card_is_activated_again_without_a_write() {
    let mut scene = Scene::begin_before_activation(704).await;
    assert_eq!(scene.activate_in_peace().await, Outcome::Activated);
    let today = PurseTime::at(scene.counter.now());
    let dates = [today.date(), today.date_years_later(10)].concat();
    assert_eq!(scene.wallet.image().memory.public_data[20..28], dates);
    let ended = scene.activate(Disturbance::default()).await;
    assert_eq!((ended.outcome(), ended.commands), (Outcome::Activated, 0), "before the PIN is looked at");
    scene.is_active().await;
}

#[tokio::test]
async fn a_frozen_card_is_not_activated_and_a_late_report_does_not_thaw_it() {
    let mut scene = Scene::begin_before_activation(705).await;
    let reference = scene.authorized_activation().await;
    let mut held = scene.hold();
    let reading = held.challenged(reference);
    let list = list_of(scene.card(Transaction::Activation, &reading).await);
    let outputs = held.run(&list);
    scene.counter.bank.freeze_wallet(scene.asn, true).await.unwrap();
    assert_eq!(scene.activate_in_peace().await, Outcome::CardFrozen, "before");
    assert_eq!(
        outcome_of(scene.card(Transaction::Activation, &reading).await),
        Outcome::CardFrozen,
        "between"
    );
    assert_eq!(scene.activation_outputs(&outputs).await, Outcome::Activated, "the card is");
    assert_eq!(scene.state(), WalletState::Frozen);
    assert_eq!(scene.load(AMOUNT).await, Outcome::CardFrozen);
    scene.nothing_moved();
    scene.counter.bank.freeze_wallet(scene.asn, false).await.unwrap();
    assert_eq!(scene.activate_in_peace().await, Outcome::Activated);
    scene.is_active().await;
}

#[tokio::test]
async fn a_frozen_bank_card_activates_nothing() {
    let mut scene = Scene::begin_before_activation(706).await;
    scene.counter.bank.freeze_bank_card(Actor::command_line(), &scene.counter.bank_card, true).await.unwrap();
    assert_eq!(scene.activate_in_peace().await, Outcome::AccountFrozen);
    assert_eq!((scene.state(), scene.is_written()), (WalletState::Issued, false));
}

#[tokio::test]
async fn an_activation_takes_the_right_pin() {
    let mut scene = Scene::begin_before_activation(707).await;
    let pin = scene.counter.till(TERMINAL).pin_block(scene.asn, "1234", &scene.counter.dice);
    let wrong = Body::Authorize(Authorize { pin, ..scene.activation() });
    for expected in [(Outcome::PinWrong, Some(2)), (Outcome::PinWrong, Some(1)), (Outcome::PinBlocked, None)]
    {
        assert_eq!(tries_of(scene.ask(Transaction::Activation, wrong.clone()).await), expected);
    }
    assert_eq!(scene.activate_in_peace().await, Outcome::PinBlocked);
    assert_eq!((scene.state(), scene.is_written()), (WalletState::Issued, false));
    scene.nothing_moved();
}

#[tokio::test]
async fn the_permission_to_activate_is_for_one_card_and_terminal_and_for_five_minutes() {
    let mut scene = Scene::begin_before_activation(708).await;
    let reference = scene.authorized_activation().await;
    let reading = scene.hold().challenged(reference);
    let body = Body::Card(reading.clone());
    let elsewhere = scene.ask_at(OTHER_TERMINAL, bus(), Transaction::Activation, body).await.unwrap();
    assert_eq!(outcome_of(elsewhere), Outcome::AuthorizationRefused);
    let mut without = reading.clone();
    without.authorization = None;
    assert_eq!(
        outcome_of(scene.card(Transaction::Activation, &without).await),
        Outcome::AuthorizationRefused
    );
    without.authorization = Some(Reference([5; 16]));
    assert_eq!(
        outcome_of(scene.card(Transaction::Activation, &without).await),
        Outcome::AuthorizationExpired
    );
    scene.counter.pass(300_000);
    assert_eq!(
        outcome_of(scene.card(Transaction::Activation, &reading).await),
        Outcome::AuthorizationExpired
    );

    let reference = scene.authorized_activation().await;
    let (asn, image) = scene.counter.new_card(bus()).await;
    (scene.asn, scene.wallet) = (asn, scene.counter.put_into_plastic(image));
    let another_card = scene.hold().challenged(reference);
    let answer = scene.card(Transaction::Activation, &another_card).await;
    assert_eq!(outcome_of(answer), Outcome::AuthorizationRefused);
    assert_eq!((scene.state(), scene.is_written()), (WalletState::Issued, false));
}

#[tokio::test]
async fn the_permission_to_load_activates_nothing() {
    let mut scene = Scene::begin(709).await;
    let reference = scene.authorized(AMOUNT).await;
    scene.forge(|image| image.memory.set_validity([0; 4], [0; 4]));
    let reading = scene.hold().challenged(reference);
    let answer = scene.card(Transaction::Activation, &reading).await;
    assert_eq!(outcome_of(answer), Outcome::AuthorizationRefused);
    scene.nothing_moved();
}

#[tokio::test]
async fn an_update_that_the_card_refuses_activates_nothing() {
    let mut scene = Scene::begin_before_activation(710).await;
    let reference = scene.authorized_activation().await;
    let mut held = scene.hold();
    let reading = held.challenged(reference);
    let mut list = list_of(scene.card(Transaction::Activation, &reading).await);
    crate::scene::spoil(&mut list.commands[0].apdu);
    let refused = held.run(&list);
    assert_eq!(refused.outputs[0].status(), Some(StatusWord::CODE_WRONG));
    assert_eq!(scene.activation_outputs(&refused).await, Outcome::CardRefused);
    let gone = Outputs { outputs: vec![CardAnswer::Gone], ending: ListEnding::CardGone, ..refused.clone() };
    assert_eq!(scene.activation_outputs(&gone).await, Outcome::CardGone);
    assert_eq!((scene.state(), scene.is_written()), (WalletState::Issued, false));
    assert_eq!(scene.activate_in_peace().await, Outcome::Activated);
    scene.is_active().await;
}

#[tokio::test]
async fn a_report_of_an_activation_belongs_to_the_terminal_that_asked_for_it() {
    let scene = Scene::begin_before_activation(711).await;
    let reference = scene.authorized_activation().await;
    let mut held = scene.hold();
    let reading = held.challenged(reference);
    let outputs = held.run(&list_of(scene.card(Transaction::Activation, &reading).await));
    let body = Body::Outputs(outputs.clone());
    let elsewhere = scene.ask_at(OTHER_TERMINAL, bus(), Transaction::Activation, body).await.unwrap();
    assert_eq!(outcome_of(elsewhere), Outcome::AuthorizationRefused);
    let unknown = Outputs { reference: Reference([5; 16]), ..outputs.clone() };
    assert_eq!(scene.activation_outputs(&unknown).await, Outcome::AuthorizationExpired);
    assert_eq!(scene.state(), WalletState::Issued);
    for _ in 0..2 {
        assert_eq!(scene.activation_outputs(&outputs).await, Outcome::Activated);
        assert_eq!(scene.state(), WalletState::Active);
    }
}
