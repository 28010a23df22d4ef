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

/// The stylesheet's parts in the order that counts: a later rule wins.
const STYLE: &str = concat!(
    include_str!("../assets/style/ground.css"),
    include_str!("../assets/style/parts.css"),
    include_str!("../assets/style/shop.css"),
    include_str!("../assets/style/order.css"),
    include_str!("../assets/style/card.css"),
    include_str!("../assets/style/key.css"),
    include_str!("../assets/style/card_side.css"),
    include_str!("../assets/style/console.css"),
    include_str!("../assets/style/desk.css"),
    include_str!("../assets/style/terminal.css"),
    include_str!("../assets/style/tap.css"),
    include_str!("../assets/style/fleet.css"),
    include_str!("../assets/style/preferences.css"),
);

macro_rules! entries {
    ($($name:literal: $content_type:expr,)*) => {
        vec![$(Entry::new($name, $content_type, include_bytes!(concat!("../assets/", $name)))),*]
    };
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let mut entries = entries! {
        "htmx.min.js": SCRIPT,
        "sse.js": SCRIPT,
        "live.js": SCRIPT,
        "key.js": SCRIPT,
        "countdown.js": SCRIPT,
        "desk.js": SCRIPT,
        "terminal.js": SCRIPT,
        "favicon.svg": SVG,
        "goods.svg": SVG,
        "guilloche.svg": SVG,
    };
    entries.push(Entry::new("app.css", CSS, STYLE.as_bytes()));
    entries
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
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
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
    fn drawings_are_well_formed_enough() {
        for name in names().filter(|name| name.ends_with(".svg")) {
            let text = String::from_utf8_lossy(asset(name).unwrap().bytes).into_owned();
            assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{name}");
            // A browser draws nothing at all of a file whose comment holds two hyphens.
            for comment in text.split("<!--").skip(1) {
                let inside = comment.split("-->").next().unwrap();
                assert!(!inside.contains("--"), "{name}: {inside}");
            }
        }
    }

    #[test]
    fn every_colour_is_set_and_every_brace_closed() {
        assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
        for token in STYLE.split("var(").skip(1) {
            let name = token.split([')', ',']).next().unwrap();
            assert!(STYLE.contains(&format!("{name}:")), "{name} is never set");
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
