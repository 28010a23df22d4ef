//! `vectors/air.json`: keys, plaintexts, contexts and whole frames for three suites, made by another
//! implementation of the design.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use air::platform::{self, DownlinkForm, Marks, Uplink};
use air::{
    Answering, Decision, FrameBytes, Lifetime, Link, Outcome, PromptText, ResultText, Transaction,
    TransactionContext,
};
use crypto::{CardKey, Derivation, Suite};
use model::{
    Amount, CardId, CardInformation, CardNumber, CertificateNumber, ChannelId, ChannelKind, Currency,
    HolderReference, KeyVersion, PlaceId, TimeFactor,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    suite: u8,
    card_key: String,
    channel_kind: u8,
    channel_id: String,
    card_id: u32,
    key_version: u8,
    card_number: u64,
    holder: u64,
    certificate: u64,
    created: u32,
    info: String,
    time_factor_a: u32,
    time_factor_b: u32,
    first_process_key: String,
    second_process_key: String,
    result_process_key: String,
    hello_full: Sealed,
    hello_brief: Sealed,
    transaction: Sealed,
    transaction_with_text: Sealed,
    result: Sealed,
    receipt: Sealed,
    clock: Sealed,
}

#[derive(Deserialize)]
struct Sealed {
    plain: String,
    #[serde(default)]
    context: String,
    frame: String,
    bytes: usize,
}

struct Case {
    vector: Vector,
    key: CardKey,
    link: Link,
    information: CardInformation,
    a: TimeFactor,
    b: TimeFactor,
}

fn cases() -> Vec<Case> {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../vectors/air.json")).expect("the vectors are JSON");
    assert_eq!(vectors.len(), 3);
    vectors.into_iter().map(Case::new).collect()
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

impl Case {
    fn new(vector: Vector) -> Self {
        assert_eq!(vector.channel_kind, ChannelKind::DevEui as u8);
        let information = CardInformation {
            number: CardNumber::new(vector.card_number).unwrap(),
            card_id: CardId(vector.card_id),
            holder: HolderReference(vector.holder),
            certificate: CertificateNumber(vector.certificate),
            created: vector.created,
        };
        Self {
            key: CardKey::from_bytes(bytes(&vector.card_key)),
            link: Link {
                channel: ChannelId::new(ChannelKind::DevEui, bytes(&vector.channel_id)).unwrap(),
                card_id: CardId(vector.card_id),
                key_version: KeyVersion::new(vector.key_version).unwrap(),
                suite: Suite::from_number(vector.suite).unwrap(),
            },
            information,
            a: TimeFactor::new(vector.time_factor_a).unwrap(),
            b: TimeFactor::new(vector.time_factor_b).unwrap(),
            vector,
        }
    }

    fn context(&self) -> TransactionContext {
        TransactionContext {
            answering: Answering::Hello(self.a),
            number: self.information.number,
            holder: self.information.holder,
        }
    }

    fn transaction(&self, text: Option<&str>) -> Transaction {
        Transaction {
            amount: Amount::new(2000, Currency::CNY).unwrap(),
            place: PlaceId(0x0000_1001),
            lifetime: Lifetime::at_least_seconds(60),
            text: text.map(|text| PromptText::new(text).unwrap()),
        }
    }
}

fn same(frame: &FrameBytes, sealed: &Sealed) {
    assert_eq!(hex::encode(frame), sealed.frame);
    assert_eq!(frame.len(), sealed.bytes);
}

#[test]
fn process_keys_are_those_of_the_vectors() {
    // A process key shows itself only by what it seals; its bytes are compared by sealing with both.
    for case in cases() {
        let keys = [
            (1, case.a, &case.vector.first_process_key),
            (2, case.b, &case.vector.second_process_key),
            (3, case.b, &case.vector.result_process_key),
        ];
        for (kind, factor, expected) in keys {
            let derivation = Derivation {
                kind,
                suite: case.link.suite,
                channel: case.link.channel,
                card_id: case.link.card_id,
                key_version: case.link.key_version,
                factor,
            };
            let frame = crypto::FrameParameters { derivation, associated_data: b"probe" };
            let expected = crypto::ProcessKey::from_bytes(bytes(expected));
            let (mut left, mut right) = (*b"sixteen bytes ok", *b"sixteen bytes ok");
            let left_code = case.key.process_key(&derivation).seal(&frame, &mut left).unwrap();
            let right_code = expected.seal(&frame, &mut right).unwrap();
            assert!(left == right && left_code == right_code, "kind {kind}");
        }
    }
}

#[test]
fn plaintexts_and_contexts_are_those_of_the_vectors() {
    for case in cases() {
        let v = &case.vector;
        assert_eq!(hex::encode(case.information.to_bytes()), v.info);
        assert_eq!(v.hello_full.plain, v.info);
        assert_eq!(v.hello_brief.context, v.info);
        assert_eq!(hex::encode(case.transaction(None).to_bytes()), v.transaction.plain);
        assert_eq!(hex::encode(case.transaction(Some("早餐")).to_bytes()), v.transaction_with_text.plain);
        assert_eq!(hex::encode(case.context().to_bytes()), v.transaction.context);
        let result = ResultText { decision: Decision::Agreed { presses: 1 }, battery: 199 };
        assert_eq!(hex::encode(result.to_bytes()), v.result.plain);
        assert_eq!(v.receipt.context, v.result.plain);
    }
}

#[test]
fn the_platform_opens_the_uplinks_and_seals_the_downlinks_of_the_vectors() {
    for case in cases() {
        let (v, link, key) = (&case.vector, &case.link, &case.key);
        let now = case.a.unix_millis();
        for (sealed, full) in [(&v.hello_full, true), (&v.hello_brief, false)] {
            let frame = hex::decode(&sealed.frame).unwrap();
            let Ok(Uplink::Hello(hello)) = Uplink::parse(&frame) else { panic!("a hello") };
            let hello = hello.verify(link, &case.information, now, key).unwrap();
            assert_eq!(hello.factor(), case.a);
            assert_eq!(hello.information(), &case.information);
            assert_eq!((hello.is_full(), hello.clock_set()), (full, true));
            assert_eq!(Marks::default().admit_hello(&hello, now), platform::Admission::Admitted);
        }
        let form = DownlinkForm::default();
        let wide = DownlinkForm { wide: true, ..form };
        let context = case.context();
        let (plain, texted) = (case.transaction(None), case.transaction(Some("早餐")));
        same(&platform::seal_transaction(key, link, form, case.b, &context, &plain).unwrap(), &v.transaction);
        same(
            &platform::seal_transaction(key, link, wide, case.b, &context, &texted).unwrap(),
            &v.transaction_with_text,
        );
        let frame = hex::decode(&v.result.frame).unwrap();
        let Ok(Uplink::Result(result)) = Uplink::parse(&frame) else { panic!("a result") };
        let result = result.verify(link, case.b, &context, &plain, key).unwrap();
        assert_eq!(result.text().decision, Decision::Agreed { presses: 1 });
        same(&platform::seal_receipt(key, link, form, &result, Outcome::Settled).unwrap(), &v.receipt);
        same(&platform::seal_clock(key, link, form, case.b, case.a).unwrap(), &v.clock);
    }
}

#[test]
fn a_brief_payment_is_49_bytes_and_a_full_one_81_where_the_bearer_supplies_the_channel() {
    for case in cases() {
        let v = &case.vector;
        let rest = v.transaction.bytes + v.result.bytes;
        assert_eq!(v.hello_brief.bytes + rest, 49);
        assert_eq!(v.hello_full.bytes - ChannelId::LENGTH + rest, 81);
    }
}
