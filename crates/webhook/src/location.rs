//! Where an endpoint is: a URL that a merchant gave.
//!
//! For: reading it by the URL standard, and refusing by name what must not be called.
//! Refuses: plain HTTP outside of test mode, credentials, fragments, and addresses that `address` refuses.
//! Next: `address`, which must judge every address that the URL's name leads to, at each attempt: names change.

use core::fmt;
use core::net::IpAddr;

use url::{Host, Url};

use crate::address::{AddressRefused, PublicAddress};

/// Whether real money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It does: only HTTPS, only public addresses.
    Live,
    /// It does not: HTTP and addresses of a desk are allowed.
    Test,
}

/// A URL that messages may be sent to. Its path may hold a secret of the merchant: `Debug` shows scheme and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

/// Why messages are not sent to a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Longer than 2,048 bytes, as given or as it is written out.
    #[error("the URL is longer than 2,048 bytes")]
    TooLong,
    /// It is no absolute URL.
    #[error("this is not a URL; write all of it, as `https://example.com/hooks`")]
    Malformed,
    /// The scheme is not `https`.
    #[error("the URL must begin with `https://`; `http://` is for test mode only")]
    NotHttps,
    /// It has no host.
    #[error("the URL names no host")]
    NoHost,
    /// It holds a user name or password.
    #[error("the URL must hold no user name or password; requests are signed instead")]
    Credentials,
    /// It has a fragment.
    #[error("the URL must have no fragment: leave out `#` and what follows")]
    Fragment,
    /// Its host is an address that nothing is sent to.
    #[error(transparent)]
    Address(#[from] AddressRefused),
}

impl UrlError {
    /// For machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "url_too_long",
            Self::Malformed => "url_malformed",
            Self::NotHttps => "url_not_https",
            Self::NoHost => "url_no_host",
            Self::Credentials => "url_credentials",
            Self::Fragment => "url_fragment",
            Self::Address(refused) => refused.code(),
        }
    }
}

impl EndpointUrl {
    /// The longest, in bytes.
    pub const LENGTH_MAX: usize = 2048;

    /// Reads a URL by the rules of a mode.
    ///
    /// # Errors
    /// [`UrlError`], each rule by its name.
    pub fn parse(text: &str, mode: Mode) -> Result<Self, UrlError> {
        if text.len() > Self::LENGTH_MAX {
            return Err(UrlError::TooLong);
        }
        // The URL standard drops some of these without a word: then it would not be what the merchant reads.
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(UrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => UrlError::NoHost,
            _ => UrlError::Malformed,
        })?;
        match (url.scheme(), mode) {
            ("https", Mode::Live | Mode::Test) | ("http", Mode::Test) => {}
            _ => return Err(UrlError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let address: Option<IpAddr> = match url.host() {
            None => return Err(UrlError::NoHost),
            Some(Host::Domain("")) => return Err(UrlError::NoHost),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
        };
        match (address, mode) {
            (Some(address), Mode::Live) => PublicAddress::new(address).map(|_| ())?,
            (Some(_), Mode::Test) | (None, Mode::Live | Mode::Test) => {}
        }
        if url.as_str().len() > Self::LENGTH_MAX {
            return Err(UrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// As it is written out.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host, port and path.
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({}://{}/…)", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_url_is_read_by_the_rules_of_its_mode() {
        for (text, live, test) in [
            ("https://example.com/hooks?shop=7", None, None),
            ("https://example.com:8443", None, None),
            ("https://8.8.8.8/", None, None),
            ("https://[2606:4700::1]/", None, None),
            ("http://example.com/", Some("url_not_https"), None),
            ("http://localhost:8080/", Some("url_not_https"), None),
            ("https://127.0.0.1/", Some("address_loopback"), None),
            ("https://2130706433/", Some("address_loopback"), None),
            ("https://0x7f.1/", Some("address_loopback"), None),
            ("https://169.254.169.254/", Some("address_link_local"), None),
            ("https://[::ffff:10.0.0.1]/", Some("address_private"), None),
            ("ftp://example.com/", Some("url_not_https"), Some("url_not_https")),
            ("data:text/plain,x", Some("url_not_https"), Some("url_not_https")),
            ("https://u@example.com/", Some("url_credentials"), Some("url_credentials")),
            ("https://:p@example.com/", Some("url_credentials"), Some("url_credentials")),
            ("https://example.com/#", Some("url_fragment"), Some("url_fragment")),
            ("https://example.com/#a", Some("url_fragment"), Some("url_fragment")),
            ("https://", Some("url_no_host"), Some("url_no_host")),
            ("https://?a", Some("url_no_host"), Some("url_no_host")),
            ("/hooks", Some("url_malformed"), Some("url_malformed")),
            ("", Some("url_malformed"), Some("url_malformed")),
            (" https://example.com/", Some("url_malformed"), Some("url_malformed")),
            ("https://exam\nple.com/", Some("url_malformed"), Some("url_malformed")),
            ("https:\\\\example.com", Some("url_malformed"), Some("url_malformed")),
        ] {
            for (mode, expected) in [(Mode::Live, live), (Mode::Test, test)] {
                let found = EndpointUrl::parse(text, mode).err().map(UrlError::code);
                assert_eq!(found, expected, "{text:?} {mode:?}");
            }
        }
    }

    #[test]
    fn a_url_has_2048_bytes_at_most_and_does_not_show_its_path() {
        let fits = format!("https://example.com/{}", "a".repeat(2048 - 20));
        assert!(EndpointUrl::parse(&fits, Mode::Live).is_ok());
        assert_eq!(EndpointUrl::parse(&format!("{fits}a"), Mode::Live), Err(UrlError::TooLong));
        // Written out it grows.
        let grows = format!("https://example.com/{}", "é".repeat(500));
        assert_eq!(EndpointUrl::parse(&grows, Mode::Live), Err(UrlError::TooLong));
        let url = EndpointUrl::parse("https://example.com/s3cret", Mode::Live).unwrap();
        assert_eq!(format!("{url:?}"), "EndpointUrl(https://example.com/…)");
    }
}
