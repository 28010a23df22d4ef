//! The address of a server.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;

/// `https://host[:port][/path]`: where a server's interface begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// Without a slash at its end.
    text: String,
    host: String,
}

/// A text is no address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a server's address is https://host, perhaps with a port and a path, and nothing else")]
pub struct ServerUrlError;

impl ServerUrl {
    /// Host and port, for people.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address of one of the server's resources; `path` begins with a slash.
    pub(crate) fn at(&self, path: &'static str) -> Option<Uri> {
        format!("{}{path}", self.text).parse().ok()
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim().trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| ServerUrlError)?;
        let authority = uri.authority().ok_or(ServerUrlError)?;
        let is_secure = uri.scheme_str() == Some("https");
        if !is_secure
            || uri.query().is_some()
            || text.contains('#')
            || authority.as_str().contains('@')
            || authority.host().is_empty()
        {
            return Err(ServerUrlError);
        }
        Ok(Self { text: text.into(), host: authority.as_str().into() })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_https_address_without_more_is_a_server() {
        for (text, resource) in [
            ("https://bank.example", "https://bank.example/ask"),
            (" https://bank.example:8444/\n", "https://bank.example:8444/ask"),
            ("https://[::1]:1/tap/v1", "https://[::1]:1/tap/v1/ask"),
        ] {
            let url: ServerUrl = text.parse().unwrap();
            assert_eq!(url.at("/ask").unwrap().to_string(), resource);
        }
        for bad in
            ["", "http://bank", "https://", "https://a:b@bank", "https://bank?x", "https://bank#x", "bank"]
        {
            assert_eq!(bad.parse::<ServerUrl>(), Err(ServerUrlError), "{bad}");
        }
    }
}
