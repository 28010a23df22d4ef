//! The wallet card, command by command: published and computed exchanges, status words, what dies with the
//! field, and what stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::collections::VecDeque;

use crypto::{LoadOrder, LoadReceipt, PurseCode, PurseKey, PurseKind, PurseMasterKey};
use model::{Asn, Fen, OnlineCounter, PurseTime, TerminalId};
use tap::card::{
    ATR, Blocking, CardProfile, LOG_RECORDS, ProofNumber, PurseType, StoredPin, WalletCard, WalletImage,
    WalletKeys,
};

const AID: &str = "a00000000386980701";
const SELECT: &str = "00a4040009a00000000386980701";
const INITIALIZE: &str = "805000020b0100001388000001000050";
const WHEN: &str = "20261121093045";
const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn when() -> PurseTime {
    PurseTime::from_bytes(bytes(WHEN))
}

fn asn() -> Asn {
    "00001000751234567890".parse().unwrap()
}

fn master(hex: &str) -> PurseKey {
    PurseMasterKey::from_bytes(bytes(hex)).diversify(asn())
}

/// The keys of an issuer that is made up, diversified for one card.
fn keys() -> WalletKeys {
    let mut keys = WalletKeys::new(
        master("00112233445566778899aabbccddeeff"),
        master("0123456789abcdeffedcba9876543210"),
        master("ffeeddccbbaa99887766554433221100"),
        PurseKey::from_bytes(bytes("404142434445464748494a4b4c4d4e4f")),
    );
    keys.pin = StoredPin::new(&[0x12, 0x34]);
    keys
}

fn image() -> WalletImage {
    let mut image = WalletImage::new(&hex::decode(AID).unwrap(), asn(), keys());
    image.memory.set_validity([0x20, 0x26, 1, 1], [0x20, 0x36, 0x12, 0x31]);
    image.memory.balance = Fen(10_000);
    image.memory.online = OnlineCounter(7);
    image.memory.offline = 0x12;
    image
}

/// A card in a field whose random numbers are known beforehand.
struct Bench {
    card: WalletCard,
    random: VecDeque<u8>,
    changed: bool,
}

impl Bench {
    fn new(image: WalletImage) -> Self {
        Self { card: WalletCard::personalise(image), random: VecDeque::new(), changed: false }
    }

    /// An activated card whose application is selected.
    fn selected() -> Self {
        let mut bench = Self::new(image());
        bench.ok(SELECT);
        bench
    }

    fn with(change: impl FnOnce(&mut WalletImage)) -> Self {
        let mut image = image();
        change(&mut image);
        let mut bench = Self::new(image);
        bench.ok(SELECT);
        bench
    }

    fn drawing(mut self, random: &str) -> Self {
        self.draw(random);
        self
    }

    fn draw(&mut self, random: &str) {
        self.random.extend(hex::decode(random).unwrap());
    }

    fn send(&mut self, apdu: &str) -> String {
        let apdu = hex::decode(apdu.replace(' ', "")).unwrap();
        let before = self.card.image().memory.clone();
        let random = &mut self.random;
        let step = self.card.process(&apdu, &mut |bytes| {
            bytes.iter_mut().for_each(|byte| *byte = random.pop_front().unwrap_or(0x5a));
        });
        assert_eq!(step.changed, before != self.card.image().memory);
        self.changed = step.changed;
        hex::encode(step.answer)
    }

    /// The data of an answer that must end well.
    fn ok(&mut self, apdu: &str) -> String {
        let answer = self.send(apdu);
        answer.strip_suffix("9000").unwrap_or_else(|| panic!("{apdu} -> {answer}")).to_owned()
    }

    /// A command that is refused with this status word, and changes nothing.
    fn refuses(&mut self, apdu: &str, status: &str) {
        assert_eq!(self.send(apdu), status, "{apdu}");
        assert!(!self.changed, "{apdu}");
    }

    /// INITIALIZE, then the CREDIT that a bank with the right keys would send.
    fn credit_command(&mut self, initialize: &str) -> String {
        let answer = self.ok(initialize);
        let (counter, random) = (&answer[8..12], &answer[16..24]);
        let amount = Fen(u32::from_be_bytes(bytes(&initialize[12..20])));
        let key = &self.card.image().keys.sets[0].load;
        let session = key.load_session(bytes(random), OnlineCounter(u16::from_be_bytes(bytes(counter))));
        let kind = self.card.image().profile.purse.load();
        let code = session.load_mac2(&LoadOrder { amount, kind, terminal: TERMINAL, when: when() });
        format!("805200000b{WHEN}{code}")
    }

    fn load(&mut self) -> String {
        let credit = self.credit_command(INITIALIZE);
        self.ok(&credit)
    }

    /// A command under secure messaging, with its challenge.
    fn secured(&mut self, head: &str, data: &str) -> String {
        let challenge = self.ok("0084000004");
        let header = format!("{head}{:02x}", data.len() / 2 + 4);
        let key = &self.card.image().keys.maintenance;
        let code = key.secure_message(bytes(&challenge), bytes(&header), &hex::decode(data).unwrap());
        format!("{header}{data}{code}")
    }
}

#[test]
fn a_load_is_the_computed_exchange() {
    let mut bench = Bench::selected().drawing("a1b2c3d4");
    assert_eq!(bench.ok("80 50 00 02 0b 01 00001388 000001000050 10"), "0000271000070000a1b2c3d4da8ad9e6");
    assert!(!bench.changed);
    assert_eq!(bench.ok("80 52 00 00 0b 20261121 093045 06eb1aea 04"), "cb241fbe");
    assert!(bench.changed);
    assert_eq!(bench.ok("80 5c 00 02 04"), "00003a98");
    // The newest record of the loads' log: the counter after the load.
    assert_eq!(bench.ok("00 b2 01 d4 17"), "00080000000000138802000001000050".to_owned() + WHEN);
    // The proof is MAC2 and TAC, by the counter after.
    assert_eq!(bench.ok("80 5a 00 02 02 0008 08"), "06eb1aeacb241fbe");
    bench.refuses("805a0002020007", "9406");
}

#[test]
fn a_purchase_is_the_computed_exchange() {
    let mut bench = Bench::selected().drawing("55667788");
    assert_eq!(bench.ok("80 50 01 02 0b 01 000000c8 112233445566 0f"), "000027100012000000000055667788");
    assert_eq!(bench.ok("80 54 01 00 0f 00000123 20261121 093045 f270f89d 08"), "66bd2bd95ee90cd1");
    assert_eq!(bench.ok("805c000204"), "00002648");
    assert_eq!(bench.ok("00b201c417"), "0013000000000000c806112233445566".to_owned() + WHEN);
    assert_eq!(bench.ok("805a0006020013"), "5ee90cd166bd2bd9");
}

#[test]
fn a_load_has_the_tac_of_a_real_card_with_its_tac_key() {
    let mut bench = Bench::with(|image| {
        image.memory.balance = Fen(0);
        image.memory.online = OnlineCounter(0);
        // A real card's log gives the two halves of its key combined.
        image.keys.tac = PurseKey::from_bytes(bytes("096f066de0e6eb860000000000000000"));
    })
    .drawing("cdef4f20");
    let answer = bench.ok("805000020b0100001c37000001000050");
    assert_eq!(answer[..24], *"0000000000000000cdef4f20");
    let session = bench.card.image().keys.sets[0].load.load_session(bytes("cdef4f20"), OnlineCounter(0));
    let when = PurseTime::from_bytes(bytes("20140825103100"));
    let (amount, kind) = (Fen(0x1c37), PurseKind::PurseLoad);
    let code = session.load_mac2(&LoadOrder { amount, kind, terminal: TERMINAL, when });
    assert_eq!(bench.ok(&format!("805200000b20140825103100{code}")), "ed0f8755");
    assert_eq!(bench.ok("805c000204"), "00001c37");
}

#[test]
fn an_external_authentication_is_the_computed_one_for_both_lengths() {
    let mut bench = Bench::selected().drawing("1122334455667788").drawing("11223344");
    assert_eq!(bench.ok("0084000008"), "1122334455667788");
    assert_eq!(bench.ok("0082000008a0f180047e2a3357"), "");
    // It opens the holder's file to plain writing.
    assert_eq!(bench.ok("00d6960002abcd"), "");
    assert_eq!(bench.ok("00b0960003"), "abcd00");
    assert_eq!(bench.ok("0084000004"), "11223344");
    assert_eq!(bench.ok("008200000876360149998dc8f9"), "");
    // And is over with the field.
    bench.card.reset();
    bench.ok(SELECT);
    bench.refuses("00d6960002abcd", "6982");
}

#[test]
fn a_secured_update_is_the_computed_one() {
    let mut bench = Bench::selected().drawing("11223344");
    bench.ok("0084000004");
    assert_eq!(bench.ok("04d695000c0102030405060708286493ff"), "");
    assert!(bench.changed);
    assert_eq!(bench.ok("00b0950008"), "0102030405060708");
    // Its challenge is used up.
    bench.refuses("04d695000c0102030405060708286493ff", "6984");
}

#[test]
fn every_wrong_command_has_its_status_word() {
    let mut bench = Bench::selected();
    for (apdu, status) in [
        // Length of the command itself.
        ("", "6700"),
        ("00b095", "6700"),
        ("00a40000003f00", "6700"),
        ("805000020b01", "6700"),
        ("805000020b01000013880000010000501000", "6700"),
        // Class and instruction.
        ("90b0950000", "6e00"),
        ("80a4040009a00000000386980701", "6e00"),
        ("0050000200", "6e00"),
        ("00c0000010", "6d00"),
        ("80fe000000", "6d00"),
        // SELECT.
        ("00a4010002 3f00", "6a86"),
        ("00a4040209a00000000386980701", "6a86"),
        ("00a40400", "6700"),
        ("00a4040007a0000003330101", "6a82"),
        ("00a40000020099", "6a82"),
        ("00a40000033f0000", "6700"),
        ("00a4040009a0000000038698070105", "6c30"),
        // READ BINARY.
        ("00b0150000", "6a86"),
        ("00b0970000", "6a82"),
        ("00b0951e00", "6b00"),
        ("00b095ff00", "6b00"),
        ("00b0950520", "6c19"),
        ("00b09600ff", "6c37"),
        ("00b09500010000", "6700"),
        // READ RECORD.
        ("00b201d417", "6a83"),
        ("00b200d417", "6a86"),
        ("00b201d517", "6a86"),
        ("00b201dc17", "6a82"),
        // UPDATE BINARY.
        ("00d6950001ff", "6987"),
        ("00d6960001ff", "6982"),
        ("04d695000401020304", "6984"),
        ("04d6950003010203", "6987"),
        ("04d6950005ff01020304", "6984"),
        ("04d6990005ff01020304", "6a82"),
        // VERIFY and challenges.
        ("00200000", "6700"),
        ("00200001021234", "6a86"),
        ("00200000011f", "6700"),
        ("002000000700000000000000", "6700"),
        ("0084000005", "6700"),
        ("0084010004", "6a86"),
        ("00820000081122334455667788", "6984"),
        ("00820100081122334455667788", "6a86"),
        ("00820001081122334455667788", "6a88"),
        ("008200000711223344556677", "6700"),
        // The purse.
        ("805c000104", "6a86"),
        ("805c010204", "6a86"),
        ("805c000205", "6c04"),
        ("805c00020100", "6700"),
        ("805000010b0100001388000001000050", "6a86"),
        ("805002020b0100001388000001000050", "6a86"),
        ("805000020a01000013880000010000", "6700"),
        ("805000020b010000138800000100005011", "6c10"),
        ("805000020b0200001388000001000050", "9403"),
        ("805001020b0100001388000001000050 10", "6c0f"),
        ("805001020b0600001388000001000050", "9403"),
        ("805001020b0100002711000001000050", "9401"),
        ("805200000b2026112109304506eb1aea", "6985"),
        ("805200010b2026112109304506eb1aea", "6a86"),
        ("805200000a20261121093045 06eb1a", "6700"),
        ("805401000f0000012320261121093045f270f89d", "6985"),
        ("805400000f0000012320261121093045f270f89d", "6a86"),
        ("805401000e0000012320261121093045f270f8", "6700"),
        ("805a0002020007", "9406"),
        ("805a0006020012", "9406"),
        ("805a0001020007", "9406"),
        ("805a0010020007", "6a86"),
        ("805a01020200 07", "6a86"),
        ("805a00020107", "6700"),
        ("805a000202000709", "6c08"),
        // Blocking.
        ("841e0000 04 00000000", "6984"),
        ("841e0002 04 00000000", "6a86"),
        ("841e0000 03 000000", "6700"),
        ("84180000 04 00000000", "6984"),
        ("84180001 04 00000000", "6a86"),
    ] {
        bench.refuses(apdu, status);
    }
    // Nothing above deselected the application.
    assert_eq!(bench.ok("805c0002"), "00002710");
}

#[test]
fn outside_an_application_there_is_no_purse() {
    let mut bench = Bench::new(image());
    for (apdu, status) in [
        ("805c000204", "6985"),
        (INITIALIZE, "6985"),
        ("805001020b01000000c8112233445566", "6985"),
        ("805200000b2026112109304506eb1aea", "6985"),
        ("805a0002020007", "6985"),
        ("841e000004 00000000", "6985"),
        ("8418000004 00000000", "6985"),
        ("00b0950000", "6a82"),
        ("00b201c400", "6a82"),
        ("04d6950005ff01020304", "6a82"),
        ("00200000021234", "6a88"),
        ("00820000081122334455667788", "6a88"),
    ] {
        bench.refuses(apdu, status);
    }
    assert_eq!(bench.ok("0084000004").len(), 8);
}

#[test]
fn a_name_selects_and_le_may_be_right_zero_or_absent() {
    let mut bench = Bench::new(image());
    let environment = "6f12840e315041592e5359532e4444463031a500";
    for apdu in ["00a404000e315041592e5359532e4444463031", "00a40000023f00", "00a40000023f0000"] {
        assert_eq!(bench.ok(apdu), environment);
    }
    let public = hex::encode(bench.card.image().memory.public_data);
    let application = format!("6f2e8409{AID}a5219f0c1e{public}");
    for apdu in [SELECT, "00a4040009a0000000038698070100", "00a4040009a0000000038698070130", "00a40000021001"] {
        assert_eq!(bench.ok(apdu), application);
    }
    assert_eq!(public[20..40], *"00001000751234567890");
    for apdu in ["00b095001e", "00b0950000", "00b09500"] {
        assert_eq!(bench.ok(apdu), public);
    }
    assert_eq!(bench.ok("00b0951d01"), "00");
    assert_eq!(bench.ok("00b0960037").len(), 110);
    for apdu in ["805c000204", "805c000200", "805c0002"] {
        assert_eq!(bench.ok(apdu), "00002710");
    }
    assert_eq!(bench.ok("0084000000").len(), 16);
    for le in ["", "00", "10"] {
        assert_eq!(bench.ok(&format!("{INITIALIZE}{le}")).len(), 32);
    }
    for le in ["", "00", "04"] {
        let credit = bench.credit_command(INITIALIZE);
        assert_eq!(bench.ok(&format!("{credit}{le}")).len(), 8);
    }
}

#[test]
fn a_wrong_le_does_not_spend_a_load() {
    let mut bench = Bench::selected();
    let credit = bench.credit_command(INITIALIZE);
    bench.refuses(&format!("{credit}08"), "6c04");
    bench.ok(&credit);
    bench.refuses(&credit, "6985");
    assert_eq!(bench.card.image().memory.balance, Fen(15_000));
}

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
fn secure_messaging_is_refused_with_reasons_and_locks_after_three() {
    let mut bench = Bench::selected();
    let good = bench.secured("04d69514", "2026112420361124");
    // Wrong, and the challenge is used up by it.
    let wrong = good[..good.len() - 2].to_owned() + "00";
    let wrong = if wrong == good { good[..good.len() - 2].to_owned() + "01" } else { wrong };
    assert_eq!(bench.send(&wrong), "6988");
    bench.refuses(&good, "6984");
    // A challenge of 8 bytes is not for this.
    bench.ok("0084000008");
    bench.refuses(&good, "6984");
    // Right code, outside the file: refused, and no wrong code.
    let outside = bench.secured("04d69517", "2026112420361124");
    bench.refuses(&outside, "6b00");
    let empty = bench.secured("04d69514", "");
    bench.refuses(&empty, "6700");
    let again = bench.secured("04d69514", "2026112420361124");
    bench.ok(&again);
    assert_eq!(bench.card.image().memory.wrong_maintenance_codes, 0);
    for _ in 0..3 {
        bench.ok("0084000004");
        assert_eq!(bench.send("841e00000400000000"), "6988");
    }
    assert_eq!(bench.card.image().memory.blocking, Blocking::Locked);
    for apdu in [SELECT, INITIALIZE, "805c000204", "00b0950000", "84180000 04 00000000"] {
        bench.refuses(apdu, "9303");
    }
}

#[test]
fn a_blocked_application_says_so_and_can_be_unblocked() {
    let mut bench = Bench::selected();
    let block = bench.secured("841e0000", "");
    bench.ok(&block);
    for apdu in ["805c000204", INITIALIZE, "00b0950000", "00b201c400", "00200000021234", "805a0002020007"] {
        bench.refuses(apdu, "6a81");
    }
    bench.card.reset();
    bench.refuses(SELECT, "6283");
    bench.refuses(INITIALIZE, "6a81");
    let unblock = bench.secured("84180000", "");
    bench.ok(&unblock);
    bench.load();
    let lock = bench.secured("841e0001", "");
    bench.ok(&lock);
    bench.refuses(SELECT, "9303");
}

#[test]
fn the_cards_pin_counts_down_and_is_wanted_by_profile() {
    let mut bench = Bench::with(|image| image.profile.pin_for_load = true);
    bench.refuses(INITIALIZE, "6982");
    assert_eq!(bench.send("00200000021111"), "63c2");
    assert!(bench.changed);
    assert_eq!(bench.send("0020000003 1234ff"), "9000");
    assert_eq!(bench.card.image().memory.pin_tries_left, 3);
    bench.load();
    // A wrong one takes the right one back, and so does the end of the field.
    assert_eq!(bench.send("00200000021111"), "63c2");
    bench.refuses(INITIALIZE, "6982");
    assert_eq!(bench.send("00200000021234"), "9000");
    bench.card.reset();
    bench.ok(SELECT);
    bench.refuses(INITIALIZE, "6982");
    for status in ["63c2", "63c1", "63c0"] {
        assert_eq!(bench.send("00200000021112"), status);
    }
    bench.refuses("00200000021234", "6983");
    let mut bench = Bench::with(|image| image.keys.pin = None);
    bench.refuses("00200000021234", "6a88");
}

#[test]
fn a_pin_is_digits_and_then_padding() {
    for right in [&[0x12, 0x34][..], &[0x12, 0x34, 0x5f], &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12]] {
        assert!(StoredPin::new(right).is_some(), "{right:x?}");
    }
    for wrong in [&[0x12][..], &[0x12, 0x3f], &[0x12, 0x34, 0xf5], &[0x1a, 0x34], &[0; 7]] {
        assert!(StoredPin::new(wrong).is_none(), "{wrong:x?}");
    }
}

#[test]
fn external_authentication_counts_down_and_uses_each_challenge_once() {
    let mut bench = Bench::selected();
    for status in ["63c2", "63c1", "63c0"] {
        bench.ok("0084000004");
        assert_eq!(bench.send("00820000080000000000000000"), status);
        assert!(bench.changed);
    }
    bench.ok("0084000004");
    bench.refuses("00820000080000000000000000", "6983");
    let mut bench = Bench::selected().drawing("11223344");
    bench.ok("0084000004");
    bench.ok("008200000876360149998dc8f9");
    bench.refuses("008200000876360149998dc8f9", "6984");
}

#[test]
fn a_proof_is_asked_for_by_the_number_of_the_profile_and_covers_the_latest_alone() {
    for (setting, right, wrong) in [(ProofNumber::After, "0008", "0007"), (ProofNumber::Before, "0007", "0008")] {
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

#[test]
fn a_card_prints_no_key_and_its_atr_sums_up() {
    let text = format!("{:?}", WalletCard::personalise(image()));
    assert!(text.contains("[redacted]"));
    for secret in ["66996d47", "669,", "0x66", "4041", "1234, "] {
        assert!(!text.to_lowercase().contains(secret), "{secret}");
    }
    assert_eq!(ATR[1..].iter().fold(0, |sum, byte| sum ^ byte), 0);
}
