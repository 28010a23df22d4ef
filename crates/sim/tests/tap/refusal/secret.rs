//! SMS code and PIN: the code first, and the PIN is not looked at before the code is right.

use model::Fen;
use server::Actor;
use store::SmsState;
use tap::message::Authorize;
use tap::{Body, Outcome, SmsCode, Transaction};

use crate::counter::{OTHER_TERMINAL, bus};
use crate::scene::{AMOUNT, Scene, end_of, outcome_of, tries_of};

const WRONG_SMS: [u8; 6] = *b"135791";

fn with_wrong_sms(request: &mut Authorize) {
    request.sms.as_mut().unwrap().code = SmsCode::new(WRONG_SMS).unwrap();
}

impl Scene {
    fn with_pin(&self, request: &Authorize, digits: &str) -> Authorize {
        let till = self.counter.till(crate::counter::TERMINAL);
        Authorize { pin: till.pin_block(self.asn, digits, &self.counter.dice), ..request.clone() }
    }

    async fn asks(&self, request: &Authorize) -> Body {
        self.ask(Transaction::Load, Body::Authorize(request.clone())).await
    }

    fn pin_tries(&self) -> u8 {
        let number = self.counter.bank_card.clone();
        self.counter.bank.app().store().peek(|rows| rows.bank_card(&number)).unwrap().unwrap().tries_left
    }
}

#[tokio::test]
async fn a_wrong_sms_code_is_counted_down_and_then_the_right_one_is_blocked_too() {
    let scene = Scene::begin(101).await;
    let right = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    let mut wrong = right.clone();
    with_wrong_sms(&mut wrong);
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::SmsWrong, Some(2)));
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::SmsWrong, Some(1)));
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::SmsBlocked, None));
    assert_eq!(tries_of(scene.asks(&right).await), (Outcome::SmsBlocked, None));
    scene.nothing_moved();
}

#[tokio::test]
async fn an_sms_code_is_good_for_five_minutes() {
    let scene = Scene::begin(102).await;
    let first = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    scene.counter.pass(300_000 - 1_100 - 1);
    assert!(matches!(scene.asks(&first).await, Body::Authorized(_)), "its last moment");
    let second = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    scene.counter.pass(300_000 - 1_100);
    assert_eq!(outcome_of(scene.asks(&second).await), Outcome::SmsExpired);
    scene.nothing_moved();
}

#[tokio::test]
async fn an_sms_code_is_good_once_and_none_at_all_is_as_good_as_an_old_one() {
    let scene = Scene::begin(103).await;
    let request = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    assert!(matches!(scene.asks(&request).await, Body::Authorized(_)));
    assert_eq!(outcome_of(scene.asks(&request).await), Outcome::SmsExpired);
    let none = scene.authorize_but(AMOUNT, |request| request.sms = None).await;
    assert_eq!(outcome_of(none), Outcome::SmsExpired);
    let unknown =
        scene.authorize_but(AMOUNT, |request| request.sms.as_mut().unwrap().reference[3] ^= 1).await;
    assert_eq!(outcome_of(unknown), Outcome::SmsExpired);
    scene.nothing_moved();
}

#[tokio::test]
async fn a_newer_sms_code_ends_the_older() {
    let scene = Scene::begin(104).await;
    let older = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    let reference = older.sms.as_ref().unwrap().reference;
    let end = move |unit: &mut dyn store::Unit| {
        let mut code = unit.sms_code(reference)?.unwrap();
        code.state = SmsState::Ended;
        unit.put_sms_code(&code)
    };
    scene.counter.write(end).await;
    assert_eq!(outcome_of(scene.asks(&older).await), Outcome::SmsExpired);
    scene.nothing_moved();
}

#[tokio::test]
async fn an_sms_code_is_for_one_amount_card_and_terminal_and_stays_good_there() {
    let scene = Scene::begin(105).await;
    let request = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    let another_amount = Authorize { amount: Some(Fen(5_001)), ..request.clone() };
    assert_eq!(outcome_of(scene.asks(&another_amount).await), Outcome::SmsNotForThis);
    let (asn, _) = scene.counter.active_card().await;
    let another_card = Authorize { asn, pin: scene.counter.pin(asn), ..request.clone() };
    assert_eq!(outcome_of(scene.asks(&another_card).await), Outcome::SmsNotForThis);
    let elsewhere = Authorize { pin: scene.counter.pin_at(OTHER_TERMINAL, scene.asn), ..request.clone() };
    let body = Body::Authorize(elsewhere);
    let answer = scene.ask_at(OTHER_TERMINAL, bus(), Transaction::Load, body).await.unwrap();
    assert_eq!(outcome_of(answer), Outcome::SmsNotForThis);
    assert!(matches!(scene.asks(&request).await, Body::Authorized(_)));
    scene.nothing_moved();
}

#[tokio::test]
async fn a_wrong_pin_is_counted_and_the_right_one_gives_all_tries_back() {
    let scene = Scene::begin(106).await;
    let request = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    let wrong = scene.with_pin(&request, "246811");
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::PinWrong, Some(2)));
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::PinWrong, Some(1)));
    // The SMS code was right each time, and was not used up by it.
    assert!(matches!(scene.asks(&request).await, Body::Authorized(_)));
    assert_eq!(scene.pin_tries(), 3);
    scene.nothing_moved();
}

#[tokio::test]
async fn three_wrong_pins_block_the_bank_card_until_the_bank_frees_it() {
    let scene = Scene::begin(107).await;
    let request = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    let wrong = scene.with_pin(&request, "1234");
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::PinWrong, Some(2)));
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::PinWrong, Some(1)));
    assert_eq!(tries_of(scene.asks(&wrong).await), (Outcome::PinBlocked, None));
    assert_eq!(
        tries_of(scene.asks(&request).await),
        (Outcome::PinBlocked, None),
        "not even with the right one"
    );
    scene.nothing_moved();
    scene
        .counter
        .bank
        .freeze_bank_card(Actor::command_line(), &scene.counter.bank_card, false)
        .await
        .unwrap();
    assert!(matches!(scene.asks(&request).await, Body::Authorized(_)));
}

#[tokio::test]
async fn a_pin_block_of_another_card_or_under_another_terminals_key_is_a_wrong_pin() {
    let scene = Scene::begin(108).await;
    let (another, _) = scene.counter.active_card().await;
    let of_another_card = scene.counter.pin(another);
    let answer = scene.authorize_but(AMOUNT, |request| request.pin = of_another_card).await;
    assert_eq!(tries_of(answer), (Outcome::PinWrong, Some(2)));
    let of_another_terminal = scene.counter.pin_at(OTHER_TERMINAL, scene.asn);
    let answer = scene.authorize_but(AMOUNT, |request| request.pin = of_another_terminal).await;
    assert_eq!(tries_of(answer), (Outcome::PinWrong, Some(1)));
    scene.nothing_moved();
}

#[tokio::test]
async fn the_pin_is_not_looked_at_while_the_sms_code_is_wrong() {
    let scene = Scene::begin(109).await;
    let request = scene.authorize(AMOUNT, scene.counter.sms(scene.asn, AMOUNT).await);
    for (digits, left) in [("1234", 2), ("246810", 1)] {
        let mut both_wrong = scene.with_pin(&request, digits);
        with_wrong_sms(&mut both_wrong);
        let end = end_of(scene.asks(&both_wrong).await);
        assert_eq!((end.known(), end.tries_left), (Some(Outcome::SmsWrong), Some(left)), "PIN {digits}");
        assert_eq!(scene.pin_tries(), 3);
    }
    scene.nothing_moved();
}
