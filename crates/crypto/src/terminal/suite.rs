//! Which ciphers a terminal's messages are in. The suite belongs to the terminal's registration.

/// A suite of the envelope, its second byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TerminalSuite {
    /// AES-128-GCM (SP 800-38D). The default.
    Aes128Gcm = 1,
    /// SM4-GCM (RFC 8998). Its tables make it not constant-time: see SECURITY.md.
    Sm4Gcm = 2,
    /// DES-CBC with a retail MAC, to work with terminals that have nothing else.
    Des = 3,
    /// Two-key 3DES-CBC with a retail MAC, to work with terminals that have nothing else.
    TripleDes = 4,
}

impl TerminalSuite {
    /// All suites, whether built or not.
    pub const ALL: [Self; 4] = [Self::Aes128Gcm, Self::Sm4Gcm, Self::Des, Self::TripleDes];

    /// The suite of an envelope's second byte; `None` where the protocol has none.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Aes128Gcm),
            2 => Some(Self::Sm4Gcm),
            3 => Some(Self::Des),
            4 => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// The number as envelopes carry it.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name as interfaces and the console write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Sm4Gcm => "SM4-GCM",
            Self::Des => "DES-CBC with retail MAC",
            Self::TripleDes => "3DES-CBC with retail MAC",
        }
    }

    /// Whether it is there for interoperation only.
    pub const fn is_legacy(self) -> bool {
        match self {
            Self::Aes128Gcm | Self::Sm4Gcm => false,
            Self::Des | Self::TripleDes => true,
        }
    }

    /// Whether this build speaks it.
    pub const fn is_built(self) -> bool {
        cfg!(feature = "legacy") || !self.is_legacy()
    }

    /// Bytes of an envelope's nonce.
    pub const fn nonce_length(self) -> usize {
        if self.is_legacy() { 8 } else { 12 }
    }

    /// Bytes of an envelope's tag.
    pub const fn tag_length(self) -> usize {
        if self.is_legacy() { 8 } else { 16 }
    }
}

impl core::fmt::Display for TerminalSuite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_the_suites_of_the_protocol() {
        for (number, suite) in (1..).zip(TerminalSuite::ALL) {
            assert_eq!(suite.number(), number);
            assert_eq!(TerminalSuite::from_number(number), Some(suite));
            assert_eq!(suite.is_built(), !suite.is_legacy() || cfg!(feature = "legacy"));
        }
        assert_eq!([0, 5, 255].map(TerminalSuite::from_number), [None; 3]);
    }
}
