//! When a card can be reached.

use core::fmt;
use core::str::FromStr;

use model::UnixMillis;

/// The longest window after an uplink, in seconds: an active timer (T3324) of NB-IoT is at most 11,160 s.
const WINDOW_SECONDS_MAX: u32 = 11_160;

/// When a card listens. Written `never`, `always`, or `after-uplink:SECONDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listening {
    /// Only for the answer to its own frame: LoRaWAN class A whose holder presses first.
    Never,
    /// Whenever: LoRaWAN class C, NB-IoT between paging windows.
    Always,
    /// For so many seconds after it was heard: NB-IoT with power saving (the active timer), LoRaWAN class A that sends
    /// statuses (its receive windows).
    AfterUplink {
        /// How long, in seconds: 1 to 11,160.
        seconds: u32,
    },
}

/// Why a text says no listening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("when a card listens is `never`, `always`, or `after-uplink:SECONDS` with 1 to 11160 seconds")]
pub struct ListeningError;

impl Listening {
    /// Whether a frame sent now would be heard, by what is known.
    pub fn reaches(self, heard_at: Option<UnixMillis>, now: UnixMillis) -> bool {
        match (self, heard_at) {
            (Self::Never, _) | (Self::AfterUplink { .. }, None) => false,
            (Self::Always, _) => true,
            (Self::AfterUplink { seconds }, Some(heard_at)) => {
                now.since(heard_at) < u64::from(seconds) * 1_000
            }
        }
    }

    /// As it is stored: `-1` never, `0` always, else the window in seconds.
    pub const fn number(self) -> i64 {
        match self {
            Self::Never => -1,
            Self::Always => 0,
            Self::AfterUplink { seconds } => seconds as i64,
        }
    }

    /// From its number.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            -1 => Some(Self::Never),
            0 => Some(Self::Always),
            seconds => {
                let seconds = u32::try_from(seconds).ok().filter(|seconds| *seconds <= WINDOW_SECONDS_MAX)?;
                Some(Self::AfterUplink { seconds })
            }
        }
    }
}

impl fmt::Display for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Always => f.write_str("always"),
            Self::AfterUplink { seconds } => write!(f, "after-uplink:{seconds}"),
        }
    }
}

impl FromStr for Listening {
    type Err = ListeningError;
    fn from_str(text: &str) -> Result<Self, ListeningError> {
        match text {
            "never" => Ok(Self::Never),
            "always" => Ok(Self::Always),
            other => {
                let digits = other.strip_prefix("after-uplink:").ok_or(ListeningError)?;
                let seconds: i64 = digits
                    .bytes()
                    .all(|b| b.is_ascii_digit())
                    .then(|| digits.parse().ok())
                    .flatten()
                    .filter(|seconds| *seconds > 0)
                    .ok_or(ListeningError)?;
                Self::from_number(seconds).ok_or(ListeningError)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_window_is_open_for_its_seconds_after_the_card_was_heard() {
        let heard = UnixMillis(1_000_000);
        let window = Listening::AfterUplink { seconds: 20 };
        for (listening, heard_at, after, reaches) in [
            (Listening::Never, Some(heard), 0, false),
            (Listening::Always, None, 0, true),
            (window, None, 0, false),
            (window, Some(heard), 0, true),
            (window, Some(heard), 19_999, true),
            (window, Some(heard), 20_000, false),
        ] {
            assert_eq!(listening.reaches(heard_at, heard.plus(after)), reaches, "{listening} {after}");
        }
    }

    #[test]
    fn listening_reads_back_from_text_and_number() {
        for text in ["never", "always", "after-uplink:1", "after-uplink:11160"] {
            let listening: Listening = text.parse().unwrap();
            assert_eq!(listening.to_string(), text);
            assert_eq!(Listening::from_number(listening.number()), Some(listening));
        }
        for text in ["", "Never", "after-uplink:", "after-uplink:0", "after-uplink:+5", "after-uplink:11161"]
        {
            assert_eq!(text.parse::<Listening>(), Err(ListeningError), "{text}");
        }
        assert_eq!(Listening::from_number(-2), None);
    }
}
