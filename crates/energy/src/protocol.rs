//! What other protocols send for the same exchange.
//!
//! Totals were counted, or are those of the protocols' own documents; how they fall on messages is known for
//! ours and for EDHOC (RFC 9528: 37, 45 and 19 bytes) and is otherwise an even split, which is an assumption
//! and said so wherever the figures are shown.

use crate::bearer::Bearer;
use crate::frames::CHANNEL;
use crate::lorawan::Link;

/// A protocol by its messages for one payment, in order: each up, then the one down that answers it. Zero is
/// a message that is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// For people.
    pub name: &'static str,
    /// A stable name for machines.
    pub key: &'static str,
    /// Bytes up and down, UDP or TCP payload, by round trip.
    pub round_trips: &'static [(u16, u16)],
    /// Whether a message may be cut into several frames. Ours is a frame, and is not.
    pub divides: bool,
    /// Whether it needs TCP beneath.
    pub over_tcp: bool,
    /// How its bytes fall on messages.
    pub split: &'static str,
}

const EVEN: &str = "even split assumed";

/// Ours first, then the others by length.
pub const PROTOCOLS: [Protocol; 11] = [
    ours("ours_brief", "Counterfoil, brief", &[(12, 23), (14, 0)], "as the protocol has it, without receipt"),
    ours(
        "ours_brief_receipt",
        "Counterfoil, brief, with receipt",
        &[(12, 23), (14, 13)],
        "as the protocol has it",
    ),
    ours("ours_full", "Counterfoil, full", &[(44, 23), (14, 0)], "as the protocol has it, without receipt"),
    of("oscore_brief", "CoAP+OSCORE, our brief texts", &[(27, 27), (27, 26)], EVEN),
    of("dtls13_warm", "DTLS 1.3 PSK, warm", &[(32, 32), (32, 31)], EVEN),
    of("oscore", "CoAP+OSCORE", &[(35, 34), (34, 34)], EVEN),
    of("dtls12_warm", "DTLS 1.2 PSK, warm", &[(50, 50), (50, 49)], EVEN),
    of(
        "edhoc_oscore",
        "EDHOC, then OSCORE",
        &[(37, 45), (19, 0), (35, 34), (34, 34)],
        "EDHOC by RFC 9528, the rest even",
    ),
    of("dtls13", "DTLS 1.3 PSK, handshake", &[(87, 86), (86, 86), (32, 32), (32, 31)], EVEN),
    of("dtls12", "DTLS 1.2 PSK, handshake", &[(105, 105), (105, 105), (105, 105), (50, 50), (50, 49)], EVEN),
    Protocol {
        name: "MQTT over TLS",
        key: "mqtt_tls",
        // Opening of TCP, TLS, CONNECT, then both halves of the payment: 1,073 bytes above TCP.
        round_trips: &[(0, 0), (269, 268), (179, 179), (45, 44), (45, 44)],
        divides: true,
        over_tcp: true,
        split: "half in the TLS handshake, assumed",
    },
];

const fn ours(
    key: &'static str,
    name: &'static str,
    round_trips: &'static [(u16, u16)],
    split: &'static str,
) -> Protocol {
    Protocol { divides: false, ..of(key, name, round_trips, split) }
}

const fn of(
    key: &'static str,
    name: &'static str,
    round_trips: &'static [(u16, u16)],
    split: &'static str,
) -> Protocol {
    Protocol { name, key, round_trips, divides: true, over_tcp: false, split }
}

/// What a protocol takes on one bearer.
pub(crate) struct Carried {
    pub(crate) mc: f64,
    pub(crate) frames: u16,
    pub(crate) misfit: Option<&'static str>,
}

/// Downlinks of one payment beyond which class A makes no sense: each needs an uplink of its own, and the
/// gateway that sends it is bound by the same duty cycle for all its cards.
const MOST_DOWNLINKS: u16 = 4;

impl Protocol {
    /// All its bytes, where the bearer vouches for the channel.
    pub fn bytes(&self) -> u16 {
        self.round_trips.iter().map(|(up, down)| up + down).sum()
    }

    /// All its bytes on this bearer: over NB-IoT our uplinks name their channel.
    pub fn bytes_over(&self, bearer: &Bearer) -> u16 {
        let named = !self.divides && matches!(bearer, Bearer::NbIot(_));
        let uplinks: u16 = self.round_trips.iter().map(|(up, _)| u16::from(*up > 0)).sum();
        if named { self.bytes() + uplinks * CHANNEL } else { self.bytes() }
    }

    /// Charge on this bearer; none where it cannot be carried at all.
    pub(crate) fn carried(&self, bearer: &Bearer) -> Result<Carried, &'static str> {
        match bearer {
            Bearer::Lorawan(_) if self.over_tcp => Err("needs TCP, which LoRaWAN does not carry"),
            Bearer::Lorawan(link) => self.over_lorawan(link),
            Bearer::NbIot(module) => {
                let trips = u16::try_from(self.round_trips.len()).unwrap_or(u16::MAX);
                let frames =
                    self.round_trips.iter().map(|(up, down)| u16::from(*up > 0) + u16::from(*down > 0)).sum();
                Ok(Carried { mc: module.exchange_mc(f64::from(trips)), frames, misfit: None })
            }
            Bearer::Sigfox(_) => Err("no payment goes over Sigfox"),
        }
    }

    /// Cut into frames of the payload limit. A frame up gives one chance of a frame down; where more come
    /// down than went up, empty uplinks fetch them.
    fn over_lorawan(&self, link: &Link) -> Result<Carried, &'static str> {
        let up_limit = link.region.uplink_limit(link.data_rate);
        let down_limit = link.region.downlink_limit(link.data_rate);
        if up_limit == 0 || down_limit == 0 {
            return Err("this data rate carries no payload");
        }
        if !self.divides && self.round_trips.iter().any(|&(up, down)| up > up_limit || down > down_limit) {
            return Err("a frame is over the limit of this data rate, and ours are not cut");
        }
        let (mut mc, mut frames, mut downlinks) = (0.0, 0, 0);
        for &(up, down) in self.round_trips {
            let (ups, downs) = (pieces(up, up_limit), pieces(down, down_limit));
            let mut ups = ups.into_iter();
            let mut downs = downs.into_iter();
            loop {
                mc += match (ups.next(), downs.next()) {
                    (None, None) => break,
                    (Some(up), Some(down)) => {
                        (frames, downlinks) = (frames + 2, downlinks + 1);
                        link.answered_mc(up, down)
                    }
                    (Some(up), None) => {
                        frames += 1;
                        link.unanswered_mc(up)
                    }
                    (None, Some(down)) => {
                        (frames, downlinks) = (frames + 2, downlinks + 1);
                        link.answered_mc(0, down)
                    }
                };
            }
        }
        let misfit = (downlinks > MOST_DOWNLINKS)
            .then_some("more than 4 downlinks a payment: makes no sense in class A");
        Ok(Carried { mc: mc * link.tries(), frames, misfit })
    }
}

fn pieces(bytes: u16, limit: u16) -> Vec<u16> {
    let whole = usize::from(bytes / limit);
    let rest = bytes % limit;
    let mut all = vec![limit; whole];
    if rest > 0 {
        all.push(rest);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lorawan::Region;

    #[test]
    fn every_protocol_has_the_bytes_that_were_counted() {
        let counted = [49, 62, 81, 107, 127, 137, 199, 238, 472, 829, 1_073];
        let bytes: Vec<u16> = PROTOCOLS.iter().map(Protocol::bytes).collect();
        assert_eq!(bytes, counted);
    }

    #[test]
    fn over_nb_iot_our_uplinks_name_their_channel_and_the_others_stay_as_counted() {
        let module = Bearer::NbIot(crate::NbIot::new(true, crate::Idle::Psm));
        let bytes: Vec<u16> = PROTOCOLS.iter().map(|protocol| protocol.bytes_over(&module)).collect();
        assert_eq!(bytes, [67, 80, 99, 107, 127, 137, 199, 238, 472, 829, 1_073]);
    }

    #[test]
    fn ours_takes_three_frames_where_a_handshake_takes_more_than_makes_sense() {
        let link = Link::new(Region::Eu868, Region::Eu868.data_rate("DR0").unwrap());
        let [ours, .., dtls12, mqtt] = &PROTOCOLS;
        let carried = ours.carried(&Bearer::Lorawan(link)).unwrap();
        assert_eq!((carried.frames, carried.misfit), (3, None));
        let carried = dtls12.carried(&Bearer::Lorawan(link)).unwrap();
        assert_eq!(carried.frames, 3 * 6 + 2 * 2);
        assert!(carried.misfit.is_some());
        assert!(mqtt.carried(&Bearer::Lorawan(link)).is_err());
    }

    #[test]
    fn a_message_is_cut_at_the_limit_and_no_byte_is_lost() {
        assert_eq!(pieces(105, 51), [51, 51, 3]);
        assert_eq!(pieces(51, 51), [51]);
        assert_eq!(pieces(0, 51), [0_u16; 0]);
    }
}
