//! Wherever the card is torn out of the field: its file holds the state before the command, or after it.

use std::path::Path;

use sim::wallet::{Field, SoftWallet, Tear, WalletFile, When};
use tap::card::WalletMemory;
use tap::reader::{Reader, ReaderError};

use super::*;

fn fresh(path: &Path) -> SoftWallet {
    let _ = std::fs::remove_file(path);
    SoftWallet::scripted(WalletFile::create(path, image(1)).unwrap(), counting())
}

/// Every command that changes something, and the ones around them, with what the file holds after each.
fn whole_session(path: &Path) -> Vec<(String, WalletMemory)> {
    let wallet = fresh(path);
    let field = Field::new();
    field.hold(&wallet);
    let mut reader = reader(&field);
    reader.connect().unwrap();
    let mut session: Vec<(String, WalletMemory)> = Vec::new();
    let mut step = |apdu: String, status: &str| {
        let answer = send(&mut reader, &apdu).unwrap();
        assert!(answer.ends_with(status), "{apdu} -> {answer}");
        session.push((apdu, WalletFile::peek(path).unwrap().memory));
        answer
    };
    let maintenance = image(1).keys.maintenance;
    let secured = |challenge: &str, header: &str, data: &str| {
        let challenge = bytes(&challenge[..8]);
        let code = maintenance.secure_message(challenge, bytes(header), &hex::decode(data).unwrap());
        format!("{header}{data}{code}")
    };
    step(SELECT.into(), "9000");
    step(READ_PUBLIC.into(), "9000");
    step("00200000021111".into(), "63c2");
    step("00200000021234".into(), "9000");
    step("0084000008".into(), "9000");
    step("00820000080000000000000000".into(), "63c2");
    for minute in 0..2 {
        let amount = Fen(1_000);
        let opened = Opened::read(&step(initialize(amount), "9000"), amount);
        step(opened.credit(when(minute)), "9000");
    }
    step(initialize(Fen(1)), "9000");
    step("805200000b2026112109304500000000".into(), "9302");
    // A purchase as a gate makes it.
    let opened = step("805001020b01000000c81122334455660f".into(), "9000");
    let session_key = purchase_master().diversify(asn(1)).purchase_session(
        bytes(&opened[22..30]),
        u16::from_be_bytes(bytes(&opened[8..12])),
        [0, 1],
    );
    let (amount, kind) = (Fen(200), PurseKind::PursePurchase);
    let request = crypto::PurchaseRequest { amount, kind, terminal: GATE, when: when(3) };
    let code = session_key.purchase_mac1(&request);
    step(format!("805401000f00000001{}{code}08", hex::encode(when(3).to_bytes())), "9000");
    step("805a000602001308".into(), "9000");
    let challenge = step("0084000004".into(), "9000");
    step(secured(&challenge, "04d695140c", "2026112420361124"), "9000");
    step("0084000004".into(), "9000");
    step("04d695140c202611242036112400000000".into(), "6988");
    let challenge = step("0084000004".into(), "9000");
    step(secured(&challenge, "841e000004", ""), "9000");
    let challenge = step("0084000004".into(), "9000");
    step(secured(&challenge, "8418000004", ""), "9000");
    session
}

#[test]
fn a_torn_command_was_done_or_was_not_and_nothing_between() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lin.wallet");
    let session = whole_session(&path);
    let mut changes = 0;
    for (place, (torn, after)) in session.iter().enumerate() {
        let before = place.checked_sub(1).map_or_else(|| image(1).memory, |last| session[last].1.clone());
        changes += usize::from(before != *after);
        for when in [When::Before, When::After] {
            let wallet = fresh(&path);
            wallet.tear(Tear { nth: u32::try_from(place).unwrap() + 1, when });
            let field = Field::new();
            field.hold(&wallet);
            let mut reader = reader(&field);
            reader.connect().unwrap();
            for (apdu, _) in &session[..place] {
                send(&mut reader, apdu).unwrap();
            }
            assert_eq!(send(&mut reader, torn), Err(ReaderError::CardGone), "{torn} {when:?}");
            assert_eq!(send(&mut reader, torn), Err(ReaderError::NoCard));
            assert_eq!(reader.connect(), Err(ReaderError::NoCard));
            drop((reader, field, wallet));
            let kept = WalletFile::open(&path).unwrap().image().memory.clone();
            let expected = if when == When::Before { &before } else { after };
            assert_eq!(kept, *expected, "{torn} {when:?}");
        }
    }
    // Two PINs, an authentication, two loads, a wrong MAC2, a purchase, an update, a wrong code, blocking twice.
    assert_eq!(changes, 11);
}

#[test]
fn a_card_whose_file_cannot_be_written_answers_nothing_and_keeps_its_money() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("cards");
    std::fs::create_dir(&inner).unwrap();
    let wallet = SoftWallet::new(WalletFile::create(&inner.join("lin.wallet"), image(1)).unwrap());
    let field = Field::new();
    field.hold(&wallet);
    let mut reader = reader(&field);
    reader.connect().unwrap();
    ok(&mut reader, SELECT);
    let opened = Opened::read(&ok(&mut reader, &initialize(Fen(1_000))), Fen(1_000));
    std::fs::remove_dir_all(&inner).unwrap();
    let failed = send(&mut reader, &opened.credit(when(0)));
    assert!(matches!(failed, Err(ReaderError::Failed(_))));
    assert!(field.wallet().is_none());
    assert_eq!(wallet.image().memory, image(1).memory);
}
