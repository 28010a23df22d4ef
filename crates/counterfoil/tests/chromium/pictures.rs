//! Pictures of the pages: for the documents when they are asked for, else only to see that they can be taken.
//! Whoever changes pages can have every page that is walked, at its whole length, in a folder, and look at them.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Browser;

/// Set by `scripts/pictures`.
const WANTED: &str = "COUNTERFOIL_PICTURES";
/// A folder for every page that is walked.
const ALL: &str = "COUNTERFOIL_PICTURES_OF_ALL";
const BYTES_MAX: usize = 300_000;

/// Where pictures go.
pub(crate) struct Pictures {
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

impl Pictures {
    pub(crate) fn new() -> Self {
        if std::env::var_os(WANTED).is_some_and(|wanted| wanted == "1") {
            let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures")).to_owned();
            std::fs::create_dir_all(&folder).unwrap();
            return Self { folder, _temporary: None };
        }
        let temporary = tempfile::tempdir().unwrap();
        Self { folder: temporary.path().to_owned(), _temporary: Some(temporary) }
    }

    /// Takes one of what is in view. Nothing may stand out to the side.
    pub(crate) async fn take(&self, browser: &Browser, name: &str) {
        browser.ask("window.scrollTo(0, 0)").await;
        assert_fits(browser, name).await;
        let png = browser.screenshot().await;
        assert!(png.starts_with(b"\x89PNG") && png.len() < BYTES_MAX, "{name}: {} bytes", png.len());
        std::fs::write(self.folder.join(name), png).unwrap();
    }

    /// A page on the way: it fits, and whoever wants to look at all of them can.
    pub(crate) async fn pass(&self, browser: &Browser, name: &str) {
        assert_fits(browser, name).await;
        if let Some(folder) = std::env::var_os(ALL) {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(Path::new(&folder).join(name), browser.whole_page().await).unwrap();
        }
    }
}

async fn assert_fits(browser: &Browser, name: &str) {
    let overflow = browser.ask("document.documentElement.scrollWidth - window.innerWidth").await;
    assert!(overflow.as_i64().unwrap() <= 0, "{name} is {overflow} pixels too wide");
}
