//! 物联网基站: what carries frames between cards and the fleet.
//!
//! For: each network's own ways, behind one shape: a frame comes in with an address, an answer goes back on the
//! same exchange, a push goes to an address. Refuses: reading frames.
//! Next: [`coap`], CoAP over UDP (NB-IoT).

pub mod coap;

/// A frame does not fit its bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {frame} bytes does not fit {bearer}, which carries {limit}")]
pub struct FrameTooLong {
    /// The frame's length.
    pub frame: usize,
    /// The bearer's name.
    pub bearer: &'static str,
    /// What it carries.
    pub limit: usize,
}

/// The most that a bearer carries in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimit {
    /// The bearer's name.
    pub bearer: &'static str,
    /// Bytes.
    pub bytes: usize,
}

impl FrameLimit {
    /// CoAP over UDP on NB-IoT.
    pub const COAP: Self = Self { bearer: "CoAP over UDP", bytes: 1_280 };

    /// Checks a frame that is about to be sent; the error names both.
    pub const fn check(self, frame: &[u8]) -> Result<(), FrameTooLong> {
        if frame.len() > self.bytes {
            return Err(FrameTooLong { frame: frame.len(), bearer: self.bearer, limit: self.bytes });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_does_not_fit_names_frame_and_bearer() {
        let limit = FrameLimit { bearer: "LoRaWAN CN470 DR1", bytes: 23 };
        assert_eq!(limit.check(&[0; 23]), Ok(()));
        let refused = limit.check(&[0; 53]).unwrap_err().to_string();
        assert_eq!(refused, "a frame of 53 bytes does not fit LoRaWAN CN470 DR1, which carries 23");
        assert!(air::frame_longest() <= FrameLimit::COAP.bytes);
    }
}
