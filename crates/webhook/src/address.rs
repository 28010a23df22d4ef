//! Whether an IP address may be delivered to, outside of test mode.
//!
//! For: keeping a merchant's URL from leading into somebody's own network (Standard Webhooks 1.0, "Server side request
//! forgery"). The ranges are those of the IANA special-purpose address registries (RFC 6890).
//! Refuses: by name, and whatever of IPv6 is not global unicast. An address that carries an IPv4 address is judged by
//! that one.
//! Next: whoever connects asks for each address that a name leads to, and connects to that address and no other.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address that may be delivered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicAddress(IpAddr);

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident, $code:literal, $text:literal;)*) => {
        /// Why an address is not delivered to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum AddressRefused {
            $($(#[$doc])* #[error($text)] $name,)*
        }

        impl AddressRefused {
            /// For machines.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

refusals! {
    /// 0.0.0.0/8 (RFC 791), `::` (RFC 4291).
    Unspecified, "address_unspecified", "the address is no host's; give the server's public address";
    /// 127.0.0.0/8 (RFC 1122), `::1` (RFC 4291).
    Loopback, "address_loopback", "the address is this machine's own; give the server's public address";
    /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918).
    Private, "address_private", "the address is of a private network; give the server's public address";
    /// 100.64.0.0/10 (RFC 6598).
    CarrierNat, "address_carrier_nat", "the address is inside a carrier's network; give the server's public address";
    /// 169.254.0.0/16 (RFC 3927), fe80::/10 (RFC 4291). Where clouds keep their metadata.
    LinkLocal, "address_link_local", "the address is good on one link only; give the server's public address";
    /// fec0::/10 (RFC 3879).
    SiteLocal, "address_site_local", "the address is of one site; give the server's public address";
    /// fc00::/7 (RFC 4193).
    UniqueLocal, "address_unique_local", "the address is of a private network; give the server's public address";
    /// 224.0.0.0/4 (RFC 5771), ff00::/8 (RFC 4291).
    Multicast, "address_multicast", "the address is a group's; give one server's address";
    /// 255.255.255.255 (RFC 919).
    Broadcast, "address_broadcast", "the address is everybody's; give one server's address";
    /// 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849), 3fff::/20 (RFC 9637).
    Documentation, "address_documentation", "the address is for examples only; give the server's own";
    /// 198.18.0.0/15 (RFC 2544), 2001:2::/48 (RFC 5180).
    Benchmarking, "address_benchmarking", "the address is for measurements only; give the server's own";
    /// 192.0.0.0/24 (RFC 6890), 192.88.99.0/24 (RFC 7526), the rest of 2001::/23 (RFC 2928).
    Protocol, "address_protocol", "the address is set aside for protocols; give the server's own";
    /// 240.0.0.0/4 (RFC 1112).
    Reserved, "address_reserved", "the address is reserved; give the server's own";
    /// 2001::/32 (RFC 4380).
    Teredo, "address_teredo", "the address is a Teredo tunnel's; give the server's own";
    /// 2001:10::/28 (RFC 4843), 2001:20::/28 (RFC 7343).
    Orchid, "address_orchid", "the address is a hash and leads nowhere; give the server's own";
    /// 100::/64 (RFC 6666).
    Discard, "address_discard", "whatever is sent to this address is thrown away; give the server's own";
    /// 64:ff9b:1::/48 (RFC 8215).
    LocalNat64, "address_local_nat64", "the address is inside a translator's network; give the server's own";
    /// Any other of IPv6 outside of 2000::/3 (RFC 4291, section 2.4).
    NotGlobal, "address_not_global", "the address is not global; give the server's public address";
}

use AddressRefused as R;

/// IPv4: network, prefix length in bits, name. The first that holds it names it.
const V4: [(Ipv4Addr, u32, AddressRefused); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, R::Unspecified),
    (Ipv4Addr::new(10, 0, 0, 0), 8, R::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, R::CarrierNat),
    (Ipv4Addr::new(127, 0, 0, 0), 8, R::Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, R::LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, R::Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, R::Protocol),
    (Ipv4Addr::new(192, 0, 2, 0), 24, R::Documentation),
    (Ipv4Addr::new(192, 88, 99, 0), 24, R::Protocol),
    (Ipv4Addr::new(192, 168, 0, 0), 16, R::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, R::Benchmarking),
    (Ipv4Addr::new(198, 51, 100, 0), 24, R::Documentation),
    (Ipv4Addr::new(203, 0, 113, 0), 24, R::Documentation),
    (Ipv4Addr::new(224, 0, 0, 0), 4, R::Multicast),
    (Ipv4Addr::new(255, 255, 255, 255), 32, R::Broadcast),
    (Ipv4Addr::new(240, 0, 0, 0), 4, R::Reserved),
];

/// What an IPv6 network means.
#[derive(Clone, Copy)]
enum Meaning {
    Refused(AddressRefused),
    /// The IPv4 address that begins so many bits before the end judges.
    Carries(u32),
}

const fn v6(a: u16, b: u16, c: u16, d: u16, e: u16, f: u16) -> u128 {
    Ipv6Addr::new(a, b, c, d, e, f, 0, 0).to_bits()
}

/// IPv6: network, prefix length in bits, meaning. The first that holds it decides.
const V6: [(u128, u32, Meaning); 20] = [
    (0, 128, Meaning::Refused(R::Unspecified)),
    (1, 128, Meaning::Refused(R::Loopback)),
    // IPv4-compatible, IPv4-mapped (RFC 4291, section 2.5.5), IPv4-translated (RFC 2765).
    (0, 96, Meaning::Carries(32)),
    (v6(0, 0, 0, 0, 0, 0xffff), 96, Meaning::Carries(32)),
    (v6(0, 0, 0, 0, 0xffff, 0), 96, Meaning::Carries(32)),
    // NAT64 (RFC 6052), 6to4 (RFC 3056).
    (v6(0x64, 0xff9b, 0, 0, 0, 0), 96, Meaning::Carries(32)),
    (v6(0x64, 0xff9b, 1, 0, 0, 0), 48, Meaning::Refused(R::LocalNat64)),
    (v6(0x2002, 0, 0, 0, 0, 0), 16, Meaning::Carries(112)),
    (v6(0x100, 0, 0, 0, 0, 0), 64, Meaning::Refused(R::Discard)),
    (v6(0x2001, 0, 0, 0, 0, 0), 32, Meaning::Refused(R::Teredo)),
    (v6(0x2001, 2, 0, 0, 0, 0), 48, Meaning::Refused(R::Benchmarking)),
    (v6(0x2001, 0x10, 0, 0, 0, 0), 28, Meaning::Refused(R::Orchid)),
    (v6(0x2001, 0x20, 0, 0, 0, 0), 28, Meaning::Refused(R::Orchid)),
    (v6(0x2001, 0, 0, 0, 0, 0), 23, Meaning::Refused(R::Protocol)),
    (v6(0x2001, 0xdb8, 0, 0, 0, 0), 32, Meaning::Refused(R::Documentation)),
    (v6(0x3fff, 0, 0, 0, 0, 0), 20, Meaning::Refused(R::Documentation)),
    (v6(0xfc00, 0, 0, 0, 0, 0), 7, Meaning::Refused(R::UniqueLocal)),
    (v6(0xfe80, 0, 0, 0, 0, 0), 10, Meaning::Refused(R::LinkLocal)),
    (v6(0xfec0, 0, 0, 0, 0, 0), 10, Meaning::Refused(R::SiteLocal)),
    (v6(0xff00, 0, 0, 0, 0, 0), 8, Meaning::Refused(R::Multicast)),
];

/// 2000::/3: all of IPv6 that is given out.
const GLOBAL: (u128, u32) = (v6(0x2000, 0, 0, 0, 0, 0), 3);

impl PublicAddress {
    /// Judges an address.
    ///
    /// # Errors
    /// [`AddressRefused`], by the name of its range.
    pub fn new(address: IpAddr) -> Result<Self, AddressRefused> {
        match address {
            IpAddr::V4(inner) => judge_v4(inner)?,
            IpAddr::V6(inner) => judge_v6(inner)?,
        }
        Ok(Self(address))
    }

    /// The address.
    pub const fn ip(self) -> IpAddr {
        self.0
    }
}

fn judge_v4(address: Ipv4Addr) -> Result<(), AddressRefused> {
    let within =
        |network: Ipv4Addr, length: u32| (address.to_bits() ^ network.to_bits()) >> (32 - length) == 0;
    match V4.iter().find(|(network, length, _)| within(*network, *length)) {
        Some((_, _, refused)) => Err(*refused),
        None => Ok(()),
    }
}

fn judge_v6(address: Ipv6Addr) -> Result<(), AddressRefused> {
    let bits = address.to_bits();
    let within = |network: u128, length: u32| (bits ^ network) >> (128 - length) == 0;
    match V6.iter().find(|(network, length, _)| within(*network, *length)) {
        Some((_, _, Meaning::Refused(refused))) => Err(*refused),
        Some((_, _, Meaning::Carries(before_the_end))) => {
            // The low 32 bits of what is left.
            judge_v4(Ipv4Addr::from_bits((bits >> (before_the_end - 32)) as u32))
        }
        None if within(GLOBAL.0, GLOBAL.1) => Ok(()),
        None => Err(R::NotGlobal),
    }
}
