//! The suites in DES and 3DES against the system's `openssl`: CBC both ways, and a retail MAC put together from its
//! DES calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::io::Write;
use std::process::{Command, Stdio};

use aes::Aes128;
use aes_kw::KwAes128;
use cmac::{Cmac, KeyInit, Mac};
use crypto::{Direction, MessageError, MessageKey, TerminalMasterKey, TerminalSuite, WrappedWorkingKeys};

const MESSAGE: [u8; 16] = *b"a message key 16";
const MAC: [u8; 16] = *b"and a MAC key 16";
const HEADER: [u8; 20] = *b"header of an envelop";

/// A message key of known bytes: as it comes to a terminal, under a wrapping key that is derived here once more.
fn message_key(suite: TerminalSuite) -> MessageKey {
    let master = [0x5a; 16];
    let wrapping = Cmac::<Aes128>::new(&master.into()).chain_update(b"\x01CFTW\0\0\x80").finalize();
    let mut wrapped = [0; 56];
    let keys = [MESSAGE, MAC, [3; 16]].concat();
    KwAes128::new(&wrapping.into_bytes()).wrap_key(&keys, &mut wrapped).unwrap();
    let master = TerminalMasterKey::from_bytes(master);
    master.unwrap_working(&WrappedWorkingKeys(wrapped), suite).unwrap().0
}

fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test needs the program `openssl`");
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

/// CBC without padding by `openssl`: with 8 bytes of key DES, with 16 two-key 3DES.
fn cbc(key: &[u8], iv: &[u8], decrypt: bool, text: &[u8]) -> Vec<u8> {
    let (key_hex, iv) = (hex::encode(key), hex::encode(iv));
    let rest = ["-nopad", if decrypt { "-d" } else { "-e" }, "-iv", &iv, "-K"];
    if key.len() == 8 {
        let single = ["enc", "-des-cbc", "-provider", "legacy", "-provider", "default"];
        let arguments = [&single[..], &rest, &[&key_hex]].concat();
        if let Some(done) = openssl(&arguments, text) {
            return done;
        }
    }
    // Where it has no single DES: 3DES with one key twice is the same.
    let twice = if key.len() == 8 { format!("{key_hex}{key_hex}") } else { key_hex };
    let arguments = [&["enc", "-des-ede-cbc"][..], &rest, &[&twice]].concat();
    openssl(&arguments, text).expect("openssl encrypts with 3DES")
}

fn padded(text: &[u8]) -> Vec<u8> {
    let mut text = [text, &[0x80]].concat();
    text.resize(text.len().next_multiple_of(8), 0);
    text
}

fn retail_mac(key: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let (left, right) = key.split_at(8);
    let chain = cbc(left, &[0; 8], false, &padded(text));
    let last = &chain[chain.len() - 8..];
    cbc(left, &[0; 8], false, &cbc(right, &[0; 8], true, last))
}

/// A sealed message by `openssl` alone.
fn sealed(suite: TerminalSuite, direction: u8, nonce: &[u8; 8], text: &[u8]) -> Vec<u8> {
    let key = if suite == TerminalSuite::Des { &MESSAGE[..8] } else { &MESSAGE[..] };
    let ciphertext = cbc(key, nonce, false, &padded(text));
    let tag = retail_mac(&MAC, &[b"CFT1", &[direction][..], &HEADER, nonce, &ciphertext].concat());
    [ciphertext, tag].concat()
}

#[test]
fn openssl_says_the_same_in_both_directions() {
    let nonce = *b"nonce!!!";
    for suite in [TerminalSuite::Des, TerminalSuite::TripleDes] {
        let key = message_key(suite);
        for length in [0, 1, 7, 8, 9, 64, 301] {
            let text: Vec<u8> = (0..length).map(|n: u16| n.to_le_bytes()[0]).collect();

            let mut ours = text.clone();
            key.seal(Direction::ToBank, &HEADER, &nonce, &mut ours).unwrap();
            assert_eq!(hex::encode(&ours), hex::encode(sealed(suite, 0, &nonce, &text)), "{suite}, {length}");
            let des = if suite == TerminalSuite::Des { &MESSAGE[..8] } else { &MESSAGE[..] };
            assert_eq!(cbc(des, &nonce, true, &ours[..ours.len() - 8]), padded(&text));

            let mut theirs = sealed(suite, 1, &nonce, &text);
            key.open(Direction::ToTerminal, &HEADER, &nonce, &mut theirs).unwrap();
            assert_eq!(theirs, text, "{suite}, {length}");
        }
    }
}

#[test]
fn a_padding_that_is_none_is_no_message_even_under_the_right_tag() {
    let nonce = [9; 8];
    for suite in [TerminalSuite::Des, TerminalSuite::TripleDes] {
        let des = if suite == TerminalSuite::Des { &MESSAGE[..8] } else { &MESSAGE[..] };
        for clear in [[0; 8], [0x80, 0, 0, 0, 0, 0, 0, 1], [0xff; 8]] {
            let ciphertext = cbc(des, &nonce, false, &clear);
            let tag = retail_mac(&MAC, &[b"CFT1\0", &HEADER[..], &nonce, &ciphertext].concat());
            let mut text = [ciphertext, tag].concat();
            let opened = message_key(suite).open(Direction::ToBank, &HEADER, &nonce, &mut text);
            assert_eq!(opened, Err(MessageError::Malformed));
        }
    }
}
