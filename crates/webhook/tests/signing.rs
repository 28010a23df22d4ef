//! Secrets and signatures: published vectors, what another implementation computed, and made ones.
#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use model::UnixMillis;
use webhook::{
    Headers, MessageId, Received, Secret, SecretError, SecretList, Signature, VerifyError, verify,
};

/// 2026-11-20T18:31:28Z.
const NOW: UnixMillis = UnixMillis(1_795_199_488_000);
const MINUTE: i64 = 60_000;

/// Made numbers that are the same in every run (SplitMix64).
struct Made(u64);

impl Made {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(end).unwrap()).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.number().to_le_bytes()[0]).collect()
    }

    fn secret(&mut self) -> Secret {
        let length = 24 + self.below(41);
        Secret::from_bytes(&self.bytes(length)).unwrap()
    }

    fn id(&mut self) -> MessageId {
        MessageId(u128::from(self.number()) << 64 | u128::from(self.number()))
    }
}

fn secret(fill: u8) -> Secret {
    Secret::from_bytes(&[fill; 32]).unwrap()
}

#[test]
fn the_published_message_has_the_published_signature() {
    // The example of the `standardwebhooks` libraries.
    let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
    let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
    let signature = Signature::of(&secret, id, 1_614_265_330, body).to_string();
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let received = Received { id, timestamp: "1614265330", signature: &signature };
    assert_eq!(verify(&SecretList::new(secret), received, body, UnixMillis(1_614_265_330_000)), Ok(()));
}

#[test]
fn the_shortest_and_the_longest_secret_sign_as_another_implementation_does() {
    // Computed with Python's `hmac`.
    let counted: Vec<u8> = (0..64).collect();
    let longest = Secret::from_bytes(&counted).unwrap();
    let id = MessageId(1).to_string();
    assert_eq!(
        Signature::of(&longest, &id, 1_795_199_488, b"{}").to_string(),
        "v1,b/wiBLFo6SYEvcI/lbTJNcpeHuscqmXlp06jD3HPbKE="
    );
    let shortest: Secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX".parse().unwrap();
    assert_eq!(
        Signature::of(&shortest, &id, 1_795_199_488, b"{}").to_string(),
        "v1,XyiwdxLMZ+ZVnnx8FZP/y7YzJ6w65tMu5tUEhV7DGvs="
    );
}

#[test]
fn every_secret_reads_back_as_it_was_shown() {
    let mut made = Made(1);
    for length in 24..=64 {
        for _ in 0..8 {
            let bytes = made.bytes(length);
            let secret = Secret::from_bytes(&bytes).unwrap();
            let shown = secret.reveal();
            let read: Secret = shown.parse().unwrap();
            assert_eq!((read.expose_to_key_store(), &read), (bytes.as_slice(), &secret));
            assert!(shown.starts_with("whsec_"));
            assert_eq!(read.reveal(), shown);
        }
    }
}

#[test]
fn what_is_no_secret_is_refused_by_name() {
    let longest = Secret::from_bytes(&[7; 64]).unwrap().reveal();
    for (text, error) in [
        ("", SecretError::Prefix),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SecretError::Prefix),
        ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", SecretError::Prefix),
        ("whsec_", SecretError::Length),
        ("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRY=", SecretError::Length),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", SecretError::NotBase64),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa S", SecretError::NotBase64),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-", SecretError::NotBase64),
        (&format!("{}AAAA", longest.trim_end_matches('=')), SecretError::Length),
    ] {
        assert_eq!(text.parse::<Secret>(), Err(error), "{text}");
    }
    assert_eq!(Secret::from_bytes(&[7; 23]), Err(SecretError::Length));
    assert_eq!(Secret::from_bytes(&[7; 65]), Err(SecretError::Length));
    // 65 and 66 bytes have 88 letters as 64 have.
    assert_eq!(format!("whsec_{}", "A".repeat(88)).parse::<Secret>(), Err(SecretError::Length));
}

#[test]
fn no_secret_prints_itself() {
    let list = SecretList::new(secret(1)).rotate(secret(2), NOW, NOW.plus(MINUTE)).unwrap();
    let printed = format!("{:?} {list:?}", secret(1));
    assert!(printed.contains("Secret([redacted])"));
    for shown in [secret(1).reveal(), secret(2).reveal()] {
        assert!(!printed.contains(&shown[6..]));
    }
}

#[test]
fn every_signed_message_is_believed_and_no_changed_one() {
    let mut made = Made(2);
    for _ in 0..200 {
        let secrets = SecretList::new(made.secret());
        let length = made.below(400) + 1;
        let (id, body) = (made.id(), made.bytes(length));
        let headers = Headers::sign(&secrets, id, NOW, &body);
        let received = headers.received();
        assert_eq!(verify(&secrets, received, &body, NOW), Ok(()));

        let mut changed = body.clone();
        let place = made.below(changed.len());
        changed[place] ^= 1 << made.below(8);
        assert_eq!(verify(&secrets, received, &changed, NOW), Err(VerifyError::WrongSignature));
        let other_id = made.id().to_string();
        let renamed = Received { id: &other_id, ..received };
        assert_eq!(verify(&secrets, renamed, &body, NOW), Err(VerifyError::WrongSignature));
        let later = (NOW.0 / 1000 + 1).to_string();
        let redated = Received { timestamp: &later, ..received };
        assert_eq!(verify(&secrets, redated, &body, NOW), Err(VerifyError::WrongSignature));
        let others = SecretList::new(made.secret());
        assert_eq!(verify(&others, received, &body, NOW), Err(VerifyError::WrongSignature));
    }
}

#[test]
fn the_headers_have_their_names_and_forms() {
    let headers = Headers::sign(&SecretList::new(secret(1)), MessageId(0xabc), NOW.plus(999), b"{}");
    let [id, timestamp, signature] = headers.pairs();
    assert_eq!(id, ("webhook-id", "msg_00000000000000000000000000000abc"));
    assert_eq!(timestamp, ("webhook-timestamp", "1795199488"));
    assert_eq!(signature.0, "webhook-signature");
    assert_eq!((&signature.1[..3], signature.1.len()), ("v1,", 47));
}

#[test]
fn while_secrets_are_rotated_either_receiver_believes() {
    let (old, new) = (SecretList::new(secret(1)), SecretList::new(secret(2)));
    let both = old.rotate(secret(2), NOW, NOW.plus(MINUTE)).unwrap();
    let headers = Headers::sign(&both, MessageId(7), NOW, b"{}");
    assert_eq!(headers.received().signature.split(' ').count(), 2);
    assert_eq!(verify(&old, headers.received(), b"{}", NOW), Ok(()));
    assert_eq!(verify(&new, headers.received(), b"{}", NOW), Ok(()));

    // The earlier one is good before its end, and not at it.
    let before = Headers::sign(&both, MessageId(7), NOW.plus(MINUTE - 1), b"{}");
    assert_eq!(verify(&old, before.received(), b"{}", NOW), Ok(()));
    let after = Headers::sign(&both, MessageId(7), NOW.plus(MINUTE), b"{}");
    assert_eq!(after.received().signature.split(' ').count(), 1);
    assert_eq!(verify(&old, after.received(), b"{}", NOW), Err(VerifyError::WrongSignature));
    assert_eq!(verify(&new, after.received(), b"{}", NOW), Ok(()));

    let known = both.without_earlier();
    assert_eq!(known.valid_at(NOW).count(), 1);
    assert_eq!(known.current(), &secret(2));
}

#[test]
fn four_secrets_are_good_at_once_and_no_fifth() {
    let until = NOW.plus(MINUTE);
    let mut list = SecretList::new(secret(1));
    for fill in 2..=4 {
        list = list.rotate(secret(fill), NOW, until).unwrap();
    }
    let signature = Headers::sign(&list, MessageId(7), NOW, b"{}");
    assert_eq!(signature.received().signature.split(' ').count(), 4);
    assert_eq!(list.rotate(secret(5), NOW, until), Err(SecretError::TooMany));
    assert_eq!(list.rotate(secret(4), NOW, until), Err(SecretError::InUse));
    assert_eq!(list.rotate(secret(1), NOW, until), Err(SecretError::InUse));
    // Those that have ended make room.
    let later = list.rotate(secret(5), until, until.plus(MINUTE)).unwrap();
    assert_eq!(later.earlier().len(), 1);
    let stored = SecretList::from_stored(list.current().clone(), list.earlier().to_vec());
    assert_eq!(stored, Ok(list.clone()));
    let mut five = list.earlier().to_vec();
    five.push((secret(9), until));
    assert_eq!(SecretList::from_stored(secret(8), five), Err(SecretError::TooMany));
}

#[test]
fn a_message_is_believed_for_five_minutes_either_way() {
    let secrets = SecretList::new(secret(1));
    let headers = Headers::sign(&secrets, MessageId(7), NOW, b"{}");
    for (now, expected) in [
        (NOW.plus(5 * MINUTE), Ok(())),
        (NOW.plus(5 * MINUTE + 999), Ok(())),
        (NOW.plus(5 * MINUTE + 1000), Err(VerifyError::TooOld)),
        (NOW.plus(-5 * MINUTE), Ok(())),
        (NOW.plus(-5 * MINUTE - 1000), Err(VerifyError::TooNew)),
        (UnixMillis(i64::MIN), Err(VerifyError::TooNew)),
        (UnixMillis(i64::MAX), Err(VerifyError::TooOld)),
    ] {
        assert_eq!(verify(&secrets, headers.received(), b"{}", now), expected, "{now:?}");
    }
}

#[test]
fn headers_that_are_none_are_refused_by_name() {
    let secrets = SecretList::new(secret(1));
    let headers = Headers::sign(&secrets, MessageId(7), NOW, b"{}");
    let good = headers.received();
    let long = "m".repeat(257);
    let check = |received| verify(&secrets, received, b"{}", NOW).map_err(VerifyError::code);
    for id in ["", "msg.1", "msg 1", "msg_é", &long] {
        assert_eq!(check(Received { id, ..good }), Err("webhook_id"), "{id}");
    }
    for timestamp in ["", "now", "+1795199488", "01795199488", " 1795199488", "-1", "99999999999999999999"] {
        assert_eq!(check(Received { timestamp, ..good }), Err("webhook_timestamp"), "{timestamp}");
    }
    let asymmetric = format!("v1a{}", &good.signature[2..]);
    let short = "v1,AAAA";
    for signature in ["", " ", "v1,", short, &asymmetric, &good.signature[3..]] {
        assert_eq!(check(Received { signature, ..good }), Err("webhook_no_signature"), "{signature}");
    }
    // Other versions, and signatures by others, may stand beside ours.
    let wrong = Signature::of(&secret(2), good.id, 0, b"").to_string();
    let many = format!("{asymmetric} {wrong} {}", good.signature);
    assert_eq!(check(Received { signature: &many, ..good }), Ok(()));
    let sixteen = format!("{}{}", format!("{wrong} ").repeat(15), good.signature);
    assert_eq!(check(Received { signature: &sixteen, ..good }), Ok(()));
    let seventeen = format!("{wrong} {sixteen}");
    assert_eq!(check(Received { signature: &seventeen, ..good }), Err("webhook_too_many_signatures"));
}
