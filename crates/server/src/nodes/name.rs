//! What a node is called, and the addresses that name one.

use std::fmt;
use std::str::FromStr;

/// The longest name in bytes.
pub const NODE_NAME_MAX: usize = 63;

/// A node's name: 1 to 63 letters, digits, dots, hyphens and underscores, as of a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeName(String);

/// Why a text is no name of a node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a node: give 1 to {NODE_NAME_MAX} letters, digits, dots, hyphens and underscores, another to each node"
)]
pub struct NodeNameError(String);

impl NodeName {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address that only this node's socket reaches.
    pub fn tagged(&self, address: &str) -> String {
        format!("{address}@{self}")
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if (1..=NODE_NAME_MAX).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NodeNameError(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address without the node that it names, and that node.
pub fn untagged(address: &str) -> (&str, Option<NodeName>) {
    match address.rsplit_once('@') {
        Some((rest, node)) => match node.parse() {
            Ok(node) => (rest, Some(node)),
            Err(_) => (address, None),
        },
        None => (address, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_hosts() {
        for good in ["n", "north-1", "node_2.example", &"n".repeat(63)] {
            assert_eq!(good.parse::<NodeName>().unwrap().as_str(), good);
        }
        for bad in ["", "a node", "north@home", "a:b", "北", &"n".repeat(64)] {
            assert!(bad.parse::<NodeName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_names_its_node_and_reads_back() {
        let north: NodeName = "north".parse().unwrap();
        let tagged = north.tagged("coap:[::1]:5683");
        assert_eq!(tagged, "coap:[::1]:5683@north");
        assert_eq!(untagged(&tagged), ("coap:[::1]:5683", Some(north)));
        assert_eq!(untagged("coap:10.0.0.1:5683"), ("coap:10.0.0.1:5683", None));
        assert_eq!(untagged("ctwing:a@b c"), ("ctwing:a@b c", None));
    }
}
