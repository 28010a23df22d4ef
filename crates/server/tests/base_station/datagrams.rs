//! Datagrams that break CoAP's rules, each counted by the rule; and what else is asked of a base station.

use crate::Coast;
use crate::radio::{ACK, CON, NON, RST, message};

/// What goes back.
enum Back {
    Nothing,
    Reset,
    Code(&'static str),
}
use Back::{Code, Nothing, Reset};

#[tokio::test]
async fn each_malformed_datagram_is_refused_by_its_own_name() {
    let coast = Coast::open().await;
    let mut radio = coast.radio().await;
    let frame = |length: usize| vec![0x49; length];
    let cf: &[u8] = b"\xb2cf";
    let con =
        |code: u8, mid: u16, options: &[u8], payload: &[u8]| message(CON, code, mid, b"to", options, payload);
    let cases: Vec<(Vec<u8>, &str, Back)> = vec![
        (vec![], "truncated", Nothing),
        (vec![0x40, 0x02, 0x00], "truncated", Nothing),
        (vec![0x44, 0x02, 0x00, 0x01, 0x01], "truncated", Reset),
        (vec![0x00, 0x02, 0x00, 0x02], "wrong_version", Nothing),
        (vec![0x80, 0x02, 0x00, 0x03], "wrong_version", Nothing),
        (vec![0x49, 0x02, 0x00, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0], "token_too_long", Reset),
        (con(0x20, 5, &[], &[]), "reserved_code", Reset),
        (con(0xc0, 6, &[], &[]), "reserved_code", Reset),
        (con(0xe1, 7, &[], &[]), "reserved_code", Reset),
        (con(0x02, 8, b"\xf1x", &[]), "option_malformed", Reset),
        (con(0x02, 9, b"\xbfcf", &[]), "option_malformed", Reset),
        (con(0x02, 10, b"\xb5cf", &[]), "option_malformed", Reset),
        (con(0x02, 11, b"\xb2cf\xff", &[]), "payload_missing", Reset),
        (vec![0x40, 0x00, 0x00, 0x0c, 0x01], "empty_with_content", Reset),
        (vec![0x50, 0x00, 0x00, 0x0d], "wrong_type", Nothing),
        (message(ACK, 0x02, 14, &[], cf, b"x"), "wrong_type", Nothing),
        (message(RST, 0x02, 15, &[], cf, b"x"), "wrong_type", Nothing),
        (message(ACK, 0, 16, &[], &[], &[]), "unknown_message", Nothing),
        (message(RST, 0, 17, &[], &[], &[]), "unknown_message", Nothing),
        (message(ACK, 0x44, 18, b"to", &[], &[]), "unknown_message", Nothing),
        (con(0x45, 19, &[], b"x"), "unknown_response", Reset),
        (message(NON, 0x45, 20, b"to", &[], b"x"), "unknown_response", Nothing),
        // FETCH and a method that is none.
        (con(0x05, 21, cf, b"x"), "unknown_method", Code("4.05")),
        (con(0x1f, 22, cf, b"x"), "unknown_method", Code("4.05")),
        // If-None-Match, option 9, Uri-Path "..", a Uri-Path that is no UTF-8.
        (con(0x02, 23, b"\x50\x62cf", b"x"), "bad_option", Code("4.02")),
        (con(0x02, 24, b"\x90\x22cf", b"x"), "bad_option", Code("4.02")),
        (con(0x02, 25, b"\xb2..", b"x"), "bad_option", Code("4.02")),
        (con(0x02, 26, b"\xb1\xff", b"x"), "bad_option", Code("4.02")),
        // Proxy-Uri 35, Block1 27: first of many, and a later one.
        (con(0x02, 27, b"\xd3\x16p:x", b"x"), "not_a_proxy", Code("5.05")),
        (con(0x02, 28, b"\xb2cf\xd1\x03\x08", b"x"), "blockwise", Code("4.13")),
        (con(0x02, 29, b"\xb2cf\xd1\x03\x10", b"x"), "blockwise", Code("4.08")),
        (con(0x02, 30, cf, &frame(1_025)), "payload_too_long", Code("4.13")),
        (con(0x02, 31, cf, &frame(1_463)), "too_long", Reset),
    ];
    let mut expected = std::collections::BTreeMap::new();
    for (datagram, reason, back) in cases {
        let shown = format!("{reason}: {:02x?}", &datagram[..datagram.len().min(24)]);
        radio.send(&datagram).await;
        match back {
            Nothing => {}
            Reset => assert_eq!(radio.receive().await.bytes, [0x70, 0, datagram[2], datagram[3]], "{shown}"),
            Code(code) => {
                let answer = radio.receive().await;
                assert_eq!((answer.kind, answer.code_text().as_str()), (ACK, code), "{shown}");
                assert_eq!((&answer.bytes[2..4], &answer.token[..]), (&datagram[2..4], &b"to"[..]));
            }
        }
        // The next thing that comes back is the ping: nothing else was sent.
        radio.settled().await;
        *expected.entry(reason.to_owned()).or_insert(0) += 1;
        assert_eq!(coast.town.counts("datagrams_refused"), expected, "{shown}");
    }
    assert_eq!(coast.town.counts("frames_refused"), [].into(), "nothing reached the air layer");
}

#[tokio::test]
async fn what_is_not_confirmable_is_not_answered_with_a_reset() {
    let coast = Coast::open().await;
    let mut radio = coast.radio().await;
    for datagram in [
        vec![0x59, 0x02, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        message(NON, 0x02, 2, b"to", b"\x90", &[]),
        message(NON, 0x02, 3, b"to", b"\xb2cf", &[0x49; 1_463]),
    ] {
        radio.send(&datagram).await;
        radio.settled().await;
    }
    let counted = ["bad_option", "token_too_long", "too_long"].map(|reason| (reason.to_owned(), 1));
    assert_eq!(coast.town.counts("datagrams_refused"), counted.into());
}

#[tokio::test]
async fn a_path_is_posted_to_or_is_none() {
    let coast = Coast::open().await;
    let mut radio = coast.radio().await;
    let requests: [(u8, &[u8], &str); 9] = [
        (0x01, b"\xb2cf", "4.05"),
        (0x03, b"\xb2cf", "4.05"),
        (0x04, b"\xb2cf", "4.05"),
        (0x02, b"", "4.04"),
        (0x02, b"\xb2CF", "4.04"),
        (0x02, b"\xb2cf\x01x", "4.04"),
        (0x01, b"\xb5admin", "4.04"),
        (0x02, b"\xbb.well-known\x04core", "4.04"),
        (0x01, b"\xbb.well-known\x04core", "2.05"),
    ];
    for (method, path, code) in requests {
        let (mid, token) = radio.fresh();
        radio.send(&message(CON, method, mid, &token, path, &[])).await;
        let answer = radio.answer().await;
        assert_eq!((answer.code_text().as_str(), &answer.token[..]), (code, &token[..]), "{path:02x?}");
        if code == "2.05" {
            assert_eq!(answer.options, [(12, vec![40])], "link format");
            assert_eq!(answer.payload, b"</cf>;rt=\"counterfoil.air\";ct=42;obs");
        }
    }
    assert_eq!(coast.town.counts("datagrams_refused"), [].into());
}

#[tokio::test]
async fn a_frame_that_is_called_text_and_an_answer_that_is_wanted_as_text_are_refused() {
    let coast = Coast::open().await;
    let mut radio = coast.radio().await;
    let requests: [(&[u8], &str); 4] = [
        (b"\xb2cf\x10", "4.15"),
        (b"\xb2cf\x11\x32", "4.15"),
        (b"\xb2cf\x61\x32", "4.06"),
        (b"\xb2cf\x11\x2a\x51\x32", "4.06"),
    ];
    for (options, code) in requests {
        let (mid, token) = radio.fresh();
        radio.send(&message(CON, 0x02, mid, &token, options, &[0x79, 0x10])).await;
        let answer = radio.answer().await;
        assert_eq!((answer.code_text().as_str(), answer.mid), (code, mid), "{options:02x?}");
    }
    assert_eq!(coast.town.counts("frames_refused"), [].into(), "no frame was read");
}
