//! Wallet cards in software, the field of a reader, and a virtual reader of the PC/SC service.
//!
//! For: [`SoftWallet`], the card of `tap::card` with a file ([`WalletFile`]) that is durable before an answer
//! leaves; [`Tear`], which takes the card away at a chosen command; [`Field`], into which a page or a test
//! holds it; [`SoftReader`] for whoever reads through `tap::reader`, [`VpcdCard`] for whoever reads through
//! PC/SC and [`PcscService`]; [`PurchaseTerminal`], which spends; and [`face`], the field as a page.
//! Refuses: deciding about money; the card does. Nothing here is fit to hold somebody's money: the keys stand
//! in a file.
//! Next: [`Field::hold`].

mod error;
pub mod face;
mod field;
mod file;
mod purchase;
mod service;
mod soft_wallet;
mod vpcd;
mod written;

pub use error::{BuyError, WalletError, WalletFileError};
pub use field::{Field, SoftReader};
pub use file::{WalletFile, WalletMedium};
pub use purchase::{Purchase, PurchaseTerminal};
pub use service::PcscService;
pub use soft_wallet::{SoftWallet, Tear, When};
pub use vpcd::{VPCD_ADDRESS, VpcdCard};
