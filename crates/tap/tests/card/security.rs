//! PIN, authentication, secure messaging, blocking.

use super::*;

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
    for _ in 0..2 {
        bench.ok("0084000004");
        assert_eq!(bench.send("841e00000400000000"), "6988");
    }
    let block = bench.secured("841e0000", "");
    bench.ok(&block);
    assert_eq!(bench.card.image().memory.wrong_maintenance_codes, 0);
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
    // A wrong one takes the right one back.
    bench.ok("00d6960001ab");
    bench.ok("0084000004");
    assert_eq!(bench.send("00820000080000000000000000"), "63c2");
    bench.refuses("00d6960001ab", "6982");
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

#[test]
fn a_select_begins_anew_and_one_that_finds_nothing_does_not() {
    let mut bench = Bench::with(|image| image.profile.pin_for_load = true).drawing("11223344");
    bench.ok("00200000021234");
    bench.refuses("00a40000020099", "6a82");
    bench.ok(INITIALIZE);
    bench.ok(SELECT);
    bench.refuses(INITIALIZE, "6982");
    bench.draw("11223344");
    bench.ok("0084000004");
    bench.ok(SELECT);
    bench.refuses("008200000876360149998dc8f9", "6984");
}
