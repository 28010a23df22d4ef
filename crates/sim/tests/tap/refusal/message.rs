//! What was opened and is no message of the protocol, or none that a driver sends: refused in clear, with the
//! name of the rule; and the request's sequence stays good.

use tap::{Body, End, Message, Opening, Outcome, RefusalCode, Transaction};

use crate::counter::{TERMINAL, bus};
use crate::scene::Scene;

impl Scene {
    /// What the bank says to this text inside of an envelope.
    async fn says_to(&self, text: &[u8]) -> Result<(), (RefusalCode, Option<String>)> {
        let till = self.counter.till(TERMINAL);
        let envelope = till.seal_under(&till.next_header(), text, &self.counter.dice);
        self.counter.bank.answer(&envelope).await.map(|_| ()).map_err(|said| (said.code, said.detail))
    }
}

fn malformed(rule: &str) -> Result<(), (RefusalCode, Option<String>)> {
    Err((RefusalCode::MalformedMessage, Some(rule.to_owned())))
}

#[tokio::test]
async fn a_text_that_is_no_message_is_refused_by_the_name_of_the_rule() {
    let scene = Scene::begin(901).await;
    let body = Body::Card(scene.hold().reading());
    let good = Message { industry: bus(), transaction: Transaction::SupplementaryLoad, body }.to_text();
    let head_else = |place: usize, text: &str| {
        let mut changed = good.clone();
        changed.replace_range(place..place + text.len(), text);
        changed
    };
    // ASN DF01 0A, 10 bytes; terminal DF03 06, 6 bytes; …; the pack's version DF0F 02, 2 bytes, at the end.
    let (asn, terminal) = (&good[11..11 + 26], &good[11 + 26..11 + 26 + 18]);
    assert!(asn.starts_with("DF010A") && terminal.starts_with("DF0306") && good.ends_with("DF0F020001"));
    let without = |part: &str| good.replacen(part, "", 1);
    let cases = [
        ("message_cut", String::new()),
        ("message_cut", good[..10].to_owned()),
        ("message_cut", good[..good.len() - 1].to_owned()),
        ("message_cut", good[..good.len() - 2].to_owned()),
        ("not_ascii", format!("{good}é")),
        ("message_too_long", format!("{good}{}", "0".repeat(16_384))),
        ("other_letter", head_else(0, "B")),
        ("other_letter", head_else(0, "i")),
        ("other_version", head_else(1, "02")),
        ("industry_not_digits", head_else(3, "01x1")),
        ("unknown_transaction", head_else(7, "05")),
        ("unknown_step", head_else(9, "06")),
        ("wrong_letter_for_step", head_else(0, "A")),
        ("not_hex", good.replacen("DF01", "df01", 1)),
        ("unknown_tag", format!("{good}DF7F0100")),
        ("unknown_tag", good.replacen("DF0F", "DF20", 1)),
        ("field_not_of_step", good.replacen("DF0F020001", "DF0E0101DF0F020001", 1)),
        ("tags_out_of_order", good.replacen(&format!("{asn}{terminal}"), &format!("{terminal}{asn}"), 1)),
        ("repeated_tag", good.replacen(asn, &asn.repeat(2), 1)),
        ("length_not_shortest", good.replacen("DF0F02", "DF0F8102", 1)),
        ("wrong_length", good.replacen("DF0F020001", "DF0F0101", 1)),
        ("invalid_value", good.replacen("DF010A", "DF010AFF", 1).replacen("FF01", "FF", 1)),
        ("missing_field", without(asn)),
        ("missing_field", without(terminal)),
        ("missing_field", without("DF0F020001")),
    ];
    for (rule, text) in &cases {
        assert_eq!(scene.says_to(text.as_bytes()).await, malformed(rule), "{text}");
    }
    assert_eq!(scene.says_to(&[0xff, 0xfe]).await, malformed("not_ascii"), "not even UTF-8");
    assert_eq!(scene.says_to(good.as_bytes()).await, Ok(()));
    scene.nothing_moved();
}

#[tokio::test]
async fn steps_that_are_not_a_drivers_to_send_are_refused() {
    let scene = Scene::begin(902).await;
    let authorize = Body::Authorize(scene.activation());
    let outputs = Body::Outputs(tap::Outputs {
        reference: tap::Reference([1; 16]),
        list: 1,
        outputs: Vec::new(),
        ending: tap::ListEnding::Done,
    });
    let commands = Body::Commands(tap::CommandList {
        reference: tap::Reference([1; 16]),
        list: 2,
        commands: vec![tap::Command { apdu: vec![0; 5], allowed: vec![tap::StatusWord::DONE] }],
    });
    let authorized = Body::Authorized(tap::message::Authorized { reference: tap::Reference([1; 16]) });
    let opening = Message::parse(&Opening::balance(bus(), TERMINAL).to_text()).unwrap().body;
    let end = Body::End(End::of(Outcome::Loaded));
    let mut never: Vec<(Transaction, Body)> = vec![
        (Transaction::Balance, authorize.clone()),
        (Transaction::SupplementaryLoad, authorize),
        (Transaction::Balance, outputs),
    ];
    for transaction in Transaction::ALL {
        never.extend([&commands, &authorized, &opening, &end].map(|body| (transaction, body.clone())));
    }
    for (transaction, body) in never {
        let text = Message { industry: bus(), transaction, body }.to_text();
        assert_eq!(scene.says_to(text.as_bytes()).await, malformed("step_not_for_the_bank"), "{text}");
    }
    scene.nothing_moved();
}

#[tokio::test]
async fn a_refused_message_leaves_its_sequence_to_the_next() {
    let scene = Scene::begin(903).await;
    let till = scene.counter.till(TERMINAL);
    let header = till.next_header();
    let body = Body::Card(scene.hold().reading());
    let good = Message { industry: bus(), transaction: Transaction::SupplementaryLoad, body }.to_text();
    for (text, answered) in [(&good[..20], false), (&good[..], true), (&good[..], false)] {
        let envelope = till.seal_under(&header, text.as_bytes(), &scene.counter.dice);
        assert_eq!(scene.counter.bank.answer(&envelope).await.is_ok(), answered);
    }
}
