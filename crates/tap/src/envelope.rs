//! The envelope of section 4: what is read of a request before anything is decrypted, and how one is made.
//!
//! For: the terminal, which seals with its [`MessageKey`] by [`seal`] and opens what it asked for by
//! [`open_answer`]; the bank, which reads an [`Envelope`] and has its key store open it.
//! Refuses: choosing nonces and sequences, and whatever is inside.
//! Next: [`crate::SequenceMark`] for requests that were seen before.

use alloc::vec::Vec;

use crypto::{Direction, MessageKey, TerminalSuite};
use model::TerminalId;

pub use crate::error::EnvelopeError;

/// The first 20 bytes: who seals under which key. They are authenticated with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Its ciphers.
    pub suite: TerminalSuite,
    /// Whose it is.
    pub terminal: TerminalId,
    /// Under which key; 0 is the master message key.
    pub key_id: u32,
    /// Rises with each request under one key; an answer has its request's.
    pub sequence: u64,
}

const VERSION: u8 = 1;

impl Header {
    /// Version 1, suite 1, terminal 6, key id 4, sequence 8.
    pub const LENGTH: usize = 20;

    /// The bytes.
    pub const fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let TerminalId([t0, t1, t2, t3, t4, t5]) = self.terminal;
        let [k0, k1, k2, k3] = self.key_id.to_be_bytes();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.sequence.to_be_bytes();
        let suite = self.suite.number();
        [VERSION, suite, t0, t1, t2, t3, t4, t5, k0, k1, k2, k3, s0, s1, s2, s3, s4, s5, s6, s7]
    }

    /// Reads the bytes.
    pub const fn parse(bytes: &[u8; Self::LENGTH]) -> Result<Self, EnvelopeError> {
        let [version, suite, t0, t1, t2, t3, t4, t5, k0, k1, k2, k3, s0, s1, s2, s3, s4, s5, s6, s7] = *bytes;
        if version != VERSION {
            return Err(EnvelopeError::OtherVersion(version));
        }
        let Some(suite) = TerminalSuite::from_number(suite) else {
            return Err(EnvelopeError::UnknownSuite(suite));
        };
        Ok(Self {
            suite,
            terminal: TerminalId([t0, t1, t2, t3, t4, t5]),
            key_id: u32::from_be_bytes([k0, k1, k2, k3]),
            sequence: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
        })
    }
}

/// An envelope read from bytes. Nothing is verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Who asks or answers, under which key.
    pub header: Header,
    /// Random, of the suite's length.
    pub nonce: &'a [u8],
    /// Ciphertext and tag.
    pub text: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// The longest envelope: 32 KiB.
    pub const LENGTH_MAX: usize = 32 * 1024;

    /// Reads an envelope.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > Self::LENGTH_MAX {
            return Err(EnvelopeError::TooLong);
        }
        let (header, rest) = bytes.split_first_chunk().ok_or(EnvelopeError::Cut)?;
        let header = Header::parse(header)?;
        let (nonce, text) = rest.split_at_checked(header.suite.nonce_length()).ok_or(EnvelopeError::Cut)?;
        if text.len() < header.suite.tag_length() {
            return Err(EnvelopeError::Cut);
        }
        Ok(Self { header, nonce, text })
    }
}

/// Seals a text. `nonce` is random and of [`TerminalSuite::nonce_length`].
pub fn seal(
    key: &MessageKey,
    direction: Direction,
    header: &Header,
    nonce: &[u8],
    text: &[u8],
) -> Result<Vec<u8>, EnvelopeError> {
    if header.suite != key.suite() {
        return Err(EnvelopeError::OtherSuite);
    }
    let head = header.to_bytes();
    // Room for a padding and a tag: a buffer that grew would leave the text behind where it was.
    let mut sealed = Vec::with_capacity(text.len() + 32);
    sealed.extend_from_slice(text);
    key.seal(direction, &head, nonce, &mut sealed)?;
    let envelope = [&head[..], nonce, &sealed].concat();
    if envelope.len() > Envelope::LENGTH_MAX { Err(EnvelopeError::TooLong) } else { Ok(envelope) }
}

/// Opens an envelope: compares its tag, and only then decrypts.
pub fn open(
    key: &MessageKey,
    direction: Direction,
    envelope: &Envelope<'_>,
) -> Result<Vec<u8>, EnvelopeError> {
    if envelope.header.suite != key.suite() {
        return Err(EnvelopeError::OtherSuite);
    }
    let mut text = envelope.text.to_vec();
    key.open(direction, &envelope.header.to_bytes(), envelope.nonce, &mut text)?;
    Ok(text)
}

/// Opens the bank's answer to a request: it carries the request's header, or is the answer to another.
pub fn open_answer(key: &MessageKey, request: &Header, bytes: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let envelope = Envelope::parse(bytes)?;
    if envelope.header != *request {
        return Err(EnvelopeError::OtherHeader);
    }
    open(key, Direction::ToTerminal, &envelope)
}
