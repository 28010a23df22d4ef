//! What a wallet card and its bank prove to each other: the electronic purse of JR/T 0025.
//!
//! For: keys of a card from a master key and its serial number, the session key of one load or purchase, and the
//! MACs and TACs over them. Both ends use the same functions; which end makes a code and which compares it is
//! written at each.
//! Refuses: SM4 purses (their session keys are in no public text), choosing randomness, counters or times.
//! Next: `des` for the two primitives, `load` and `purchase` for what the codes say.

mod code;
mod des;
mod key;
mod kind;
mod load;
mod purchase;
mod session;
mod wrap;

pub use code::PurseCode;
pub use key::{PurseKey, PurseMasterKey};
pub use kind::PurseKind;
pub use load::{LoadOrder, LoadReceipt, LoadRequest};
pub use purchase::{PurchaseReceipt, PurchaseRequest};
pub use session::PurseSession;
pub use wrap::WrappedPurseKey;

#[cfg(feature = "legacy")]
pub(crate) use des::retail_mac;
