//! An order goes to a card that listens, where it was last heard, and nowhere else.

use crate::Coast;
use crate::radio::{ACK, CHANGED, CON, Message, POST, Radio, message};
use crate::town::hand::Hand;
use crate::town::{Town, Wish};

/// A card that listens and whose clock is known to be set.
async fn listening(coast: &mut Coast) -> (Hand, Radio) {
    let mut card = coast.town.card(Wish { listens: true, ..Wish::default() }).await;
    let mut radio = coast.radio().await;
    let clock = radio.say(&card.press()).await;
    card.hear(&clock);
    assert_eq!(radio.say(&card.press()).await, b"");
    card.nothing_waits();
    (card, radio)
}

fn is_push(request: &Message) -> bool {
    (request.kind, request.code) == (CON, POST) && request.options == [(11, b"cf".to_vec()), (12, vec![42])]
}

/// Waits until a downlink has fared so.
async fn downlink(town: &Town, radio: &mut Radio, outcome: &str) {
    // What the radio sent before its ping has been dealt with when the ping is back.
    radio.settled().await;
    assert_eq!(town.counted("downlinks", outcome), 1, "{:?}", town.counts("downlinks"));
}

#[tokio::test]
async fn an_order_is_pushed_to_where_its_card_was_last_heard_and_paid() {
    let mut coast = Coast::open().await;
    let (mut card, old) = listening(&mut coast).await;
    // The network gives the card another address; a status says so.
    let mut radio = coast.radio().await;
    assert_eq!(radio.say(&card.status()).await, b"");
    let order = coast.town.order(card.id, 2_000).await;
    let push = radio.receive().await;
    assert!(is_push(&push), "{push:?}");
    card.hear(&push.payload);
    assert!(card.is_lit());
    radio.take(&push).await;
    downlink(&coast.town, &mut radio, "acknowledged").await;
    let receipt = radio.say(&card.agree(1)).await;
    card.hear(&receipt);
    assert!(card.is_green());
    assert_eq!(coast.town.state(order), "paid");
    assert_eq!(old.arrived(), None);
    assert_eq!(coast.town.counted("downlinks", "sent"), 1);
}

#[tokio::test]
async fn a_card_that_observes_gets_its_push_as_a_notification_and_one_that_ends_it_is_asked() {
    const GET: u8 = 1;
    const CONTENT: u8 = 0x45;
    let mut coast = Coast::open().await;
    let (mut card, mut radio) = listening(&mut coast).await;
    // Observe 0, before Uri-Path `cf`.
    radio.send(&message(CON, GET, 77, b"ob", b"\x60\x52cf", &[])).await;
    let registered = radio.receive().await;
    assert_eq!((registered.kind, registered.code), (ACK, CONTENT));
    assert!(registered.options.iter().any(|(number, _)| *number == 6), "{registered:?}");
    // Whoever else observes hears nothing.
    let thief = coast.radio().await;
    thief.send(&message(CON, GET, 78, b"th", b"\x60\x52cf", &[])).await;
    assert_eq!(thief.receive().await.code, CONTENT);
    coast.town.order(card.id, 2_000).await;
    let push = radio.receive().await;
    assert_eq!((push.kind, push.code, push.token.as_slice()), (CON, CONTENT, &b"ob"[..]));
    radio.acknowledge(&push).await;
    downlink(&coast.town, &mut radio, "acknowledged").await;
    card.hear(&push.payload);
    // Observe 1 ends it.
    radio.send(&message(CON, GET, 79, b"ob", b"\x61\x01\x52cf", &[])).await;
    assert_eq!(radio.receive().await.kind, ACK);
    let receipt = radio.say(&card.agree(1)).await;
    card.hear(&receipt);
    assert!(card.is_green());
    coast.town.order(card.id, 3_000).await;
    let push = radio.receive().await;
    assert!(is_push(&push), "{push:?}");
    assert_eq!(thief.arrived(), None);
}

#[tokio::test]
async fn a_frame_that_proves_nothing_moves_no_address() {
    let mut coast = Coast::open().await;
    let (mut card, radio) = listening(&mut coast).await;
    let mut thief = coast.radio().await;
    // A forged hello, a forged status, and the card's own frames as they were overheard.
    let status = card.status();
    let mut home = radio;
    assert_eq!(home.say(&status).await, b"");
    let mut forged = status.clone();
    *forged.last_mut().unwrap() ^= 1;
    for frame in [forged, status] {
        assert_eq!(thief.say(&frame).await, b"");
    }
    let heard = coast.town.app.store().peek(|rows| rows.link_state(card.id)).unwrap();
    assert_eq!(heard.address, Some(format!("coap:{}", home.address())));
    coast.town.order(card.id, 2_000).await;
    let push = home.receive().await;
    assert!(is_push(&push));
    home.take(&push).await;
    downlink(&coast.town, &mut home, "acknowledged").await;
    assert_eq!(thief.arrived(), None);
}

#[tokio::test]
async fn a_card_that_does_not_listen_or_knows_no_time_is_not_pushed_to() {
    let mut coast = Coast::open().await;
    let mut deaf = coast.town.card(Wish { holder: 1, ..Wish::default() }).await;
    let mut timeless = coast.town.card(Wish { holder: 2, listens: true, ..Wish::default() }).await;
    let mut never_heard = coast.town.card(Wish { holder: 3, listens: true, ..Wish::default() }).await;
    let mut radio = coast.radio().await;
    let clock = radio.say(&deaf.press()).await;
    deaf.hear(&clock);
    assert_eq!(radio.say(&deaf.press()).await, b"");
    // It was told the time, but has not said since that it knows it.
    radio.say(&timeless.press()).await;
    for card in [&deaf, &timeless, &never_heard] {
        coast.town.order(card.id, 2_000).await;
    }
    radio.settled().await;
    // Those that listen wait to be heard.
    assert_eq!(coast.town.counts("downlinks"), [("queued".to_owned(), 2)].into());
    // The order waits for the card to ask.
    let transaction = radio.say(&never_heard.press()).await;
    never_heard.hear(&transaction);
    assert!(never_heard.is_lit());
}

#[tokio::test]
async fn a_push_that_nobody_takes_is_counted_and_its_order_waits() {
    let mut coast = Coast::open().await;
    let (mut card, mut radio) = listening(&mut coast).await;
    let order = coast.town.order(card.id, 2_000).await;
    let push = radio.receive().await;
    radio.send(&[0x70, 0, (push.mid >> 8) as u8, push.mid as u8]).await;
    downlink(&coast.town, &mut radio, "failed").await;
    // The holder presses: the order is fetched anew.
    let transaction = radio.say(&card.press()).await;
    card.hear(&transaction);
    let receipt = radio.say(&card.agree(1)).await;
    card.hear(&receipt);
    assert_eq!(coast.town.state(order), "paid");
}

#[tokio::test]
async fn the_next_order_is_pushed_when_the_one_before_has_ended() {
    let mut coast = Coast::open().await;
    let (mut card, mut radio) = listening(&mut coast).await;
    let first = coast.town.order(card.id, 2_000).await;
    coast.town.pass(1);
    let second = coast.town.order(card.id, 3_000).await;
    let push = radio.receive().await;
    radio.take(&push).await;
    card.hear(&push.payload);
    radio.settled().await;
    assert_eq!(coast.town.counted("downlinks", "sent"), 1, "one open question a card");

    let request = radio.posted(&card.agree(1));
    radio.send(&request).await;
    // Receipt and next question may overtake each other.
    let (one, other) = (radio.receive().await, radio.receive().await);
    let (receipt, push) = if is_push(&one) { (other, one) } else { (one, other) };
    assert_eq!((receipt.kind, receipt.code), (ACK, CHANGED));
    radio.take(&push).await;
    card.hear(&receipt.payload);
    card.hear(&push.payload);
    let receipt = radio.say(&card.agree(1)).await;
    card.hear(&receipt);
    assert_eq!([first, second].map(|order| coast.town.state(order)), ["paid", "paid"]);
}

#[tokio::test]
async fn an_answer_to_a_push_must_be_an_answer_to_it() {
    let mut coast = Coast::open().await;
    let (card, mut radio) = listening(&mut coast).await;
    coast.town.order(card.id, 2_000).await;
    let push = radio.receive().await;
    radio.send(&message(ACK, CHANGED, push.mid, b"wrong", &[], &[])).await;
    radio.settled().await;
    assert_eq!(coast.town.counts("datagrams_refused"), [("token_mismatch".to_owned(), 1)].into());
    assert_eq!(coast.town.counted("downlinks", "acknowledged"), 0);
    // An answer with a critical option that nobody knows ends it.
    radio.send(&message(ACK, CHANGED, push.mid, &push.token, b"\x90", &[])).await;
    downlink(&coast.town, &mut radio, "failed").await;
    assert_eq!(coast.town.counted("datagrams_refused", "response_option"), 1);
}
