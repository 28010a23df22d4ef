//! The numbers an endpoint runs by: the timing of RFC 7252 §4.8 and the limits of this house.
//!
//! [`Config::default`] is the RFC's own set for the open Internet, [`Config::narrowband`] a slower
//! one for NB-IoT. Nothing here is adapted while running; congestion control beyond the RFC's
//! back-off is refused. The lifetimes of §4.8.2 are not fields but derived, so that they cannot
//! contradict the timers they follow from. Next: [`crate::Endpoint::new`].

/// Timing and limits of one endpoint. Start from [`Config::default`] and change what must change.
///
/// The two ends of a link should share the timing: a server that forgets sooner than its slowest
/// client retransmits would take a late repetition for a new request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// ACK_TIMEOUT: the shortest first wait for an acknowledgement. Default 2,000.
    pub ack_timeout_ms: u64,
    /// ACK_RANDOM_FACTOR in per cent: the first wait is spread up to this share of `ack_timeout_ms`,
    /// so that peers that failed together do not retry together. Default 150; below 100 counts as 100.
    pub ack_random_percent: u64,
    /// MAX_RETRANSMIT: repetitions after the first transmission. Default 4, at most 16 are counted.
    pub max_retransmit: u32,
    /// MAX_LATENCY: the longest a datagram may stay in the network. Default 100,000.
    pub max_latency_ms: u64,
    /// NSTART (§4.7): requests and notifications to one peer that it has neither acknowledged nor
    /// answered. Default 1.
    pub nstart: usize,
    /// How long a confirmable request waits for its answer before an empty acknowledgement is sent
    /// and the answer goes separately (§5.2.2). Default 500; keep it under the peer's ACK_TIMEOUT.
    pub ack_delay_ms: u64,
    /// How long a request of ours stays open once nothing is left to retransmit: after its empty
    /// acknowledgement, or, for a non-confirmable one, after sending. Default 93,000
    /// (MAX_TRANSMIT_WAIT).
    pub answer_wait_ms: u64,
    /// PROBING_RATE (§4.7): bytes a second to a peer that does not answer. A non-confirmable request that takes
    /// longer at this rate than `answer_wait_ms` stays open, and counted, for so long. Default 1; 0 counts as 1.
    pub probing_rate: u64,
    /// The longest datagram taken or sent. Default 1,472: an Ethernet frame less IPv4 and UDP headers.
    pub datagram_limit: usize,
    /// The longest payload taken or sent. Default 1,024 (§4.6).
    pub payload_limit: usize,
    /// Open exchanges with one peer, counted for each direction on its own. Default 8.
    pub exchanges_per_peer: usize,
    /// Open exchanges with all peers, counted for each direction on its own. Default 16,384.
    pub exchanges_total: usize,
    /// Observations of one peer (RFC 7641); 0 counts as 1. Default 4. The oldest makes room.
    pub observations_per_peer: usize,
    /// Observations of all peers; 0 counts as 1. Default 65,536. The oldest makes room; what would have
    /// been a notification to its peer then has to be a request.
    pub observations_total: usize,
    /// Datagrams that may wait for `poll_transmit`. Default 8,192.
    pub pending_transmits: usize,
    /// Events that may wait for `poll_event`; below 2 counts as 2, since a datagram can bring as many.
    /// Default 8,192.
    pub pending_events: usize,
    /// Messages remembered in order to recognise their repetitions, and idle peers whose next
    /// message id is kept. Default 65,536. Each may hold an answer of up to `datagram_limit` bytes.
    /// At 10,000 messages a second the default reaches back 6.5 s: past the first repetition, not the
    /// second. Watch [`crate::Tally::forgotten`].
    pub remembered: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ack_timeout_ms: 2_000,
            ack_random_percent: 150,
            max_retransmit: 4,
            max_latency_ms: 100_000,
            nstart: 1,
            ack_delay_ms: 500,
            answer_wait_ms: 93_000,
            probing_rate: 1,
            datagram_limit: 1_472,
            payload_limit: 1_024,
            exchanges_per_peer: 8,
            exchanges_total: 16_384,
            observations_per_peer: 4,
            observations_total: 65_536,
            pending_transmits: 8_192,
            pending_events: 8_192,
            remembered: 65_536,
        }
    }
}

impl Config {
    /// For NB-IoT, where a round trip of several seconds is ordinary (RFC 7252 §4.8.1 allows a longer
    /// ACK_TIMEOUT; a shorter one would only send everything twice over a slow radio).
    #[must_use]
    pub fn narrowband() -> Self {
        Self { ack_timeout_ms: 8_000, ack_delay_ms: 1_500, answer_wait_ms: 372_000, ..Self::default() }
    }

    /// ACK_TIMEOUT × ACK_RANDOM_FACTOR: the longest first wait.
    pub(crate) fn longest_ack_timeout_ms(&self) -> u64 {
        self.ack_timeout_ms.saturating_mul(self.ack_random_percent.max(100)) / 100
    }

    /// MAX_RETRANSMIT, capped where doubling stops making sense.
    pub(crate) fn retransmissions(&self) -> u32 {
        self.max_retransmit.min(16)
    }

    /// How long a non-confirmable request of so many bytes waits for its answer.
    pub(crate) fn plain_wait_ms(&self, len: usize) -> u64 {
        let probing = (len as u64).saturating_mul(1_000) / self.probing_rate.max(1);
        self.answer_wait_ms.max(probing)
    }

    /// MAX_TRANSMIT_SPAN (§4.8.2): from the first transmission to the last repetition.
    #[must_use]
    pub fn max_transmit_span_ms(&self) -> u64 {
        self.longest_ack_timeout_ms().saturating_mul((1 << self.retransmissions()) - 1)
    }

    /// EXCHANGE_LIFETIME (§4.8.2): how long a confirmable message id stays spoken for. 247 s by default.
    #[must_use]
    pub fn exchange_lifetime_ms(&self) -> u64 {
        self.max_transmit_span_ms()
            .saturating_add(self.max_latency_ms.saturating_mul(2))
            .saturating_add(self.ack_timeout_ms)
    }

    /// NON_LIFETIME (§4.8.2): the same for non-confirmable messages. 145 s by default.
    #[must_use]
    pub fn non_lifetime_ms(&self) -> u64 {
        self.max_transmit_span_ms().saturating_add(self.max_latency_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derived_times_are_those_of_the_standard() {
        let config = Config::default();
        assert_eq!(config.max_transmit_span_ms(), 45_000);
        assert_eq!(config.exchange_lifetime_ms(), 247_000);
        assert_eq!(config.non_lifetime_ms(), 145_000);
    }

    #[test]
    fn absurd_numbers_saturate() {
        let config = Config { ack_timeout_ms: u64::MAX, max_retransmit: u32::MAX, ..Config::default() };
        assert_eq!(config.exchange_lifetime_ms(), u64::MAX);
    }
}
