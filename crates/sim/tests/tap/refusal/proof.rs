//! What a card says after the bank said yes: TACs, refused MAC2, reports that come twice or from nowhere.

use model::OnlineCounter;
use tap::{
    Body, CardAnswer, CommandList, ListEnding, Outcome, Outputs, Reference, RefusalCode, StatusWord,
    Transaction,
};

use crate::counter::{OTHER_TERMINAL, Plan, TERMINAL, bus};
use crate::scene::{AMOUNT, LOADED, SET_ASIDE, Scene, end_of, list_of, outcome_of, spoil};

/// The one answer of a list that did all of it.
fn said(list: &CommandList, data: &[u8]) -> Outputs {
    let output = CardAnswer::Said { data: data.to_vec(), status: StatusWord::DONE };
    Outputs { reference: list.reference, list: list.list, outputs: vec![output], ending: ListEnding::Done }
}

impl Scene {
    /// Nothing is lost: the next tap finds out that the card took it, and the books agree with the card.
    async fn the_next_tap_ends_it(&mut self) {
        assert_eq!(self.counter.money(), SET_ASIDE);
        assert_eq!(self.finish().await, Outcome::Loaded);
        assert_eq!((self.counter.money(), self.wallet.balance()), (LOADED, AMOUNT));
        assert!(self.counter.unfinished(self.asn).is_none());
    }
}

#[tokio::test]
async fn a_wrong_tac_proves_nothing_and_the_next_tap_decides() {
    let mut scene = Scene::begin(501).await;
    let (mut held, list) = scene.begin_load().await;
    let mut outputs = held.run(&list);
    let CardAnswer::Said { data: tac, .. } = &mut outputs.outputs[0] else { panic!("gone") };
    spoil(tac);
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::TacWrong);
    assert_eq!(outcome_of(scene.outputs(&said(&list, &[])).await), Outcome::TacWrong, "none");
    assert_eq!(outcome_of(scene.outputs(&said(&list, &[0; 5])).await), Outcome::TacWrong, "too long");
    assert_eq!(scene.counter.alarms(scene.asn), ["tac_wrong"]);
    scene.the_next_tap_ends_it().await;
}

#[tokio::test]
async fn the_tac_of_another_load_of_this_card_or_of_another_card_proves_nothing() {
    let mut scene = Scene::begin(502).await;
    let (mut held, list) = scene.begin_load().await;
    let of_the_first = held.run(&list).outputs;
    let mut other = Scene { asn: scene.asn, wallet: scene.wallet.clone(), counter: scene.counter };
    (other.asn, other.wallet) = other.counter.active_card().await;
    let (mut held, list) = other.begin_load().await;
    let of_another_card = held.run(&list).outputs;
    assert_eq!(other.finish().await, Outcome::Loaded);
    scene.counter = other.counter;

    assert_eq!(scene.finish().await, Outcome::Loaded);
    let before = scene.counter.money();
    let (_, list) = scene.begin_load().await;
    for foreign in [of_the_first, of_another_card] {
        let outputs = said(&list, foreign[0].data());
        assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::TacWrong);
        let now = scene.counter.money();
        assert_eq!((now.debited, now.set_aside), (before.debited, 5_000), "open, and not posted");
    }
    assert_eq!(scene.counter.alarms(scene.asn), ["tac_wrong"]);
    assert_eq!(scene.finish().await, Outcome::Loaded);
    let after = scene.counter.money();
    assert_eq!((after.debited, after.set_aside), (before.debited + 5_000, 0));
    assert_eq!(scene.wallet.balance().0, 10_000);
}

#[tokio::test]
async fn a_mac2_that_the_card_does_not_accept_is_told_and_the_next_tap_brings_a_new_one() {
    let mut scene = Scene::begin(503).await;
    let (mut held, list) = scene.begin_load().await;
    let mut spoiled = list.clone();
    // Before the last byte, which is how much the card shall answer, stands MAC2.
    let apdu = &mut spoiled.commands[0].apdu;
    let place = apdu.len() - 2;
    apdu[place] ^= 1;
    let outputs = held.run(&spoiled);
    assert_eq!(outputs.outputs[0].status(), Some(StatusWord::MAC_INVALID));
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::Mac2Refused);
    assert_eq!(scene.counter.alarms(scene.asn), ["mac2_refused"]);
    assert_eq!(scene.wallet.balance().0, 0);
    // The right one is too late: it was good for that one INITIALIZE.
    let outputs = held.run(&list);
    assert_eq!(outputs.outputs[0].status(), Some(StatusWord::NOT_NOW));
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::PaidNotWritten);
    scene.the_next_tap_ends_it().await;
}

#[tokio::test]
async fn a_report_that_comes_again_after_the_end_is_loaded_and_changes_nothing() {
    let mut scene = Scene::begin(504).await;
    let (mut held, list) = scene.begin_load().await;
    let outputs = held.run(&list);
    let first = end_of(scene.outputs(&outputs).await);
    assert_eq!((first.known(), first.balance), (Some(Outcome::Loaded), Some(AMOUNT)));
    let stored = scene.counter.stored_loads(scene.asn);
    scene.counter.kill();
    let wrong = said(&list, &[1, 2, 3, 4]);
    let gone = Outputs { outputs: vec![CardAnswer::Gone], ending: ListEnding::CardGone, ..outputs.clone() };
    for again in [outputs, wrong, gone] {
        let end = end_of(scene.outputs(&again).await);
        assert_eq!((end.known(), end.reference), (Some(Outcome::Loaded), Some(list.reference)));
    }
    assert_eq!(scene.counter.stored_loads(scene.asn), stored);
    assert_eq!(scene.counter.alarms(scene.asn), [""; 0]);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn a_report_about_no_load_or_no_list_is_malformed() {
    let mut scene = Scene::begin(505).await;
    let (mut held, list) = scene.begin_load().await;
    let outputs = held.run(&list);
    let unknown = Outputs { reference: Reference([9; 16]), ..outputs.clone() };
    // No end: a terminal that heard one would forget what the card said.
    let refused = scene.ask_at(TERMINAL, bus(), Transaction::Load, Body::Outputs(unknown)).await;
    assert_eq!(refused.map_err(|refused| refused.code), Err(RefusalCode::MalformedMessage));
    for number in [0, 4, 255] {
        let no_list = Outputs { list: number, ..outputs.clone() };
        assert_eq!(outcome_of(scene.outputs(&no_list).await), Outcome::Malformed, "list {number}");
    }
    scene.the_next_tap_ends_it().await;
}

#[tokio::test]
async fn a_report_that_says_nothing_certain_changes_nothing() {
    let mut scene = Scene::begin(506).await;
    let (_, list) = scene.begin_load().await;
    let credit = Outputs {
        reference: list.reference,
        list: list.list,
        outputs: vec![CardAnswer::Gone],
        ending: ListEnding::CardGone,
    };
    let empty = Outputs { outputs: Vec::new(), ending: ListEnding::Done, ..credit.clone() };
    for list in [1, 2] {
        for outputs in [&credit, &empty] {
            let outputs = Outputs { list, ..outputs.clone() };
            assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::PaidNotWritten);
        }
    }
    scene.the_next_tap_ends_it().await;
}

#[tokio::test]
async fn the_tac_may_be_reported_by_whichever_terminal_heard_it() {
    let scene = Scene::begin(507).await;
    let (mut held, list) = scene.begin_load().await;
    let body = Body::Outputs(held.run(&list));
    let answer = scene.ask_at(OTHER_TERMINAL, bus(), Transaction::Load, body).await.unwrap();
    assert_eq!(outcome_of(answer), Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}

#[tokio::test]
async fn the_last_load_of_a_card_that_nobody_heard_of_is_proven_by_the_card() {
    let last_but_one = |image: &mut tap::card::WalletImage| image.memory.online = OnlineCounter(u16::MAX - 1);
    let mut scene = Scene::begin_as(Plan::of(508), last_but_one).await;
    let (mut held, list) = scene.begin_load().await;
    held.run(&list);
    drop(held);
    // Its counter is at its end: it initializes no more, but it still proves what it took.
    scene.the_next_tap_ends_it().await;
}

#[tokio::test]
async fn a_counter_at_its_end_without_a_proof_is_in_doubt() {
    let last_but_one = |image: &mut tap::card::WalletImage| image.memory.online = OnlineCounter(u16::MAX - 1);
    let mut scene = Scene::begin_as(Plan::of(509), last_but_one).await;
    let _torn = scene.begin_load().await;
    scene.forge(|image| image.memory.online = OnlineCounter(u16::MAX));
    assert_eq!(scene.finish().await, Outcome::InDoubt);
    assert_eq!(scene.counter.money(), SET_ASIDE);
    let open = scene.counter.unfinished(scene.asn).unwrap();
    assert_eq!(open.note.as_deref(), Some("the card's counter is at its end"));
}

#[tokio::test]
async fn an_order_of_the_second_attempt_credits_and_the_first_is_dead() {
    let scene = Scene::begin(510).await;
    let (mut first_tap, first) = scene.begin_load().await;
    let (mut second_tap, probe) = scene.probe().await;
    let second = list_of(scene.outputs(&second_tap.run(&probe)).await);
    assert_ne!(first.commands, second.commands);
    let outputs = second_tap.run(&second);
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::Loaded);
    let dead = first_tap.run(&first);
    assert_eq!(dead.outputs[0].status(), Some(StatusWord::NOT_NOW));
    assert_eq!(outcome_of(scene.outputs(&dead).await), Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}
