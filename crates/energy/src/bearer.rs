//! The three bearers behind one question: what does this take.

use crate::assumption::Assumption;
use crate::card::Card;
use crate::error::EnergyError;
use crate::frames::{Frame, Hello};
use crate::lorawan::Link;
use crate::nb_iot::NbIot;
use crate::sigfox::Sigfox;

/// What carries the card's frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bearer {
    /// LoRaWAN, class A.
    Lorawan(Link),
    /// NB-IoT with CoAP over UDP.
    NbIot(NbIot),
    /// Sigfox, status only.
    Sigfox(Sigfox),
}

impl Bearer {
    /// As it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Lorawan(_) => "lorawan",
            Self::NbIot(_) => "nb-iot",
            Self::Sigfox(_) => "sigfox",
        }
    }

    /// For people, with what was chosen of it.
    pub fn title(&self) -> String {
        match self {
            Self::Lorawan(link) => {
                format!("LoRaWAN {} {} ({})", link.region, link.data_rate, link.region.uplink(link.data_rate))
            }
            Self::NbIot(module) => {
                let release = if module.release_assistance { "with" } else { "without" };
                let idle = match module.idle {
                    crate::Idle::Psm => "PSM".to_owned(),
                    crate::Idle::Edrx { seconds } => format!("eDRX {seconds} s"),
                };
                format!("NB-IoT {release} release assistance, {idle}")
            }
            Self::Sigfox(_) => "Sigfox, status only".to_owned(),
        }
    }

    /// What the rest of the card draws on this bearer, unless told otherwise.
    pub const fn card(&self) -> Card {
        match self {
            Self::Lorawan(_) | Self::Sigfox(_) => Card::APART,
            Self::NbIot(_) => Card::IN_MODULE,
        }
    }

    /// Voltage of the currents.
    pub const fn volts(&self) -> f64 {
        match self {
            Self::Lorawan(link) => link.radio.volts,
            Self::NbIot(_) => NbIot::VOLTS,
            Self::Sigfox(sigfox) => sigfox.radio.volts,
        }
    }

    /// The least voltage that it works at.
    pub const fn least_volts(&self) -> f64 {
        match self {
            // The SX1262.
            Self::Lorawan(_) | Self::Sigfox(_) => 1.8,
            Self::NbIot(_) => NbIot::LEAST_VOLTS,
        }
    }

    /// Highest current, and for how long where that is known.
    pub fn peak(&self, hello: Hello) -> (f64, Option<f64>) {
        match self {
            Self::Lorawan(link) => {
                let longest = [hello.frame(), Frame::Result, Frame::Status]
                    .map(|frame| link.up_ms(frame.bytes()))
                    .into_iter()
                    .fold(0.0, f64::max);
                (link.radio.transmit_ma, Some(longest))
            }
            Self::NbIot(module) => (module.peak_ma, None),
            Self::Sigfox(sigfox) => (sigfox.radio.transmit_ma, Some(sigfox.up_ms() / 3.0)),
        }
    }

    pub(crate) fn check(&self) -> Result<(), EnergyError> {
        match self {
            Self::Lorawan(link) => link.check(),
            Self::NbIot(module) => module.check(),
            Self::Sigfox(sigfox) => sigfox.check(),
        }
    }

    /// Charge of a payment's radio.
    pub fn payment_mc(&self, hello: Hello) -> Result<f64, EnergyError> {
        match self {
            Self::Lorawan(link) => link.payment_mc(hello.frame()),
            Self::NbIot(module) => Ok(module.exchange_mc(2.0)),
            Self::Sigfox(_) => Err(EnergyError::NoPaymentsOverSigfox {
                bytes: Frame::Transaction.bytes(),
                limit: Sigfox::DOWNLINK_BYTES,
            }),
        }
    }

    /// Charge of a status message.
    pub fn status_mc(&self) -> Result<f64, EnergyError> {
        match self {
            Self::Lorawan(link) => link.status_mc(),
            Self::NbIot(module) => Ok(module.session_mc),
            Self::Sigfox(sigfox) => Ok(sigfox.status_mc()),
        }
    }

    /// Radio's or module's current while nothing happens.
    pub const fn idle_ua(&self) -> f64 {
        match self {
            Self::Lorawan(link) => link.radio.sleep_ua,
            Self::NbIot(module) => module.idle_ua,
            Self::Sigfox(sigfox) => sigfox.radio.sleep_ua,
        }
    }

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        match self {
            Self::Lorawan(link) => link.assumptions(),
            Self::NbIot(module) => module.assumptions(),
            Self::Sigfox(sigfox) => sigfox.assumptions(),
        }
    }
}
