//! Messages: every body there and back, cut, changed and random. `refusal` has every rule by its name, `registry`
//! the registry against the document.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod refusal;
mod registry;

use crypto::{PinBlock, PurseCode};
use model::{Asn, Fen, IndustryCode, OnlineCounter, PurseTime, TerminalId};
use tap::message::{Letter, letter_of};
use tap::tag::{Place, Tag};
use tap::{
    Authorize, Authorized, Body, CardPin, CardReading, Command, CommandList, End, InitializeAnswer,
    ListEnding, LogRecord, Message, MessageError, Open, Outcome, Output, Outputs, Reference, SmsAnswer,
    SmsCode, StatusWord, Transaction,
};
use zeroize::ZeroizeOnDrop;

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
