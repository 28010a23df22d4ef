//! A terminal's end of the security protocol, made of the cores only.

use crypto::{ActivationSecret, Direction, MessageKey, PinKey, TerminalMasterKey, TerminalSuite};
use crypto::{WrappedTerminalMaster, WrappedWorkingKeys};
use model::TerminalId;
use serde_json::Value;
use tap::Header;

/// Bytes of a JSON field in hexadecimal digits.
pub(crate) fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

/// A terminal that has its master key.
pub(crate) struct Device {
    pub(crate) id: TerminalId,
    pub(crate) master: TerminalMasterKey,
    pub(crate) sequence: u64,
}

/// A working key as a terminal holds it.
pub(crate) struct HeldKey {
    pub(crate) id: u32,
    pub(crate) message: MessageKey,
    pub(crate) pin: PinKey,
}

impl Device {
    /// Takes the answer of `POST /activate`.
    pub(crate) fn activated(id: TerminalId, code: &ActivationSecret, answer: &Value) -> Self {
        let wrapped = WrappedTerminalMaster(bytes(&answer["wrapped_master"]));
        let master = code.unwrap(id, &wrapped).unwrap();
        assert_eq!(master.check_value().to_string(), answer["check_value"].as_str().unwrap());
        Self { id, master, sequence: 0 }
    }

    /// The header of the next request under key id 0.
    pub(crate) fn next(&mut self) -> Header {
        self.sequence += 1;
        Header { suite: TerminalSuite::Aes128Gcm, terminal: self.id, key_id: 0, sequence: self.sequence }
    }

    /// A request under the next sequence.
    pub(crate) fn seal(&mut self, text: &str) -> Vec<u8> {
        let header = self.next();
        sealed(&self.master.message_key(), &header, text.as_bytes())
    }

    /// The JSON of an answer.
    pub(crate) fn open(&self, answer: &[u8]) -> Value {
        let text = opened(&self.master.message_key(), answer);
        serde_json::from_slice(&text).unwrap()
    }

    /// Takes the answer to `working_key`.
    pub(crate) fn holds(&self, answer: &Value) -> HeldKey {
        let wrapped = WrappedWorkingKeys(bytes(&answer["wrapped"]));
        let (message, pin) = self.master.unwrap_working(&wrapped, TerminalSuite::Aes128Gcm).unwrap();
        assert_eq!(message.check_value().to_string(), answer["check_value"].as_str().unwrap());
        HeldKey { id: u32::try_from(answer["key_id"].as_u64().unwrap()).unwrap(), message, pin }
    }
}

/// An envelope to the bank. The nonce is the sequence: no test sends two texts under one.
pub(crate) fn sealed(key: &MessageKey, header: &Header, text: &[u8]) -> Vec<u8> {
    let header_bytes = header.to_bytes();
    let nonce = [&[0; 4][..], &header.sequence.to_be_bytes()].concat();
    let mut text = text.to_vec();
    key.seal(Direction::ToBank, &header_bytes, &nonce, &mut text).unwrap();
    [&header_bytes[..], &nonce, &text].concat()
}

/// What is in an envelope from the bank.
pub(crate) fn opened(key: &MessageKey, envelope: &[u8]) -> Vec<u8> {
    let (header, rest) = envelope.split_first_chunk::<20>().unwrap();
    let (nonce, text) = rest.split_first_chunk::<12>().unwrap();
    let mut text = text.to_vec();
    key.open(Direction::ToTerminal, header, nonce, &mut text).unwrap();
    text
}
