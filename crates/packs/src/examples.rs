//! Three industries to begin from: bus, school and prison. Only demonstrations and tests trust who signed them.

use std::io;
use std::path::Path;

use crate::key::{SigningKey, VerifyingKey};
use crate::place;

/// The seed of the key that signs the examples. It is public on purpose: everybody has it, so a terminal that
/// trusts it trusts everybody. Only demonstrations and tests do.
const EXAMPLE_SEED: [u8; 32] = *b"everybody has this: examples 1.0";

/// One industry's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// The name of the pack's file.
    pub pack_file: &'static str,
    /// The signed pack.
    pub pack: &'static str,
    /// The name of the product's file.
    pub product_file: &'static str,
    /// The bank's product.
    pub product: &'static str,
}

macro_rules! example {
    ($name:literal) => {
        Example {
            pack_file: concat!($name, ".pack.toml"),
            pack: include_str!(concat!("../../../examples/industries/", $name, ".pack.toml")),
            product_file: concat!($name, ".product.toml"),
            product: include_str!(concat!("../../../examples/industries/", $name, ".product.toml")),
        }
    };
}

/// Bus 公交 0101, school 校园 0102, prison 监所 0103.
pub fn examples() -> &'static [Example] {
    const EXAMPLES: &[Example] = &[example!("0101-bus"), example!("0102-school"), example!("0103-prison")];
    EXAMPLES
}

/// The key that signs the examples, and whatever a demonstration adds to them.
pub fn example_key() -> SigningKey {
    SigningKey::from_seed(&EXAMPLE_SEED)
}

/// Whom a demonstration trusts.
pub fn example_signer() -> VerifyingKey {
    example_key().verifying_key()
}

/// Writes packs and products of the examples into a folder, for a terminal, a bank or both.
pub fn write_examples(folder: &Path) -> io::Result<()> {
    for example in examples() {
        place::write(folder, example.pack_file, example.pack.as_bytes())?;
        place::write(folder, example.product_file, example.product.as_bytes())?;
    }
    Ok(())
}
