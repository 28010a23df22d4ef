//! Messages: every body there and back, every rule by its name, and the registry against the document.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::collections::BTreeSet;

use crypto::{PinBlock, PurseCode};
use model::{Asn, Fen, IndustryCode, OnlineCounter, PurseTime, TerminalId};
use tap::message::{Letter, Step, letter_of};
use tap::tag::{Place, Tag};
use tap::{
    Authorize, Authorized, Body, CardPin, CardReading, Command, CommandList, End, InitializeAnswer,
    ListEnding, LogRecord, Message, MessageError, Open, Outcome, Output, Outputs, Reference, SmsAnswer,
    SmsCode, StatusWord, Transaction,
};
use zeroize::ZeroizeOnDrop;

const DOCUMENT: &str = include_str!("../../../docs/protocol/tap.md");
const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);
const REFERENCE: Reference = Reference([0xab; 16]);

fn asn() -> Asn {
    "00001000751234567890".parse().unwrap()
}

fn sms() -> SmsAnswer {
    SmsAnswer { reference: [0x5a; 16], code: "493817".parse().unwrap() }
}

fn record(sequence: u16) -> LogRecord {
    LogRecord {
        sequence,
        overdraft: [0; 3],
        amount: Fen(5_000),
        kind: 2,
        terminal: TERMINAL,
        when: PurseTime::from_bytes([0x20, 0x26, 0x11, 0x21, 0x09, 0x30, 0x45]),
    }
}

fn initialized() -> InitializeAnswer {
    InitializeAnswer {
        balance: Fen(10_000),
        counter: OnlineCounter(7),
        key_version: 1,
        algorithm: 0,
        random: [0xa1, 0xb2, 0xc3, 0xd4],
        mac1: PurseCode([0xda, 0x8a, 0xd9, 0xe6]),
    }
}

fn message(transaction: Transaction, body: Body) -> Message {
    Message { industry: IndustryCode::new(42).unwrap(), transaction, body }
}

fn bare_open() -> Open {
    Open {
        asn: None,
        amount: None,
        terminal: TERMINAL,
        sms: None,
        pin: None,
        verified: false,
        card_pin: None,
    }
}

fn bare_card() -> CardReading {
    CardReading {
        authorization: None,
        asn: asn(),
        public_data: [0x15; 30],
        amount: None,
        terminal: TERMINAL,
        initialized: None,
        challenge: None,
        pack_version: 3,
    }
}

fn commands(count: usize, length: usize) -> CommandList {
    let command = Command {
        apdu: vec![0x80; length],
        allowed: vec![StatusWord::DONE, StatusWord::PROOF_NOT_AVAILABLE],
    };
    CommandList { reference: REFERENCE, list: 1, commands: vec![command; count] }
}

fn outputs(outputs: Vec<Output>, ending: ListEnding) -> Body {
    Body::Outputs(Outputs { reference: REFERENCE, list: 2, outputs, ending })
}

fn said(length: usize) -> Output {
    Output::Said { data: vec![0x11; length], status: StatusWord::DONE }
}

/// Every body, with all of its fields and with none that it can be without.
fn samples() -> Vec<Message> {
    use Transaction::{Activation, Balance, Load, SupplementaryLoad};
    let pin = PinBlock([0x77; 16]);
    let full_end = End {
        outcome: Outcome::OpenLoad.number(),
        reference: Some(REFERENCE),
        asn: Some(asn()),
        balance: Some(Fen(0)),
        amount: Some(Fen(u32::MAX)),
        records: (1..=2).rev().map(record).collect(),
        tries_left: Some(2),
        verified: true,
        english: Some("Paid, not yet written.".into()),
        chinese: Some("已付款，尚未写入。".into()),
    };
    let bare_end = End { english: None, chinese: None, ..End::of(Outcome::CardGone) };
    let from_later = End { outcome: 65_000, english: Some(String::new()), ..bare_end.clone() };
    vec![
        message(Balance, Body::Open(bare_open())),
        message(
            Load,
            Body::Open(Open {
                asn: Some(asn()),
                amount: Some(Fen(5_000)),
                sms: Some(sms()),
                pin: Some(pin),
                verified: true,
                card_pin: Some("1357".parse().unwrap()),
                ..bare_open()
            }),
        ),
        message(
            Load,
            Body::Authorize(Authorize {
                asn: asn(),
                amount: Some(Fen(5_000)),
                sms: Some(sms()),
                pin,
                pack_version: 0x0102,
            }),
        ),
        message(
            Activation,
            Body::Authorize(Authorize { asn: asn(), amount: None, sms: None, pin, pack_version: 0 }),
        ),
        message(Load, Body::Authorized(Authorized { reference: REFERENCE })),
        message(SupplementaryLoad, Body::Card(bare_card())),
        message(
            Load,
            Body::Card(CardReading {
                authorization: Some(REFERENCE),
                amount: Some(Fen(5_000)),
                initialized: Some(initialized()),
                challenge: Some([1, 2, 3, 4]),
                ..bare_card()
            }),
        ),
        message(SupplementaryLoad, Body::Commands(commands(3, 17))),
        message(SupplementaryLoad, Body::Commands(commands(1, 261))),
        message(SupplementaryLoad, Body::Commands(commands(1, 116))),
        message(SupplementaryLoad, Body::Commands(commands(0, 0))),
        message(SupplementaryLoad, outputs(vec![said(8), said(256), Output::Gone], ListEnding::CardGone)),
        message(SupplementaryLoad, outputs(vec![said(0), said(125), said(126)], ListEnding::Mismatch)),
        message(Activation, outputs(vec![], ListEnding::Done)),
        message(SupplementaryLoad, Body::End(full_end)),
        message(Balance, Body::End(bare_end)),
        message(Balance, Body::End(from_later)),
    ]
}

/// Small, fast, and the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// A text is refused, or says exactly what is written again.
fn refused_or_itself(text: &str) -> Option<Message> {
    let message = Message::parse(text).ok()?;
    assert_eq!(message.to_text(), text);
    Some(message)
}

#[test]
fn every_body_is_written_and_read_as_itself() {
    for sample in samples() {
        let text = sample.to_text();
        assert_eq!(Message::parse(&text), Ok(sample), "{text}");
        assert_eq!(Message::parse(&text).unwrap().to_text(), text);
    }
}

#[test]
fn a_message_is_the_text_that_the_document_describes() {
    for (sample, text) in [
        (message(Transaction::Balance, Body::Open(bare_open())), "A0100420100DF0306000001000050"),
        (
            message(Transaction::Load, Body::Authorized(Authorized { reference: REFERENCE })),
            "I0100420202DF0410ABABABABABABABABABABABABABABABAB",
        ),
        (
            message(
                Transaction::SupplementaryLoad,
                Body::Commands(CommandList {
                    commands: vec![Command {
                        apdu: vec![0x80, 0x5a, 0x00, 0x02, 0x02, 0x00, 0x08, 0x08],
                        allowed: vec![StatusWord(0x9000), StatusWord(0x9406)],
                    }],
                    ..commands(0, 0)
                }),
            ),
            "I0100420304DF0D10ABABABABABABABABABABABABABABABABDF0E0101FF2112DF2208805A000202000808DF230490009406",
        ),
        (
            message(
                Transaction::SupplementaryLoad,
                outputs(vec![said(1), Output::Gone], ListEnding::CardGone),
            ),
            "I0100420305DF0D10ABABABABABABABABABABABABABABABABDF0E0102DF2403119000DF2400DF250102",
        ),
    ] {
        assert_eq!(sample.to_text(), text);
        assert_eq!(Message::parse(text), Ok(sample));
    }
}

#[test]
fn the_letter_is_read_without_looking_at_the_rest() {
    assert_eq!(letter_of("A\u{0}anything at all"), Ok(Letter::End));
    assert_eq!(letter_of("I充值"), Ok(Letter::GoOn));
    assert_eq!(letter_of(""), Err(MessageError::Cut));
    for other in ["a", "i", "B", " A", "充"] {
        assert_eq!(letter_of(other), Err(MessageError::OtherLetter), "{other}");
    }
    for sample in samples() {
        assert_eq!(letter_of(&sample.to_text()), Ok(sample.body.step().letter()));
    }
}

#[test]
fn an_end_carries_both_texts_of_its_outcome() {
    for outcome in Outcome::ALL {
        let end = End::of(*outcome);
        assert_eq!(end.english.as_deref(), Some(outcome.english()));
        assert_eq!(end.chinese.as_deref(), Some(outcome.chinese()));
        assert_eq!(end.known(), Some(*outcome));
        let sample = message(Transaction::Load, Body::End(end));
        assert_eq!(Message::parse(&sample.to_text()), Ok(sample));
    }
    assert_eq!(End { outcome: 65_000, ..End::of(Outcome::Loaded) }.known(), None);
}

#[test]
fn every_cut_is_refused_unless_it_ends_with_a_field_and_the_rest_was_not_needed() {
    for sample in samples() {
        let text = sample.to_text();
        for end in 0..text.len() {
            let cut = &text[..end];
            match Message::parse(cut) {
                Ok(shorter) => {
                    assert_eq!(shorter.to_text(), cut);
                    assert_ne!(shorter, sample);
                    // What is left begins with a tag that this step takes, so it was cut between two fields.
                    let number = u16::from_str_radix(&text[end..end + 4], 16).unwrap();
                    assert!(Tag::from_number(number).unwrap().stands(Place::In(sample.body.step())));
                }
                Err(MessageError::Cut | MessageError::MissingField(_)) => {}
                Err(other) => panic!("{cut}: {other}"),
            }
        }
    }
}

#[test]
fn every_changed_character_is_refused_or_says_something_else() {
    for sample in samples() {
        let text = sample.to_text();
        for at in 0..text.len() {
            for other in "01289ADFIag \u{0}é".chars() {
                if text[at..].starts_with(other) {
                    continue;
                }
                let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                assert_ne!(refused_or_itself(&changed), Some(sample.clone()), "{changed}");
            }
        }
    }
}

#[test]
fn added_characters_are_refused_or_say_something_else() {
    for sample in samples() {
        let text = sample.to_text();
        for more in ["0", "00", " ", "\n", "DF", "DF01", "DF0100", "DF3400", "FF2100"] {
            let longer = format!("{text}{more}");
            assert_eq!(refused_or_itself(&longer), None, "{longer}");
        }
        for at in 0..text.len() {
            assert_ne!(refused_or_itself(&format!("{}0{}", &text[..at], &text[at..])), Some(sample.clone()));
        }
    }
}

#[test]
fn nothing_that_is_read_panics() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let texts: Vec<String> = samples().iter().map(Message::to_text).collect();
    let digits: Vec<char> = "0123456789ABCDEF".chars().collect();
    let tags: Vec<String> = Tag::ALL.iter().map(|tag| format!("{:04X}", tag.number())).collect();
    let mut read = 0;
    for round in 0..60_000 {
        let mut text: Vec<char> = match round % 4 {
            // Any characters.
            0 => {
                (0..random.below(60)).filter_map(|_| char::from_u32(random.next() as u32 & 0xffff)).collect()
            }
            // A head, and digits.
            1 => {
                let mut text: Vec<char> = texts[random.below(texts.len())][..11].chars().collect();
                text.extend((0..random.below(200)).map(|_| digits[random.below(16)]));
                text
            }
            // A head, and fields of tags that are known.
            2 => {
                let mut text = texts[random.below(texts.len())][..11].to_owned();
                for _ in 0..random.below(6) {
                    let length = random.below(24);
                    text += &tags[random.below(tags.len())];
                    text += &format!("{length:02X}");
                    text.extend((0..2 * length).map(|_| digits[random.below(16)]));
                }
                text.chars().collect()
            }
            _ => texts[random.below(texts.len())].chars().collect(),
        };
        for _ in 0..random.below(3) {
            if !text.is_empty() {
                let at = random.below(text.len());
                match random.below(3) {
                    0 => text[at] = digits[random.below(16)],
                    1 => drop(text.remove(at)),
                    _ => text.insert(at, digits[random.below(16)]),
                }
            }
        }
        let text: String = text.into_iter().collect();
        let _ = letter_of(&text);
        read += usize::from(refused_or_itself(&text).is_some());
    }
    assert!(read > 5_000, "{read}: else nothing was tried");
}

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

#[test]
fn the_longest_message_and_the_most_repetitions_are_read() {
    let most = message(Transaction::SupplementaryLoad, Body::Commands(commands(32, 20)));
    assert_eq!(Message::parse(&most.to_text()), Ok(most));
    let ran = message(Transaction::SupplementaryLoad, outputs(vec![said(25); 32], ListEnding::Done));
    assert_eq!(Message::parse(&ran.to_text()), Ok(ran));
    let records = (1..=10).rev().map(record).collect();
    let read = message(Transaction::Balance, Body::End(End { records, ..End::of(Outcome::BalanceRead) }));
    assert_eq!(Message::parse(&read.to_text()), Ok(read));
    // Within all limits but that of the whole.
    let long = message(Transaction::SupplementaryLoad, Body::Commands(commands(31, 261))).to_text();
    assert_eq!(Message::parse(&long), Err(MessageError::TooLong));
    let mut list = commands(28, 261);
    list.commands.iter_mut().for_each(|command| command.allowed = vec![StatusWord::DONE; 8]);
    let written =
        |list: &CommandList| message(Transaction::SupplementaryLoad, Body::Commands(list.clone())).to_text();
    let rest = (Message::LENGTH_MAX - written(&list).len()) / 2;
    list.commands.extend(split_to_fill(rest));
    // The head has 11 characters, so a whole message has an odd number of them.
    assert_eq!(written(&list).len(), Message::LENGTH_MAX - 1);
    assert!(Message::parse(&written(&list)).is_ok());
    list.commands.last_mut().unwrap().apdu.push(0);
    assert_eq!(Message::parse(&written(&list)), Err(MessageError::TooLong));
}

/// Commands that take so many bytes of a message, all told.
fn split_to_fill(bytes: usize) -> Vec<Command> {
    let command = |length| Command { apdu: vec![0; length], allowed: vec![StatusWord::DONE] };
    let size = |commands: &[Command]| {
        let list = |commands| Body::Commands(CommandList { reference: REFERENCE, list: 1, commands });
        let text = |commands| message(Transaction::Load, list(commands)).to_text().len();
        (text(commands.to_vec()) - text(vec![])) / 2
    };
    let fits = |commands: &Vec<Command>| size(commands) == bytes;
    (5..=261)
        .flat_map(|first| (5..=260).map(move |second| vec![command(first), command(second)]))
        .find(fits)
        .unwrap()
}

#[test]
fn what_is_over_a_limit_is_written_and_refused_by_whoever_reads_it() {
    let too_long = End { english: Some("a".repeat(70_000)), ..End::of(Outcome::Loaded) };
    for (body, error) in [
        (Body::End(too_long), MessageError::TooLong),
        (Body::Commands(commands(1, 300)), MessageError::WrongLength(Tag::Apdu)),
        (Body::Commands(commands(33, 5)), MessageError::TooMany(Tag::Command)),
        (outputs(vec![said(257)], ListEnding::Done), MessageError::WrongLength(Tag::Output)),
        (outputs(vec![said(0); 33], ListEnding::Done), MessageError::TooMany(Tag::Output)),
    ] {
        assert_eq!(Message::parse(&message(Transaction::Load, body).to_text()), Err(error));
    }
}

#[test]
fn secrets_do_not_print_and_die_when_dropped() {
    fn dies<T: ZeroizeOnDrop>() {}
    dies::<SmsCode>();
    dies::<CardPin>();
    let printed = format!("{:?}", samples());
    assert!(printed.contains("SmsCode([redacted])"));
    assert!(printed.contains("CardPin([redacted])"));
    assert!(printed.contains("PinBlock([redacted])"));
    for secret in ["493817", "52, 57, 51", "1357", "19, 87", "119, 119"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[test]
fn a_code_and_a_cards_pin_are_what_a_holder_can_type() {
    assert_eq!("493817".parse::<SmsCode>().unwrap().digits(), b"493817");
    for wrong in ["", "49381", "4938170", "49381a", "４９"] {
        assert!(wrong.parse::<SmsCode>().is_err(), "{wrong}");
    }
    for (typed, bytes) in [
        ("1234", &[0x12, 0x34][..]),
        ("12345", &[0x12, 0x34, 0x5f]),
        ("123456789012", &[0x12, 0x34, 0x56, 0x78, 0x90, 0x12]),
    ] {
        let pin: CardPin = typed.parse().unwrap();
        assert_eq!(pin.as_bytes(), bytes);
        assert_eq!(CardPin::new(bytes), Ok(pin));
    }
    for wrong in ["", "123", "1234567890123", "12 4", "12F4"] {
        assert!(wrong.parse::<CardPin>().is_err(), "{wrong}");
    }
    assert!(CardPin::new(&[0x12, 0x34, 0xff]).is_ok(), "a card may want more padding");
}

#[test]
fn numbers_and_names_of_heads_are_one_to_one() {
    for transaction in Transaction::ALL {
        assert_eq!(Transaction::from_number(transaction.number()), Some(transaction));
        assert_eq!(Transaction::from_name(transaction.name()), Some(transaction));
    }
    for number in 0..=u8::MAX {
        assert_eq!(Step::from_number(number).map_or(number, Step::number), number);
        assert_eq!(Transaction::from_number(number).map_or(number, Transaction::number), number);
        assert_eq!(ListEnding::from_number(number).map_or(number, ListEnding::number), number);
    }
}

/// The cells of the rows whose first cell begins so.
fn rows(begins: &str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    let rows = DOCUMENT.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.filter(|row: &Vec<&str>| row[0].starts_with(begins)).collect()
}

/// The document lists the balance in step 03 too, where `DF0B` says it; the registry does not take it there.
const ONLY_IN_THE_DOCUMENT: [(Tag, &str); 1] = [(Tag::Balance, "03, 09")];

#[test]
fn the_registry_of_tags_is_the_documents_table() {
    let table: Vec<_> = ["`DF", "`FF"].into_iter().flat_map(rows).collect();
    assert_eq!(table.len(), Tag::ALL.len());
    for row in table {
        let &[number, name, length, steps] = row.as_slice() else { panic!("{row:?}") };
        let number = u16::from_str_radix(number.trim_matches('`'), 16).unwrap();
        let tag = Tag::from_number(number).unwrap_or_else(|| panic!("{row:?}"));
        assert_eq!(tag.length().to_string(), length, "{tag}");
        let places: Vec<String> = tag
            .places()
            .iter()
            .map(|(place, _)| match place {
                Place::In(step) => format!("{:02}", step.number()),
                Place::InCommand => "in `FF21`".into(),
            })
            .collect();
        let expected = ONLY_IN_THE_DOCUMENT.iter().find(|(known, _)| *known == tag);
        match expected {
            Some((_, written)) => assert_eq!(steps, *written, "{tag}: take it off the list of differences"),
            None => assert_eq!(steps, places.join(", "), "{tag}"),
        }
        let repeats = name.split("up to ").nth(1).and_then(|rest| rest.split(' ').next());
        assert_eq!(tag.times(), repeats.map_or(1, |times| times.parse().unwrap()), "{tag}");
        assert_eq!(name.contains("at most 200 bytes"), tag.length() == tap::tag::Length::Text(200), "{tag}");
    }
}

#[test]
fn tags_rise_and_each_has_a_place() {
    assert!(Tag::ALL.is_sorted());
    for tag in Tag::ALL {
        assert_eq!(Tag::from_number(tag.number()), Some(*tag));
        assert!(!tag.places().is_empty());
    }
}

#[test]
fn steps_and_letters_are_the_documents_table() {
    for step in Step::ALL {
        let cell = format!("{:02} {}", step.number(), step.name());
        let row = rows(&cell).pop().unwrap_or_else(|| panic!("{cell}"));
        assert_eq!(row[0], cell);
        assert_eq!(row[1], step.letter().letter().to_string());
    }
    assert_eq!(rows("0").len(), Step::ALL.len());
}

#[test]
fn the_documents_limits_are_the_constants() {
    assert!(DOCUMENT.contains("at most 16,384 characters"));
    assert_eq!(Message::LENGTH_MAX, 16_384);
    assert_eq!(CommandList::COMMANDS_MAX, 32);
    assert_eq!(Outputs::OUTPUTS_MAX, 32);
    assert_eq!(End::RECORDS_MAX, 10);
}
