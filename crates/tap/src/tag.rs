//! The registry of tags: one table of numbers, lengths, repetitions and places.
//!
//! For: every rule about a field that concerns its form. The table of section 2 of `docs/protocol/tap.md` says the
//! same, and a test compares the two.
//! Refuses: values (see `body` and `commands`).

use core::fmt;

use crate::message::Step;

/// Which lengths a field may have, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// This and no other.
    Exactly(usize),
    /// Both ends are allowed.
    Between(usize, usize),
    /// The same, in whole pairs of bytes.
    Pairs(usize, usize),
    /// Nothing at all, or from the first to the second.
    EmptyOr(usize, usize),
    /// UTF-8 of at most so many bytes.
    Text(usize),
    /// Other fields.
    Fields,
}

impl Length {
    /// Whether a field may have so many bytes.
    pub const fn allows(self, length: usize) -> bool {
        match self {
            Self::Exactly(one) => length == one,
            Self::Between(least, most) => least <= length && length <= most,
            Self::Pairs(least, most) => least <= length && length <= most && length.is_multiple_of(2),
            Self::EmptyOr(least, most) => length == 0 || least <= length && length <= most,
            Self::Text(most) => length <= most,
            Self::Fields => true,
        }
    }
}

/// As the document's table writes it: of texts and fields it says nothing there.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(one) => write!(f, "{one}"),
            Self::Between(least, most) | Self::Pairs(least, most) => write!(f, "{least} to {most}"),
            Self::EmptyOr(least, most) => write!(f, "0 or {least} to {most}"),
            Self::Text(_) | Self::Fields => Ok(()),
        }
    }
}

/// Where a field can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a message of this step.
    In(Step),
    /// In a command, [`Tag::Command`].
    InCommand,
}

/// Whether a place can be without a field that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It may be there.
    May,
    /// It must be there.
    Must,
}

struct Row {
    length: Length,
    times: usize,
    places: &'static [(Place, Need)],
}

macro_rules! tags {
    ($(
        $number:literal $variant:ident $name:literal $length:expr, $times:literal,
        [$($place:expr => $need:ident),*];
    )*) => {
        /// What a field is.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Tag { $(#[doc = $name] $variant = $number,)* }

        impl Tag {
            /// All tags in rising order, in which messages carry them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The tag of this number.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// What it is, in words.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        length: $length,
                        times: $times,
                        places: &[$(($place, Need::$need)),*],
                    },)*
                }
            }
        }
    };
}

use Length::{Between, EmptyOr, Exactly, Fields, Pairs, Text};

const OPEN: Place = Place::In(Step::Open);
const AUTHORIZE: Place = Place::In(Step::Authorize);
const AUTHORIZED: Place = Place::In(Step::Authorized);
const CARD: Place = Place::In(Step::Card);
const COMMANDS: Place = Place::In(Step::Commands);
const OUTPUTS: Place = Place::In(Step::Outputs);
const END: Place = Place::In(Step::End);
const COMMAND: Place = Place::InCommand;

tags! {
    0xdf01 Asn "application serial number" Exactly(10), 1, [OPEN => May, AUTHORIZE => Must, CARD => Must, END => May];
    0xdf02 Amount "amount" Exactly(4), 1, [OPEN => May, AUTHORIZE => May, CARD => May, END => May];
    0xdf03 Terminal "terminal number" Exactly(6), 1, [OPEN => Must, CARD => Must];
    0xdf04 Authorization "authorization reference" Exactly(16), 1, [AUTHORIZED => Must, CARD => May];
    0xdf05 SmsReference "SMS code reference" Exactly(16), 1, [OPEN => May, AUTHORIZE => May];
    0xdf06 SmsCode "SMS code" Exactly(6), 1, [OPEN => May, AUTHORIZE => May];
    0xdf07 PinBlock "PIN block" Exactly(16), 1, [OPEN => May, AUTHORIZE => Must];
    0xdf08 PublicData "public application data" Exactly(30), 1, [CARD => Must];
    0xdf09 Balance "balance" Exactly(4), 1, [END => May];
    0xdf0a Record "log record" Exactly(23), 10, [END => May];
    0xdf0b Initialized "answer of INITIALIZE FOR LOAD" Exactly(16), 1, [CARD => May];
    0xdf0c Challenge "challenge of the card" Exactly(4), 1, [CARD => May];
    0xdf0d Reference "transaction reference" Exactly(16), 1, [COMMANDS => Must, OUTPUTS => Must, END => May];
    0xdf0e List "list number" Exactly(1), 1, [COMMANDS => Must, OUTPUTS => Must];
    0xdf0f PackVersion "driver pack's version" Exactly(2), 1, [AUTHORIZE => Must, CARD => Must];
    0xdf10 VerifiedWish "wish for a verified balance" Exactly(1), 1, [OPEN => May];
    0xdf11 CardPin "the card's own PIN" Between(2, 6), 1, [OPEN => May];
    0xdf22 Apdu "APDU of a command" Between(5, 261), 1, [COMMAND => Must];
    0xdf23 Allowed "allowed status words of a command" Pairs(2, 16), 1, [COMMAND => Must];
    0xdf24 Output "output of a command" EmptyOr(2, 258), 32, [OUTPUTS => May];
    0xdf25 Ending "how the list ended" Exactly(1), 1, [OUTPUTS => Must];
    0xdf30 Outcome "outcome" Exactly(2), 1, [END => Must];
    0xdf31 TriesLeft "tries left" Exactly(1), 1, [END => May];
    0xdf32 English "text in English" Text(200), 1, [END => May];
    0xdf33 Chinese "text in Chinese" Text(200), 1, [END => May];
    0xdf34 Verified "verified by the bank" Exactly(1), 1, [END => May];
    0xff21 Command "one command" Fields, 32, [COMMANDS => May];
}

impl Tag {
    /// The number, as messages carry it.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Which lengths it may have.
    pub const fn length(self) -> Length {
        self.row().length
    }

    /// How often it may stand in one place.
    pub const fn times(self) -> usize {
        self.row().times
    }

    /// Where it can stand, and where it must.
    pub const fn places(self) -> &'static [(Place, Need)] {
        self.row().places
    }

    /// Whether it can stand there.
    pub fn stands(self, place: Place) -> bool {
        self.places().iter().any(|(at, _)| *at == place)
    }

    /// Whether it must stand there.
    pub fn is_needed(self, place: Place) -> bool {
        self.places().contains(&(place, Need::Must))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X} ({})", self.number(), self.name())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
