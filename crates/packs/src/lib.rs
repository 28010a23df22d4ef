//! Industries as data: driver packs for terminals, products for the bank.
//!
//! For: adding an industry, or changing one, by a file. A [`SignedPack`] says what a wallet is like and is good
//! only under a signature that the terminal trusts; [`Packs`] is a terminal's folder of them, and takes a new one
//! while it runs; a [`Product`] says what the bank allows for it; [`Industries`] is the bank's folder of both.
//! Refuses: code in packs, and a pack that is older than the one it would replace.
//! Next: [`SignedPack::open`]; the three of [`examples()`] are files to begin from.

mod body;
mod error;
mod examples;
mod industries;
mod key;
mod pack;
mod packs;
mod place;
mod product;

pub use error::{BodyError, InstallError, KeyFileError, PackError, ProductError};
pub use examples::{Example, example_key, example_signer, examples, write_examples};
pub use industries::{Industries, Industry};
pub use key::{SigningKey, VerifyingKey, VerifyingKeyError};
pub use pack::{PACK_LENGTH_MAX, SignedPack, sign};
pub use packs::{PACKS_MAX, Packs};
pub use place::{BadFile, FolderError};
pub use product::{Product, ProductKeys};
