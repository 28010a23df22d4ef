//! Fields as bytes: BER-TLV with tags of the registry, read and written in one form only.
//!
//! For: every rule about a field's form, before anybody looks at its value: tags that are known, belong where they
//! stand and rise; lengths in their shortest form, and those of the registry.
//! Refuses: a second spelling of anything. What was read and is written again is the same bytes.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::MessageError;
use crate::tag::{Place, Tag};

/// The fields of one place, all of the form that the registry gives them, and none missing.
pub(crate) struct Fields<'a>(Vec<(Tag, &'a [u8])>);

impl<'a> Fields<'a> {
    pub(crate) fn read(place: Place, mut bytes: &'a [u8]) -> Result<Self, MessageError> {
        let mut fields: Vec<(Tag, &[u8])> = Vec::new();
        while !bytes.is_empty() {
            let (tag, after) = read_tag(bytes)?;
            let (length, after) = read_length(tag, after)?;
            let (value, after) = after.split_at_checked(length).ok_or(MessageError::Cut)?;
            bytes = after;
            if !tag.stands(place) {
                return Err(MessageError::FieldNotOfStep(tag));
            }
            if !tag.length().allows(length) {
                return Err(MessageError::WrongLength(tag));
            }
            let before = fields.iter().filter(|(earlier, _)| *earlier == tag).count();
            if before > 0 && tag.times() == 1 {
                return Err(MessageError::RepeatedTag(tag));
            }
            if before >= tag.times() {
                return Err(MessageError::TooMany(tag));
            }
            if fields.last().is_some_and(|(last, _)| *last > tag) {
                return Err(MessageError::OutOfOrder(tag));
            }
            fields.push((tag, value));
        }
        let is_there = |tag: Tag| fields.iter().any(|(found, _)| *found == tag);
        match Tag::ALL.iter().find(|tag| tag.is_needed(place) && !is_there(**tag)) {
            Some(missing) => Err(MessageError::MissingField(*missing)),
            None => Ok(Self(fields)),
        }
    }

    /// All values of a tag.
    pub(crate) fn all(&self, tag: Tag) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(found, _)| *found == tag).map(|(_, value)| *value)
    }

    /// The value of a tag that may be there.
    pub(crate) fn get(&self, tag: Tag) -> Option<&'a [u8]> {
        self.all(tag).next()
    }

    /// The same of a tag that has one length.
    pub(crate) fn array<const N: usize>(&self, tag: Tag) -> Result<Option<[u8; N]>, MessageError> {
        let array = |value: &[u8]| value.try_into().map_err(|_| MessageError::WrongLength(tag));
        self.get(tag).map(array).transpose()
    }

    /// The value of a tag that must be there and has one length.
    pub(crate) fn must<const N: usize>(&self, tag: Tag) -> Result<[u8; N], MessageError> {
        self.array(tag)?.ok_or(MessageError::MissingField(tag))
    }

    /// A tag that says `01` where it stands.
    pub(crate) fn flag(&self, tag: Tag) -> Result<bool, MessageError> {
        match self.array(tag)? {
            None => Ok(false),
            Some([1]) => Ok(true),
            Some([_]) => Err(MessageError::InvalidValue(tag)),
        }
    }
}

/// All tags of the registry have two bytes. Of a longer one its first two are told.
fn read_tag(bytes: &[u8]) -> Result<(Tag, &[u8]), MessageError> {
    const MORE: u8 = 0x1f;
    let (&first, after) = bytes.split_first().ok_or(MessageError::Cut)?;
    if first & MORE != MORE {
        return Err(MessageError::UnknownTag(first.into()));
    }
    let (&second, after) = after.split_first().ok_or(MessageError::Cut)?;
    let number = u16::from_be_bytes([first, second]);
    Ok((Tag::from_number(number).ok_or(MessageError::UnknownTag(number))?, after))
}

/// The longest value is a command's; three bytes of length are more than any needs.
fn read_length(tag: Tag, bytes: &[u8]) -> Result<(usize, &[u8]), MessageError> {
    let (&first, after) = bytes.split_first().ok_or(MessageError::Cut)?;
    let (length, shortest, after) = match first {
        0..0x80 => (usize::from(first), 0, after),
        0x81 => {
            let (&length, after) = after.split_first().ok_or(MessageError::Cut)?;
            (usize::from(length), 0x80, after)
        }
        0x82 => {
            let (length, after) = after.split_first_chunk().ok_or(MessageError::Cut)?;
            (usize::from(u16::from_be_bytes(*length)), 0x100, after)
        }
        // Of no length, reserved, or of so many bytes as no message has.
        0x80 | 0x83.. => return Err(MessageError::WrongLength(tag)),
    };
    if length < shortest { Err(MessageError::LengthNotShortest(tag)) } else { Ok((length, after)) }
}

/// Fields on their way out. What they held is zeroised.
pub(crate) struct FieldWriter(Zeroizing<Vec<u8>>);

impl FieldWriter {
    /// No message with a secret in it is as long, so that none is left behind where a buffer grew.
    const ROOM: usize = 512;

    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(Self::ROOM)))
    }

    pub(crate) fn put(&mut self, tag: Tag, value: &[u8]) -> &mut Self {
        self.0.extend_from_slice(&tag.number().to_be_bytes());
        let length = value.len().to_be_bytes();
        let zeros = length.iter().take_while(|byte| **byte == 0).count();
        let length = length.get(zeros..).unwrap_or_default();
        match length {
            [] => self.0.push(0),
            [short @ 0..0x80] => self.0.push(*short),
            long => {
                self.0.push(0x80 | long.len() as u8);
                self.0.extend_from_slice(long);
            }
        }
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn put_if<V: AsRef<[u8]>>(&mut self, tag: Tag, value: Option<V>) -> &mut Self {
        match value {
            Some(value) => self.put(tag, value.as_ref()),
            None => self,
        }
    }

    pub(crate) fn put_flag(&mut self, tag: Tag, set: bool) -> &mut Self {
        self.put_if(tag, set.then_some([1]))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
