//! Published and computed exchanges, byte for byte.

use super::*;

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
