//! Numbers nobody needs to guess: first message ids, tokens, and the jitter of time-outs.
//!
//! SplitMix64 over the caller's seed. It refuses to be cryptography: whoever sees enough tokens can
//! work out the next ones. That is enough here, because a token only ties an answer to its question
//! (RFC 7252 §5.3.1); that the answer is genuine is proved by the frame it carries. Give every
//! endpoint its own seed from a true random source all the same, so that a restarted card does not
//! repeat the message ids of its last life (§4.4).

use crate::config::Config;

/// The pseudo-random sequence of one endpoint.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 32 bits.
    pub(crate) fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 32) as u32
    }

    /// The first message id to use with a peer (§4.4: "strongly recommended" to be random).
    pub(crate) fn message_id(&mut self) -> u16 {
        (self.word() >> 16) as u16
    }

    /// The first wait for an acknowledgement: ACK_TIMEOUT × 1..ACK_RANDOM_FACTOR (§4.2).
    pub(crate) fn ack_timeout(&mut self, config: &Config) -> u64 {
        let spread = config.longest_ack_timeout_ms().saturating_sub(config.ack_timeout_ms);
        let share = u64::from(self.word() >> 16);
        // spread × share / 65536, without overflow for any spread that fits a clock.
        config.ack_timeout_ms.saturating_add(spread.saturating_mul(share) >> 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wait_lies_between_two_and_three_seconds() {
        let config = Config::default();
        let mut chance = Chance::new(7);
        let waits: alloc::vec::Vec<u64> = (0..1000).map(|_| chance.ack_timeout(&config)).collect();
        assert!(waits.iter().all(|wait| (2_000..=3_000).contains(wait)));
        assert!(waits.iter().min() < Some(&2_050) && waits.iter().max() > Some(&2_950));
    }
}
