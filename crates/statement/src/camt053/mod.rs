//! ISO 20022 camt.053, *Bank to Customer Statement*: we write version 001.08 and read 001.02 to 001.08.
//!
//! The subset that a statement needs, not the whole message: what stands around it in a bank's file is passed over.
//! Next: [`write`](fn@write) for our statements, [`read`](fn@read) for the bank's.

mod decode;
mod draft;
mod reader;
mod writer;

pub use reader::{BankStatement, read};
pub use writer::{Header, write};

/// The longest file that is read, in bytes.
pub const BYTES_MAX: usize = 32 * 1024 * 1024;
/// The most entries of a file, over all of its statements, booked or not.
pub const ENTRIES_MAX: usize = 100_000;
/// How deep elements may be nested.
pub const DEPTH_MAX: usize = 32;
/// The longest tag, with its attributes, in bytes.
pub const TAG_MAX: usize = 4_096;
/// The longest text of an element that is read, in bytes.
pub const TEXT_MAX: usize = 2_048;

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.";
/// The versions that are read; the last one is written.
const VERSIONS: [&str; 7] = ["02", "03", "04", "05", "06", "07", "08"];
