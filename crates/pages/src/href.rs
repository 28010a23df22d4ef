//! Addresses that may stand in a link or a frame.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// An address that is safe to click: `http`, `https`, or a place on this host.
///
/// Escaping makes text harmless as text; it does not make `javascript:…` harmless as a link. A merchant gives the
/// address of its own page, so every address from outside passes through here, and the templates take nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Href(String);

/// All but the characters that RFC 3986, clause 2.3, leaves as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Href {
    /// Takes the address as given, or `#` when following it could run a script.
    pub fn new(address: impl Into<String>) -> Href {
        let address = address.into();
        let lower = address.trim_start().to_ascii_lowercase();
        let web = lower.starts_with("https://") || lower.starts_with("http://");
        let here = lower.starts_with(['/', '?', '#']);
        let clean = !address.chars().any(char::is_control);
        if (web || here) && clean { Href(address) } else { Href("#".into()) }
    }

    /// The same address with one more query parameter. `name` is a plain tag; `value` is any text, and is encoded (RFC
    /// 3986, clause 2.1).
    pub fn with(&self, name: &str, value: &str) -> Href {
        let (address, fragment) = match self.0.split_once('#') {
            Some((address, fragment)) => (address, format!("#{fragment}")),
            None => (self.0.as_str(), String::new()),
        };
        let joint = if address.contains('?') { '&' } else { '?' };
        Href(format!("{address}{joint}{name}={}{fragment}", utf8_percent_encode(value, ENCODED)))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Href {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Href {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Href {
    fn from(address: &str) -> Href {
        Href::new(address)
    }
}

impl From<String> for Href {
    fn from(address: String) -> Href {
        Href::new(address)
    }
}

#[cfg(test)]
mod tests {
    use super::Href;

    #[test]
    fn only_places_are_kept() {
        for good in ["/", "/pay/1", "?before=9", "#x", "https://shop.example/a?b", "HTTP://127.0.0.1:8081/"] {
            assert_eq!(Href::new(good).as_str(), good);
        }
        for bad in
            ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "java\nscript:1", "/a\nb", ""]
        {
            assert_eq!(Href::new(bad).as_str(), "#", "{bad:?}");
        }
    }

    #[test]
    fn a_parameter_goes_before_the_fragment() {
        assert_eq!(Href::new("/a").with("lang", "zh").as_str(), "/a?lang=zh");
        assert_eq!(Href::new("/a?b=1#c").with("lang", "zh").as_str(), "/a?b=1&lang=zh#c");
        assert_eq!(Href::new("/a").with("q", "a&b=c #北").as_str(), "/a?q=a%26b%3Dc%20%23%E5%8C%97");
    }
}
