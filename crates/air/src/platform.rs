//! The platform's end as typed steps: parse, verify, admit, seal (S3, S4, S7).
//!
//! A [`VerifiedHello`] or [`VerifiedResult`] cannot be made without a code that agreed; what is durable
//! ([`Marks`]) is an argument, because any node of a platform may serve any card.

use crypto::{FrameCipher, OpenError};
use model::{CardInformation, ChannelId, Outcome, TimeFactor, UnixMillis};

use crate::frame::{Frame, FrameBytes, Head, Kind};
use crate::link::Link;
use crate::seal::{open, seal};
use crate::text::{ResultText, StatusText, Transaction, TransactionContext};
use crate::{FrameError, TextError};

/// How far a hello's factor may lie from the platform's clock, in seconds (either way).
pub const HELLO_WINDOW_SECONDS: i64 = 600;

/// How far a downlink's factor may lie ahead of the platform's clock, in seconds.
pub const DOWNLINK_AHEAD_SECONDS_MAX: i64 = 60;

/// A frame from a card, by what it wants.
#[derive(Clone, Copy, Debug)]
pub enum Uplink<'a> {
    /// Here I am: is an order waiting?
    Hello(Hello<'a>),
    /// What the holder pressed.
    Result(ResultFrame<'a>),
    /// Battery and firmware.
    Status(StatusFrame<'a>),
}

impl<'a> Uplink<'a> {
    /// Reads a frame that travels from a card to the platform.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let frame = Frame::parse(bytes)?;
        match frame.kind {
            Kind::Hello => Ok(Self::Hello(Hello(frame))),
            Kind::Result => Ok(Self::Result(ResultFrame(frame))),
            Kind::Status => Ok(Self::Status(StatusFrame(frame))),
            Kind::Transaction | Kind::Receipt | Kind::Retry | Kind::Clock => Err(FrameError::WrongDirection),
        }
    }

    /// The frame's outer form.
    pub fn frame(&self) -> &Frame<'a> {
        match self {
            Self::Hello(Hello(frame))
            | Self::Result(ResultFrame(frame))
            | Self::Status(StatusFrame(frame)) => frame,
        }
    }
}

/// Why an uplink that has the form of one is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The code does not agree. Nothing was decrypted.
    #[error("the verification code is wrong")]
    WrongCode,
    /// The key store did not answer; the frame may be right.
    #[error("the key is not available")]
    KeyUnavailable,
    /// The code agreed, and the text says nothing known: the card is faulty.
    #[error("the text is malformed: {0}")]
    Text(#[from] TextError),
}

impl From<OpenError> for VerifyError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::WrongCode => Self::WrongCode,
            OpenError::KeyUnavailable => Self::KeyUnavailable,
        }
    }
}

/// A hello that was read and not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct Hello<'a>(Frame<'a>);

/// A hello whose code agreed: the card holds the key and the information.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedHello {
    factor: TimeFactor,
    information: CardInformation,
    clock_set: bool,
    full: bool,
}

impl Hello<'_> {
    /// Compares the code, then decrypts. `known` is what the platform holds of the card: a brief hello
    /// opens only if the card holds the same 32 bytes; a full one brings its own, for the audit.
    pub fn verify(
        &self,
        link: &Link,
        known: &CardInformation,
        now: UnixMillis,
        cipher: &impl FrameCipher,
    ) -> Result<VerifiedHello, VerifyError> {
        let factor = self.0.factor.complete(now.time_factor()).ok_or(VerifyError::WrongCode)?;
        let known_bytes = known.to_bytes();
        let context: &[&[u8]] = if self.0.x { &[] } else { &[&known_bytes] };
        let text = open(cipher, link, &self.0, factor, context)?;
        let information = if self.0.x {
            let bytes = text.as_slice().first_chunk().ok_or(TextError::WrongLength)?;
            CardInformation::from_bytes(bytes).map_err(|_| TextError::CardNumber)?
        } else {
            *known
        };
        Ok(VerifiedHello { factor, information, clock_set: !self.0.z, full: self.0.x })
    }
}

impl VerifiedHello {
    /// Time factor A.
    pub fn factor(&self) -> TimeFactor {
        self.factor
    }

    /// The card information that the hello carried, or that its code covered.
    pub fn information(&self) -> &CardInformation {
        &self.information
    }

    /// Whether the card's clock is set (Z = 0).
    pub fn clock_set(&self) -> bool {
        self.clock_set
    }

    /// Whether the information travelled (X = 1).
    pub fn is_full(&self) -> bool {
        self.full
    }
}

/// The durable high-water marks of one card and key version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The highest time factor accepted from the card.
    pub uplink: Option<TimeFactor>,
    /// The highest time factor sent to the card; clock and transaction share it.
    pub downlink: Option<TimeFactor>,
}

/// What the marks and the window say of a verified uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// New and in time: it moves the mark.
    Admitted,
    /// At or below the mark: silence and an alarm, unless it repeats an accepted frame byte for byte.
    NotAboveMark,
    /// Above the mark, outside the window: answer with the clock, do nothing else.
    OutsideWindow,
}

/// No downlink factor is left within 60 s of the clock: stay silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the downlink time factor would lie more than 60 s ahead of the clock")]
pub struct DownlinkTooFarAhead;

impl Marks {
    /// Right code first, then the mark, then the window. A hello whose card has no clock has no window.
    pub fn admit_hello(&self, hello: &VerifiedHello, now: UnixMillis) -> Admission {
        self.admit(hello.factor, hello.clock_set, now)
    }

    /// The same for a status frame.
    pub fn admit_status(&self, status: &VerifiedStatus, now: UnixMillis) -> Admission {
        self.admit(status.factor, true, now)
    }

    fn admit(&self, factor: TimeFactor, clock_set: bool, now: UnixMillis) -> Admission {
        if self.uplink.is_some_and(|mark| factor <= mark) {
            return Admission::NotAboveMark;
        }
        let distance = factor.seconds_after(now.time_factor()).abs();
        if clock_set && distance > HELLO_WINDOW_SECONDS {
            return Admission::OutsideWindow;
        }
        Admission::Admitted
    }

    /// max(now, last + 1), never more than 60 s ahead of the clock. The caller stores it before it sends.
    pub fn next_downlink(&self, now: UnixMillis) -> Result<TimeFactor, DownlinkTooFarAhead> {
        let now = now.time_factor();
        let next = match self.downlink {
            Some(last) => now.max(last.next().ok_or(DownlinkTooFarAhead)?),
            None => now,
        };
        if next.seconds_after(now) > DOWNLINK_AHEAD_SECONDS_MAX {
            return Err(DownlinkTooFarAhead);
        }
        Ok(next)
    }
}

/// How a downlink is to be laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DownlinkForm {
    /// All 32 bits of the factor: for a card whose clock is not set.
    pub wide: bool,
    /// The channel id travels along; a bearer that reaches the card on its own channel elides it.
    pub channel_on_air: bool,
}

fn downlink_head(kind: Kind, form: DownlinkForm, x: bool) -> Head {
    Head { kind, channel_on_air: form.channel_on_air, wide: form.wide, x, z: false }
}

/// How many bytes a transaction takes on the air: head, time factor, text and code.
pub fn transaction_bytes(form: DownlinkForm, transaction: &Transaction) -> usize {
    let channel = if form.channel_on_air { ChannelId::LENGTH } else { 0 };
    let factor = if form.wide { 4 } else { 2 };
    2 + channel + factor + transaction.to_bytes().len() + 8
}

/// S4: seals a transaction under time factor B.
pub fn seal_transaction(
    cipher: &impl FrameCipher,
    link: &Link,
    form: DownlinkForm,
    b: TimeFactor,
    context: &TransactionContext,
    transaction: &Transaction,
) -> Result<FrameBytes, OpenError> {
    let head = downlink_head(Kind::Transaction, form, transaction.text.is_some());
    seal(cipher, link, head, b, &[&context.to_bytes()], &transaction.to_bytes())
}

/// S7: seals the receipt of a result, under the transaction's time factor.
pub fn seal_receipt(
    cipher: &impl FrameCipher,
    link: &Link,
    form: DownlinkForm,
    result: &VerifiedResult,
    outcome: Outcome,
) -> Result<FrameBytes, OpenError> {
    let head = downlink_head(Kind::Receipt, form, false);
    seal(cipher, link, head, result.b, &[&result.text.to_bytes()], &[outcome as u8])
}

/// Tells a card the time: always wide, bound to the hello that it answers.
pub fn seal_clock(
    cipher: &impl FrameCipher,
    link: &Link,
    form: DownlinkForm,
    b: TimeFactor,
    hello: TimeFactor,
) -> Result<FrameBytes, OpenError> {
    let head = downlink_head(Kind::Clock, DownlinkForm { wide: true, ..form }, false);
    seal(cipher, link, head, b, &[&hello.seconds().to_be_bytes()], &[])
}

/// A result that was read and not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct ResultFrame<'a>(Frame<'a>);

impl ResultFrame<'_> {
    /// Whether the factor it carries can be that of the transaction sent under `b`.
    pub fn may_answer(&self, b: TimeFactor) -> bool {
        self.0.factor.complete(b) == Some(b)
    }

    /// The low 16 bits of the factor it carries: what a search among a card's transactions begins with.
    pub fn narrow_factor(&self) -> u16 {
        match self.0.factor {
            crate::Factor::Narrow(low) => low,
            crate::Factor::Wide(factor) => factor.narrow(),
        }
    }

    /// Compares the code against the transaction that was sent under `b`: what was pressed for is what
    /// was shown.
    pub fn verify(
        &self,
        link: &Link,
        b: TimeFactor,
        context: &TransactionContext,
        transaction: &Transaction,
        cipher: &impl FrameCipher,
    ) -> Result<VerifiedResult, VerifyError> {
        if !self.may_answer(b) {
            return Err(VerifyError::WrongCode);
        }
        let text = open(cipher, link, &self.0, b, &[&context.to_bytes(), &transaction.to_bytes()])?;
        let bytes = text.as_slice().first_chunk().ok_or(TextError::WrongLength)?;
        Ok(VerifiedResult { b, text: ResultText::from_bytes(*bytes)? })
    }
}

/// A result whose code agreed: this card answered this transaction so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedResult {
    b: TimeFactor,
    text: ResultText,
}

impl VerifiedResult {
    /// Time factor B of the transaction that it answers.
    pub fn b(&self) -> TimeFactor {
        self.b
    }

    /// What the card decided, and its battery.
    pub fn text(&self) -> ResultText {
        self.text
    }
}

/// A status frame that was read and not yet verified.
#[derive(Clone, Copy, Debug)]
pub struct StatusFrame<'a>(Frame<'a>);

/// A status whose code agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedStatus {
    factor: TimeFactor,
    text: StatusText,
}

impl StatusFrame<'_> {
    /// Compares the code, then decrypts.
    pub fn verify(
        &self,
        link: &Link,
        now: UnixMillis,
        cipher: &impl FrameCipher,
    ) -> Result<VerifiedStatus, VerifyError> {
        let factor = self.0.factor.complete(now.time_factor()).ok_or(VerifyError::WrongCode)?;
        let text = open(cipher, link, &self.0, factor, &[])?;
        let bytes = text.as_slice().first_chunk().ok_or(TextError::WrongLength)?;
        Ok(VerifiedStatus { factor, text: StatusText::from_bytes(*bytes) })
    }
}

impl VerifiedStatus {
    /// The frame's time factor.
    pub fn factor(&self) -> TimeFactor {
        self.factor
    }

    /// What it says.
    pub fn text(&self) -> StatusText {
        self.text
    }
}
