//! A personalised software card as a file.
//!
//! **This file is the card's secure element.** A real card keeps its key in silicon that gives it to nobody;
//! a software card has no silicon, so its key stands in this file, in clear, and whoever reads the file can
//! pay as the card. It is written with mode 0600 and refused when others than its owner have access. Use
//! software cards for demonstrations, tests and load: never as somebody's money.
//!
//! For: [`CardImage`], written whole and at once (a new file, synced, renamed) and read with an error that
//! says what is wrong. Refuses: the card's memory, which changes with every payment and stands beside it
//! ([`crate::FlashFile`], path from [`CardImage::flash_path`]).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use air::Link;
use air::card::{Limits, SecureElement};
use crypto::{CardKey, CheckValue, Suite};
use model::{CardId, CardInformation, CertificateNumber, Currency, KeyVersion};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{ImageError, SoftElement};

/// Longer than any image: whatever is longer is no image.
const FILE_LENGTH_MAX: u64 = 4096;
const FORMAT: u32 = 1;

/// A personalised software card: what its maker wrote, with the key in its [`SoftElement`].
#[derive(Clone, Debug)]
pub struct CardImage {
    /// The secure element: key, link and information.
    pub element: SoftElement,
    /// What is printed under the number; may be empty.
    pub printed_name: String,
    /// Whether it shows amount and place itself.
    pub has_display: bool,
    /// Whether its radio hears a frame that it did not ask for (class B/C, NB-IoT between paging windows).
    pub listens: bool,
    /// The most it agrees to in one payment, in minor units.
    pub amount_minor_max: Option<u32>,
    /// The only currency it pays in.
    pub currency: Option<Currency>,
}

impl CardImage {
    /// A card without display and limits, whose radio listens.
    pub fn new(element: SoftElement) -> Self {
        Self {
            element,
            printed_name: String::new(),
            has_display: false,
            listens: true,
            amount_minor_max: None,
            currency: None,
        }
    }

    /// The card's information.
    pub fn information(&self) -> CardInformation {
        self.element.information()
    }

    /// Its channel, key version and suite.
    pub fn link(&self) -> Link {
        self.element.link()
    }

    /// Its limits, as the controller takes them; how it talks is left as it is by default.
    pub fn limits(&self) -> Limits {
        Limits { amount_minor_max: self.amount_minor_max, currency: self.currency, ..Limits::default() }
    }

    /// Where the memory of the card at `path` stands: `lin.json` and `lin.flash`.
    pub fn flash_path(path: &Path) -> PathBuf {
        path.with_extension("flash")
    }

    /// Writes the image with mode 0600: at any moment, and after a power cut, the old file or the new one
    /// is there whole.
    pub fn save(&self, path: &Path) -> Result<(), ImageError> {
        let text = self.to_json().map_err(|source| ImageError::System {
            what: "encode",
            path: path.into(),
            source,
        })?;
        replace(path, &text).map_err(|source| ImageError::System { what: "write", path: path.into(), source })
    }

    /// Reads an image that only its owner has access to.
    pub fn load(path: &Path) -> Result<Self, ImageError> {
        let failed = |what| {
            move |source: io::Error| match source.kind() {
                io::ErrorKind::NotFound => ImageError::Missing { path: path.into() },
                _ => ImageError::System { what, path: path.into(), source },
            }
        };
        let malformed = |what: String| ImageError::Malformed { path: path.into(), what };
        let file = File::open(path).map_err(failed("open"))?;
        let about = file.metadata().map_err(failed("examine"))?;
        if !about.is_file() {
            return Err(malformed("it is not a file".into()));
        }
        let mode = about.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(ImageError::Exposed { path: path.into(), mode });
        }
        if about.len() > FILE_LENGTH_MAX {
            return Err(malformed("it is longer than any card image".into()));
        }
        // Room for all of it beforehand: a buffer that grows leaves copies of the key behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_LENGTH_MAX as usize + 1));
        file.take(FILE_LENGTH_MAX).read_to_end(&mut bytes).map_err(failed("read"))?;
        Self::from_json(&bytes).map_err(malformed)
    }

    fn to_json(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let (information, link) = (self.information(), self.link());
        let key = self.element.key();
        let written = Written {
            format: FORMAT,
            number: information.number.digits().to_string(),
            card_id: information.card_id.to_string(),
            holder: information.holder.to_string(),
            certificate: format!("{:016x}", information.certificate.0),
            created: information.created,
            printed_name: self.printed_name.clone(),
            channel: link.channel.to_string(),
            key_version: link.key_version.get(),
            suite: link.suite.number(),
            has_display: self.has_display,
            listens: self.listens,
            amount_minor_max: self.amount_minor_max,
            currency: self.currency.map(|currency| currency.letters().to_owned()),
            key_check_value: key.check_value().to_string(),
            // What the module says of silicon: this is the one place the key is written to.
            key: Zeroizing::new(hex::encode(key.expose_to_key_store())),
        };
        let mut text = Zeroizing::new(Vec::with_capacity(FILE_LENGTH_MAX as usize));
        serde_json::to_writer_pretty(&mut *text, &written)?;
        text.push(b'\n');
        Ok(text)
    }

    fn from_json(text: &[u8]) -> Result<Self, String> {
        // serde's own message may quote a value, and the value may be the key: its place is told instead.
        let written: Written = serde_json::from_slice(text).map_err(|error| {
            format!(
                "it is not JSON with the fields of a card image (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        if written.format != FORMAT {
            return Err(format!("format {} is not known here", written.format));
        }
        let information = CardInformation {
            number: written.number.parse().map_err(in_field("number"))?,
            card_id: written.card_id.parse::<CardId>().map_err(in_field("card_id"))?,
            holder: written.holder.parse().map_err(in_field("holder"))?,
            certificate: u64::from_str_radix(&written.certificate, 16)
                .map(CertificateNumber)
                .map_err(in_field("certificate"))?,
            created: written.created,
        };
        let link = Link {
            channel: written.channel.parse().map_err(in_field("channel"))?,
            card_id: information.card_id,
            key_version: KeyVersion::new(written.key_version).map_err(in_field("key_version"))?,
            suite: Suite::from_number(written.suite).map_err(in_field("suite"))?,
        };
        let currency = written
            .currency
            .as_deref()
            .map(Currency::from_letters)
            .transpose()
            .map_err(in_field("currency"))?;
        if written.printed_name.chars().any(char::is_control) {
            return Err("printed_name: control characters cannot be printed".into());
        }
        let mut check = [0; 3];
        hex::decode_to_slice(&written.key_check_value, &mut check).map_err(in_field("key_check_value"))?;
        let mut key = [0; CardKey::LENGTH];
        // The error of `hex` quotes a character of its text, and this text is the key.
        hex::decode_to_slice(written.key.as_bytes(), &mut key)
            .map_err(|_| "key: not 32 hexadecimal digits".to_owned())?;
        let card_key = CardKey::from_bytes(key);
        key.zeroize();
        let element = SoftElement::with_key(card_key, CheckValue(check), link, information)
            .map_err(in_field("key_check_value"))?;
        Ok(Self {
            element,
            printed_name: written.printed_name,
            has_display: written.has_display,
            listens: written.listens,
            amount_minor_max: written.amount_minor_max,
            currency,
        })
    }
}

fn in_field<E: std::fmt::Display>(field: &'static str) -> impl FnOnce(E) -> String {
    move |error| format!("{field}: {error}")
}

/// The file's fields, in its order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    number: String,
    card_id: String,
    holder: String,
    certificate: String,
    created: u32,
    printed_name: String,
    channel: String,
    key_version: u8,
    suite: u8,
    has_display: bool,
    listens: bool,
    amount_minor_max: Option<u32>,
    currency: Option<String>,
    key_check_value: String,
    key: Zeroizing<String>,
}

/// Puts a file that holds a key in the place of the one before: at any moment one of them is there whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let written = write_beside(&new, path, bytes);
    if written.is_err() {
        // It holds a key. That it cannot be removed either changes nothing about the failure.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_beside(new: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    sync_folder(path)
}

/// A new name is in the folder; without this a power cut may undo it.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn image() -> CardImage {
        CardImage {
            printed_name: "林 Wei".into(),
            has_display: true,
            amount_minor_max: Some(50_000),
            currency: Some(Currency::CNY),
            ..CardImage::new(sample::element(1))
        }
    }

    #[test]
    fn an_image_reads_back_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lin.json");
        image().save(&path).unwrap();
        image().save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let back = CardImage::load(&path).unwrap();
        assert_eq!(format!("{back:?}"), format!("{:?}", image()));
        assert!(back.element.key() == image().element.key());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = CardImage::load(&path).unwrap_err();
        assert!(matches!(refused, ImageError::Exposed { mode: 0o640, .. }));
        let refused = CardImage::load(&folder.path().join("nobody.json")).unwrap_err();
        assert!(matches!(refused, ImageError::Missing { .. }));
    }

    #[test]
    fn a_malformed_image_says_what_is_wrong_and_never_the_key() {
        let good = String::from_utf8(image().to_json().unwrap().to_vec()).unwrap();
        let key = hex::encode(image().element.key().expose_to_key_store());
        for (from, to, says) in [
            ("\"format\": 1", "\"format\": 9", "format 9"),
            ("\"suite\": 1", "\"suite\": 3", "suite"),
            ("\"key_version\": 1", "\"key_version\": 0", "key_version"),
            ("imei:", "imei", "channel"),
            ("\"number\": \"6", "\"number\": \"0", "number"),
            ("\"listens\": true", "\"listens\": 1", "line"),
            ("\"currency\": \"CNY\"", "\"currency\": \"XTS\"", "currency"),
            ("林", "\\n", "printed_name"),
            ("\"key\": \"", "\"key\": \"z", "key: not 32"),
            (&key, "00000000000000000000000000000000", "key_check_value"),
        ] {
            assert!(good.contains(from), "{from}");
            let what = CardImage::from_json(good.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(what.contains(says), "{what}");
            assert!(!what.contains(&key), "{what}");
        }
    }
}
