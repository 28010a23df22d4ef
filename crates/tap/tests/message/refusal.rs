//! Every rule of a message, reached by the name that it has.

use std::collections::BTreeSet;

use crypto::PinBlock;
use tap::tag::Tag;
use tap::{Authorize, Body, Message, MessageError, Transaction};

use super::{asn, message};

#[test]
fn every_refusal_is_reached_by_the_rule_that_it_names() {
    const HEAD: &str = "A0100420100";
    const TERMINAL_FIELD: &str = "DF0306000001000050";
    let open = |fields: &str| format!("{HEAD}{fields}");
    let open_with = |fields: &str| format!("{HEAD}{TERMINAL_FIELD}{fields}");
    let list = |fields: &str| format!("I0100420304DF0D10{}DF0E0101{fields}", "00".repeat(16));
    let ran = |fields: &str| format!("I0100420305DF0D10{}DF0E0101{fields}", "00".repeat(16));
    let end = |fields: &str| format!("A0100420109{fields}");
    let command = |fields: &str| match fields.len() / 2 {
        short @ 0..0x80 => list(&format!("FF21{short:02X}{fields}")),
        long => list(&format!("FF2182{long:04X}{fields}")),
    };
    use MessageError as E;
    let cases: Vec<(&str, String, MessageError)> = vec![
        ("a letter that is not ASCII", open_with("é"), E::NotAscii),
        ("a first letter that is not ASCII", "充值".into(), E::NotAscii),
        ("one character more than 16,384", open(&"0".repeat(16_384 - 11 + 1)), E::TooLong),
        ("nothing", String::new(), E::Cut),
        ("a letter alone", "A".into(), E::Cut),
        ("a head without its last character", HEAD[..10].into(), E::Cut),
        ("half a byte at the end", open_with("D"), E::Cut),
        ("half a tag", open_with("DF"), E::Cut),
        ("a tag without a length", open_with("DF10"), E::Cut),
        ("a length without its second byte", open_with("DF1081"), E::Cut),
        ("a length without its third byte", open_with("DF108201"), E::Cut),
        ("a value without its end", open("DF03060000010000"), E::Cut),
        ("a value longer than any message", open_with("DF1082FFFF01"), E::Cut),
        ("another letter", open_with("").replace('A', "B"), E::OtherLetter),
        ("a small letter", open_with("").replace('A', "a"), E::OtherLetter),
        ("version 02", "A0200420100".into(), E::OtherVersion),
        ("an industry with a letter", "A01004A0100".into(), E::IndustryNotDigits),
        ("an industry with a sign", "A01+0420100".into(), E::IndustryNotDigits),
        ("transaction 00", "A0100420000".into(), E::UnknownTransaction),
        ("transaction 05", "A0100420500".into(), E::UnknownTransaction),
        ("a transaction with a letter", "A0100420A00".into(), E::UnknownTransaction),
        ("step 06", "A0100420106".into(), E::UnknownStep),
        ("a step with a space", "A010042010 ".into(), E::UnknownStep),
        ("an opening that goes on", open_with("").replace('A', "I"), E::WrongLetterForStep),
        ("a list that ends", list("").replacen('I', "A", 1), E::WrongLetterForStep),
        ("a small digit", open("df0306000001000050"), E::NotHex),
        ("a letter that is no digit", open_with("DG"), E::NotHex),
        ("half a byte that is no digit", open_with("g"), E::NotHex),
        ("a tag between two that are known", open_with("DF1200"), E::UnknownTag(0xdf12)),
        ("a tag of one byte", open_with("5A00"), E::UnknownTag(0x5a)),
        ("a tag of three bytes", open_with("DF810100"), E::UnknownTag(0xdf81)),
        ("an outcome in an opening", open_with("DF30020001"), E::FieldNotOfStep(Tag::Outcome)),
        ("an APDU outside its command", list("DF2205805C000204"), E::FieldNotOfStep(Tag::Apdu)),
        ("a command in a command", command("FF2100"), E::FieldNotOfStep(Tag::Command)),
        ("the card's PIN on its way to the bank", authorize_with_card_pin(), E::FieldNotOfStep(Tag::CardPin)),
        ("a terminal after the wish", open("DF100101DF0306000001000050"), E::OutOfOrder(Tag::Terminal)),
        (
            "an amount before and after the terminal",
            open("DF020400000001DF0306000001000050DF020400000001"),
            E::RepeatedTag(Tag::Amount),
        ),
        ("two terminals", open_with(TERMINAL_FIELD), E::RepeatedTag(Tag::Terminal)),
        (
            "eleven records",
            end(&format!("{}DF30020001", format!("DF0A17{}", "00".repeat(23)).repeat(11))),
            E::TooMany(Tag::Record),
        ),
        ("33 commands", list(&"FF210DDF2205805C000204DF23029000".repeat(33)), E::TooMany(Tag::Command)),
        ("33 outputs", ran(&format!("{}DF250100", "DF24029000".repeat(33))), E::TooMany(Tag::Output)),
        ("a length of one byte in two", open("DF038106000001000050"), E::LengthNotShortest(Tag::Terminal)),
        (
            "a length of two bytes in three",
            open("DF03820006000001000050"),
            E::LengthNotShortest(Tag::Terminal),
        ),
        ("a length that is not told", open("DF0380000001000050"), E::WrongLength(Tag::Terminal)),
        ("a length in three bytes", open("DF0383000006000001000050"), E::WrongLength(Tag::Terminal)),
        ("a terminal of five bytes", open("DF03050000010000"), E::WrongLength(Tag::Terminal)),
        ("a card's PIN of one byte", open_with("DF110112"), E::WrongLength(Tag::CardPin)),
        ("a card's PIN of seven bytes", open_with("DF110712345678901234"), E::WrongLength(Tag::CardPin)),
        ("an APDU of four bytes", command("DF220480CA0000DF23029000"), E::WrongLength(Tag::Apdu)),
        (
            "an APDU of 262 bytes",
            command(&format!("DF22820106{}DF23029000", "00".repeat(262))),
            E::WrongLength(Tag::Apdu),
        ),
        ("half a status word", command("DF2205805C000204DF2303900094"), E::WrongLength(Tag::Allowed)),
        ("no status word", command("DF2205805C000204DF2300"), E::WrongLength(Tag::Allowed)),
        (
            "nine status words",
            command(&format!("DF2205805C000204DF2312{}", "9000".repeat(9))),
            E::WrongLength(Tag::Allowed),
        ),
        ("an output of one byte", ran("DF240190DF250101"), E::WrongLength(Tag::Output)),
        (
            "an output of 259 bytes",
            ran(&format!("DF24820103{}DF250100", "00".repeat(259))),
            E::WrongLength(Tag::Output),
        ),
        (
            "a text of 201 bytes",
            end(&format!("DF30020001DF3281C9{}", "41".repeat(201))),
            E::WrongLength(Tag::English),
        ),
        (
            "a serial number that is not decimal",
            open(&format!("DF010A{}{TERMINAL_FIELD}", "AA".repeat(10))),
            E::InvalidValue(Tag::Asn),
        ),
        (
            "an SMS code with a letter",
            open_with(&format!("DF0510{}DF060631323334354A", "00".repeat(16))),
            E::InvalidValue(Tag::SmsCode),
        ),
        ("a wish that is not 01", open_with("DF100100"), E::InvalidValue(Tag::VerifiedWish)),
        (
            "a card's PIN with a digit after its padding",
            open_with("DF11021F23"),
            E::InvalidValue(Tag::CardPin),
        ),
        ("a card's PIN with no digit", open_with("DF1102FFFF"), E::InvalidValue(Tag::CardPin)),
        ("a card's PIN with A in it", open_with("DF110212A4"), E::InvalidValue(Tag::CardPin)),
        ("an ending that there is not", ran("DF250103"), E::InvalidValue(Tag::Ending)),
        ("verified by 02", end("DF30020001DF340102"), E::InvalidValue(Tag::Verified)),
        ("a text that is not UTF-8", end("DF30020001DF3201FF"), E::InvalidValue(Tag::English)),
        ("half a Chinese letter", end("DF30020001DF3302E4BD"), E::InvalidValue(Tag::Chinese)),
        ("an opening without a terminal", open(""), E::MissingField(Tag::Terminal)),
        ("a code without its reference", open_with("DF0606313233343536"), E::MissingField(Tag::SmsReference)),
        (
            "a reference without its code",
            open_with(&format!("DF0510{}", "00".repeat(16))),
            E::MissingField(Tag::SmsCode),
        ),
        ("a command without status words", command("DF2205805C000204"), E::MissingField(Tag::Allowed)),
        ("a command without its APDU", command("DF23029000"), E::MissingField(Tag::Apdu)),
        ("a command with nothing", command(""), E::MissingField(Tag::Apdu)),
        ("an end without an outcome", end(""), E::MissingField(Tag::Outcome)),
        ("outputs without an ending", ran(""), E::MissingField(Tag::Ending)),
    ];
    for (name, text, error) in &cases {
        assert_eq!(Message::parse(text), Err(*error), "{name}: {text}");
        assert!(!error.to_string().is_empty());
    }
    let codes: BTreeSet<&str> = cases.iter().map(|(.., error)| error.code()).collect();
    let variants: BTreeSet<usize> = cases.iter().map(|(.., error)| number(*error)).collect();
    assert_eq!(variants, (0..19).collect(), "a rule without a case");
    assert_eq!(codes.len(), 19, "two rules with one code");
}

fn authorize_with_card_pin() -> String {
    let pin = PinBlock([0; 16]);
    let authorize = Authorize { asn: asn(), amount: None, sms: None, pin, pack_version: 1 };
    message(Transaction::Activation, Body::Authorize(authorize)).to_text() + "DF11021234"
}

/// A new variant does not compile before it has a case.
fn number(error: MessageError) -> usize {
    match error {
        MessageError::NotAscii => 0,
        MessageError::TooLong => 1,
        MessageError::Cut => 2,
        MessageError::OtherLetter => 3,
        MessageError::OtherVersion => 4,
        MessageError::IndustryNotDigits => 5,
        MessageError::UnknownTransaction => 6,
        MessageError::UnknownStep => 7,
        MessageError::WrongLetterForStep => 8,
        MessageError::NotHex => 9,
        MessageError::UnknownTag(_) => 10,
        MessageError::FieldNotOfStep(_) => 11,
        MessageError::OutOfOrder(_) => 12,
        MessageError::RepeatedTag(_) => 13,
        MessageError::TooMany(_) => 14,
        MessageError::LengthNotShortest(_) => 15,
        MessageError::WrongLength(_) => 16,
        MessageError::InvalidValue(_) => 17,
        MessageError::MissingField(_) => 18,
    }
}
