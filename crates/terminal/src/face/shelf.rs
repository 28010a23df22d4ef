//! The folder of driver packs as the settings show it: who signed each pack in use, and since when it lies there.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use model::UnixMillis;
use packs::{BadFile, PACK_LENGTH_MAX, Packs, SignedPack, VerifyingKey};
use tap::DriverPack;

const ENDING: &str = ".pack.toml";
/// The most files that are looked at.
const FILES_MAX: usize = 1_000;

/// Where a pack comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The signer's public key, in hexadecimal digits.
    pub(super) signer: String,
    pub(super) installed_at: Option<UnixMillis>,
}

/// Packs in use, and files that are not.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) packs: Vec<(Arc<DriverPack>, Option<Origin>)>,
    pub(super) refused: Vec<(BadFile, Option<UnixMillis>)>,
}

/// Reads the folder. It is slow enough for a thread of its own.
pub(super) fn look(packs: &Packs, folder: &Path) -> Shelf {
    let trusted = packs.trusted();
    let mut shelf =
        Shelf { packs: packs.all().into_iter().map(|pack| (pack, None)).collect(), refused: Vec::new() };
    for name in names(folder) {
        let path = folder.join(name);
        let Some((pack, origin)) = read(&path, &trusted) else { continue };
        let place = shelf.packs.iter_mut().find(|(used, origin)| **used == pack && origin.is_none());
        if let Some((_, place)) = place {
            *place = Some(origin);
        }
    }
    let refused = packs.bad_files().into_iter().map(|bad| {
        let at = modified(&folder.join(&bad.name));
        (bad, at)
    });
    shelf.refused = refused.collect();
    shelf
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(ENDING) && !name.starts_with('.'))
        .take(FILES_MAX)
        .collect();
    names.sort_unstable();
    names
}

fn read(path: &Path, trusted: &[VerifyingKey]) -> Option<(DriverPack, Origin)> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(PACK_LENGTH_MAX).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    let signed = SignedPack::parse(&bytes).ok()?;
    let pack = signed.verify(trusted).ok()?;
    Some((pack, Origin { signer: signed.signer(), installed_at: modified(path) }))
}

fn modified(path: &Path) -> Option<UnixMillis> {
    let modified: SystemTime = fs::metadata(path).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(UnixMillis)
}
