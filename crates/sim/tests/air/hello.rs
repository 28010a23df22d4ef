//! Hellos: what the first ones carry, how old and repeated ones are met, and what moves a mark.

use air::card::Shown;
use air::{Factor, Frame, Kind, Outcome};
use payment::{AuthorizationState, OrderState};
use server::app::NewOrder;

use crate::books::Money;
use crate::hand::kind;
use crate::town::Town;

#[tokio::test]
async fn the_first_hello_is_full_and_says_that_it_has_no_clock_and_later_ones_are_brief() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    for (full, without_clock, answer) in
        [(true, true, Some(Kind::Clock)), (false, false, None), (false, false, None)]
    {
        town.fetch(&mut lin).await;
        let said = lin.last();
        let hello = Frame::parse(&said.frame).unwrap();
        assert_eq!((hello.kind, hello.x, hello.z), (Kind::Hello, full, without_clock));
        assert_eq!(matches!(hello.factor, Factor::Wide(_)), without_clock);
        assert_eq!(said.answer.as_deref().map(kind), answer);
        assert_eq!(lin.shown(), Some(Shown::NothingWaits));
        assert_eq!(town.link(&lin).clock_set, !without_clock);
        town.rest(&mut lin).await;
    }
    assert!(lin.world.card().clock_is_set());
}

#[tokio::test]
async fn a_hello_without_clock_is_answered_wide_by_the_order_that_waits() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    for (reset, wide) in [(false, false), (true, true)] {
        if reset {
            lin.reset();
            assert!(!lin.world.card().clock_is_set());
        }
        let order = town.order(&lin, 700).await;
        town.fetch(&mut lin).await;
        let answer = lin.last().answer.clone().unwrap();
        let transaction = Frame::parse(&answer).unwrap();
        assert_eq!(transaction.kind, Kind::Transaction);
        assert_eq!(matches!(transaction.factor, Factor::Wide(_)), wide);
        assert!(lin.world.card().clock_is_set(), "the answer to a hello sets the time");
        town.agree(&mut lin, 1).await;
        assert_eq!(town.state(order), OrderState::Paid);
        town.rest(&mut lin).await;
    }
}

#[tokio::test]
async fn a_hello_from_outside_the_window_is_told_the_time_and_the_next_one_pays() {
    for seconds in [602, -602] {
        let mut town = Town::new().await;
        let mut lin = town.known_card().await;
        town.clock_is_wrong_by(seconds);
        // Below its mark the platform would send nothing: the mark is out of the way here.
        if seconds < 0 {
            town.tamper(&format!("update link_state set downlink_mark = 1 where card = {}", lin.id.0));
        }
        let order = town.order(&lin, 2_000).await;
        let before = town.link(&lin);

        let hello = town.hello(&mut lin).await;
        lin.address = "elsewhere".into();
        let clock = town.hear(&lin, &hello).await.unwrap();
        assert_eq!(kind(&clock), Kind::Clock);
        assert_eq!(town.state(order), OrderState::AwaitingCard);
        let after = town.link(&lin);
        assert!(after.marks.downlink > before.marks.downlink, "clock and transaction share a mark");
        let mut expected = before.clone();
        expected.marks.downlink = after.marks.downlink;
        (expected.last_uplink, expected.last_answer) = (hello.clone(), clock.clone());
        assert_eq!(after, expected, "nothing else changes, the address neither");
        // Whoever replays it does not use up the factors that the card's own answers need.
        for _ in 0..100 {
            assert_eq!(town.hear(&lin, &hello).await.as_ref(), Some(&clock));
        }
        assert_eq!(town.link(&lin), after);

        // A card takes no time that lies below its own mark.
        if seconds > 0 {
            lin.world.downlink(&clock);
            town.wait(&mut lin, 500).await;
            town.agree(&mut lin, 1).await;
            assert_eq!(town.state(order), OrderState::Paid);
            assert_eq!(town.money(&lin), Money::paid(2_000));
        }
        assert_eq!(town.alarms(&lin), [""; 0]);
    }
}

#[tokio::test]
async fn the_window_is_600_seconds_wide_on_either_side() {
    for seconds in [600, -600] {
        let mut town = Town::new().await;
        let mut lin = town.known_card().await;
        // Taken at this moment by a clock that is exactly so far off, and whose own mark is not in the way.
        town.tamper(&format!("update link_state set downlink_mark = 1 where card = {}", lin.id.0));
        let order = NewOrder { lifetime_seconds: 3_600, ..town.new_order(&lin, 2_000) };
        let order = town.try_order(order).await.unwrap();
        let hello = town.hello(&mut lin).await;
        let a = Frame::parse(&hello).unwrap().factor;
        let a = a.complete(town.now().time_factor()).unwrap();
        let drift = a.seconds_after(town.now().time_factor());
        town.clock_is_wrong_by(seconds + drift);
        let answer = town.hear(&lin, &hello).await.unwrap();
        assert_eq!(kind(&answer), Kind::Transaction);
        assert_eq!(town.state(order), OrderState::Processing);
    }
}

#[tokio::test]
async fn a_repeated_hello_gets_the_same_bytes_and_does_nothing_else() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let said = lin.last().clone();
    let (asked, link, events) = (town.authorization(order), town.link(&lin), town.events(order));
    lin.address = "elsewhere".into();
    for _ in 0..3 {
        town.wait(&mut lin, 1_000).await;
        assert_eq!(town.hear(&lin, &said.frame).await, said.answer);
    }
    assert_eq!(town.authorization(order), asked);
    assert_eq!(town.link(&lin), link, "no mark, no prompt, no address moved");
    assert_eq!(town.events(order), events);
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    // Also after the end, and also where the answer was a clock or nothing.
    assert_eq!(town.hear(&lin, &said.frame).await, said.answer);
    assert_eq!(town.money(&lin), Money::paid(2_000));
    assert_eq!(town.alarms(&lin), [""; 0]);

    let mut wu = town.card().await;
    for answer in [Some(Kind::Clock), None] {
        town.fetch(&mut wu).await;
        let said = wu.last().clone();
        assert_eq!(said.answer.as_deref().map(kind), answer);
        assert_eq!(town.hear(&wu, &said.frame).await, said.answer);
        town.rest(&mut wu).await;
    }
    assert_eq!(town.alarms(&wu), [""; 0]);
}

#[tokio::test]
async fn an_old_hello_of_an_earlier_order_gets_its_own_bytes_again() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let mut hellos = Vec::new();
    for _ in 0..3 {
        town.order(&lin, 500).await;
        town.fetch(&mut lin).await;
        hellos.push(lin.last().clone());
        town.agree(&mut lin, 1).await;
        town.rest(&mut lin).await;
    }
    let (link, money) = (town.link(&lin), town.money(&lin));
    for said in &hellos {
        assert_eq!(town.hear(&lin, &said.frame).await, said.answer);
    }
    assert_eq!((town.link(&lin), town.money(&lin)), (link, money));
    assert_eq!(town.alarms(&lin), [""; 0]);
}

#[tokio::test]
async fn a_clone_at_or_below_the_mark_meets_silence_and_the_issuer_hears_of_it() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let mut clone = town.clone_of(&lin);
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut clone).await;
    assert_eq!(kind(&clone.last().frame), Kind::Hello);
    assert_eq!(clone.last().answer, None, "silence");
    assert_eq!(town.refused("not_above_mark"), 1);
    assert_eq!(town.alarms(&lin), ["possible_clone"]);
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    assert_eq!(clone.prompt(), None);

    // The card itself is not kept from paying.
    town.pay(&mut lin).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.alarms(&lin), ["possible_clone"]);
}

#[tokio::test]
async fn a_hello_that_its_successor_overtook_meets_silence() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    let slow = town.hello(&mut lin).await;
    // Longer than the card waits for an answer, and than it shows that none came.
    town.intercept(&mut lin, 25_000).await;
    town.fetch(&mut lin).await;
    let (asked, link) = (town.authorization(order), town.link(&lin));
    assert_eq!(town.hear(&lin, &slow).await, None);
    assert_eq!((town.authorization(order), town.link(&lin)), (asked, link));
    assert_eq!(town.alarms(&lin), ["possible_clone"]);
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
}

#[tokio::test]
async fn a_new_hello_makes_a_new_question_and_the_old_one_never_settles() {
    let mut town = Town::new().await;
    let mut lin = town.card_with(|_, limits| limits.answer_millis = 1_000).await;
    town.introduce(&mut lin).await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let first = town.authorization(order);
    let old_result = town.agree_unheard(&mut lin).await;

    // The card asks for its receipt by itself, then because its holder presses, and both times in vain.
    for pressed in [false, true] {
        if pressed {
            town.press(&mut lin).await;
        }
        let asked = town.intercept(&mut lin, 20_000).await;
        assert!(asked.iter().all(|frame| *frame == old_result), "the latched bytes, and no others");
        assert_eq!(lin.shown(), Some(Shown::Unknown));
    }
    town.fetch(&mut lin).await;
    let second = town.authorization(order);
    assert_ne!(second.authorization.b, first.authorization.b);
    assert_eq!(town.authorization_again(&first).authorization.state, AuthorizationState::Superseded);

    // The old result comes now: kept as evidence, and too late whatever it says.
    let receipt = town.hear(&lin, &old_result).await.unwrap();
    assert_eq!(kind(&receipt), Kind::Receipt);
    let first = town.authorization_again(&first);
    assert_eq!(first.authorization.state, AuthorizationState::Answered(Outcome::TooLate));
    assert_eq!(first.evidence.result, old_result);
    assert_eq!(town.state(order), OrderState::Processing);
    assert_eq!(town.money(&lin), Money::waits(2_000));

    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.hear(&lin, &old_result).await, Some(receipt), "the receipt of each B is kept");
    assert_eq!(town.money(&lin), Money::paid(2_000));
    assert_eq!(town.transfers(), [0, 2, 0, 0], "one funding, one payment");
    town.audit_the_books();
}
