//! What an operator types in one box: a channel, a card, the beginning of a channel's digits, or of a name.

use std::str::FromStr as _;

use model::{CardId, ChannelId};
use store::{ChannelFilter, ChannelPage, Reading, StoreError, StoredChannel};

/// How many named channels one page looks at for those that pass a filter.
const LOOKED_AT_MAX: u32 = 500;

/// Channels that were found, and where the list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The channels.
    pub channels: Vec<StoredChannel>,
    /// What to ask with for the next page, if there is one.
    pub next: Option<Cursor>,
}

/// Where a list goes on. Written as text for addresses; the text is opaque.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Behind a channel.
    Channel(ChannelId),
    /// Behind a name and its channel.
    Name(String, ChannelId),
}

/// Why a text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not where a list goes on; begin the list anew")]
pub struct CursorError;

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Channel(channel) => write!(f, "{}", hex::encode(channel.to_bytes())),
            Self::Name(name, channel) => {
                write!(f, "{}.{}", hex::encode(channel.to_bytes()), hex::encode(name))
            }
        }
    }
}

impl std::str::FromStr for Cursor {
    type Err = CursorError;
    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (channel, name) = text.split_once('.').map_or((text, None), |(id, name)| (id, Some(name)));
        let channel: Option<[u8; ChannelId::LENGTH]> =
            hex::decode(channel).ok().and_then(|b| b.try_into().ok());
        let channel = channel.and_then(|bytes| ChannelId::from_bytes(bytes).ok()).ok_or(CursorError)?;
        match name {
            None => Ok(Self::Channel(channel)),
            Some(name) => {
                let name = hex::decode(name).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                Ok(Self::Name(name.ok_or(CursorError)?, channel))
            }
        }
    }
}

/// Finds channels: by what was typed, or, where nothing was, by the filter alone.
///
/// A whole channel (`imei:356938035643809`) or card id is that one; a channel's kind and the beginning of its digits
/// (`deveui:70b3`) is all that begin so; a card's number in full is its card's channel; anything else is the beginning of a name. The
/// filter holds for lists only: who names one channel wants to see it.
pub fn find(
    rows: &dyn Reading,
    typed: &str,
    mut filter: ChannelFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Found, StoreError> {
    let typed = typed.trim();
    let one = |channel: Option<StoredChannel>| Found { channels: channel.into_iter().collect(), next: None };
    if let Ok(channel) = ChannelId::from_str(&typed.to_ascii_lowercase()) {
        return Ok(one(rows.channel(channel)?));
    }
    if let Ok(id) = CardId::from_str(typed)
        && let Some(card) = rows.card(id)?
    {
        return Ok(one(rows.channel(card.channel)?));
    }
    if let Some(card) = rows.card_of_number(typed)? {
        return Ok(one(rows.channel(card.channel)?));
    }
    if !typed.is_empty() {
        let Some(between) = digits_begin(typed) else {
            return named(rows, typed, &filter, after, limit);
        };
        filter.between = Some(between);
    }
    let after = match after {
        Some(Cursor::Channel(channel) | Cursor::Name(_, channel)) => Some(*channel),
        None => None,
    };
    let ChannelPage { channels, next } = rows.channels_after(&filter, after, limit)?;
    Ok(Found { channels, next: next.map(Cursor::Channel) })
}

fn named(
    rows: &dyn Reading,
    typed: &str,
    filter: &ChannelFilter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Found, StoreError> {
    let after = match after {
        Some(Cursor::Name(name, channel)) => Some((name.as_str(), *channel)),
        Some(Cursor::Channel(_)) | None => None,
    };
    let all = filter.presence.is_none() && filter.group.is_none() && filter.tag.is_none();
    let looked_at = if all { limit } else { LOOKED_AT_MAX.max(limit) };
    let found = rows.channels_named(typed, after, looked_at)?;
    let more = found.len() >= looked_at as usize;
    let place = |channel: &StoredChannel| Some(Cursor::Name(channel.registration.name.clone()?, channel.id));
    let end = found.last().filter(|_| more).and_then(place);
    let mut channels = Vec::new();
    for channel in found {
        if !fits(rows, &channel, filter)? {
            continue;
        }
        if channels.len() >= limit as usize {
            // There is one more, if not two.
            let next = channels.last().and_then(place);
            return Ok(Found { channels, next });
        }
        channels.push(channel);
    }
    Ok(Found { channels, next: end })
}

fn fits(rows: &dyn Reading, channel: &StoredChannel, filter: &ChannelFilter) -> Result<bool, StoreError> {
    Ok(filter.presence.is_none_or(|presence| channel.heard.presence == presence)
        && filter.group.is_none_or(|group| channel.registration.group == Some(group))
        && match &filter.tag {
            Some(tag) => rows.tags_of(channel.id)?.contains(tag),
            None => true,
        })
}

/// From where to where channels lie whose digits begin so: `deveui:70b3`, `imei:3569`.
fn digits_begin(typed: &str) -> Option<([u8; ChannelId::LENGTH], [u8; ChannelId::LENGTH])> {
    let typed = typed.to_ascii_lowercase();
    let (kind, digits) = typed.split_once(':')?;
    let (length, last) = match kind {
        "deveui" | "eui64" => (16, 'f'),
        "mac48" => (12, 'f'),
        "imei" => (15, '9'),
        _ => return None,
    };
    if digits.len() >= length {
        return None;
    }
    let whole = |fill: char| {
        let text = format!("{kind}:{digits}{}", String::from(fill).repeat(length - digits.len()));
        ChannelId::from_str(&text).ok().map(ChannelId::to_bytes)
    };
    Some((whole('0')?, whole(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_digits_is_a_range() {
        let range = |text| {
            digits_begin(text).map(|(first, last)| {
                [first, last].map(|bytes| ChannelId::from_bytes(bytes).unwrap().to_string())
            })
        };
        assert_eq!(
            range("deveui:70b3"),
            Some(["deveui:70b3000000000000".into(), "deveui:70b3ffffffffffff".into()])
        );
        assert_eq!(range("DEVEUI:70B3"), range("deveui:70b3"));
        assert_eq!(range("imei:35"), Some(["imei:350000000000000".into(), "imei:359999999999999".into()]));
        assert_eq!([range("deveui:xyz"), range("lora:70"), range("market")], [None, None, None]);
    }

    #[test]
    fn a_cursor_reads_back_and_nothing_else_is_one() {
        let channel = "deveui:70b3d57ed0000001".parse().unwrap();
        for cursor in [Cursor::Channel(channel), Cursor::Name("早市 1".into(), channel)] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "0170b3", "zz", "0170b3d57ed0000001.zz", "0f70b3d57ed0000001"] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
