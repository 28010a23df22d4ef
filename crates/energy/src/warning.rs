//! What a planner must be told although there is an outlook.

use std::fmt;

use crate::lorawan::{DataRate, Duty, Region};

/// Something that stands in the way although the sum can be made.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// The first hello after power on is longer than the data rate carries.
    FirstHelloTooLong {
        /// Its length.
        bytes: u16,
        /// The region.
        region: Region,
        /// The data rate.
        data_rate: DataRate,
        /// What that carries.
        limit: u16,
    },
    /// A frame that fills its data rate to the last byte, so that a MAC command beside it displaces it.
    NoRoomForCommands {
        /// Which frame.
        frame: &'static str,
        /// Its length, which is the limit.
        bytes: u16,
    },
    /// More payments than the band allows.
    OverDutyCycle {
        /// Asked for.
        payments_a_day: f64,
        /// What is allowed.
        duty: Duty,
    },
    /// A stack that counts frame by frame makes the holder wait.
    WaitAfterHello {
        /// How long.
        wait_ms: f64,
        /// By which duty cycle.
        percent: f64,
    },
    /// The cell does not give the pulse by itself.
    WeakCell {
        /// What the radio draws.
        peak_ma: f64,
        /// What the cell gives.
        pulse_ma: f64,
        /// A capacitor that bridges one frame, where the frame's length is known.
        buffer_uf: Option<f64>,
    },
    /// The cell's voltage falls under the radio's least before it is empty.
    LowVoltage {
        /// The cell's mean voltage.
        cell_volts: f64,
        /// What the radio needs.
        least_volts: f64,
    },
    /// The sealed status frame is longer than a Sigfox message.
    StatusOverSigfox {
        /// Its length.
        bytes: u16,
        /// What a message carries.
        limit: u16,
    },
    /// More messages than Sigfox takes.
    OverSigfoxMessages {
        /// Asked for.
        messages_a_day: f64,
        /// What is allowed.
        limit: f64,
    },
    /// With the most that sources say of sending, "many years" does not hold.
    HangsOnTransmitCurrent {
        /// Years then.
        years: f64,
        /// That current.
        transmit_ma: f64,
    },
    /// The module cannot be paged: payments are by the holder's press only.
    NotReachable,
}

impl Warning {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FirstHelloTooLong { .. } => "first_hello_too_long",
            Self::NoRoomForCommands { .. } => "no_room_for_commands",
            Self::OverDutyCycle { .. } => "over_duty_cycle",
            Self::WaitAfterHello { .. } => "wait_after_hello",
            Self::WeakCell { .. } => "weak_cell",
            Self::LowVoltage { .. } => "low_voltage",
            Self::StatusOverSigfox { .. } => "status_over_sigfox",
            Self::OverSigfoxMessages { .. } => "over_sigfox_messages",
            Self::HangsOnTransmitCurrent { .. } => "hangs_on_transmit_current",
            Self::NotReachable => "not_reachable",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstHelloTooLong { bytes, region, data_rate, limit } => write!(
                to,
                "the first hello after power on (full, {bytes} bytes) does not fit {region} {data_rate}: its limit is {limit} bytes; such a card starts only at a faster data rate"
            ),
            Self::NoRoomForCommands { frame, bytes } => write!(
                to,
                "the {frame} of {bytes} bytes fills this data rate to the last byte: with a MAC command beside it, it waits for the next uplink"
            ),
            Self::OverDutyCycle { payments_a_day, duty } => write!(
                to,
                "{payments_a_day} payments a day are more than the duty cycle of {} % allows: {}",
                duty.percent, duty.payments_a_day
            ),
            Self::WaitAfterHello { wait_ms, percent } => write!(
                to,
                "a stack that counts its {percent} % frame by frame and not over the hour lets the result wait {:.0} s after the hello",
                wait_ms / 1_000.0
            ),
            Self::WeakCell { peak_ma, pulse_ma, buffer_uf: Some(buffer_uf) } => write!(
                to,
                "the cell gives pulses of {pulse_ma} mA and sending draws {peak_ma} mA: it needs a capacitor of about {} beside it, for the longest frame at a drop of 0.5 V",
                capacity(*buffer_uf)
            ),
            Self::WeakCell { peak_ma, pulse_ma, buffer_uf: None } => write!(
                to,
                "the cell gives pulses of {pulse_ma} mA and sending draws up to {peak_ma} mA: it cannot run this module without a store beside it"
            ),
            Self::LowVoltage { cell_volts, least_volts } => write!(
                to,
                "the module needs {least_volts} V and the cell gives {cell_volts} V in the mean: it needs a converter, whose loss lowers --usable-percent"
            ),
            Self::StatusOverSigfox { bytes, limit } => write!(
                to,
                "our sealed status frame is {bytes} bytes and a Sigfox message carries {limit}: what is reckoned is a message of the card maker's own, without our code"
            ),
            Self::OverSigfoxMessages { messages_a_day, limit } => {
                write!(to, "{messages_a_day:.0} messages a day are more than Sigfox takes: {limit}")
            }
            Self::HangsOnTransmitCurrent { years, transmit_ma } => write!(
                to,
                "many years hangs on the transmit current: at {transmit_ma} mA, which some sources say, it is {years:.1}; measure yours"
            ),
            Self::NotReachable => to.write_str(
                "in PSM the card is not reachable: the holder's press fetches the order, a push waits for the next status",
            ),
        }
    }
}

fn capacity(uf: f64) -> String {
    if uf >= 1_000.0 { format!("{:.0} mF", (uf / 1_000.0).ceil()) } else { format!("{:.0} µF", uf.ceil()) }
}
