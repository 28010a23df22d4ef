//! What can be wrong with a message or an envelope, one variant a rule.

use crate::RefusalCode;
use crate::tag::Tag;

/// Why a text is not a message of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// A character that is not ASCII.
    #[error("a message is ASCII text; write the fields in hexadecimal")]
    NotAscii,
    /// More characters than [`crate::message::Message::LENGTH_MAX`].
    #[error("a message has at most 16,384 characters; send less in one")]
    TooLong,
    /// It ends within its head or within a field.
    #[error("the message is cut short; send all of it")]
    Cut,
    /// The first letter is neither `A` nor `I`.
    #[error("a message begins with A or I")]
    OtherLetter,
    /// The version is not 01.
    #[error("this is not version 01 of the protocol; bring both ends to the same version")]
    OtherVersion,
    /// The industry code is not four decimal digits.
    #[error("an industry code has four decimal digits")]
    IndustryNotDigits,
    /// The transaction is none of 01 to 04.
    #[error("the transaction is none that this version knows")]
    UnknownTransaction,
    /// The step is none of section 2, or none that is waited for here.
    #[error("the step is none that this version knows here")]
    UnknownStep,
    /// The letter is not the step's.
    #[error("the letter is not that of the step: A opens and ends, all else is I")]
    WrongLetterForStep,
    /// A field has a character that is no upper-case hexadecimal digit.
    #[error("fields are written in hexadecimal digits 0 to 9 and A to F, upper case only")]
    NotHex,
    /// A tag that this version does not have.
    #[error("tag {0:04X} is not known to this version")]
    UnknownTag(u16),
    /// A tag that has no place in this step.
    #[error("tag {0} does not belong here")]
    FieldNotOfStep(Tag),
    /// A tag that stands before the one it follows.
    #[error("tag {0} must stand earlier: tags rise")]
    OutOfOrder(Tag),
    /// A tag more often than once that may not be.
    #[error("tag {0} may stand only once")]
    RepeatedTag(Tag),
    /// A tag that may be repeated, too often.
    #[error("tag {0} is repeated too often; send fewer")]
    TooMany(Tag),
    /// A length of a field in more bytes than it needs.
    #[error("the length of tag {0} is not in its shortest form")]
    LengthNotShortest(Tag),
    /// A field that has not the length of its tag.
    #[error("tag {0} has another length than the protocol gives it")]
    WrongLength(Tag),
    /// A field of the right length that says nothing.
    #[error("the value of tag {0} is none that the protocol knows")]
    InvalidValue(Tag),
    /// A field that this step needs is not there.
    #[error("tag {0} is missing")]
    MissingField(Tag),
}

impl MessageError {
    /// The stable code: what a refusal's `detail` carries, and metrics and logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAscii => "not_ascii",
            Self::TooLong => "message_too_long",
            Self::Cut => "message_cut",
            Self::OtherLetter => "other_letter",
            Self::OtherVersion => "other_version",
            Self::IndustryNotDigits => "industry_not_digits",
            Self::UnknownTransaction => "unknown_transaction",
            Self::UnknownStep => "unknown_step",
            Self::WrongLetterForStep => "wrong_letter_for_step",
            Self::NotHex => "not_hex",
            Self::UnknownTag(_) => "unknown_tag",
            Self::FieldNotOfStep(_) => "field_not_of_step",
            Self::OutOfOrder(_) => "tags_out_of_order",
            Self::RepeatedTag(_) => "repeated_tag",
            Self::TooMany(_) => "too_many",
            Self::LengthNotShortest(_) => "length_not_shortest",
            Self::WrongLength(_) => "wrong_length",
            Self::InvalidValue(_) => "invalid_value",
            Self::MissingField(_) => "missing_field",
        }
    }
}

/// Why bytes are no envelope, or none that could be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Shorter than a header, a nonce and a tag.
    #[error("the envelope is cut short; send all of it")]
    Cut,
    /// Longer than [`crate::envelope::Envelope::LENGTH_MAX`].
    #[error("an envelope has at most 32 KiB; send less in one")]
    TooLong,
    /// The version is not 1.
    #[error("version {0} of the envelope is not known; bring both ends to the same version")]
    OtherVersion(u8),
    /// The suite has no number here.
    #[error("suite {0} of the envelope is not known; register the terminal for another")]
    UnknownSuite(u8),
    /// The header names another suite than the key's.
    #[error("the envelope is in another suite than the key; renew the working key")]
    OtherSuite,
    /// An answer whose header is not the request's.
    #[error("this is the answer to another request; send the request again")]
    OtherHeader,
    /// The cipher refused it.
    #[error(transparent)]
    Sealing(#[from] crypto::MessageError),
}

impl EnvelopeError {
    /// The stable code that metrics and logs carry.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cut => "envelope_cut",
            Self::TooLong => "envelope_too_long",
            Self::OtherVersion(_) => "other_envelope_version",
            Self::UnknownSuite(_) => "unknown_suite",
            Self::OtherSuite => "other_suite",
            Self::OtherHeader => "other_header",
            Self::Sealing(crypto::MessageError::WrongCode) => "wrong_code",
            Self::Sealing(crypto::MessageError::Malformed) => "malformed_sealing",
            Self::Sealing(crypto::MessageError::SuiteNotBuilt) => "suite_not_built",
        }
    }

    /// How a bank refuses a request with such an envelope (section 4).
    pub const fn refusal(self) -> RefusalCode {
        match self {
            Self::TooLong => RefusalCode::TooLarge,
            Self::UnknownSuite(_) | Self::OtherSuite | Self::Sealing(crypto::MessageError::SuiteNotBuilt) => {
                RefusalCode::SuiteRefused
            }
            Self::Sealing(crypto::MessageError::WrongCode) => RefusalCode::WrongCode,
            Self::Cut
            | Self::OtherVersion(_)
            | Self::OtherHeader
            | Self::Sealing(crypto::MessageError::Malformed) => RefusalCode::MalformedEnvelope,
        }
    }
}
