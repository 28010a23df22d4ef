//! One file that a passphrase opens (密封文件), whoever keeps what in it.
//!
//! For: the key store's file and a terminal's. [`FileKeys`] come from a [`Passphrase`] by Argon2id, seal a body with
//! AES-256-EAX under a nonce made of the body, and open it again; [`replace`] writes a file so that it is never half
//! there, [`read`] takes one that only its owner can read, [`Held`] keeps other processes out.
//! Refuses: another kind of file, a newer form, a damaged file and a wrong passphrase, each by its name; a header that
//! would take all memory or all day. It does not know what a body says, whose salt is random enough, or when a file may
//! be changed: that is its caller's.
//! Next: `header` for the form, `sealing` for keys and nonces, `place` for the disk.

mod cost;
mod error;
mod header;
mod passphrase;
mod place;
mod sealing;

pub use cost::Cost;
pub use error::{Damage, HeaderError, OpenError, OutOfMemory, ReadError, TooLarge};
pub use header::{Kind, Unopened, VERSION};
pub use passphrase::{Passphrase, PassphraseError};
pub use place::{Held, read, replace, sync_folder_of};
pub use sealing::FileKeys;
