//! Names of endpoints and deliveries: 128 bits, time first, so that new ones stand together.
//!
//! For: `we_` and `dlv_` with 32 hexadecimal digits, read strictly. Next: `message` has the third, which receivers see.

use core::fmt;
use core::str::FromStr;

use model::UnixMillis;

use crate::message::MessageId;

/// Why a text is not an endpoint's or a delivery's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not an endpoint's.
    #[error("a webhook endpoint's id is `we_` and 32 hexadecimal digits")]
    Endpoint,
    /// Not a delivery's.
    #[error("a delivery's id is `dlv_` and 32 hexadecimal digits")]
    Delivery,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $error:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u128);

        impl $name {
            /// An id from the time it is made and 74 random bits (the layout of UUID version 7, RFC 9562).
            pub fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
                Self(MessageId::from_time_and_random(now, random).0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:032x}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.strip_prefix($prefix).ok_or(IdError::$error)?;
                let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                if digits.len() != 32 || !digits.bytes().all(hexadecimal) {
                    return Err(IdError::$error);
                }
                u128::from_str_radix(digits, 16).map(Self).map_err(|_| IdError::$error)
            }
        }
    )*};
}

ids! {
    /// An endpoint of a merchant. Written `we_` and 32 hexadecimal digits.
    EndpointId, "we_", Endpoint;
    /// One message for one endpoint. Written `dlv_` and 32 hexadecimal digits.
    DeliveryId, "dlv_", Delivery;
}

impl EndpointId {
    /// Into how many parts endpoints are shared out: each part is one node's at a time.
    pub const SHARDS: u8 = 8;

    /// Its part, by its last, random, bits.
    pub const fn shard(self) -> u8 {
        (self.0 % Self::SHARDS as u128) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn ids_are_written_and_read_strictly() {
        let endpoint = EndpointId::from_time_and_random(UnixMillis(1_800_000_000_000), u128::MAX);
        assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        let delivery = DeliveryId(7);
        assert_eq!(delivery.to_string(), "dlv_00000000000000000000000000000007");
        for wrong in
            ["", "we_", "we_7", "dlv_00000000000000000000000000000007", "we_0000000000000000000000000000000G"]
        {
            assert_eq!(wrong.parse::<EndpointId>(), Err(IdError::Endpoint), "{wrong}");
        }
        assert_eq!("dlv_+0000000000000000000000000000007".parse::<DeliveryId>(), Err(IdError::Delivery));
        assert_eq!(EndpointId(15).shard(), 7);
    }
}
