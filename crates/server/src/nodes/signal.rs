//! What nodes tell each other: a line each. What a newer program tells and this one does not know is passed over.

use fleet::DownlinkId;
use payment::OrderId;

use super::name::NodeName;

/// A hint. The truth is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A downlink waits for this node.
    Downlink {
        /// Which node.
        node: NodeName,
        /// Which downlink.
        id: DownlinkId,
    },
    /// An order has changed.
    Order(OrderId),
    /// A node came, went, or carries for other bearers than before.
    Roll,
}

impl Hint {
    /// As a line.
    pub fn to_line(&self) -> String {
        match self {
            Self::Downlink { node, id } => format!("downlink {node} {:032x}", id.0),
            Self::Order(order) => format!("order {:032x}", order.0),
            Self::Roll => "roll".into(),
        }
    }

    /// Reads a line.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let number = |word: Option<&str>| u128::from_str_radix(word?, 16).ok();
        let hint = match words.next()? {
            "downlink" => {
                let node = words.next()?.parse().ok()?;
                Self::Downlink { node, id: DownlinkId(number(words.next())?) }
            }
            "order" => Self::Order(OrderId(number(words.next())?)),
            "roll" => Self::Roll,
            _ => return None,
        };
        words.next().is_none().then_some(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hint_reads_back_and_nothing_else_is_one() {
        let node: NodeName = "n".repeat(63).parse().unwrap();
        for hint in [Hint::Downlink { node, id: DownlinkId(7) }, Hint::Order(OrderId(u128::MAX)), Hint::Roll]
        {
            let line = hint.to_line();
            assert!(line.len() <= store::postgres::SIGNAL_BYTES_MAX, "{line}");
            assert_eq!(Hint::from_line(&line), Some(hint));
        }
        for line in ["", "order", "order x", "downlink north", "downlink a:b 1", "roll 1", "later 1 2 3"] {
            assert_eq!(Hint::from_line(line), None, "{line}");
        }
    }
}
