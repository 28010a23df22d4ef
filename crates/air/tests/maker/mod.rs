//! What the tests of several files start from: a card as its maker leaves it, and orders for it.
#![allow(dead_code)] // Each test binary uses its own part.

use std::cell::Cell;

use air::card::SecureElement;
use air::{Answering, FrameCipher, Lifetime, Link, OpenError, PromptText, Transaction, TransactionContext};
use crypto::{CardKey, FrameParameters, Suite, VerificationCode};
use model::{
    Amount, CardId, CardInformation, CardNumber, CertificateNumber, ChannelId, ChannelKind, Currency,
    HolderReference, KeyVersion, PlaceId, TimeFactor, UnixMillis,
};

/// 2026-11-20T18:31:28Z.
pub(crate) const EVENING: u32 = 217_362_688;

pub(crate) fn factor(seconds: u32) -> TimeFactor {
    TimeFactor::new(seconds).unwrap()
}

pub(crate) fn evening() -> UnixMillis {
    factor(EVENING).unix_millis()
}

pub(crate) fn key() -> CardKey {
    CardKey::from_bytes(*b"a card's own key")
}

pub(crate) fn link() -> Link {
    Link {
        channel: ChannelId::new(ChannelKind::DevEui, [0x70, 0xb3, 0xd5, 0x7e, 0xd0, 0, 0, 1]).unwrap(),
        card_id: CardId(0x00c0_ffee),
        key_version: KeyVersion::FIRST,
        suite: Suite::Aes128Eax,
    }
}

pub(crate) fn other_channel() -> ChannelId {
    ChannelId::new(ChannelKind::DevEui, [0x70, 0xb3, 0xd5, 0x7e, 0xd0, 0, 0, 2]).unwrap()
}

pub(crate) fn information() -> CardInformation {
    CardInformation {
        number: CardNumber::new(6_212_345_678_901_232).unwrap(),
        card_id: CardId(0x00c0_ffee),
        holder: HolderReference(0x1122_3344_5566_7788),
        certificate: CertificateNumber(0xa1a2_a3a4_a5a6_a7a8),
        created: 212_205_568,
    }
}

/// Breakfast: 20.00 yuan, shown for a minute.
pub(crate) fn breakfast() -> Transaction {
    order(2_000, 60)
}

pub(crate) fn order(minor: i64, lifetime_seconds: u32) -> Transaction {
    Transaction {
        amount: Amount::new(minor, Currency::CNY).unwrap(),
        place: PlaceId(0x1001),
        lifetime: Lifetime::at_least_seconds(lifetime_seconds),
        text: None,
    }
}

pub(crate) fn with_text(transaction: Transaction, text: &str) -> Transaction {
    Transaction { text: Some(PromptText::new(text).unwrap()), ..transaction }
}

pub(crate) fn context(answering: Answering) -> TransactionContext {
    let CardInformation { number, holder, .. } = information();
    TransactionContext { answering, number, holder }
}

/// A secure element in software. It can be made to fail.
#[derive(Debug)]
pub(crate) struct Element {
    key: CardKey,
    link: Link,
    information: CardInformation,
    pub(crate) broken: Cell<bool>,
}

impl Element {
    pub(crate) fn new() -> Self {
        Self { key: key(), link: link(), information: information(), broken: Cell::new(false) }
    }

    fn check(&self) -> Result<(), OpenError> {
        if self.broken.get() { Err(OpenError::KeyUnavailable) } else { Ok(()) }
    }
}

impl FrameCipher for Element {
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        self.check()?;
        self.key.seal(frame, text)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        self.check()?;
        self.key.open(frame, text, code)
    }
}

impl SecureElement for Element {
    fn link(&self) -> Link {
        self.link
    }

    fn information(&self) -> CardInformation {
        self.information
    }
}

/// Numbers that look random and are the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The high bits of Knuth's MMIX generator.
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }

    pub(crate) fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }
}
