//! A load whose answer is lost, a purchase before its rescue, and the proof.

use crypto::{LoadReceipt, PurseCode, PurseKind};
use model::{Fen, OnlineCounter};
use sim::wallet::{BuyError, Field, SoftWallet, Tear, WalletFile};
use tap::apdu::StatusWord;
use tap::reader::{Reader, ReaderError};

use super::*;

#[test]
fn a_card_is_loaded_spent_read_and_proves_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lin.wallet");
    let wallet = SoftWallet::new(WalletFile::create(&path, image(1)).unwrap());
    let field = Field::new();
    field.hold(&wallet);
    let mut reader = reader(&field);
    reader.connect().unwrap();
    ok(&mut reader, SELECT);
    assert_eq!(ok(&mut reader, READ_PUBLIC)[20..40], asn(1).to_string());
    let opened = Opened::read(&ok(&mut reader, &initialize(Fen(5_000))), Fen(5_000));
    let tac = ok(&mut reader, &opened.credit(when(0)));
    reader.disconnect();

    let bought = gate().buy(&mut reader, Fen(200), when(1)).unwrap();
    assert_eq!((bought.balance_before, bought.counter), (Fen(15_000), 0x12));
    assert_eq!(bought.tac, tac_master().diversify(asn(1)).purchase_tac(&bought.receipt));
    let refused = gate().buy(&mut reader, Fen(20_000), when(1)).unwrap_err();
    let status = StatusWord(0x9401);
    assert_eq!(refused, BuyError::Refused { command: "INITIALIZE FOR PURCHASE", status });

    // Another process finds the same card.
    drop((reader, field, wallet));
    let wallet = SoftWallet::new(WalletFile::open(&path).unwrap());
    assert_eq!(wallet.balance(), Fen(14_800));
    let field = Field::new();
    field.hold(&wallet);
    let mut reader = super::reader(&field);
    reader.connect().unwrap();
    ok(&mut reader, SELECT);
    let when_loaded = hex::encode(when(0).to_bytes());
    assert_eq!(ok(&mut reader, "00b201d417"), format!("00080000000000138802{TERMINAL}{when_loaded}"));
    let when_bought = hex::encode(when(1).to_bytes());
    assert_eq!(ok(&mut reader, "00b201c417"), format!("0013000000000000c806{GATE}{when_bought}"));
    assert_eq!(send(&mut reader, "00b202c417").unwrap(), "6a83");
    assert_eq!(ok(&mut reader, "805a000202000808")[8..], tac);
    let proof = ok(&mut reader, "805a000602001308");
    assert_eq!(proof, format!("{}{}", bought.code, bought.tac));
}

#[test]
fn a_lost_answer_is_told_by_the_counter_although_a_purchase_came_between() {
    let wallet = SoftWallet::new(image(1));
    let field = Field::new();
    let mut reader = reader(&field);
    let amount = Fen(5_000);
    for (tear, taken) in [(Tear::before(3), false), (Tear::after(3), true)] {
        field.hold(&wallet);
        wallet.tear(tear);
        reader.connect().unwrap();
        ok(&mut reader, SELECT);
        let before = Opened::read(&ok(&mut reader, &initialize(amount)), amount);
        assert_eq!(send(&mut reader, &before.credit(when(0))), Err(ReaderError::CardGone));
        assert!(!wallet.is_tear_pending());
        assert!(field.wallet().is_none());

        field.hold(&wallet);
        gate().buy(&mut reader, Fen(300), when(1)).unwrap();
        reader.connect().unwrap();
        ok(&mut reader, SELECT);
        let next = format!("805a000202{:04x}08", before.counter.0 + 1);
        let proof = send(&mut reader, &next).unwrap();
        let now = Opened::read(&ok(&mut reader, &initialize(amount)), amount);
        if taken {
            assert_eq!(now.counter, OnlineCounter(before.counter.0 + 1));
            assert_eq!(now.balance, Fen(before.balance.0 + 5_000 - 300));
            let receipt = LoadReceipt {
                balance_after: Fen(before.balance.0 + 5_000),
                counter: before.counter,
                amount,
                kind: PurseKind::PurseLoad,
                terminal: TERMINAL,
                when: when(0),
            };
            let tac = tac_master().diversify(asn(1)).load_tac(&receipt);
            assert_eq!(PurseCode(bytes(&proof[8..16])), tac);
        } else {
            assert_eq!((now.counter, proof.as_str()), (before.counter, "9406"));
            // The old MAC2 is worth nothing; a new one for the same load is taken.
            assert_eq!(send(&mut reader, &before.credit(when(0))).unwrap(), "9302");
            let again = Opened::read(&ok(&mut reader, &initialize(amount)), amount);
            ok(&mut reader, &again.credit(when(2)));
            assert_eq!(wallet.balance(), Fen(before.balance.0 + 5_000 - 300));
        }
        field.remove();
    }
    assert_eq!(wallet.balance(), Fen(10_000 + 2 * 5_000 - 2 * 300));
}
