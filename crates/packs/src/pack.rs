//! A driver pack as a file: a first line with key and signature, and under it the body that both are about.

use ed25519_dalek::Signature;
use model::Fen;
use tap::pack::{DriverPack, Names, ProofNumber};

use crypto::PurseKind;

use crate::body::Body;
use crate::error::{BodyError, PackError};
use crate::key::{SigningKey, VerifyingKey};

/// The largest pack, in bytes.
pub const PACK_LENGTH_MAX: usize = 64 * 1024;

const MARK: &str = "# counterfoil-pack v";
/// The format of the first line and of what the signature covers.
const FILE_FORMAT: u16 = 1;
/// What a face can offer at one touch.
const AMOUNTS_MAX: usize = 12;

/// A file that has a pack's first line. Nothing in it is believed before [`SignedPack::verify`].
#[derive(Clone, Copy, Debug)]
pub struct SignedPack<'a> {
    key: [u8; 32],
    signature: [u8; 64],
    body: &'a [u8],
}

impl<'a> SignedPack<'a> {
    /// The pack in these bytes, if one of the trusted keys signed it.
    pub fn open(bytes: &'a [u8], trusted: &[VerifyingKey]) -> Result<DriverPack, PackError> {
        Self::parse(bytes)?.verify(trusted)
    }

    /// Reads the first line.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PackError> {
        if bytes.len() > PACK_LENGTH_MAX {
            return Err(PackError::TooLarge { max: PACK_LENGTH_MAX });
        }
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(PackError::NotAPack)?;
        let (line, body) = (&bytes[..end], &bytes[end + 1..]);
        let line = std::str::from_utf8(line).map_err(|_| PackError::NotAPack)?;
        let (format, line) =
            line.strip_prefix(MARK).and_then(|rest| rest.split_once(' ')).ok_or(PackError::NotAPack)?;
        match format.parse::<u64>() {
            Ok(found) if found == u64::from(FILE_FORMAT) => {}
            Ok(found) if found > u64::from(FILE_FORMAT) => {
                return Err(PackError::NewerFormat { found, known: FILE_FORMAT });
            }
            Ok(_) | Err(_) => return Err(PackError::NotAPack),
        }
        let (key, signature) = line.split_once(' ').ok_or(PackError::NotAPack)?;
        let mut pack = Self { key: [0; 32], signature: [0; 64], body };
        named_bytes(key, "key=", &mut pack.key)?;
        named_bytes(signature, "signature=", &mut pack.signature)?;
        Ok(pack)
    }

    /// The key that the file names, in hexadecimal digits. It proves nothing by itself.
    pub fn signer(&self) -> String {
        hex::encode(self.key)
    }

    /// Checks the signature before a byte of the body is looked at, and then the body.
    pub fn verify(&self, trusted: &[VerifyingKey]) -> Result<DriverPack, PackError> {
        let key = trusted.iter().find(|key| key.to_bytes() == self.key);
        let key = key.ok_or_else(|| PackError::UnknownSigner { key: self.signer() })?;
        if !key.verify(self.body, &Signature::from_bytes(&self.signature)) {
            return Err(PackError::BadSignature);
        }
        read(self.body)
    }
}

fn named_bytes(word: &str, name: &str, bytes: &mut [u8]) -> Result<(), PackError> {
    let digits = word.strip_prefix(name).ok_or(PackError::NotAPack)?;
    hex::decode_to_slice(digits, bytes).map_err(|_| PackError::NotAPack)
}

/// Signs a body, and gives the whole file. A body that no terminal would take is not signed; a file that was
/// signed before is signed anew.
pub fn sign(body: &str, key: &SigningKey) -> Result<String, PackError> {
    let body = match body.split_once('\n') {
        Some((first, rest)) if first.starts_with(MARK) => rest,
        Some(_) | None => body,
    };
    read(body.as_bytes())?;
    let signature = key.sign(body.as_bytes());
    let file = format!(
        "{MARK}{FILE_FORMAT} key={} signature={}\n{body}",
        key.verifying_key(),
        hex::encode(signature.to_bytes())
    );
    if file.len() > PACK_LENGTH_MAX {
        return Err(PackError::TooLarge { max: PACK_LENGTH_MAX });
    }
    Ok(file)
}

/// The values of a body.
fn read(body: &[u8]) -> Result<DriverPack, PackError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        let line = 2 + body[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        BodyError::Malformed { line, what: "the text is not UTF-8".to_owned() }
    })?;
    let mut body = Body::parse(text, 1)?;
    // Format and driver first: what follows them may have other keys than this build knows.
    let found = body.natural("format")?;
    if found > u64::from(DriverPack::FORMAT) {
        return Err(PackError::NewerFormat { found, known: DriverPack::FORMAT });
    }
    if found != u64::from(DriverPack::FORMAT) {
        return Err(body.out_of_range("format", "1").into());
    }
    let driver = body.text("driver")?;
    if driver != DriverPack::DRIVER {
        return Err(PackError::WrongDriver { found: driver });
    }
    Ok(values(body)?)
}

fn values(mut body: Body) -> Result<DriverPack, BodyError> {
    let code = body.code()?;
    let version = body.number("version", 1..=65_535, "1 to 65535")?;
    let icon = icon(&mut body)?;

    let mut names = body.table("names")?;
    let labels = Names { en: names.label("en")?, zh: names.label("zh")? };
    names.end()?;

    let mut wallet = body.table("wallet")?;
    let aid = wallet.bytes("aid", 5..=16, "5 to 16 bytes in hexadecimal digits")?;
    let load_kind = match wallet.number::<u8>("load_kind", 1..=2, "1 (deposit) or 2 (purse)")? {
        1 => PurseKind::DepositLoad,
        _ => PurseKind::PurseLoad,
    };
    let key_index = wallet.number("key_index", 1..=255, "1 to 255")?;
    let log_file = wallet.number("log_file", 1..=30, "1 to 30, a short file identifier")?;
    let load_log_file = wallet.number("load_log_file", 1..=30, "1 to 30, a short file identifier")?;
    let proof_number = match wallet.text("proof_number")?.as_str() {
        "before" => ProofNumber::Before,
        "after" => ProofNumber::After,
        _ => return Err(wallet.out_of_range("proof_number", "\"before\" or \"after\"")),
    };
    let card_pin = wallet.flag("card_pin")?;
    wallet.end()?;

    let mut limits = body.table("limits")?;
    let per_load_max = limits.fen("per_load_max")?;
    let balance_max = limits.fen("balance_max")?;
    if per_load_max > balance_max {
        return Err(limits.out_of_range("per_load_max", "at most limits.balance_max"));
    }
    let amounts = limits.rising_fen("amounts", AMOUNTS_MAX)?;
    if amounts.last().copied().unwrap_or(Fen(0)) > per_load_max {
        return Err(limits.out_of_range("amounts", "at most limits.per_load_max each"));
    }
    limits.end()?;
    body.end()?;

    Ok(DriverPack {
        code,
        version,
        names: labels,
        icon,
        aid,
        load_kind,
        key_index,
        log_file,
        load_log_file,
        proof_number,
        card_pin,
        per_load_max,
        balance_max,
        amounts,
    })
}

fn icon(body: &mut Body) -> Result<String, BodyError> {
    let icon = body.text("icon")?;
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !(1..=32).contains(&icon.len()) || !icon.bytes().all(allowed) {
        return Err(body.out_of_range("icon", "1 to 32 lower-case letters, digits and `-`"));
    }
    Ok(icon)
}
