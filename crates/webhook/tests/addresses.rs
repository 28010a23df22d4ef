//! Every range of addresses that nothing is sent to, with the last address before it and the first one behind it.
#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use std::net::IpAddr;

use webhook::PublicAddress;

fn judged(text: &str) -> &'static str {
    let address: IpAddr = text.parse().unwrap();
    match PublicAddress::new(address) {
        Ok(public) => {
            assert_eq!(public.ip(), address);
            "public"
        }
        Err(refused) => refused.code().strip_prefix("address_").unwrap(),
    }
}

/// Before, name of before, first, last, name, behind, name of behind.
type Range =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const NONE: &str = "";

fn check(ranges: &[Range]) {
    for (before, before_name, first, last, name, behind, behind_name) in ranges {
        for (address, expected) in [(before, before_name), (first, name), (last, name), (behind, behind_name)]
        {
            if *address != NONE {
                assert_eq!(judged(address), *expected, "{address}");
            }
        }
    }
}

#[test]
fn ranges_of_ipv4_have_edges() {
    let p = "public";
    check(&[
        (NONE, NONE, "0.0.0.0", "0.255.255.255", "unspecified", "1.0.0.0", p),
        ("9.255.255.255", p, "10.0.0.0", "10.255.255.255", "private", "11.0.0.0", p),
        ("100.63.255.255", p, "100.64.0.0", "100.127.255.255", "carrier_nat", "100.128.0.0", p),
        ("126.255.255.255", p, "127.0.0.0", "127.255.255.255", "loopback", "128.0.0.0", p),
        ("169.253.255.255", p, "169.254.0.0", "169.254.255.255", "link_local", "169.255.0.0", p),
        ("172.15.255.255", p, "172.16.0.0", "172.31.255.255", "private", "172.32.0.0", p),
        ("191.255.255.255", p, "192.0.0.0", "192.0.0.255", "protocol", "192.0.1.0", p),
        ("192.0.1.255", p, "192.0.2.0", "192.0.2.255", "documentation", "192.0.3.0", p),
        ("192.88.98.255", p, "192.88.99.0", "192.88.99.255", "protocol", "192.88.100.0", p),
        ("192.167.255.255", p, "192.168.0.0", "192.168.255.255", "private", "192.169.0.0", p),
        ("198.17.255.255", p, "198.18.0.0", "198.19.255.255", "benchmarking", "198.20.0.0", p),
        ("198.51.99.255", p, "198.51.100.0", "198.51.100.255", "documentation", "198.51.101.0", p),
        ("203.0.112.255", p, "203.0.113.0", "203.0.113.255", "documentation", "203.0.114.0", p),
        ("223.255.255.255", p, "224.0.0.0", "239.255.255.255", "multicast", "240.0.0.0", "reserved"),
        (
            "239.255.255.255",
            "multicast",
            "240.0.0.0",
            "255.255.255.254",
            "reserved",
            "255.255.255.255",
            "broadcast",
        ),
    ]);
    assert_eq!(judged("169.254.169.254"), "link_local");
    assert_eq!(judged("8.8.8.8"), p);
}

#[test]
fn ranges_of_ipv6_have_edges() {
    let (p, n) = ("public", "not_global");
    let f = "ffff:ffff:ffff:ffff";
    let range = |first: &str, last: &str, name: &str| {
        assert_eq!(judged(first), name, "{first}");
        assert_eq!(judged(last), name, "{last}");
    };
    range("::", "::", "unspecified");
    range("::1", "::1", "loopback");
    range("::1:0:0:0", "::fffe:ffff:ffff:ffff", n);
    assert_eq!(judged("64:ff9b:0:ffff:ffff:ffff:ffff:ffff"), n);
    range("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "local_nat64");
    assert_eq!(judged("64:ff9b:2::"), n);
    assert_eq!(judged(&format!("ff:ffff:ffff:ffff:{f}")), n);
    range("100::", &format!("100::{f}"), "discard");
    assert_eq!(judged("100:0:0:1::"), n);
    assert_eq!(judged(&format!("1fff:ffff:ffff:ffff:{f}")), n);
    assert_eq!(judged("2000::"), p);
    assert_eq!(judged(&format!("2000:ffff:ffff:ffff:{f}")), p);
    range("2001::", &format!("2001:0:ffff:ffff:{f}"), "teredo");
    range("2001:1::", &format!("2001:1:ffff:ffff:{f}"), "protocol");
    range("2001:2::", &format!("2001:2:0:ffff:{f}"), "benchmarking");
    range("2001:2:1::", &format!("2001:f:ffff:ffff:{f}"), "protocol");
    range("2001:10::", &format!("2001:1f:ffff:ffff:{f}"), "orchid");
    range("2001:20::", &format!("2001:2f:ffff:ffff:{f}"), "orchid");
    range("2001:30::", &format!("2001:1ff:ffff:ffff:{f}"), "protocol");
    assert_eq!(judged("2001:200::"), p);
    assert_eq!(judged(&format!("2001:db7:ffff:ffff:{f}")), p);
    range("2001:db8::", &format!("2001:db8:ffff:ffff:{f}"), "documentation");
    assert_eq!(judged("2001:db9::"), p);
    assert_eq!(judged(&format!("2001:ffff:ffff:ffff:{f}")), p);
    assert_eq!(judged("2003::"), p);
    assert_eq!(judged(&format!("3ffe:ffff:ffff:ffff:{f}")), p);
    range("3fff::", &format!("3fff:fff:ffff:ffff:{f}"), "documentation");
    assert_eq!(judged("3fff:1000::"), p);
    assert_eq!(judged(&format!("3fff:ffff:ffff:ffff:{f}")), p);
    assert_eq!(judged("4000::"), n);
    assert_eq!(judged(&format!("fbff:ffff:ffff:ffff:{f}")), n);
    range("fc00::", &format!("fdff:ffff:ffff:ffff:{f}"), "unique_local");
    assert_eq!(judged("fe00::"), n);
    assert_eq!(judged(&format!("fe7f:ffff:ffff:ffff:{f}")), n);
    range("fe80::", &format!("febf:ffff:ffff:ffff:{f}"), "link_local");
    range("fec0::", &format!("feff:ffff:ffff:ffff:{f}"), "site_local");
    range("ff00::", &format!("ffff:ffff:ffff:ffff:{f}"), "multicast");
}

#[test]
fn an_address_that_carries_another_is_judged_by_that_one() {
    for (inner, name) in [
        ("8.8.8.8", "public"),
        ("10.0.0.1", "private"),
        ("11.0.0.0", "public"),
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "link_local"),
        ("100.64.0.1", "carrier_nat"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("192.168.1.1", "private"),
        ("203.0.113.7", "documentation"),
    ] {
        for carried in ["::ffff:", "::", "::ffff:0:", "64:ff9b::"] {
            assert_eq!(judged(&format!("{carried}{inner}")), name, "{carried}{inner}");
        }
        let octets: std::net::Ipv4Addr = inner.parse().unwrap();
        let [a, b, c, d] = octets.octets();
        for rest in ["::", ":0:0:0:0:1", ":ffff:ffff:ffff:ffff:ffff"] {
            let six_to_four = format!("2002:{a:02x}{b:02x}:{c:02x}{d:02x}{rest}");
            assert_eq!(judged(&six_to_four), name, "{six_to_four}");
        }
    }
    // What is mapped of 0.0.0.0 is no host's either; `::2` carries 0.0.0.2.
    assert_eq!((judged("::ffff:0.0.0.0"), judged("::2")), ("unspecified", "unspecified"));
}
