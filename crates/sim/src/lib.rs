//! Software payment cards: the other end of the air, as a real thing of its own.
//!
//! For: a card that speaks over a real UDP socket and can be taken in hand ([`SoftwareCard`], with
//! [`CardImage`] and [`FlashFile`] for its silicon, and [`face`] for its body); a lossy radio under virtual
//! time for tests ([`world`]); many cards at once for load ([`crowd`]); wallet cards with their reader
//! ([`wallet`]); and the phone that text messages come to ([`outbox`]).
//! Refuses: a copy of the card. The controller is `air::card::Card`, the code a card maker runs; this crate
//! gives it a radio, a memory, a key and a light, and never decides about a payment. Nothing here is fit to
//! hold somebody's money: a software card's key stands in a file.
//! Next: [`SoftwareCard::start`] to run one card, [`crowd::Crowd`] for thousands.

mod card;
pub mod crowd;
mod element;
mod error;
pub mod face;
mod flash_file;
mod frame_note;
mod image;
mod links;
mod live;
pub mod outbox;
mod radio;
mod state;
pub mod wallet;
pub mod world;

#[cfg(test)]
mod sample;

pub use card::{Options, SoftwareCard};
pub use element::SoftElement;
pub use error::{CardStopped, FlashFileError, Halt, ImageError, InjectError, PayError, StartError};
pub use flash_file::{FlashFile, FlashMedium};
pub use frame_note::{Direction, FRAMES_REMEMBERED, FrameNote, kind_of};
pub use image::CardImage;
pub use links::Links;
pub use radio::AIR_PATH;
pub use state::{CardState, OwnedScreen};
