//! The files that pages refer to under `/assets/`, carried inside the program.

use std::sync::LazyLock;

/// A file to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// For `Content-Type`.
    pub content_type: &'static str,
    /// For the body.
    pub bytes: &'static [u8],
    /// For `ETag`, with its quotes: it changes when the bytes change.
    pub etag: &'static str,
}

struct Entry {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    etag: String,
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! entries {
    ($($name:literal: $content_type:expr,)*) => {
        vec![$(Entry::new($name, $content_type, include_bytes!(concat!("../assets/", $name)))),*]
    };
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    entries! {
        "app.css": CSS,
        "htmx.min.js": SCRIPT,
        "sse.js": SCRIPT,
        "live.js": SCRIPT,
        "key.js": SCRIPT,
        "countdown.js": SCRIPT,
        "desk.js": SCRIPT,
        "favicon.svg": SVG,
        "goods.svg": SVG,
        "guilloche.svg": SVG,
    }
});

impl Entry {
    fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Entry {
        Entry { name, content_type, bytes, etag: format!("\"{:016x}\"", fingerprint(bytes)) }
    }
}

/// The file of this name (`app.css`, without `/assets/`).
pub fn asset(name: &str) -> Option<Asset> {
    ENTRIES.iter().find(|entry| entry.name == name).map(|entry| Asset {
        content_type: entry.content_type,
        bytes: entry.bytes,
        etag: &entry.etag,
    })
}

/// The names of all files, for tests and for the gallery.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// FNV-1a, 64 bits. It tells one build's file from another's for caches; nobody is kept out by it.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::Illustration;

    #[test]
    fn every_file_has_its_own_mark() {
        let mut marks: Vec<_> = names().filter_map(asset).map(|asset| asset.etag).collect();
        let all = marks.len();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), all);
        assert!(asset("app.css").is_some());
        assert!(asset("../Cargo.toml").is_none());
        assert!(asset("").is_none());
    }

    #[test]
    fn every_illustration_is_drawn() {
        let sprite = String::from_utf8_lossy(asset("goods.svg").unwrap().bytes).into_owned();
        for illustration in Illustration::ALL {
            assert!(sprite.contains(&format!("id=\"{}\"", illustration.id())), "{illustration:?}");
        }
    }

    #[test]
    fn no_file_calls_another_host() {
        for name in names() {
            let text = String::from_utf8_lossy(asset(name).unwrap().bytes).into_owned();
            let text = text.replace("http://www.w3.org/", "");
            assert!(!text.contains("https://") && !text.contains("http://"), "{name} names another host");
        }
    }
}
