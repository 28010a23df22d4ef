//! A folder of packs and products: listing it, and putting a file into it so that it is never half there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The most files of one ending that are looked at.
pub(crate) const FILES_MAX: usize = 1_000;

/// A file of the folder that is not used, and why. The others are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFile {
    /// The file's name in its folder.
    pub name: String,
    /// The reason for logs and interfaces.
    pub code: &'static str,
    /// The reason for people.
    pub reason: String,
}

/// Why a whole folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} cannot be used: {source}", path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// A file of the folder: its name, and its bytes where they could be read.
pub(crate) type Entry = (String, io::Result<Vec<u8>>);

/// Every file of the folder with this ending, by name; at most one byte more than `length_max` of each. A folder
/// that is not there yet is made.
pub(crate) fn files(folder: &Path, ending: &str, length_max: usize) -> Result<Vec<Entry>, FolderError> {
    let failed = |source| FolderError { path: folder.into(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        // A name that is no UTF-8 has no ending of ours.
        let name = entry.map_err(failed)?.file_name().into_string().unwrap_or_default();
        if name.ends_with(ending) && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    names.truncate(FILES_MAX);
    let read = |name: String| {
        let bytes = read(&folder.join(&name), length_max);
        (name, bytes)
    };
    Ok(names.into_iter().map(read).collect())
}

fn read(path: &Path, length_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(length_max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Puts a whole file in the place of an old one, or of none.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // A leading dot: while it is written it is nobody's pack.
    let new = folder.join(format!(".{name}.new"));
    let written = write_beside(&new, &folder.join(name), bytes);
    if written.is_err() {
        // The old file is whole; a leftover that cannot be removed harms nobody.
        let _ = fs::remove_file(&new);
    }
    written?;
    // The rename is in the folder; without this a power cut may undo it.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn write_beside(new: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// A file that the system did not give.
pub(crate) fn unreadable(name: String, error: &io::Error) -> BadFile {
    BadFile { name, code: "cannot_read", reason: format!("the file cannot be read: {error}") }
}
