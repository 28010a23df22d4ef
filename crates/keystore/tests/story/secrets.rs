//! Nothing prints a secret, and none stands in the file.

use crypto::{CardKey, CardKeyReference, CheckValue, KeyOrigin, KeyStore, Suite, TransportKey};
use keystore::{Component, KeyUse, Passphrase, SealedFile};
use model::{CardId, KeyVersion};
use zeroize::Zeroizing;

use crate::{Desk, NOW, li, name, open, passphrase};

/// The ways in which eight bytes of a secret could be printed.
fn forms(secret: &[u8]) -> Vec<String> {
    let part = &secret[..8];
    let list = |items: Vec<String>| items.join(", ");
    vec![
        hex::encode(part),
        hex::encode_upper(part),
        list(part.iter().map(u8::to_string).collect()),
        list(part.iter().map(|byte| format!("{byte:x}")).collect()),
        list(part.iter().map(|byte| format!("0x{byte:02x}")).collect()),
        String::from_utf8_lossy(part).into_owned(),
    ]
}

#[test]
fn nothing_prints_a_secret() {
    let desk = Desk::new();
    let (key, custodian) = ((0xa0..0xb0).collect::<Vec<u8>>(), li());
    let component = Component {
        custodian: &custodian,
        bytes: Zeroizing::new(key.clone()),
        check_value: CheckValue([1; 3]),
    };
    let other = Passphrase::new("incorrect horse battery".into()).unwrap();
    let refusals = [
        format!("{:?}", SealedFile::open(&desk.path, &other, desk.store.environment())),
        format!(
            "{:?}",
            desk.store.import_components(
                name("issuer-9"),
                KeyUse::DeriveCardKeys,
                std::slice::from_ref(&component),
                CheckValue([2; 3]),
                NOW
            )
        ),
    ];
    let printed = format!(
        "{:?} {:#?} {:?} {:?} {component:?} {:?} {refusals:?}",
        desk.store,
        desk.store,
        desk.store.keys(),
        desk.store.custodian_log(),
        passphrase(),
    );
    assert!(printed.contains("[redacted]"));
    for secret in [&key[..], b"correct horse battery staple"] {
        for form in forms(secret) {
            assert!(!printed.contains(&form), "{form} in {printed}");
        }
    }
}

#[test]
fn no_key_stands_in_the_file() {
    let desk = Desk::new();
    let card_key = CardKey::from_bytes([0x5a; 16]);
    let transport = TransportKey::from_bytes(std::array::from_fn(|i| 0xa0 + i as u8));
    let key = CardKeyReference {
        card_id: CardId(1),
        version: KeyVersion::FIRST,
        suite: Suite::Aes128Eax,
        origin: KeyOrigin::Imported,
    };
    let wrapped = transport.wrap(&card_key).unwrap();
    desk.store.import_card_key(&key, &wrapped, name("transport-1"), card_key.check_value()).unwrap();
    open(&desk.path).unwrap();
    let file = std::fs::read(&desk.path).unwrap();
    for clear in [&(0xa0..0xa8).collect::<Vec<u8>>()[..], &[0x5a; 8], b"issuer-1", b"Li Na"] {
        assert!(!file.windows(clear.len()).any(|window| window == clear), "{clear:x?}");
    }
}
