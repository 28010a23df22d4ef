//! The form of `vectors/tap.json`.

use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vectors {
    pub(crate) about: String,
    pub(crate) terminal: String,
    pub(crate) terminal_root: String,
    pub(crate) enrolment: Enrolment,
    pub(crate) working_keys: Working,
    pub(crate) pin: PinVector,
    pub(crate) card: CardVector,
    pub(crate) asks: Vec<Line>,
    pub(crate) suites: Vec<Suite>,
    pub(crate) transactions: Vec<Told>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrolment {
    pub(crate) code: String,
    pub(crate) secret: String,
    pub(crate) claim: String,
    pub(crate) master_version: u8,
    pub(crate) master: String,
    pub(crate) master_check_value: String,
    pub(crate) wrapped_master: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Working {
    pub(crate) key_id: u32,
    pub(crate) wrapping: String,
    pub(crate) master_message_check_value: String,
    pub(crate) message: String,
    pub(crate) mac: String,
    pub(crate) pin: String,
    pub(crate) wrapped: String,
    pub(crate) check_value: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PinVector {
    pub(crate) digits: String,
    pub(crate) asn: String,
    pub(crate) random: String,
    pub(crate) block: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardVector {
    pub(crate) asn: String,
    pub(crate) issuer: String,
    pub(crate) aid: String,
    pub(crate) load_master: String,
    pub(crate) load: String,
    pub(crate) tac_master: String,
    pub(crate) tac: String,
    pub(crate) maintenance_master: String,
    pub(crate) maintenance: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    pub(crate) suite: u8,
    pub(crate) nonce: String,
    pub(crate) text: String,
    pub(crate) envelope: String,
}

/// One transaction, line by line.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) balance_before: u32,
    pub(crate) counter_before: u16,
    pub(crate) card_draws: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) balance_after: u32,
    pub(crate) counter_after: u16,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    /// An empty answer is a card that is gone.
    Card { command: String, answer: String },
    /// Between driver and bank, with its envelope.
    Sent { from: String, text: String, sequence: u64, nonce: String, envelope: String },
    /// Between application and driver.
    Said { from: String, text: String },
}
