//! Cards for this crate's own tests.

use air::Link;
use crypto::{CardKey, Suite};
use model::{CardId, CardInformation, CardNumber, CertificateNumber, ChannelId, HolderReference, KeyVersion};

use crate::SoftElement;

pub(crate) fn link(card: u32) -> Link {
    Link {
        channel: ChannelId::imei(490_154_203_237_000 + u64::from(card)).unwrap(),
        card_id: CardId(card),
        key_version: KeyVersion::FIRST,
        suite: Suite::Aes128Eax,
    }
}

pub(crate) fn information(card: u32) -> CardInformation {
    CardInformation {
        number: CardNumber::new(6_212_345_678_900_000 + u64::from(card)).unwrap(),
        card_id: CardId(card),
        holder: HolderReference(0x1122_3344_5566_0000 + u64::from(card)),
        certificate: CertificateNumber(7),
        created: 212_205_568,
    }
}

pub(crate) fn element(card: u32) -> SoftElement {
    let key = CardKey::from_bytes([7; 16]);
    let check = key.check_value();
    SoftElement::with_key(key, check, link(card), information(card)).unwrap()
}
