//! The ordinary way, the ways around it, and what must be on the disk before anything is sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use air::card::{Edge, Light, Shown};
use air::{Frame, Kind, Outcome};
use coap::Code;
use model::Decision;
use sim::{CardImage, CardStopped, Direction, FlashFile, Halt, OwnedScreen, SoftwareCard};

use crate::platform::{Mode, breakfast, with_text};
use crate::{card, heard, options, platform, soon};

const UP: Direction = Direction::Up;
const DOWN: Direction = Direction::Down;

#[tokio::test]
async fn a_press_pays_twice_as_briefly_the_second_time() {
    let platform = platform().await;
    platform.order(with_text("早餐 breakfast"), 2);
    let card = card(&platform, |_, _| {}).await;
    let mut stream = card.subscribe_frames();
    soon(card.press(1)).await.unwrap();
    let lit = soon(card.prompted()).await.unwrap();
    let OwnedScreen::Prompt { transaction, .. } = &lit.screen else { panic!("{lit:?}") };
    assert_eq!(transaction, &with_text("早餐 breakfast"));
    assert!(lit.clock_set);
    soon(card.press(2)).await.unwrap();
    let green = soon(card.until(|state| state.light == Light::Green)).await.unwrap();
    assert_eq!(green.screen, OwnedScreen::Notice(Shown::Receipt(Outcome::Settled)));
    assert_eq!(platform.decisions(), [Decision::Agreed { presses: 2 }]);
    assert_eq!(stream.recv().await.unwrap().kind, Some(Kind::Hello));
    let first = heard(&card);
    assert_eq!(first[0], (UP, Kind::Hello, 55));
    assert_eq!(first.len(), 4);

    platform.order(breakfast(), 1);
    soon(card.press(1)).await.unwrap();
    soon(card.prompted()).await.unwrap();
    soon(card.press(1)).await.unwrap();
    soon(card.until(|state| state.light == Light::Green && state.frames == 8)).await.unwrap();
    // 67 bytes for hello, transaction and result where both uplinks carry the channel id.
    assert_eq!(
        heard(&card)[4..],
        [
            (UP, Kind::Hello, 21),
            (DOWN, Kind::Transaction, 23),
            (UP, Kind::Result, 23),
            (DOWN, Kind::Receipt, 13)
        ]
    );
    card.set_battery(150).await.unwrap();
    card.send_status(0x0102).await.unwrap();
    soon(card.until(|state| state.frames == 9)).await.unwrap();
    assert_eq!(card.view().battery, 150);
    card.stop().await;
    assert_eq!(card.view().halted, Some(Halt::SwitchedOff));
    assert_eq!(card.key(Edge::Down).await, Err(CardStopped(Halt::SwitchedOff)));
}

#[tokio::test]
async fn what_a_frame_depends_on_is_on_the_disk_before_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lin.json");
    let platform = platform().await;
    platform.order(breakfast(), 1);
    platform.shared().cards[0].image().save(&path).unwrap();
    let image = CardImage::load(&path).unwrap();
    let (memory, link) = (CardImage::flash_path(&path), image.link());
    FlashFile::create(&memory, &link).unwrap();

    let seen = Arc::new(Mutex::new(Vec::new()));
    let (notes, at) = (Arc::clone(&seen), memory.clone());
    platform.shared().hook = Some(Box::new(move |bytes| {
        let (frame, disk) = (Frame::parse(bytes).unwrap(), FlashFile::peek(&at, &link).unwrap());
        let durable = match frame.kind {
            Kind::Hello => {
                let mark = disk.uplink_mark.unwrap();
                frame.factor.complete(mark).is_some_and(|factor| factor <= mark)
            }
            _ => disk.latched.is_some_and(|latched| latched.frame == bytes),
        };
        notes.lock().unwrap().push((frame.kind, frame.z, durable));
    }));
    let flash = FlashFile::open(&memory, &link).unwrap();
    let card = SoftwareCard::start(image.clone(), flash, options(&platform)).await.unwrap();
    soon(card.press(1)).await.unwrap();
    soon(card.prompted()).await.unwrap();
    soon(card.press(1)).await.unwrap();
    soon(card.until(|state| state.light == Light::Green)).await.unwrap();
    card.stop().await;

    // Off and on: it goes on above the mark, says that its clock is not set, and needs no full hello.
    let mark = FlashFile::peek(&memory, &link).unwrap().uplink_mark.unwrap();
    let flash = FlashFile::open(&memory, &link).unwrap();
    let card = SoftwareCard::start(image, flash, options(&platform)).await.unwrap();
    soon(card.press(1)).await.unwrap();
    let state = soon(card.until(|state| state.light == Light::Amber)).await.unwrap();
    assert_eq!(state.screen, OwnedScreen::Notice(Shown::NothingWaits));
    let hello = card.frames()[0].bytes.clone();
    let hello = Frame::parse(&hello).unwrap();
    assert!(!hello.x);
    assert_eq!(hello.factor.complete(mark), mark.next());
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen, [(Kind::Hello, true, true), (Kind::Result, false, true), (Kind::Hello, true, true)]);
}

#[tokio::test]
async fn a_card_that_is_sent_back_greets_in_full() {
    let platform = platform().await;
    platform.order(breakfast(), 1);
    platform.mode(Mode::Retry);
    let card = card(&platform, |_, _| {}).await;
    soon(card.press(1)).await.unwrap();
    soon(card.until(|state| state.light == Light::Prompt)).await.unwrap();
    let kinds = heard(&card);
    assert_eq!(kinds[1], (DOWN, Kind::Retry, 2));
    assert_eq!(kinds[2], (UP, Kind::Hello, 55));
}

#[tokio::test]
async fn an_answer_may_come_in_a_message_of_its_own() {
    let platform = platform().await;
    platform.order(breakfast(), 1);
    platform.mode(Mode::Slowly);
    let card = card(&platform, |_, _| {}).await;
    soon(card.press(1)).await.unwrap();
    soon(card.prompted()).await.unwrap();
    soon(card.hold(Duration::from_millis(1_550))).await.unwrap();
    let red = soon(card.until(|state| state.light == Light::Red)).await.unwrap();
    assert_eq!(red.screen, OwnedScreen::Notice(Shown::Receipt(Outcome::Refused)));
    assert_eq!(platform.decisions(), [Decision::Refused]);
}

#[tokio::test]
async fn a_push_lights_a_card_that_listens_and_no_other() {
    let platform = platform().await;
    let listening = card(&platform, |_, _| {}).await;
    // Before the clock is set a push is acknowledged and shown to nobody.
    platform.order(breakfast(), 1);
    platform.push(listening.address());
    assert_eq!(soon(platform.pushed()).await, Some(Code::CHANGED));
    assert_eq!(listening.view().light, Light::Off);
    platform.shared().cards[0].order = None;
    soon(listening.press(1)).await.unwrap();
    soon(listening.until(|state| state.clock_set)).await.unwrap();

    platform.post(listening.address(), "elsewhere", b"frame");
    assert_eq!(soon(platform.pushed()).await, Some(Code::NOT_FOUND));

    platform.order(breakfast(), 1);
    platform.push(listening.address());
    assert_eq!(soon(platform.pushed()).await, Some(Code::CHANGED));
    soon(listening.prompted()).await.unwrap();
    soon(listening.press(1)).await.unwrap();
    soon(listening.until(|state| state.light == Light::Green)).await.unwrap();
    assert_eq!(platform.decisions(), [Decision::Agreed { presses: 1 }]);
    listening.stop().await;

    let deaf = card(&platform, |image, _| image.listens = false).await;
    platform.order(breakfast(), 1);
    platform.push(deaf.address());
    assert_eq!(soon(platform.pushed()).await, None);
    assert_eq!(deaf.view().frames, 0);
}

#[tokio::test]
async fn the_cards_own_limit_answers_by_itself() {
    let platform = platform().await;
    platform.order(breakfast(), 1);
    let card = card(&platform, |image, _| image.amount_minor_max = Some(1_999)).await;
    soon(card.press(1)).await.unwrap();
    soon(card.until(|state| state.light == Light::Red)).await.unwrap();
    assert_eq!(platform.decisions(), [Decision::OverLimit]);
}

#[tokio::test]
async fn five_seconds_are_not_me_until_the_platform_prompts_again() {
    let platform = platform().await;
    platform.order(breakfast(), 1);
    let card = card(&platform, |_, _| {}).await;
    soon(card.press(1)).await.unwrap();
    soon(card.prompted()).await.unwrap();
    card.key(Edge::Down).await.unwrap();
    let red = soon(card.until(|state| state.light == Light::Red)).await.unwrap();
    card.key(Edge::Up).await.unwrap();
    assert!(red.said_not_me);
    assert_eq!(platform.decisions(), [Decision::NotMe]);
    platform.order(breakfast(), 1);
    soon(card.press(1)).await.unwrap();
    let lit = soon(card.until(|state| state.light == Light::Prompt)).await.unwrap();
    assert!(!lit.said_not_me);
}
