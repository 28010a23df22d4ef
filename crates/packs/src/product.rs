//! What the bank knows and allows of an industry: its own file, unsigned, which never leaves the bank.

use crypto::KeyName;
use model::{Fen, IndustryCode};

use crate::body::Body;
use crate::error::{BodyError, ProductError};

/// The format of products that this build knows.
const FORMAT: u16 = 1;
/// The largest product, in bytes.
pub(crate) const PRODUCT_LENGTH_MAX: usize = 64 * 1024;

/// An industry as the bank serves it. What people call it stands in the pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// 行业应用编码.
    pub code: IndustryCode,
    /// The first 8 bytes of file 0015 of every card of this issuer.
    pub issuer: [u8; 8],
    /// The keys of its cards, by their names in the key store.
    pub keys: ProductKeys,
    /// The least that one load may bring.
    pub load_min: Fen,
    /// The most that one load may bring.
    pub load_max: Fen,
    /// The most that a card may hold.
    pub balance_max: Fen,
    /// The most that all loads of a card within a day may bring.
    pub day_max: Fen,
    /// How long a card is good from its activation.
    pub validity_years: u8,
}

/// Names of master keys, one for each use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductKeys {
    /// Checks MAC1 and makes MAC2 of loads.
    pub load: KeyName,
    /// Checks TACs.
    pub tac: KeyName,
    /// Protects what is written on a card, such as its activation.
    pub maintenance: KeyName,
    /// What cards pay with; the bank injects it and uses it for nothing.
    pub purchase: KeyName,
}

impl Product {
    /// The product in this text.
    pub fn parse(text: &str) -> Result<Self, ProductError> {
        if text.len() > PRODUCT_LENGTH_MAX {
            return Err(ProductError::TooLarge { max: PRODUCT_LENGTH_MAX });
        }
        let mut body = Body::parse(text, 0)?;
        let found = body.natural("format")?;
        if found > u64::from(FORMAT) {
            return Err(ProductError::NewerFormat { found, known: FORMAT });
        }
        if found != u64::from(FORMAT) {
            return Err(body.out_of_range("format", "1").into());
        }
        Ok(values(body)?)
    }
}

fn values(mut body: Body) -> Result<Product, BodyError> {
    const ISSUER: &str = "8 bytes in hexadecimal digits";
    let code = body.code()?;
    let issuer = body.bytes("issuer", 8..=8, ISSUER)?;
    let issuer = issuer.try_into().map_err(|_| body.out_of_range("issuer", ISSUER))?;

    let mut keys = body.table("keys")?;
    let names = ProductKeys {
        load: key_name(&mut keys, "load")?,
        tac: key_name(&mut keys, "tac")?,
        maintenance: key_name(&mut keys, "maintenance")?,
        purchase: key_name(&mut keys, "purchase")?,
    };
    keys.end()?;

    let mut limits = body.table("limits")?;
    let load_min = limits.fen("load_min")?;
    let load_max = limits.fen("load_max")?;
    if load_max < load_min {
        return Err(limits.out_of_range("load_max", "at least limits.load_min"));
    }
    let balance_max = limits.fen("balance_max")?;
    if balance_max < load_max {
        return Err(limits.out_of_range("balance_max", "at least limits.load_max"));
    }
    let day_max = limits.fen("day_max")?;
    if day_max < load_max {
        return Err(limits.out_of_range("day_max", "at least limits.load_max"));
    }
    limits.end()?;

    let mut card = body.table("card")?;
    let validity_years = card.number("validity_years", 1..=50, "1 to 50 years")?;
    card.end()?;
    body.end()?;
    let keys = names;
    Ok(Product { code, issuer, keys, load_min, load_max, balance_max, day_max, validity_years })
}

fn key_name(keys: &mut Body, key: &str) -> Result<KeyName, BodyError> {
    let name = KeyName::new(&keys.text(key)?);
    name.ok_or_else(|| keys.out_of_range(key, "a key's name: 1 to 32 lower-case letters, digits and `-`"))
}
