//! The life of a card at the issuer, and the audit of what a hello claims (S3).

use model::{CardInformation, HolderReference, UnixMillis};

/// Where a card stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LifeCycle {
    /// Made, its key injected; not handed over.
    Issued,
    /// Handed over and bound to its holder: the only state in which it pays.
    Active,
    /// Stopped for the time being, by the holder ("not me") or the issuer.
    Frozen,
    /// Reported lost.
    Lost,
    /// Past its validity.
    Expired,
    /// Closed for ever.
    Closed,
}

/// What happens to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardEvent {
    /// Handed to its holder and bound.
    HandOver,
    /// Given back and unbound.
    TakeBack,
    /// Stopped for the time being.
    Freeze,
    /// Allowed again by the issuer.
    Unfreeze,
    /// Reported lost.
    ReportLost,
    /// Its validity ended.
    Expire,
    /// Ended for ever.
    Close,
}

/// Why an event does not fit a card's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// The state does not allow the event.
    #[error("a card that is {} cannot {}", .state.name(), .event.verb())]
    NotAllowed {
        /// Where the card stands.
        state: LifeCycle,
        /// What was asked.
        event: CardEvent,
    },
    /// The card was personalised for another holder: it must be re-injected for this one first.
    #[error("the card was made for another holder; issue a card for this one")]
    OtherHolder,
    /// It is bound already.
    #[error("the card is bound already; unbind it first")]
    AlreadyBound,
    /// It is not bound.
    #[error("the card is not bound to a holder")]
    NotBound,
}

impl LifeCycle {
    /// Every state, in the order of a card's life.
    pub const ALL: [Self; 6] =
        [Self::Issued, Self::Active, Self::Frozen, Self::Lost, Self::Expired, Self::Closed];

    /// The word for JSON, tables and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::Closed => "closed",
        }
    }

    /// The state of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// The state after an event. Freezing a frozen card and closing a closed one change nothing.
    pub const fn apply(self, event: CardEvent) -> Result<Self, CardError> {
        use CardEvent as E;
        use LifeCycle as L;
        match (self, event) {
            (L::Issued, E::HandOver) => Ok(L::Active),
            (L::Active | L::Frozen, E::TakeBack) => Ok(L::Issued),
            (L::Active | L::Frozen, E::Freeze) => Ok(L::Frozen),
            (L::Frozen, E::Unfreeze) => Ok(L::Active),
            (L::Issued | L::Active | L::Frozen | L::Lost, E::ReportLost) => Ok(L::Lost),
            (L::Issued | L::Active | L::Frozen | L::Expired, E::Expire) => Ok(L::Expired),
            (L::Issued | L::Active | L::Frozen | L::Lost | L::Expired | L::Closed, E::Close) => Ok(L::Closed),
            (L::Active | L::Frozen | L::Lost | L::Expired | L::Closed, E::HandOver)
            | (L::Issued | L::Lost | L::Expired | L::Closed, E::TakeBack | E::Freeze)
            | (L::Issued | L::Active | L::Lost | L::Expired | L::Closed, E::Unfreeze)
            | (L::Expired | L::Closed, E::ReportLost)
            | (L::Lost | L::Closed, E::Expire) => Err(CardError::NotAllowed { state: self, event }),
        }
    }
}

impl CardEvent {
    const fn verb(self) -> &'static str {
        match self {
            Self::HandOver => "be handed over",
            Self::TakeBack => "be taken back",
            Self::Freeze => "be frozen",
            Self::Unfreeze => "be unfrozen",
            Self::ReportLost => "be reported lost",
            Self::Expire => "expire",
            Self::Close => "be closed",
        }
    }
}

/// What the issuer knows of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardRecord {
    /// The 32 bytes that it was made with.
    pub information: CardInformation,
    /// Where it stands.
    pub life_cycle: LifeCycle,
    /// The holder it is bound to since it was handed over.
    pub bound_to: Option<HolderReference>,
    /// It pays before this moment only.
    pub valid_until: UnixMillis,
    /// It can show an amount and a place.
    pub has_display: bool,
}

/// Why the audit of a hello refused the card. The code was right: it is this card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditRefusal {
    /// The claimed number is not the card's.
    #[error("the card number differs")]
    NumberDiffers,
    /// The claimed id is not the card's.
    #[error("the card id differs")]
    CardIdDiffers,
    /// The claimed certificate is not the card's.
    #[error("the certificate number differs")]
    CertificateDiffers,
    /// The claimed creation time is not the card's.
    #[error("the creation time differs")]
    CreationTimeDiffers,
    /// The claimed holder is not the one that the card is bound to.
    #[error("the holder differs")]
    HolderDiffers,
    /// Nobody is bound to the card.
    #[error("the card is not bound to a holder")]
    NotBound,
    /// Not handed over.
    #[error("the card is not handed over yet")]
    NotActive,
    /// Frozen.
    #[error("the card is frozen")]
    Frozen,
    /// Lost.
    #[error("the card is reported lost")]
    Lost,
    /// Past its validity.
    #[error("the card is expired")]
    Expired,
    /// Closed.
    #[error("the card is closed")]
    Closed,
}

impl AuditRefusal {
    /// Every refusal.
    pub const ALL: [Self; 11] = [
        Self::NumberDiffers,
        Self::CardIdDiffers,
        Self::CertificateDiffers,
        Self::CreationTimeDiffers,
        Self::HolderDiffers,
        Self::NotBound,
        Self::NotActive,
        Self::Frozen,
        Self::Lost,
        Self::Expired,
        Self::Closed,
    ];

    /// The stable code for JSON, metrics and logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NumberDiffers => "card_number_differs",
            Self::CardIdDiffers => "card_id_differs",
            Self::CertificateDiffers => "certificate_differs",
            Self::CreationTimeDiffers => "creation_time_differs",
            Self::HolderDiffers => "holder_differs",
            Self::NotBound => "card_not_bound",
            Self::NotActive => "card_not_active",
            Self::Frozen => "card_frozen",
            Self::Lost => "card_lost",
            Self::Expired => "card_expired",
            Self::Closed => "card_closed",
        }
    }
}

/// A card that passed the audit: it may be asked to agree.
#[derive(Clone, Copy, Debug)]
pub struct Audited {
    holder: HolderReference,
}

impl Audited {
    /// The holder it is bound to.
    pub fn holder(&self) -> HolderReference {
        self.holder
    }
}

impl CardRecord {
    /// S3: compares what the card says of itself with what the issuer knows, then its life cycle.
    pub fn audit(&self, claimed: &CardInformation, now: UnixMillis) -> Result<Audited, AuditRefusal> {
        let known = &self.information;
        if claimed.number != known.number {
            return Err(AuditRefusal::NumberDiffers);
        }
        if claimed.card_id != known.card_id {
            return Err(AuditRefusal::CardIdDiffers);
        }
        if claimed.certificate != known.certificate {
            return Err(AuditRefusal::CertificateDiffers);
        }
        if claimed.created != known.created {
            return Err(AuditRefusal::CreationTimeDiffers);
        }
        let holder = self.may_pay(now)?;
        if claimed.holder != holder {
            return Err(AuditRefusal::HolderDiffers);
        }
        Ok(Audited { holder })
    }

    /// Whether the card may pay at all, whatever it says of itself: asked when an order is made.
    pub fn may_pay(&self, now: UnixMillis) -> Result<HolderReference, AuditRefusal> {
        match self.life_cycle {
            LifeCycle::Active if now >= self.valid_until => Err(AuditRefusal::Expired),
            LifeCycle::Active => self.bound_to.ok_or(AuditRefusal::NotBound),
            LifeCycle::Issued if self.bound_to.is_none() => Err(AuditRefusal::NotBound),
            LifeCycle::Issued => Err(AuditRefusal::NotActive),
            LifeCycle::Frozen => Err(AuditRefusal::Frozen),
            LifeCycle::Lost => Err(AuditRefusal::Lost),
            LifeCycle::Expired => Err(AuditRefusal::Expired),
            LifeCycle::Closed => Err(AuditRefusal::Closed),
        }
    }

    /// Handed over: bound to the holder that it was made for.
    pub fn bind(&mut self, holder: HolderReference) -> Result<(), CardError> {
        if self.bound_to.is_some() {
            return Err(CardError::AlreadyBound);
        }
        if self.information.holder != holder {
            return Err(CardError::OtherHolder);
        }
        self.life_cycle = self.life_cycle.apply(CardEvent::HandOver)?;
        self.bound_to = Some(holder);
        Ok(())
    }

    /// Taken back: no longer bound, no longer paying.
    pub fn unbind(&mut self) -> Result<(), CardError> {
        if self.bound_to.is_none() {
            return Err(CardError::NotBound);
        }
        self.life_cycle = self.life_cycle.apply(CardEvent::TakeBack)?;
        self.bound_to = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{CardId, CardNumber, CertificateNumber};

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
    const HOLDER: HolderReference = HolderReference(5);

    fn record() -> CardRecord {
        CardRecord {
            information: CardInformation {
                number: CardNumber::new(6_212_345_678_901_232).unwrap(),
                card_id: CardId(1),
                holder: HOLDER,
                certificate: CertificateNumber(2),
                created: 3,
            },
            life_cycle: LifeCycle::Issued,
            bound_to: None,
            valid_until: NOW.plus(1),
            has_display: true,
        }
    }

    fn bound() -> CardRecord {
        let mut record = record();
        record.bind(HOLDER).unwrap();
        record
    }

    #[test]
    fn a_card_is_bound_when_it_is_handed_over_and_only_to_whom_it_was_made_for() {
        let mut card = record();
        assert_eq!(card.bind(HolderReference(6)), Err(CardError::OtherHolder));
        assert_eq!(card.unbind(), Err(CardError::NotBound));
        card.bind(HOLDER).unwrap();
        assert_eq!((card.life_cycle, card.bound_to), (LifeCycle::Active, Some(HOLDER)));
        assert_eq!(card.bind(HOLDER), Err(CardError::AlreadyBound));
        card.unbind().unwrap();
        assert_eq!((card.life_cycle, card.bound_to), (LifeCycle::Issued, None));
    }

    #[test]
    fn each_refusal_of_the_audit_has_its_own_reason() {
        let claim = bound().information;
        let with = |change: fn(&mut CardRecord)| {
            let mut record = bound();
            change(&mut record);
            record.audit(&claim, NOW).map(|a| a.holder())
        };
        assert_eq!(with(|_| {}), Ok(HOLDER));
        type Case = (fn(&mut CardRecord), AuditRefusal);
        let cases: [Case; 11] = [
            (
                |r| r.information.number = CardNumber::new(6_212_345_678_901_233).unwrap(),
                AuditRefusal::NumberDiffers,
            ),
            (|r| r.information.card_id = CardId(9), AuditRefusal::CardIdDiffers),
            (|r| r.information.certificate = CertificateNumber(9), AuditRefusal::CertificateDiffers),
            (|r| r.information.created = 9, AuditRefusal::CreationTimeDiffers),
            (|r| r.bound_to = Some(HolderReference(6)), AuditRefusal::HolderDiffers),
            (|r| r.bound_to = None, AuditRefusal::NotBound),
            (|r| r.life_cycle = LifeCycle::Issued, AuditRefusal::NotActive),
            (|r| r.life_cycle = LifeCycle::Frozen, AuditRefusal::Frozen),
            (|r| r.life_cycle = LifeCycle::Lost, AuditRefusal::Lost),
            (|r| r.valid_until = NOW, AuditRefusal::Expired),
            (|r| r.life_cycle = LifeCycle::Closed, AuditRefusal::Closed),
        ];
        for (change, reason) in cases {
            assert_eq!(with(change), Err(reason));
        }
    }

    #[test]
    fn a_frozen_card_comes_back_and_a_lost_or_closed_one_does_not() {
        use CardEvent as E;
        use LifeCycle as L;
        for (state, event, after) in [
            (L::Active, E::Freeze, Some(L::Frozen)),
            (L::Frozen, E::Freeze, Some(L::Frozen)),
            (L::Frozen, E::Unfreeze, Some(L::Active)),
            (L::Issued, E::Freeze, None),
            (L::Lost, E::Unfreeze, None),
            (L::Lost, E::Close, Some(L::Closed)),
            (L::Closed, E::HandOver, None),
            (L::Closed, E::ReportLost, None),
            (L::Expired, E::HandOver, None),
        ] {
            assert_eq!(state.apply(event).ok(), after, "{state:?} {event:?}");
        }
    }
}
