//! From where somebody calls.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

/// An address, where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller(Option<IpAddr>);

impl Caller {
    /// Who connected; or, behind a terminator that says so, who connected to it: the last of `X-Forwarded-For`, which is
    /// the terminator's own word. What stands before it is the caller's.
    pub(crate) fn of(headers: &HeaderMap, extensions: &Extensions, behind: bool) -> Self {
        let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(from)| from.ip());
        let forwarded = || {
            let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        let told = if behind { forwarded() } else { None };
        Self(told.or(connected).map(|address: IpAddr| address.to_canonical()))
    }

    /// What one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 one.
    pub(crate) fn network(self) -> Self {
        Self(self.0.map(|address| match address {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let bits = u128::from(address) & !u128::from(u64::MAX);
                Ipv6Addr::from(bits).into()
            }
        }))
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_terminator_s_word_counts_where_there_is_one_and_nobody_else_s() {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
        let mut headers = HeaderMap::new();
        let caller = |headers: &HeaderMap, behind| Caller::of(headers, &extensions, behind).to_string();
        assert_eq!(caller(&headers, true), "127.0.0.1");
        headers.append("x-forwarded-for", HeaderValue::from_static("10.0.0.1, 192.0.2.7"));
        assert_eq!(caller(&headers, true), "192.0.2.7");
        assert_eq!(caller(&headers, false), "127.0.0.1");
        headers.append("x-forwarded-for", HeaderValue::from_static("2001:db8:1:2:3::4"));
        assert_eq!(caller(&headers, true), "2001:db8:1:2:3::4");
        let network = Caller::of(&headers, &extensions, true).network();
        assert_eq!(network.to_string(), "2001:db8:1:2::");
        assert_eq!(Caller::of(&headers, &Extensions::new(), false).to_string(), "unknown");
    }
}
