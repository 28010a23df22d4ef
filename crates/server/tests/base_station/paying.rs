//! A card pays over UDP, and repeats itself as radio does.

use crate::radio::{ACK, CON, EMPTY, NON, POST, message};
use crate::town::{Town, Wish};
use crate::{Coast, hasty};

#[tokio::test]
async fn a_card_fetches_its_order_and_pays() {
    let mut coast = Coast::open().await;
    for (holder, suite) in
        [(1, crypto::Suite::Aes128Eax), (2, crypto::Suite::Sm4Eax), (3, crypto::Suite::Aes128Ccm)]
    {
        let mut card = coast.town.card(Wish { holder, suite, ..Wish::default() }).await;
        let mut radio = coast.radio().await;
        let order = coast.town.order(card.id, 2_000).await;
        let transaction = radio.say(&card.press()).await;
        card.hear(&transaction);
        assert!(card.is_lit());
        assert_eq!(coast.town.state(order), "processing");
        let receipt = radio.say(&card.agree(1)).await;
        card.hear(&receipt);
        assert!(card.is_green());
        assert_eq!(coast.town.state(order), "paid");
    }
    assert_eq!(coast.town.counts("frames_refused"), [].into());
    assert_eq!(coast.town.counts("datagrams_refused"), [].into());
}

#[tokio::test]
async fn a_card_for_which_nothing_waits_is_told_so_by_an_empty_answer() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    // The first hello has no clock, and is answered with the time.
    let clock = radio.say(&card.press()).await;
    card.hear(&clock);
    assert_eq!(radio.say(&card.press()).await, b"");
}

#[tokio::test]
async fn a_refusal_and_a_wrong_number_settle_nothing() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish { has_display: false, ..Wish::default() }).await;
    let mut radio = coast.radio().await;
    for state in ["refused_by_holder", "wrong_presses"] {
        let order = coast.town.order(card.id, 2_000).await;
        let transaction = radio.say(&card.press()).await;
        card.hear(&transaction);
        let result = if state == "wrong_presses" { card.agree(1) } else { card.refuse() };
        let receipt = radio.say(&result).await;
        card.hear(&receipt);
        assert!(card.is_red());
        assert_eq!(coast.town.state(order), state);
    }
}

#[tokio::test]
async fn a_repeated_message_gets_the_same_bytes_and_has_one_effect() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    let mut radio = coast.radio().await;
    let order = coast.town.order(card.id, 2_000).await;

    let hello = card.press();
    let request = radio.posted(&hello);
    let first = ask_twice(&radio, &request).await;
    card.hear(&first);
    let result = card.agree(1);
    let request = radio.posted(&result);
    let receipt = ask_twice(&radio, &request).await;
    card.hear(&receipt);
    assert!(card.is_green());
    assert_eq!(coast.town.state(order), "paid");

    // The same frames in new messages, from another address: the same answers, and nothing happens.
    let mut elsewhere = coast.radio().await;
    assert_eq!(elsewhere.say(&hello).await, first);
    assert_eq!(elsewhere.say(&result).await, receipt);
    assert_eq!(coast.town.counts("payments"), [("paid".to_owned(), 1)].into());
    let events = coast.town.app.store().peek(|rows| rows.events_of_order(order, 0)).unwrap();
    assert_eq!(events.len(), 3, "made, asked, paid");
}

/// Sends the same datagram twice; the payload of the two equal answers.
async fn ask_twice(radio: &crate::radio::Radio, request: &[u8]) -> Vec<u8> {
    radio.send(request).await;
    let first = radio.answer().await;
    radio.send(request).await;
    assert_eq!(radio.answer().await.bytes, first.bytes);
    first.payload
}

#[tokio::test]
async fn an_answer_that_takes_long_is_acknowledged_first_and_sent_after() {
    let mut coast = Coast::with(Town::open().await, hasty()).await;
    let mut card = coast.town.card(Wish::default()).await;
    coast.town.order(card.id, 2_000).await;
    let mut radio = coast.radio().await;
    let hold = coast.town.hold_writer().await;
    let request = radio.posted(&card.press());
    radio.send(&request).await;
    let acknowledged = radio.receive().await;
    assert_eq!((acknowledged.kind, acknowledged.code), (ACK, EMPTY));
    assert_eq!(acknowledged.bytes[2..], request[2..4]);
    drop(hold);
    let answer = radio.receive().await;
    assert_eq!((answer.kind, &answer.token[..]), (CON, &request[4..6]));
    radio.acknowledge(&answer).await;
    card.hear(&answer.payload);
    assert!(card.is_lit());
}

#[tokio::test]
async fn a_frame_that_was_sent_once_is_answered_once() {
    let mut coast = Coast::open().await;
    let mut card = coast.town.card(Wish::default()).await;
    coast.town.order(card.id, 2_000).await;
    let mut radio = coast.radio().await;
    let (mid, token) = radio.fresh();
    radio.send(&message(NON, POST, mid, &token, b"\xb2cf", &card.press())).await;
    let answer = radio.receive().await;
    assert_eq!((answer.kind, &answer.token[..]), (NON, &token[..]));
    card.hear(&answer.payload);
    assert!(card.is_lit());
}

#[tokio::test]
async fn a_flood_from_one_peer_is_refused_by_name_and_another_still_pays() {
    let mut coast = Coast::with(Town::open().await, hasty()).await;
    let mut loud = coast.town.card(Wish { holder: 1, ..Wish::default() }).await;
    let mut quiet = coast.town.card(Wish { holder: 2, ..Wish::default() }).await;
    let order = coast.town.order(quiet.id, 2_000).await;
    let (mut flooding, mut paying) = (coast.radio().await, coast.radio().await);
    let hello = loud.press();
    let hold = coast.town.hold_writer().await;
    // Eight are in hand; no more of one peer's are taken.
    for _ in 0..20 {
        let request = flooding.posted(&hello);
        flooding.send(&request).await;
    }
    for _ in 0..8 {
        let acknowledged = flooding.receive().await;
        assert_eq!((acknowledged.kind, acknowledged.code), (ACK, EMPTY));
    }
    let request = paying.posted(&quiet.press());
    paying.send(&request).await;
    assert_eq!(paying.receive().await.code, EMPTY, "taken in hand, after all of the flood");
    assert_eq!(coast.town.counts("datagrams_refused"), [("peer_flood".to_owned(), 12)].into());
    drop(hold);
    let answer = paying.answer().await;
    quiet.hear(&answer.payload);
    let receipt = paying.say(&quiet.agree(1)).await;
    quiet.hear(&receipt);
    assert!(quiet.is_green());
    assert_eq!(coast.town.state(order), "paid");
}

#[tokio::test]
async fn more_than_can_be_in_hand_is_refused_by_name() {
    let config = coap::Config { exchanges_total: 2, ..hasty() };
    let mut coast = Coast::with(Town::open().await, config).await;
    let mut card = coast.town.card(Wish::default()).await;
    let hello = card.press();
    let hold = coast.town.hold_writer().await;
    for _ in 0..2 {
        let mut radio = coast.radio().await;
        let request = radio.posted(&hello);
        radio.send(&request).await;
        assert_eq!(radio.receive().await.code, EMPTY);
    }
    let mut third = coast.radio().await;
    let request = third.posted(&hello);
    third.send(&request).await;
    third.settled().await;
    assert_eq!(coast.town.counts("datagrams_refused"), [("exchanges_full".to_owned(), 1)].into());
    drop(hold);
}
