//! Wrong codes and unknown channels: sent back to S1, three times, at a limited rate, and no lock for anybody.

use air::card::{Light, Shown};
use air::{Frame, Kind, retry_frame};
use model::UnixMillis;
use payment::OrderState;
use server::Rules;

use crate::books::Money;
use crate::hand::Hand;
use crate::keys::{master, transport};
use crate::town::{Town, channel};

fn form(frame: &[u8]) -> (bool, bool) {
    let hello = Frame::parse(frame).unwrap();
    assert_eq!(hello.kind, Kind::Hello);
    (hello.x, hello.z)
}

#[tokio::test]
async fn a_card_whose_code_is_wrong_starts_again_three_times_and_then_gives_up() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    // The platform has the card's next key, and the card does not: every code of the old one is wrong.
    town.app().reinject_card(lin.id, master(), transport()).await.unwrap();
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    assert_eq!(lin.light(), Light::Working);
    town.wait(&mut lin, 11_000).await;
    let retry = Some(retry_frame(lin.link.suite).to_vec());
    assert!(lin.said.iter().all(|said| said.answer == retry));
    let forms: Vec<(bool, bool)> = lin.said.iter().map(|said| form(&said.frame)).collect();
    // Brief; full and wide; then without a clock to be trusted.
    assert_eq!(forms, [(false, false), (true, false), (true, true), (true, true)]);
    assert_eq!(lin.shown(), Some(Shown::SentBack));
    assert_eq!(town.refused("wrong_code"), 4);
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    assert_eq!(town.money(&lin), Money::waits(2_000));
}

#[tokio::test]
async fn a_card_that_was_sent_back_pays_in_the_same_press() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    // What the platform holds is not what the card holds, for a moment.
    let (number, id) = (lin.information.number.digits(), lin.id.0);
    town.tamper(&format!("update card set certificate = certificate + 1 where id = {id}"));
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    assert_eq!(lin.talk(), [(Kind::Hello, Some(Kind::Retry))]);
    town.tamper(&format!("update card set certificate = certificate - 1 where number = {number}"));
    town.wait(&mut lin, 500).await;
    assert_eq!(form(&lin.last().frame), (true, false));
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
}

#[tokio::test]
async fn an_unknown_channel_looks_like_a_wrong_code() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let hello = town.hello(&mut lin).await;
    let retry = Some(retry_frame(lin.link.suite).to_vec());
    let mut wrong = hello.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(town.hear(&lin, &wrong).await, retry);
    let mut unknown = hello.clone();
    unknown[2..11].copy_from_slice(&channel(0x7777).to_bytes());
    assert_eq!(town.hear(&lin, &unknown).await, retry);
    assert_eq!([town.refused("wrong_code"), town.refused("unknown_channel")], [1, 1]);
}

#[tokio::test]
async fn a_source_is_sent_back_so_often_a_minute_and_no_other_pays_for_it() {
    let mut town = Town::with(Rules { retries_per_minute: 5, ..Rules::default() }).await;
    let (mut loud, quiet) = (town.known_card().await, town.card().await);
    let wrong = wrong_hello(&mut town, &mut loud).await;
    for round in 0..2 {
        for turn in 0..20 {
            let answered = town.hear(&loud, &wrong).await.is_some();
            assert_eq!(answered, turn < 5, "round {round}, turn {turn}");
        }
        assert!(town.hear(&quiet, &wrong).await.is_some());
        town.wait(&mut loud, 60_000).await;
    }
    assert_eq!(town.refused("retry_limit"), 30);
    assert_eq!(town.refused("wrong_code"), 42);

    // A clock that goes back does not keep a source waiting until it has caught up.
    town.clock_is_wrong_by(-3_600);
    assert!(town.hear(&loud, &wrong).await.is_some());
}

#[tokio::test]
async fn a_right_code_passes_through_a_flood_of_wrong_ones() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    let wrong = wrong_hello(&mut town, &mut lin).await;
    // The card gave up on the hello that came to nothing.
    town.intercept(&mut lin, 22_000).await;
    for junk in 0_u32..2_000 {
        let mut wrong = wrong.clone();
        let end = wrong.len() - 4;
        wrong[end..].copy_from_slice(&junk.to_be_bytes());
        town.hear(&lin, &wrong).await;
    }
    assert!(town.refused("retry_limit") > 1_900);
    town.fetch(&mut lin).await;
    assert_eq!(town.state(order), OrderState::Processing);
    let wrong_result = wrong_result(&lin);
    for _ in 0..500 {
        assert_eq!(town.hear(&lin, &wrong_result).await, None);
    }
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
}

#[tokio::test]
async fn a_card_that_lost_its_marks_pays_under_its_next_key() {
    let mut town = Town::new().await;
    let lin = town.known_card().await;
    let issued = town.app().reinject_card(lin.id, master(), transport()).await.unwrap();
    let mut again = town.hand(&issued, lin.limits.clone(), 1);
    let order = town.order(&again, 2_000).await;
    town.pay(&mut again).await;
    assert_eq!(Frame::parse(&again.said[0].frame).unwrap().key_version.get(), 2);
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.alarms(&again), ["reinjected"]);
    crate::payment::replay(&town, order);
}

async fn wrong_hello(town: &mut Town, hand: &mut Hand) -> Vec<u8> {
    let mut wrong = town.hello(hand).await;
    *wrong.last_mut().unwrap() ^= 1;
    wrong
}

/// A result of this card's channel under no B that it was ever asked with.
fn wrong_result(hand: &Hand) -> Vec<u8> {
    let mut frame = vec![0x40 | 3 << 3 | hand.link.suite.number(), 0x18];
    frame.extend(hand.link.channel.to_bytes());
    let asked = Frame::parse(hand.last().answer.as_ref().unwrap()).unwrap();
    let b = asked.factor.complete(UnixMillis(1_795_199_488_000).time_factor()).unwrap();
    frame.extend(b.narrow().to_be_bytes());
    frame.extend([0; 10]);
    assert_eq!(Frame::parse(&frame).unwrap().kind, Kind::Result);
    frame
}
