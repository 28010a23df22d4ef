//! A field and its reader: who is there, who left, and who came instead.

use std::thread;

use sim::wallet::{Field, SoftReader, SoftWallet, Tear};

use super::*;

#[test]
fn an_empty_field_is_waited_at_and_said() {
    let field = Field::new();
    let mut impatient = reader(&field);
    assert_eq!(impatient.connect(), Err(ReaderError::NoCard));
    assert_eq!(send(&mut impatient, SELECT), Err(ReaderError::NoCard));
    impatient.disconnect();

    let mut patient = SoftReader::new(field.clone(), Duration::from_secs(20));
    let hand = {
        let (field, wallet) = (field.clone(), SoftWallet::new(image(1)));
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            field.hold(&wallet);
        })
    };
    patient.connect().unwrap();
    hand.join().unwrap();
    ok(&mut patient, SELECT);
}

#[test]
fn a_connection_is_one_cards_and_one_presentations() {
    let field = Field::new();
    let (mine, other) = (SoftWallet::new(image(1)), SoftWallet::new(image(2)));
    let mut reader = reader(&field);
    for change in [
        (|field, mine, _| {
            Field::remove(field);
            field.hold(mine);
        }) as fn(&Field, &SoftWallet, &SoftWallet),
        |field, _, other| field.hold(other),
        |field, _, _| field.remove(),
    ] {
        field.hold(&mine);
        reader.connect().unwrap();
        ok(&mut reader, SELECT);
        change(&field, &mine, &other);
        assert_eq!(send(&mut reader, READ_PUBLIC), Err(ReaderError::CardGone));
    }
    // At most one card is there.
    field.hold(&mine);
    field.hold(&other);
    reader.connect().unwrap();
    ok(&mut reader, SELECT);
    assert_eq!(ok(&mut reader, READ_PUBLIC)[20..40], asn(2).to_string());
}

#[test]
fn a_new_connection_finds_a_card_that_was_just_switched_on() {
    let field = Field::new();
    let wallet = SoftWallet::new(image(1));
    field.hold(&wallet);
    let mut reader = reader(&field);
    reader.connect().unwrap();
    ok(&mut reader, SELECT);
    ok(&mut reader, "805c000204");
    reader.connect().unwrap();
    assert_eq!(send(&mut reader, "805c000204").unwrap(), "6985");
    // A tear that was scripted and is taken back does not happen.
    wallet.tear(Tear::after(1));
    wallet.mend();
    ok(&mut reader, SELECT);
}
