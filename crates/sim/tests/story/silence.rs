//! A platform that is away: the card says what it knows, and asks again with the same bytes.

use std::time::Duration;

use air::Kind;
use air::card::{Light, Shown};
use coap::Code;
use sim::{FlashFile, FlashMedium, OwnedScreen, SoftwareCard};

use crate::platform::{Mode, breakfast};
use crate::{card, heard, options, platform, soon};

const IMPATIENT: Duration = Duration::from_millis(120);

#[tokio::test]
async fn a_hello_without_an_answer_is_no_answer() {
    let platform = platform().await;
    for mode in [Mode::Silent, Mode::Refuse(Code::SERVICE_UNAVAILABLE)] {
        platform.mode(mode);
        let card = card(&platform, |_, options| options.answer_within = IMPATIENT).await;
        soon(card.press(1)).await.unwrap();
        let amber = soon(card.until(|state| state.light == Light::Amber)).await.unwrap();
        assert_eq!(amber.screen, OwnedScreen::Notice(Shown::NoAnswer));
        assert_eq!(card.frames()[0].lost, mode == Mode::Silent);
        card.stop().await;
    }
}

#[tokio::test]
async fn a_result_without_a_receipt_is_unknown_and_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let memory = folder.path().join("lin.flash");
    let platform = platform().await;
    platform.order(breakfast(), 1);
    let image = platform.shared().cards[0].image();
    let link = image.link();
    let mut impatient = options(&platform);
    impatient.answer_within = IMPATIENT;
    let flash = FlashFile::create(&memory, &link).unwrap();
    let card = SoftwareCard::start(image.clone(), FlashMedium::File(flash), impatient).await.unwrap();
    soon(card.press(1)).await.unwrap();
    soon(card.prompted()).await.unwrap();
    platform.mode(Mode::Silent);
    soon(card.press(1)).await.unwrap();
    let amber = soon(card.until(|state| state.light == Light::Amber)).await.unwrap();
    assert_eq!(amber.screen, OwnedScreen::Notice(Shown::Unknown));
    let notes = card.frames();
    let results = notes.iter().filter(|note| note.kind == Some(Kind::Result));
    let results = results.map(|note| note.bytes.clone()).collect::<Vec<_>>();
    assert_eq!(results.len(), 4);
    assert!(results.iter().all(|result| *result == results[0]));
    assert!(platform.decisions().is_empty());
    card.stop().await;

    // The power went, the decision did not: the card shows *unknown* and a press asks, with those bytes.
    platform.mode(Mode::Answer);
    let flash = FlashFile::open(&memory, &link).unwrap();
    let card = SoftwareCard::start(image, flash, options(&platform)).await.unwrap();
    assert_eq!(card.view().screen, OwnedScreen::Notice(Shown::Unknown));
    soon(card.press(1)).await.unwrap();
    soon(card.until(|state| state.light == Light::Green)).await.unwrap();
    assert_eq!(card.frames()[0].bytes, results[0]);
    assert_eq!(heard(&card).len(), 2);
    assert_eq!(platform.decisions().len(), 1);
}
