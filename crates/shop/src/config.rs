//! What a shop has to be told before it opens.

use std::fmt;

use axum::http::HeaderValue;
use reqwest::Url;

/// A shop's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the platform's API is called: `http://127.0.0.1:8080`.
    pub platform: Url,
    /// The merchant's key for it.
    pub api_key: ApiKey,
    /// The demonstration's one shopper, whose cards are offered: `hld_` and 16 hexadecimal digits.
    pub holder: String,
    /// The shop's own address as browsers know it; orders lead back to it.
    pub origin: Url,
    /// The platform's address as browsers know it: the only other place that a shopper is sent to.
    pub platform_origin: Url,
    /// The place that orders name.
    pub place: String,
    /// Who may show the shop in a frame besides the shop itself (whose desk does).
    pub frame_ancestors: Vec<Url>,
    /// The desk, when there is one.
    pub desk: Option<DeskConfig>,
}

/// The demonstration's desk: the shop beside cards.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// The cards that can be taken in hand; the first lies on top.
    pub cards: Vec<DeskCardConfig>,
    /// The operators' console.
    pub console_url: Option<Url>,
}

/// A card that lies on the desk.
#[derive(Clone, Debug)]
pub struct DeskCardConfig {
    /// What its tab says.
    pub label: String,
    /// The address of its face.
    pub url: Url,
}

/// An API key. It can be sent, not read: neither `Debug` nor a log shows it.
#[derive(Clone)]
pub struct ApiKey(HeaderValue);

/// Why a text is not an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an API key is visible ASCII without spaces, such as cf_test_ and its digits")]
pub struct ApiKeyError;

impl ApiKey {
    /// A key as the platform gave it; space around it (a file's last line end) is dropped.
    pub fn new(text: &str) -> Result<Self, ApiKeyError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiKeyError);
        }
        let mut value = HeaderValue::try_from(format!("Bearer {text}")).map_err(|_| ApiKeyError)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// For the `Authorization` header; marked as sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([redacted])")
    }
}

/// Why a shop does not open.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An address that a browser or a client could not use.
    #[error("`{0}` must be an http or https address without user name and password")]
    Address(&'static str),
    /// Not a holder's id.
    #[error("`holder` must be `hld_` and 16 hexadecimal digits")]
    Holder,
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be made: {0}")]
    Client(reqwest::Error),
}

impl Config {
    /// Finds mistakes when the shop opens, not when the first shopper comes.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let desk = self.desk.iter();
        let cards = desk.clone().flat_map(|desk| &desk.cards).map(|card| ("desk card", &card.url));
        let console = desk.filter_map(|desk| desk.console_url.as_ref()).map(|url| ("console_url", url));
        let frames = self.frame_ancestors.iter().map(|url| ("frame_ancestors", url));
        let own = [
            ("platform", &self.platform),
            ("origin", &self.origin),
            ("platform_origin", &self.platform_origin),
        ];
        for (name, url) in own.into_iter().chain(cards).chain(console).chain(frames) {
            let web = matches!(url.scheme(), "http" | "https") && url.has_host();
            if !web || !url.username().is_empty() || url.password().is_some() {
                return Err(SetupError::Address(name));
            }
        }
        let digits = self.holder.strip_prefix("hld_").ok_or(SetupError::Holder)?;
        if digits.len() != 16 || !digits.bytes().all(is_hex) {
            return Err(SetupError::Holder);
        }
        Ok(())
    }
}

/// A lower-case hexadecimal digit, the only kind that ids are written with.
pub(crate) fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// An address with these segments after its own path, and without query and fragment.
pub(crate) fn under(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only an address that cannot have a path has no segments, and `Config::check` let none in.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn config() -> Config {
        Config {
            platform: url("http://127.0.0.1:1"),
            api_key: ApiKey::new("cf_test_secret\n").unwrap(),
            holder: "hld_00000000000000a1".into(),
            origin: url("http://127.0.0.1:2"),
            platform_origin: url("http://127.0.0.1:1"),
            place: "Stall".into(),
            frame_ancestors: Vec::new(),
            desk: None,
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        assert!(!format!("{:?}", config()).contains("secret"));
        assert!(!format!("{:?}", config().api_key.header()).contains("secret"));
        for bad in ["", "  ", "two words", "caf\u{e9}", "a\nb"] {
            assert_eq!(ApiKey::new(bad).err(), Some(ApiKeyError), "{bad:?}");
        }
    }

    #[test]
    fn mistakes_are_found_when_the_shop_opens() {
        assert!(config().check().is_ok());
        for bad in ["ftp://a", "mailto:a@b", "http://user:secret@a", "javascript:alert(1)"] {
            assert!(Config { origin: url(bad), ..config() }.check().is_err(), "{bad}");
            let card = DeskCardConfig { label: String::new(), url: url(bad) };
            let desk = Some(DeskConfig { cards: vec![card], console_url: None });
            assert!(Config { desk, ..config() }.check().is_err(), "{bad}");
        }
        for bad in ["", "hld_", "hld_00000000000000A1", "hld_../../v1/orders", "00000000000000a1"] {
            assert!(Config { holder: bad.into(), ..config() }.check().is_err(), "{bad}");
        }
    }

    #[test]
    fn segments_stay_segments() {
        assert_eq!(under(&url("http://a/"), &["v1", "x"]).as_str(), "http://a/v1/x");
        assert_eq!(under(&url("http://a/b?q#f"), &["a/b?c"]).as_str(), "http://a/b/a%2Fb%3Fc");
    }
}
