//! Making a frame's bytes, and opening a frame: the one place where associated data is laid out.

use crypto::{FrameCipher, FrameParameters, OpenError};
use model::{ChannelId, TimeFactor};

use crate::frame::{Frame, FrameBytes, Head};
use crate::link::Link;

/// Head 2, channel 9, factor 4, and the longest context: that of a result, 20 + 31.
type AssociatedData = heapless::Vec<u8, { 2 + ChannelId::LENGTH + 4 + 51 }>;

/// The longest encrypted text: the card information.
pub(crate) type OpenText = heapless::Vec<u8, 32>;

/// Head, channel, factor and context, all in full whatever was elided on the air.
fn associated_data(
    head: [u8; 2],
    channel: ChannelId,
    factor: TimeFactor,
    context: &[&[u8]],
) -> AssociatedData {
    let mut data = AssociatedData::new();
    // The capacity is that of the longest context there is; every caller is in this crate.
    let _ = data.extend_from_slice(&head);
    let _ = data.extend_from_slice(&channel.to_bytes());
    let _ = data.extend_from_slice(&factor.seconds().to_be_bytes());
    for part in context {
        let _ = data.extend_from_slice(part);
    }
    data
}

/// Seals `text` and lays out the whole frame.
pub(crate) fn seal(
    cipher: &impl FrameCipher,
    link: &Link,
    head: Head,
    factor: TimeFactor,
    context: &[&[u8]],
    text: &[u8],
) -> Result<FrameBytes, OpenError> {
    let first_two = head.bytes(link.suite, link.key_version);
    let aad = associated_data(first_two, link.channel, factor, context);
    let mut frame = FrameBytes::new();
    // 55 bytes at the most in a capacity of 64.
    let _ = frame.extend_from_slice(&first_two);
    if head.channel_on_air {
        let _ = frame.extend_from_slice(&link.channel.to_bytes());
    }
    if head.wide {
        let _ = frame.extend_from_slice(&factor.seconds().to_be_bytes());
    } else {
        let _ = frame.extend_from_slice(&factor.narrow().to_be_bytes());
    }
    let text_at = frame.len();
    let _ = frame.extend_from_slice(text);
    let parameters =
        FrameParameters { derivation: link.derivation(head.kind, factor), associated_data: &aad };
    let code = cipher.seal(&parameters, frame.get_mut(text_at..).unwrap_or_default())?;
    let _ = frame.extend_from_slice(&code.to_bytes());
    Ok(frame)
}

/// Compares the code of `frame` under `link`, `factor` and `context`, and only then decrypts its text.
pub(crate) fn open(
    cipher: &impl FrameCipher,
    link: &Link,
    frame: &Frame<'_>,
    factor: TimeFactor,
    context: &[&[u8]],
) -> Result<OpenText, OpenError> {
    // A frame under another suite, key version or channel cannot have a right code: no key is derived.
    let same_channel = frame.channel.is_none_or(|channel| channel == link.channel);
    if frame.suite != link.suite || frame.key_version != link.key_version || !same_channel {
        return Err(OpenError::WrongCode);
    }
    let aad = associated_data(frame.head, link.channel, factor, context);
    let parameters =
        FrameParameters { derivation: link.derivation(frame.kind, factor), associated_data: &aad };
    let mut text = OpenText::new();
    text.extend_from_slice(frame.text).map_err(|_| OpenError::WrongCode)?;
    cipher.open(&parameters, &mut text, &frame.code)?;
    Ok(text)
}
