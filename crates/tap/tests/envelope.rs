//! Envelopes: there and back, cut, changed and random; and the refusals against the document.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use crypto::{Direction, MessageKey, TerminalMasterKey, TerminalRootKey, TerminalSuite};
use model::TerminalId;
use tap::envelope::{Envelope, EnvelopeError, Header, open, open_answer, seal};
use tap::{RefusalCode, SequenceError};

const DOCUMENT: &str = include_str!("../../../docs/protocol/tap.md");
const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
const TEXT: &[u8] = b"A0100420100DF0306000001000050";

fn header(suite: TerminalSuite) -> Header {
    Header { suite, terminal: TERMINAL, key_id: 0x0102_0304, sequence: 0x1112_1314_1516_1718 }
}

fn key(suite: TerminalSuite) -> MessageKey {
    let root = TerminalRootKey::from_bytes([7; 16]);
    root.working_keys(TERMINAL, 0x0102_0304).message_key(suite)
}

fn nonce(suite: TerminalSuite) -> Vec<u8> {
    (0..suite.nonce_length() as u8).collect()
}

fn sealed(suite: TerminalSuite) -> Vec<u8> {
    seal(&key(suite), Direction::ToBank, &header(suite), &nonce(suite), TEXT).unwrap()
}

fn built() -> impl Iterator<Item = TerminalSuite> {
    TerminalSuite::ALL.into_iter().filter(|suite| suite.is_built())
}

#[test]
fn a_header_has_the_layout_of_the_document() {
    let bytes = header(TerminalSuite::Sm4Gcm).to_bytes();
    assert_eq!(hex::encode(bytes), "0102000001000050010203041112131415161718");
    assert_eq!(Header::parse(&bytes), Ok(header(TerminalSuite::Sm4Gcm)));
    for suite in TerminalSuite::ALL {
        assert_eq!(Header::parse(&header(suite).to_bytes()), Ok(header(suite)));
    }
}

#[test]
fn what_is_sealed_is_header_nonce_ciphertext_and_tag_and_opens_again() {
    for suite in built() {
        let bytes = sealed(suite);
        let envelope = Envelope::parse(&bytes).unwrap();
        assert_eq!(envelope.header, header(suite));
        assert_eq!(envelope.nonce, nonce(suite));
        assert_eq!([&envelope.header.to_bytes()[..], envelope.nonce, envelope.text].concat(), bytes);
        assert_eq!(open(&key(suite), Direction::ToBank, &envelope).unwrap(), TEXT);
    }
}

#[test]
fn nothing_can_be_sealed_too() {
    for suite in built() {
        let bytes = seal(&key(suite), Direction::ToBank, &header(suite), &nonce(suite), b"").unwrap();
        let envelope = Envelope::parse(&bytes).unwrap();
        assert_eq!(open(&key(suite), Direction::ToBank, &envelope).unwrap(), b"");
    }
}

#[test]
fn every_cut_of_an_envelope_is_refused() {
    for suite in built() {
        let bytes = sealed(suite);
        let least = Header::LENGTH + suite.nonce_length() + suite.tag_length();
        for end in 0..bytes.len() {
            let refused = Envelope::parse(&bytes[..end])
                .and_then(|envelope| open(&key(suite), Direction::ToBank, &envelope));
            let error = refused.expect_err("a cut");
            if end < least {
                assert_eq!(error, EnvelopeError::Cut, "{end}");
            } else {
                assert!(matches!(error, EnvelopeError::Sealing(_)), "{end}: {error:?}");
            }
        }
    }
}

#[test]
fn every_changed_bit_of_an_envelope_is_refused() {
    for suite in built() {
        let bytes = sealed(suite);
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let opened = Envelope::parse(&changed)
                .and_then(|envelope| open(&key(suite), Direction::ToBank, &envelope));
            assert!(opened.is_err(), "{suite}, bit {bit}");
        }
    }
}

#[test]
fn an_envelope_is_good_for_one_direction_one_key_and_one_header() {
    let suite = TerminalSuite::Aes128Gcm;
    let bytes = sealed(suite);
    let envelope = Envelope::parse(&bytes).unwrap();
    let wrong_code = Err(EnvelopeError::Sealing(crypto::MessageError::WrongCode));
    assert_eq!(open(&key(suite), Direction::ToTerminal, &envelope), wrong_code);
    let master = TerminalMasterKey::from_bytes([7; 16]).message_key();
    assert_eq!(open(&master, Direction::ToBank, &envelope), wrong_code);
    let header = Header { sequence: envelope.header.sequence + 1, ..envelope.header };
    let moved = Envelope { header, ..envelope };
    assert_eq!(open(&key(suite), Direction::ToBank, &moved), wrong_code);
}

#[test]
fn an_answer_must_carry_its_requests_header() {
    let suite = TerminalSuite::Aes128Gcm;
    let request = header(suite);
    let answer = seal(&key(suite), Direction::ToTerminal, &request, &nonce(suite), b"answer").unwrap();
    assert_eq!(open_answer(&key(suite), &request, &answer).unwrap(), b"answer");
    for other in [
        Header { sequence: request.sequence + 1, ..request },
        Header { key_id: 0, ..request },
        Header { terminal: TerminalId([9; 6]), ..request },
        Header { suite: TerminalSuite::Sm4Gcm, ..request },
    ] {
        assert_eq!(open_answer(&key(suite), &other, &answer), Err(EnvelopeError::OtherHeader));
    }
    // A request that comes back is no answer.
    let wrong_code = Err(EnvelopeError::Sealing(crypto::MessageError::WrongCode));
    assert_eq!(open_answer(&key(suite), &request, &sealed(suite)), wrong_code);
}

#[test]
fn every_refusal_of_an_envelope_is_reached_by_the_rule_that_it_names() {
    let suite = TerminalSuite::Aes128Gcm;
    let sealed = sealed(suite);
    let with = |at: usize, byte: u8| {
        let mut changed = sealed.clone();
        changed[at] = byte;
        changed
    };
    let long = vec![1; Envelope::LENGTH_MAX + 1];
    for (bytes, error, refusal) in [
        (&[][..], EnvelopeError::Cut, RefusalCode::MalformedEnvelope),
        (&long, EnvelopeError::TooLong, RefusalCode::TooLarge),
        (&with(0, 2), EnvelopeError::OtherVersion(2), RefusalCode::MalformedEnvelope),
        (&with(1, 0), EnvelopeError::UnknownSuite(0), RefusalCode::SuiteRefused),
        (&with(1, 5), EnvelopeError::UnknownSuite(5), RefusalCode::SuiteRefused),
    ] {
        assert_eq!(Envelope::parse(bytes), Err(error));
        assert_eq!(error.refusal(), refusal);
    }
    assert!(Envelope::parse(&long[..Envelope::LENGTH_MAX]).is_ok(), "version 1, suite 1, and 32 KiB");

    let envelope = Envelope::parse(&sealed).unwrap();
    let other = key(TerminalSuite::Sm4Gcm);
    assert_eq!(open(&other, Direction::ToBank, &envelope), Err(EnvelopeError::OtherSuite));
    let seal_with = |key: &MessageKey, nonce: &[u8], text: &[u8]| {
        seal(key, Direction::ToBank, &header(suite), nonce, text)
    };
    assert_eq!(seal_with(&other, &nonce(suite), TEXT), Err(EnvelopeError::OtherSuite));
    let malformed = Err(EnvelopeError::Sealing(crypto::MessageError::Malformed));
    for length in [0, 8, 11, 13, 16] {
        assert_eq!(seal_with(&key(suite), &vec![0; length], TEXT), malformed, "a nonce of {length}");
    }
    let most = Envelope::LENGTH_MAX - Header::LENGTH - suite.nonce_length() - suite.tag_length();
    assert!(seal_with(&key(suite), &nonce(suite), &vec![0; most]).is_ok());
    let too_long = seal_with(&key(suite), &nonce(suite), &vec![0; most + 1]);
    assert_eq!(too_long, Err(EnvelopeError::TooLong));
}

#[test]
fn a_suite_that_is_not_built_says_so() {
    for suite in TerminalSuite::ALL.into_iter().filter(|suite| !suite.is_built()) {
        let said = seal(&key(suite), Direction::ToBank, &header(suite), &nonce(suite), TEXT);
        let error = EnvelopeError::Sealing(crypto::MessageError::SuiteNotBuilt);
        assert_eq!(said, Err(error));
        assert_eq!((error.code(), error.refusal()), ("suite_not_built", RefusalCode::SuiteRefused));
    }
}

#[test]
fn no_bytes_make_reading_or_opening_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut parsed = 0;
    for _ in 0..20_000 {
        let length = next() as usize % 120;
        let mut bytes: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        if let [version, suite, ..] = bytes.as_mut_slice() {
            *version = 1 + u8::from(next() % 16 == 0);
            *suite = (next() % 6) as u8;
        }
        if let Ok(envelope) = Envelope::parse(&bytes) {
            parsed += 1;
            let key = key(envelope.header.suite);
            assert!(open(&key, Direction::ToBank, &envelope).is_err());
        }
    }
    assert!(parsed > 2_000, "{parsed}: else nothing was tried");
}

#[test]
fn errors_have_codes_of_their_own_and_say_what_to_do() {
    let errors = [
        EnvelopeError::Cut,
        EnvelopeError::TooLong,
        EnvelopeError::OtherVersion(2),
        EnvelopeError::UnknownSuite(5),
        EnvelopeError::OtherSuite,
        EnvelopeError::OtherHeader,
        EnvelopeError::Sealing(crypto::MessageError::WrongCode),
        EnvelopeError::Sealing(crypto::MessageError::Malformed),
        EnvelopeError::Sealing(crypto::MessageError::SuiteNotBuilt),
    ];
    for (index, error) in errors.iter().enumerate() {
        assert!(errors[..index].iter().all(|before| before.code() != error.code()));
        assert!(!error.to_string().is_empty());
    }
    assert_ne!(SequenceError::Replayed.to_string(), SequenceError::OutOfOrder.to_string());
}

#[test]
fn the_refusals_are_the_documents_table() {
    let table = DOCUMENT.split("| code | status | why |").nth(1).expect("the table of section 4");
    let mut found = Vec::new();
    for line in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[codes, status, _] = cells.as_slice() else { panic!("{line}") };
        for code in codes.split(", ").map(|code| code.trim_matches('`')) {
            let refusal = RefusalCode::from_code(code).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(refusal.code(), code);
            assert_eq!(refusal.status().to_string(), status, "{code}");
            found.push(refusal);
        }
    }
    assert_eq!(found, RefusalCode::ALL);
    assert_eq!(RefusalCode::from_code("anything else"), None);
}

#[test]
fn suites_and_lengths_are_the_documents() {
    assert!(DOCUMENT.contains("nonce 12 (8 in suites 3, 4) | ciphertext | tag 16 (8 in suites 3, 4)"));
    assert!(DOCUMENT.contains("over 32 KiB"));
    for suite in TerminalSuite::ALL {
        let legacy = suite.number() >= 3;
        assert_eq!(suite.nonce_length(), if legacy { 8 } else { 12 });
        assert_eq!(suite.tag_length(), if legacy { 8 } else { 16 });
    }
}
