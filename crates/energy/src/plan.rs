//! The plan, and its sum.

use crate::assumption::Assumption;
use crate::bearer::Bearer;
use crate::bound::Bound;
use crate::card::Card;
use crate::cell::Cell;
use crate::error::EnergyError;
use crate::frames::{Frame, Hello};
use crate::lorawan::{Link, Radio};
use crate::nb_iot::Idle;
use crate::outlook::{Comparison, Day, Outlook, Verdict};
use crate::protocol::PROTOCOLS;
use crate::sigfox::Sigfox;
use crate::warning::Warning;

/// From here on "many years" may be said.
pub const MANY_YEARS: f64 = 5.0;

pub(crate) const DAYS_A_YEAR: f64 = 365.25;
const SECONDS_A_DAY: f64 = 86_400.0;
const HOURS_A_DAY: f64 = 24.0;
/// By how much a capacitor beside a weak cell may fall while a frame is sent.
const BUFFER_DROP_VOLTS: f64 = 0.5;
/// Longer than this a holder does not wait between hello and result.
const PATIENCE_MS: f64 = 10_000.0;

const PAYMENTS: Bound = Bound::new("payments a day", 0.0, 10_000.0, "");
const STATUS: Bound = Bound::new("the status interval", 0.02, 9_912.0, "hours");

/// What happens in a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// In the mean; one a week is 0.143.
    pub payments_a_day: f64,
    /// Hours between status frames; none sends none.
    pub status_hours: Option<f64>,
    /// Which hello payments begin with.
    pub hello: Hello,
}

impl Habits {
    fn check(&self) -> Result<(), EnergyError> {
        PAYMENTS.check(self.payments_a_day)?;
        self.status_hours.map_or(Ok(()), |hours| STATUS.check(hours))
    }

    fn status_a_day(&self) -> f64 {
        self.status_hours.map_or(0.0, |hours| HOURS_A_DAY / hours)
    }
}

/// A bearer, a cell, the rest of the card, and habits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// What carries the frames.
    pub bearer: Bearer,
    /// What feeds the card.
    pub cell: Cell,
    /// What else draws from it.
    pub card: Card,
    /// What happens in a day.
    pub habits: Habits,
}

impl Plan {
    /// Checks every figure.
    pub fn check(&self) -> Result<(), EnergyError> {
        self.bearer.check()?;
        self.cell.check()?;
        self.card.check()?;
        self.habits.check()
    }

    /// The sum, with everything that a planner should see.
    pub fn outlook(&self) -> Result<Outlook, EnergyError> {
        self.check()?;
        let payment_radio_mj = self.payment_radio_mj()?;
        let day = self.day(payment_radio_mj)?;
        let years_by_sum = self.years_by_sum(&day);
        let years = years_by_sum.min(self.cell.shelf_years);
        let years_as_sources_disagree = self.years_as_sources_disagree()?;
        let mut warnings = self.warnings();
        let at_most = years_as_sources_disagree.map(|(least, _)| least).filter(|least| *least < MANY_YEARS);
        if let (Some(least), true) = (at_most, years >= MANY_YEARS) {
            warnings.push(Warning::HangsOnTransmitCurrent {
                years: least,
                transmit_ma: Radio::TRANSMIT_MA_SAID.1,
            });
        }
        Ok(Outlook {
            payment_mj: payment_radio_mj.map(|radio_mj| radio_mj + self.card_mj()),
            payment_radio_mj,
            status_mj: self.bearer.status_mc()? * self.bearer.volts(),
            day,
            usable_mj: self.cell.usable_mj(),
            years_by_sum,
            years,
            years_as_sources_disagree,
            verdict: verdict(years_by_sum, years, &day),
            duty: match self.bearer {
                Bearer::Lorawan(link) => link.duty(self.habits.hello.frame(), self.habits.status_a_day()),
                Bearer::NbIot(_) | Bearer::Sigfox(_) => None,
            },
            warnings,
            comparisons: self.comparisons()?,
            assumptions: self.assumptions(),
        })
    }

    /// Years alone, for plots and tables.
    pub fn years(&self) -> Result<f64, EnergyError> {
        self.check()?;
        let day = self.day(self.payment_radio_mj()?)?;
        Ok(self.years_by_sum(&day).min(self.cell.shelf_years))
    }

    /// The same plan with other payments a day.
    pub fn with_payments(mut self, payments_a_day: f64) -> Self {
        self.habits.payments_a_day = payments_a_day;
        self
    }

    /// The same plan on each data rate of its region (LoRaWAN), or each way of release and idling (NB-IoT);
    /// its own among them.
    pub fn siblings(&self) -> Vec<Self> {
        let with = |bearer| Self { bearer, ..*self };
        match self.bearer {
            Bearer::Lorawan(link) => link
                .region
                .data_rates()
                .map(|data_rate| with(Bearer::Lorawan(Link { data_rate, ..link })))
                .collect(),
            Bearer::NbIot(own) => {
                let edrx = match own.idle {
                    Idle::Edrx { .. } => own.idle,
                    Idle::Psm => Idle::Edrx { seconds: 81.92 },
                };
                let mut all = Vec::new();
                for release_assistance in [true, false] {
                    for idle in [Idle::Psm, edrx] {
                        let mut module = crate::NbIot::new(release_assistance, idle);
                        module.round_trip_mc = own.round_trip_mc;
                        module.sessions_a_payment = own.sessions_a_payment;
                        module.peak_ma = own.peak_ma;
                        let is_own = release_assistance == own.release_assistance && idle == own.idle;
                        all.push(with(Bearer::NbIot(if is_own { own } else { module })));
                    }
                }
                all
            }
            Bearer::Sigfox(_) => vec![*self],
        }
    }

    fn payment_radio_mj(&self) -> Result<Option<f64>, EnergyError> {
        match self.bearer {
            Bearer::Sigfox(_) if self.habits.payments_a_day == 0.0 => Ok(None),
            Bearer::Lorawan(_) | Bearer::NbIot(_) | Bearer::Sigfox(_) => {
                Ok(Some(self.bearer.payment_mc(self.habits.hello)? * self.bearer.volts()))
            }
        }
    }

    fn card_mj(&self) -> f64 {
        (self.card.light_mc + self.card.work_mc) * self.bearer.volts()
    }

    fn day(&self, payment_radio_mj: Option<f64>) -> Result<Day, EnergyError> {
        let volts = self.bearer.volts();
        let payment_mj = payment_radio_mj.map_or(0.0, |radio_mj| radio_mj + self.card_mj());
        let sleep_ua = self.bearer.idle_ua() + self.card.controller_sleep_ua;
        Ok(Day {
            payments_mj: payment_mj * self.habits.payments_a_day,
            status_mj: self.bearer.status_mc()? * volts * self.habits.status_a_day(),
            sleep_mj: sleep_ua / 1_000.0 * SECONDS_A_DAY * volts,
            self_discharge_mj: self.cell.self_discharge_mj_a_day(),
        })
    }

    /// Endless when nothing draws; the shelf life bounds it.
    fn years_by_sum(&self, day: &Day) -> f64 {
        self.cell.usable_mj() / (day.total_mj() * DAYS_A_YEAR)
    }

    fn years_as_sources_disagree(&self) -> Result<Option<(f64, f64)>, EnergyError> {
        let at = |transmit_ma: f64| -> Result<Option<f64>, EnergyError> {
            let with = |radio: Radio| Radio { transmit_ma, ..radio };
            let bearer = match self.bearer {
                Bearer::Lorawan(link) => Bearer::Lorawan(Link { radio: with(link.radio), ..link }),
                Bearer::Sigfox(sigfox) => Bearer::Sigfox(Sigfox { radio: with(sigfox.radio) }),
                Bearer::NbIot(_) => return Ok(None),
            };
            Self { bearer, ..*self }.years().map(Some)
        };
        let (least, most) = Radio::TRANSMIT_MA_SAID;
        Ok(at(most)?.zip(at(least)?))
    }

    fn warnings(&self) -> Vec<Warning> {
        let mut all = Vec::new();
        match self.bearer {
            Bearer::Lorawan(link) => self.warn_lorawan(&link, &mut all),
            Bearer::NbIot(module) => {
                if module.idle == Idle::Psm {
                    all.push(Warning::NotReachable);
                }
            }
            Bearer::Sigfox(_) => {
                let (bytes, limit) = (Frame::Status.bytes(), Sigfox::UPLINK_BYTES);
                all.push(Warning::StatusOverSigfox { bytes, limit });
                let messages_a_day = self.habits.status_a_day();
                if messages_a_day > Sigfox::UPLINKS_A_DAY {
                    all.push(Warning::OverSigfoxMessages { messages_a_day, limit: Sigfox::UPLINKS_A_DAY });
                }
            }
        }
        let (peak_ma, peak_ms) = self.bearer.peak(self.habits.hello);
        let pulse_ma = self.cell.pulse_ma;
        if peak_ma > pulse_ma {
            // Milliamperes for milliseconds are microcoulombs; over volts, microfarads.
            let buffer_uf = peak_ms.map(|ms| (peak_ma - pulse_ma) * ms / BUFFER_DROP_VOLTS);
            all.push(Warning::WeakCell { peak_ma, pulse_ma, buffer_uf });
        }
        let (cell_volts, least_volts) = (self.cell.volts, self.bearer.least_volts());
        if cell_volts <= least_volts {
            all.push(Warning::LowVoltage { cell_volts, least_volts });
        }
        all
    }

    fn warn_lorawan(&self, link: &Link, all: &mut Vec<Warning>) {
        let (region, data_rate) = (link.region, link.data_rate);
        let limit = region.uplink_limit(data_rate);
        let bytes = Frame::HelloFirst.bytes();
        if bytes > limit {
            all.push(Warning::FirstHelloTooLong { bytes, region, data_rate, limit });
        }
        let frame = Frame::Transaction;
        if frame.bytes() == region.downlink_limit(data_rate) {
            all.push(Warning::NoRoomForCommands { frame: frame.name(), bytes: frame.bytes() });
        }
        let payments_a_day = self.habits.payments_a_day;
        if let Some(duty) = link.duty(self.habits.hello.frame(), self.habits.status_a_day()) {
            if payments_a_day > duty.payments_a_day {
                all.push(Warning::OverDutyCycle { payments_a_day, duty });
            }
            if duty.wait_after_hello_ms > PATIENCE_MS {
                all.push(Warning::WaitAfterHello {
                    wait_ms: duty.wait_after_hello_ms,
                    percent: duty.percent,
                });
            }
        }
    }

    fn comparisons(&self) -> Result<Vec<Comparison>, EnergyError> {
        PROTOCOLS
            .iter()
            .map(|protocol| {
                let (name, key, bytes, split) =
                    (protocol.name, protocol.key, protocol.bytes_over(&self.bearer), protocol.split);
                let none = Comparison {
                    name,
                    key,
                    bytes,
                    split,
                    frames: None,
                    radio_mj: None,
                    years_by_sum: None,
                    misfit: None,
                };
                Ok(match protocol.carried(&self.bearer) {
                    Err(reason) => Comparison { misfit: Some(reason), ..none },
                    Ok(carried) => {
                        let radio_mj = carried.mc * self.bearer.volts();
                        let day = self.day(Some(radio_mj))?;
                        Comparison {
                            frames: Some(carried.frames),
                            radio_mj: Some(radio_mj),
                            years_by_sum: Some(self.years_by_sum(&day)),
                            misfit: carried.misfit,
                            ..none
                        }
                    }
                })
            })
            .collect()
    }

    fn assumptions(&self) -> Vec<Assumption> {
        let fixed = Assumption::fixed;
        let mut all = self.bearer.assumptions();
        all.extend(self.card.assumptions(&self.bearer.card()));
        all.extend(self.cell.assumptions());
        let named = matches!(self.bearer, Bearer::NbIot(_));
        let bytes = |frame: Frame| f64::from(if named { frame.bytes_with_channel() } else { frame.bytes() });
        if !matches!(self.bearer, Bearer::Sigfox(_)) {
            all.extend([
                Assumption {
                    option: Some("--hello"),
                    ..fixed(
                        "hello_bytes",
                        "frames: hello",
                        bytes(self.habits.hello.frame()),
                        "bytes",
                        "protocol, section 10",
                    )
                },
                fixed(
                    "transaction_bytes",
                    "frames: transaction, no display text",
                    bytes(Frame::Transaction),
                    "bytes",
                    "protocol, section 10",
                ),
                fixed(
                    "result_bytes",
                    "frames: result",
                    bytes(Frame::Result),
                    "bytes",
                    "protocol, section 10",
                ),
                fixed(
                    "receipt_bytes",
                    "frames: receipt",
                    bytes(Frame::Receipt),
                    "bytes",
                    "protocol, section 10",
                ),
                fixed(
                    "status_bytes",
                    "frames: status",
                    bytes(Frame::Status),
                    "bytes",
                    "protocol, section 10",
                ),
            ]);
        }
        all
    }
}

fn verdict(years_by_sum: f64, years: f64, day: &Day) -> Verdict {
    if years_by_sum < MANY_YEARS {
        let [(mostly, mj), ..] = day.takers();
        Verdict::NotManyYears { mostly, percent: mj * 100.0 / day.total_mj() }
    } else if years < MANY_YEARS {
        Verdict::CellTooShortLived
    } else if years < years_by_sum {
        Verdict::ShelfLifeFirst
    } else {
        Verdict::ManyYears
    }
}
