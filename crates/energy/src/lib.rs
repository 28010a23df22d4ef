//! How long a card's cell lasts.
//!
//! For: planning. A [`Plan`] is a bearer, a cell, what the rest of the card draws, and what the holder does in
//! a day; its [`Outlook`] is the energy of a payment and of a day, the years, what takes most of them, what
//! other protocols would take on the same radio, and every figure that this rests on ([`Assumption`]).
//! [`report::text`] says it to people, [`plot::svg`] draws years against payments a day.
//! Refuses: a frame over the limit of its data rate, payments over Sigfox, figures that no card has
//! ([`EnergyError`]). It does not round bad news away: under [`MANY_YEARS`] it says so and why.
//! Pure functions; no clock, no files. Charges are in millicoulombs (`_mc`), energies in millijoules (`_mj`,
//! millicoulombs times volts), times in milliseconds (`_ms`).
//! Next: [`lorawan::TimeOnAir`] for the formula that most of it hangs on, [`Plan::outlook`] for the sum.

mod assumption;
mod bearer;
mod bound;
mod card;
mod cell;
mod error;
mod frames;
pub mod lorawan;
mod nb_iot;
mod outlook;
mod plan;
pub mod plot;
mod protocol;
pub mod report;
mod sigfox;
mod warning;

pub use assumption::{Assumption, Source};
pub use bearer::Bearer;
pub use card::Card;
pub use cell::Cell;
pub use error::EnergyError;
pub use frames::{Frame, Hello};
pub use nb_iot::{Idle, NbIot};
pub use outlook::{Comparison, Day, Outlook, Taker, Verdict};
pub use plan::{Habits, MANY_YEARS, Plan};
pub use protocol::{PROTOCOLS, Protocol};
pub use sigfox::Sigfox;
pub use warning::Warning;
