//! The internet device: a small web shop of a fictional merchant, paid for with Counterfoil cards.
//!
//! For: showing what a merchant has to write. It keeps a counter of goods, asks which saved card is to pay, makes an
//! order over the platform's merchant HTTP API, sends the shopper to the platform's own page, and shows what became
//! of the order when the shopper comes back.
//! Refuses: the platform's crates and its database (`platform.rs` and an API key are the only way in), card secrets
//! (it sees masked numbers), deciding whether an order is paid (it asks), a shopper's address outside the platform's
//! origin, POSTs from other sites, and buying twice with one form.
//! Next: [`Config`] and [`Shop::new`]; then `checkout.rs`, where a purchase happens, `ticket.rs`, which makes it
//! happen once, and `tests/shop/purchase.rs`, the same over real sockets.

mod answer;
mod asset;
mod book;
mod catalogue;
mod checkout;
mod config;
mod desk;
mod gate;
mod moment;
mod platform;
mod reader;
mod receipt;
mod shop;
mod ticket;
mod words;

pub use catalogue::{GOODS, Item};
pub use config::{ApiKey, ApiKeyError, Config, DeskCardConfig, DeskConfig, SetupError};
pub use reqwest::Url;
pub use shop::Shop;
