//! The card's memory as bytes: what was written is read, and what was damaged is said to be.

use air::card::{Flash, FlashError};

use crate::desk::Desk;
use crate::maker::factor;

fn images() -> Vec<(&'static str, Flash)> {
    let marked =
        Flash { uplink_mark: Some(factor(7)), downlink_mark: Some(factor(u32::MAX)), ..Flash::default() };
    let (desk, _, _) = Desk::agreed();
    assert!(desk.flash.latched.is_some());
    vec![
        ("empty", Flash::default()),
        ("marked", marked.clone()),
        ("introduced", Flash { introduced: true, ..marked }),
        ("latched", desk.flash.clone()),
        ("latched, not introduced", Flash { introduced: false, ..desk.flash }),
    ]
}

#[test]
fn what_was_stored_is_read_back() {
    for (name, flash) in images() {
        assert_eq!(Flash::from_bytes(&flash.to_bytes()), Ok(flash), "{name}");
    }
}

#[test]
fn an_image_cut_at_any_length_or_grown_is_damaged() {
    for (name, flash) in images() {
        let mut image = flash.to_bytes().to_vec();
        for length in 0..image.len() {
            assert_eq!(Flash::from_bytes(&image[..length]), Err(FlashError), "{name} cut to {length}");
        }
        image.push(0);
        assert_eq!(Flash::from_bytes(&image), Err(FlashError), "{name} grown");
        image.resize(500, 0);
        assert_eq!(Flash::from_bytes(&image), Err(FlashError), "{name} grown to 500");
    }
}

#[test]
fn an_erased_page_is_damaged() {
    for erased in [0x00, 0xff] {
        for length in 0..100 {
            let read = Flash::from_bytes(&vec![erased; length]);
            let a_new_card = erased == 0 && length == 9;
            assert_eq!(read == Ok(Flash::default()), a_new_card, "{length} bytes of {erased:02x}");
            assert!(a_new_card || read == Err(FlashError));
        }
    }
}

#[test]
fn a_latched_decision_that_contradicts_itself_is_damaged() {
    let (desk, _, _) = Desk::agreed();
    let image = desk.flash.to_bytes();
    for (at, what) in
        [(8, "flags"), (9 + 3, "time factor B"), (9 + 4, "decision"), (15, "first byte of the frame")]
    {
        let mut damaged = image.clone();
        damaged[at] ^= 0x81;
        assert_eq!(Flash::from_bytes(&damaged), Err(FlashError), "{what}");
    }
}
