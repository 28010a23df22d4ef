//! What dies with the field, what is proven, logged and limited.

use super::*;

#[test]
fn a_transaction_that_was_begun_dies_with_anything_that_begins_another() {
    let deaths: [(&str, &[&str]); 7] = [
        ("the field", &[]),
        ("SELECT by name", &[SELECT]),
        ("SELECT of the environment and back", &["00a40000023f00", SELECT]),
        ("SELECT of nothing", &["00a40000020099"]),
        ("INITIALIZE FOR LOAD", &[INITIALIZE]),
        ("INITIALIZE FOR PURCHASE", &["805001020b01000000c8112233445566"]),
        ("a refused INITIALIZE", &["805000020b0900001388000001000050"]),
    ];
    for (name, commands) in deaths {
        let mut bench = Bench::selected().drawing("0102030405060708");
        let credit = bench.credit_command(INITIALIZE);
        if commands.is_empty() {
            bench.card.reset();
            bench.ok(SELECT);
        }
        for command in commands {
            bench.send(command);
        }
        // A new INITIALIZE of a load takes MAC2, and has other random numbers.
        let status = if name == "INITIALIZE FOR LOAD" { "9302" } else { "6985" };
        assert_eq!(bench.send(&credit), status, "{name}");
        assert_eq!(bench.card.image().memory.balance, Fen(10_000), "{name}");
    }
    // Looking does not end it.
    let mut bench = Bench::selected();
    let credit = bench.credit_command(INITIALIZE);
    for look in ["805c000204", "00b0950000", "0084000004", "805a0002020007"] {
        bench.send(look);
    }
    bench.ok(&credit);
}

#[test]
fn three_wrong_codes_in_a_row_lock_the_load_until_the_issuer_unblocks() {
    let mut bench = Bench::selected();
    let wrong = "805200000b2026112109304500000000";
    for _ in 0..2 {
        bench.ok(INITIALIZE);
        assert_eq!(bench.send(wrong), "9302");
        assert!(bench.changed);
        // One MAC2 for one INITIALIZE.
        bench.refuses(wrong, "6985");
    }
    bench.load();
    for _ in 0..3 {
        bench.ok(INITIALIZE);
        assert_eq!(bench.send(wrong), "9302");
    }
    bench.refuses(INITIALIZE, "9303");
    bench.card.reset();
    bench.ok(SELECT);
    bench.refuses(INITIALIZE, "9303");
    // What the purse holds can be spent.
    assert_eq!(bench.ok("805c000204"), "00003a98");
    bench.ok("805001020b01000000c8112233445566");
    let unblock = bench.secured("84180000", "");
    bench.ok(&unblock);
    bench.load();
    assert_eq!(bench.card.image().memory.balance, Fen(20_000));
}

#[test]
fn a_purchase_with_a_wrong_code_takes_nothing() {
    let mut bench = Bench::selected().drawing("55667788");
    bench.ok("805001020b01000000c8112233445566");
    bench.refuses("805401000f0000012320261121093045f270f89e", "9302");
    bench.refuses("805401000f0000012320261121093045f270f89d", "6985");
    assert_eq!(bench.card.image().memory.balance, Fen(10_000));
}

#[test]
fn a_card_that_is_not_activated_begins_nothing_until_the_bank_wrote_its_dates() {
    let mut bench = Bench::with(|image| image.memory.set_validity([0; 4], [0; 4]));
    bench.refuses(INITIALIZE, "6985");
    bench.refuses("805001020b01000000c8112233445566", "6985");
    assert_eq!(bench.ok("805c000204"), "00002710");
    let update = bench.secured("04d69514", "2026112420361124");
    bench.ok(&update);
    assert!(bench.card.image().memory.is_activated());
    assert_eq!(bench.ok("00b0951408"), "2026112420361124");
    bench.load();
}

#[test]
fn a_proof_is_asked_for_by_the_number_of_the_profile_and_covers_the_latest_alone() {
    for (setting, right, wrong) in
        [(ProofNumber::After, "0008", "0007"), (ProofNumber::Before, "0007", "0008")]
    {
        let mut bench = Bench::with(|image| image.profile.proof_number = setting).drawing("a1b2c3d4");
        let tac = bench.load();
        assert_eq!(bench.ok(&format!("805a000202{right}")), "06eb1aea".to_owned() + &tac);
        bench.refuses(&format!("805a000202{wrong}"), "9406");
        // It outlives the field, and the transaction after it replaces it.
        bench.card.reset();
        bench.ok(SELECT);
        assert_eq!(bench.ok(&format!("805a000202{right}08")), "06eb1aea".to_owned() + &tac);
        bench.load();
        // With the number before, the next load's number is this one's number after.
        if setting == ProofNumber::After {
            bench.refuses(&format!("805a000202{right}"), "9406");
        }
    }
}

#[test]
fn a_log_keeps_the_last_ten_newest_first() {
    let mut bench = Bench::with(|image| image.profile.balance_max = Fen(1_000_000));
    for _ in 0..12 {
        bench.load();
    }
    for record in 1..=LOG_RECORDS {
        let answer = bench.ok(&format!("00b2{record:02x}d400"));
        assert_eq!(answer[..4], format!("{:04x}", 20 - record));
        assert_eq!(answer.len(), 46);
    }
    bench.refuses("00b20bd400", "6a83");
    bench.refuses("00b201d416", "6c17");
    bench.refuses("00b201c400", "6a83");
}

#[test]
fn limits_of_counter_and_balance_are_kept() {
    let mut bench = Bench::with(|image| image.memory.online = OnlineCounter(u16::MAX));
    bench.refuses(INITIALIZE, "9402");
    bench.ok("805001020b01000000c8112233445566");
    let mut bench = Bench::with(|image| image.memory.offline = u16::MAX);
    bench.refuses("805001020b01000000c8112233445566", "9402");
    bench.load();

    // A full card proves its counter and takes no more.
    for max in [Fen(14_999), Fen(u32::MAX)] {
        let mut bench = Bench::with(|image| {
            image.profile.balance_max = max;
            if max == Fen(u32::MAX) {
                image.memory.balance = Fen(u32::MAX - 4_999);
            }
        });
        let credit = bench.credit_command(INITIALIZE);
        bench.refuses(&credit, "6985");
    }
    let mut bench = Bench::with(|image| image.profile.balance_max = Fen(15_000));
    bench.load();
    assert_eq!(bench.card.image().memory.balance, Fen(15_000));
}

#[test]
fn a_card_with_a_deposit_says_so_in_every_code() {
    let deposit = CardProfile { purse: PurseType::Deposit, ..CardProfile::default() };
    let mut bench = Bench::with(|image| image.profile = deposit);
    bench.refuses("805c000204", "6a86");
    bench.refuses(INITIALIZE, "6a86");
    let credit = bench.credit_command("805000010b0100001388000001000050");
    let tac = bench.ok(&credit);
    let receipt = LoadReceipt {
        balance_after: Fen(15_000),
        counter: OnlineCounter(7),
        amount: Fen(5_000),
        kind: PurseKind::DepositLoad,
        terminal: TERMINAL,
        when: when(),
    };
    assert_eq!(PurseCode(bytes(&tac)), bench.card.image().keys.tac.load_tac(&receipt));
    assert_eq!(bench.ok("805c000104"), "00003a98");
    assert_eq!(bench.ok("805a0001020008").len(), 16);
}
