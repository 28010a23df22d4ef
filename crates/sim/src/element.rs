//! The secure element of a software card: the key goes in once, and only frames come out.
//!
//! For: [`SoftElement::inject`], the card's half of S0, and the [`SecureElement`] that the controller of
//! `air` works with. Refuses: telling the key. It prints `[redacted]`, is zeroised when dropped, and leaves
//! this crate only inside the file of [`crate::CardImage`], which is this element's silicon.

use core::fmt;

use air::Link;
use air::card::SecureElement;
use crypto::{
    CardKey, CheckValue, FrameCipher, FrameParameters, OpenError, TransportKey, VerificationCode,
    WrappedCardKey,
};
use model::CardInformation;

use crate::InjectError;

/// A secure element in software: one card key, and what was written beside it.
#[derive(Clone)]
pub struct SoftElement {
    key: CardKey,
    link: Link,
    information: CardInformation,
}

impl SoftElement {
    /// S0, the card's side: unwraps the key under the transport key, and takes it only if its check value
    /// is the one that the key store said.
    pub fn inject(
        wrapped: &WrappedCardKey,
        transport: &TransportKey,
        check: CheckValue,
        link: Link,
        information: CardInformation,
    ) -> Result<Self, InjectError> {
        let key = transport.unwrap_key(wrapped).map_err(|_| InjectError::WrongTransportKey)?;
        Self::with_key(key, check, link, information)
    }

    /// The element as an image file holds it.
    pub(crate) fn with_key(
        key: CardKey,
        check: CheckValue,
        link: Link,
        information: CardInformation,
    ) -> Result<Self, InjectError> {
        if link.card_id != information.card_id {
            return Err(InjectError::CardIdsDiffer);
        }
        let found = key.check_value();
        if found != check {
            return Err(InjectError::WrongCheckValue { expected: check, found });
        }
        Ok(Self { key, link, information })
    }

    /// For the image file alone: it is where a software card's element keeps its key.
    pub(crate) fn key(&self) -> &CardKey {
        &self.key
    }
}

impl SecureElement for SoftElement {
    fn link(&self) -> Link {
        self.link
    }

    fn information(&self) -> CardInformation {
        self.information
    }
}

impl FrameCipher for SoftElement {
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        self.key.seal(frame, text)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        self.key.open(frame, text, code)
    }
}

impl fmt::Debug for SoftElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftElement")
            .field("key", &"[redacted]")
            .field("link", &self.link)
            .field("information", &self.information)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_key_is_taken_only_whole_and_as_announced() {
        let transport = TransportKey::from_bytes([9; 32]);
        let key = CardKey::from_bytes([7; 16]);
        let (wrapped, check) = (transport.wrap(&key).unwrap(), key.check_value());
        let (link, information) = (sample::link(1), sample::information(1));
        let element = SoftElement::inject(&wrapped, &transport, check, link, information).unwrap();
        assert_eq!(element.link(), link);
        assert_eq!(element.information(), information);

        let other = TransportKey::from_bytes([8; 32]);
        let refused = SoftElement::inject(&wrapped, &other, check, link, information);
        assert_eq!(refused.unwrap_err(), InjectError::WrongTransportKey);

        let wrong = CheckValue([0; 3]);
        let refused = SoftElement::inject(&wrapped, &transport, wrong, link, information);
        assert!(matches!(refused, Err(InjectError::WrongCheckValue { .. })));

        let refused = SoftElement::inject(&wrapped, &transport, check, sample::link(2), information);
        assert_eq!(refused.unwrap_err(), InjectError::CardIdsDiffer);
    }

    #[test]
    fn an_element_prints_neither_key_nor_whole_number() {
        let text = format!("{:?}", sample::element(1));
        assert!(text.contains("[redacted]"));
        assert!(!text.contains(&sample::information(1).number.digits().to_string()));
    }
}
