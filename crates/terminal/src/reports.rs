//! Outputs that the bank did not answer yet: one file each, until it does.
//!
//! What a card said after a list ran is the only witness of what became of it. It is on the disk before it is sent,
//! and sent again in the background until the bank answers or says that it never will (`terminal`). The text is
//! what it was sent as; there is no secret in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tap::Message;
use tokio::sync::Notify;

use crate::clock::own_time;
use crate::error::StateError;
use crate::folder::make_folder;

/// With so many reports waiting no load is begun any more: the bank was not reached for very long.
pub const REPORTS_MAX: usize = 1_000;

const WAITING: &str = "msg";
const REFUSED: &str = "refused";

/// The folder of reports.
#[derive(Debug)]
pub(crate) struct Reports {
    folder: PathBuf,
    /// Told when a report was not answered.
    pub(crate) unanswered: Notify,
    written: AtomicU64,
}

impl Reports {
    pub(crate) fn open(folder: PathBuf) -> Result<Self, StateError> {
        make_folder(&folder)?;
        Ok(Self { folder, unanswered: Notify::new(), written: AtomicU64::new(0) })
    }

    /// How long until the next round, after so many rounds in which the bank was not reached.
    pub(crate) const fn pause(rounds: u32) -> Duration {
        Duration::from_secs(match rounds {
            0 | 1 => 1,
            2 => 5,
            3 => 30,
            _ => 60,
        })
    }

    /// Writes a report down; where it stands.
    pub(crate) fn keep(&self, message: &str) -> io::Result<PathBuf> {
        // Names rise with time; of one moment, with the count of this process, which has the folder alone.
        let count = self.written.fetch_add(1, Ordering::Relaxed);
        let millis = own_time().0.max(0);
        for turn in 0..=u64::from(u8::MAX) {
            let path = self.folder.join(format!("{millis:015}-{:06}.{WAITING}", count + turn));
            if fs::symlink_metadata(&path).is_err() {
                sealed::replace(&path, message.as_bytes())?;
                return Ok(path);
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Those that wait, oldest first.
    pub(crate) fn waiting(&self) -> Vec<PathBuf> {
        self.with_ending(WAITING)
    }

    /// How many the bank refused for good. They stay where they are, for people.
    pub(crate) fn refused(&self) -> usize {
        self.with_ending(REFUSED).len()
    }

    fn with_ending(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_one = |path: &PathBuf| path.extension().and_then(OsStr::to_str) == Some(ending);
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(is_one).collect();
        paths.sort();
        paths
    }

    /// A report's text; `None` where the file is none, which is set aside.
    pub(crate) fn read(&self, path: &Path) -> Option<String> {
        let mut text = String::new();
        let limit = u64::try_from(Message::LENGTH_MAX).unwrap_or(u64::MAX) + 1;
        let read = fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
        match read {
            Ok(_) if Message::parse(&text).is_ok() => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Ok(_) | Err(_) => {
                self.set_aside(path);
                None
            }
        }
    }

    /// The bank answered.
    pub(crate) fn forget(&self, path: &Path) {
        let removed = match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.and_then(|()| sealed::sync_folder_of(path)),
        };
        if let Err(error) = removed {
            // It is sent once more, which changes nothing at the bank.
            tracing::warn!(%error, path = %path.display(), "a report that was answered cannot be removed");
        }
    }

    /// The bank will never take it. It is kept for people.
    pub(crate) fn set_aside(&self, path: &Path) {
        tracing::error!(path = %path.display(), "the bank refused a report for good: show it to whoever runs the bank");
        if let Err(error) = fs::rename(path, path.with_extension(REFUSED)) {
            tracing::warn!(%error, path = %path.display(), "a refused report cannot be renamed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_wait_in_order_until_they_are_forgotten_and_what_is_none_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let reports = Reports::open(folder.path().join("reports")).unwrap();
        let texts = ["A01000102090000", "no message"];
        let paths: Vec<_> = texts.iter().map(|text| reports.keep(text).unwrap()).collect();
        assert_eq!(reports.waiting(), paths);
        assert_eq!(reports.read(&paths[1]), None);
        assert_eq!((reports.waiting().len(), reports.refused()), (1, 1));
        reports.forget(&paths[0]);
        reports.forget(&paths[0]);
        assert_eq!((reports.waiting().len(), reports.refused()), (0, 1));
    }

    #[test]
    fn the_bank_is_left_alone_for_longer_each_time_up_to_a_minute() {
        let pauses: Vec<_> = (1..=6).map(|round| Reports::pause(round).as_secs()).collect();
        assert_eq!(pauses, [1, 5, 30, 60, 60, 60]);
    }
}
