//! `plan battery`: how long a card's cell lasts, before anybody builds the card.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use energy::lorawan::{Duty, Link, Radio, Region};
use energy::{
    Assumption, Bearer, Cell, Comparison, EnergyError, Habits, Idle, NbIot, Outlook, Plan, Sigfox, Source,
    Verdict, plot, report,
};
use serde_json::{Map, Value, json};

use crate::cli::{Failure, print};

/// Shown below the help of `plan`.
pub(crate) const EXAMPLES: &str = "\
A card with a coin cell in Europe, and the picture of all its data rates:
  counterfoil plan battery lorawan --region EU868 --data-rate DR3 --cell cr2477 --payments 3 --svg years.svg
The same card over NB-IoT, reachable every 82 seconds:
  counterfoil plan battery nb-iot --idle edrx --cell ls14500 --payments 3";

#[derive(Subcommand)]
pub(crate) enum PlanCommand {
    /// Energy of a payment and of a day, years of life, and every figure that they rest on
    Battery(Box<BatteryArguments>),
}

#[derive(Args)]
#[command(allow_negative_numbers = true)] // So that a negative figure is refused by its name.
pub(crate) struct BatteryArguments {
    /// lorawan, nb-iot or sigfox (status only)
    #[arg(value_name = "BEARER")]
    bearer: String,
    /// Payments a day in the mean; one a week is 0.143. Without it 2, over Sigfox 0
    #[arg(long, value_name = "NUMBER")]
    payments: Option<f64>,
    /// Hours between status frames, or never
    #[arg(long, value_name = "HOURS", default_value = "24")]
    status_hours: String,
    /// brief, or full as after a power cycle
    #[arg(long, default_value = "brief")]
    hello: String,
    /// cr2032, cr2477, ls14500, 2xaaa, or card (thin)
    #[arg(long, default_value = "cr2032")]
    cell: String,
    /// Print an object of figures instead of the text
    #[arg(long)]
    json: bool,
    /// Also write a plot of years against payments a day
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    cell_figures: CellFigures,
    #[command(flatten)]
    card_figures: CardFigures,
    #[command(flatten)]
    lorawan: LorawanFigures,
    #[command(flatten)]
    radio: RadioFigures,
    #[command(flatten)]
    nb_iot: NbIotFigures,
}

/// What the cell is, where it is not as kept.
#[derive(Args)]
#[command(next_help_heading = "The cell")]
struct CellFigures {
    /// Nominal capacity
    #[arg(long, value_name = "MAH")]
    capacity_mah: Option<f64>,
    /// Mean voltage
    #[arg(long, value_name = "V")]
    cell_volts: Option<f64>,
    /// Self-discharge a year
    #[arg(long, value_name = "PERCENT")]
    self_discharge_percent: Option<f64>,
    /// Share that comes out
    #[arg(long, value_name = "PERCENT")]
    usable_percent: Option<f64>,
    /// Current in pulses
    #[arg(long, value_name = "MA")]
    pulse_ma: Option<f64>,
    /// Years that its maker vouches for
    #[arg(long, value_name = "YEARS")]
    shelf_years: Option<f64>,
}

/// What the card draws beside its radio.
#[derive(Args)]
#[command(next_help_heading = "The rest of the card")]
struct CardFigures {
    /// Controller asleep
    #[arg(long, value_name = "UA")]
    controller_sleep_ua: Option<f64>,
    /// Light, each payment
    #[arg(long, value_name = "MC")]
    light_mc: Option<f64>,
    /// Controller and secure element, each payment
    #[arg(long, value_name = "MC")]
    work_mc: Option<f64>,
}

/// LoRaWAN's own.
#[derive(Args)]
#[command(next_help_heading = "LoRaWAN")]
struct LorawanFigures {
    /// EU868, US915, CN470, AS923 or AS923-dwell. Without it EU868
    #[arg(long)]
    region: Option<String>,
    /// Of uplinks. Without it DR3
    #[arg(long, value_name = "DR")]
    data_rate: Option<String>,
    /// The clock's error when a window opens
    #[arg(long, value_name = "MS")]
    clock_error_ms: Option<f64>,
    /// Exchanges that are lost and repeated
    #[arg(long, value_name = "PERCENT")]
    lost_percent: Option<f64>,
}

/// The radio of LoRaWAN and Sigfox.
#[derive(Args)]
#[command(next_help_heading = "Radio of LoRaWAN and Sigfox")]
struct RadioFigures {
    /// Sending
    #[arg(long, value_name = "MA")]
    transmit_ma: Option<f64>,
    /// Listening
    #[arg(long, value_name = "MA")]
    receive_ma: Option<f64>,
    /// Asleep
    #[arg(long, value_name = "UA")]
    radio_sleep_ua: Option<f64>,
    /// At which these were measured
    #[arg(long, value_name = "V")]
    radio_volts: Option<f64>,
}

/// NB-IoT's own.
#[derive(Args)]
#[command(next_help_heading = "NB-IoT")]
struct NbIotFigures {
    /// The network does not release at once: the card stays connected until the inactivity timer
    #[arg(long)]
    no_release_assistance: bool,
    /// psm or edrx. Without it psm
    #[arg(long)]
    idle: Option<String>,
    /// Cycle of eDRX. Without it 81.92
    #[arg(long, value_name = "SECONDS")]
    edrx_seconds: Option<f64>,
    /// A session with one request and its answer
    #[arg(long, value_name = "MC")]
    session_mc: Option<f64>,
    /// Each further round trip in a session
    #[arg(long, value_name = "MC")]
    round_trip_mc: Option<f64>,
    /// Sessions that a payment takes
    #[arg(long, value_name = "NUMBER")]
    sessions_a_payment: Option<f64>,
    /// Asleep, or waiting to be paged
    #[arg(long, value_name = "UA")]
    idle_ua: Option<f64>,
    /// Peak while sending
    #[arg(long, value_name = "MA")]
    peak_ma: Option<f64>,
}

pub(crate) fn battery(arguments: &BatteryArguments) -> Result<ExitCode, Failure> {
    let plan = arguments.plan()?;
    let outlook = plan.outlook()?;
    if let Some(file) = &arguments.svg {
        std::fs::write(file, plot::svg(&plan)?).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if arguments.json {
        return print(&format!("{:#}\n", object(&plan, &outlook)));
    }
    print(&report::text(&plan, &outlook))
}

fn set(figure: &mut f64, given: Option<f64>) {
    if let Some(value) = given {
        *figure = value;
    }
}

impl BatteryArguments {
    fn plan(&self) -> Result<Plan, Failure> {
        let bearer = self.bearer()?;
        let mut cell: Cell = self.cell.parse()?;
        set(&mut cell.capacity_mah, self.cell_figures.capacity_mah);
        set(&mut cell.volts, self.cell_figures.cell_volts);
        set(&mut cell.self_discharge_percent, self.cell_figures.self_discharge_percent);
        set(&mut cell.usable_percent, self.cell_figures.usable_percent);
        set(&mut cell.pulse_ma, self.cell_figures.pulse_ma);
        set(&mut cell.shelf_years, self.cell_figures.shelf_years);
        let mut card = bearer.card();
        set(&mut card.controller_sleep_ua, self.card_figures.controller_sleep_ua);
        set(&mut card.light_mc, self.card_figures.light_mc);
        set(&mut card.work_mc, self.card_figures.work_mc);
        let usual = if matches!(bearer, Bearer::Sigfox(_)) { 0.0 } else { 2.0 };
        let habits = Habits {
            payments_a_day: self.payments.unwrap_or(usual),
            status_hours: self.status_hours()?,
            hello: self.hello.parse()?,
        };
        Ok(Plan { bearer, cell, card, habits })
    }

    fn status_hours(&self) -> Result<Option<f64>, Failure> {
        match self.status_hours.as_str() {
            "never" => Ok(None),
            hours => match hours.parse() {
                Ok(hours) => Ok(Some(hours)),
                Err(_) => Err(format!("the status interval {hours:?} is neither hours nor \"never\"").into()),
            },
        }
    }

    fn bearer(&self) -> Result<Bearer, Failure> {
        let (lorawan, radio, nb_iot) = (self.lorawan.given(), self.radio.given(), self.nb_iot.given());
        let (bearer, foreign) = match self.bearer.to_ascii_lowercase().as_str() {
            "lorawan" => (Bearer::Lorawan(self.link()?), nb_iot),
            "nb-iot" => (Bearer::NbIot(self.module()?), lorawan.or(radio)),
            "sigfox" => (Bearer::Sigfox(Sigfox { radio: self.radio() }), lorawan.or(nb_iot)),
            _ => return Err(EnergyError::UnknownBearer { name: self.bearer.clone() }.into()),
        };
        match foreign {
            Some(option) => Err(format!("{option} is nothing of {}", bearer.name()).into()),
            None => Ok(bearer),
        }
    }

    fn radio(&self) -> Radio {
        let mut radio = Radio::SX1262;
        set(&mut radio.transmit_ma, self.radio.transmit_ma);
        set(&mut radio.receive_ma, self.radio.receive_ma);
        set(&mut radio.sleep_ua, self.radio.radio_sleep_ua);
        set(&mut radio.volts, self.radio.radio_volts);
        radio
    }

    fn link(&self) -> Result<Link, EnergyError> {
        let region: Region = self.lorawan.region.as_deref().unwrap_or("EU868").parse()?;
        let data_rate = region.data_rate(self.lorawan.data_rate.as_deref().unwrap_or("DR3"))?;
        let mut link = Link { radio: self.radio(), ..Link::new(region, data_rate) };
        set(&mut link.clock_error_ms, self.lorawan.clock_error_ms);
        set(&mut link.lost_percent, self.lorawan.lost_percent);
        Ok(link)
    }

    fn module(&self) -> Result<NbIot, EnergyError> {
        let given = &self.nb_iot;
        let idle = Idle::named(given.idle.as_deref().unwrap_or("psm"), given.edrx_seconds.unwrap_or(81.92))?;
        let mut module = NbIot::new(!given.no_release_assistance, idle);
        set(&mut module.session_mc, given.session_mc);
        set(&mut module.round_trip_mc, given.round_trip_mc);
        set(&mut module.sessions_a_payment, given.sessions_a_payment);
        set(&mut module.idle_ua, given.idle_ua);
        set(&mut module.peak_ma, given.peak_ma);
        Ok(module)
    }
}

/// The first option of a list that was given.
fn first(options: &[(&'static str, bool)]) -> Option<&'static str> {
    options.iter().find(|(_, given)| *given).map(|(option, _)| *option)
}

impl LorawanFigures {
    fn given(&self) -> Option<&'static str> {
        first(&[
            ("--region", self.region.is_some()),
            ("--data-rate", self.data_rate.is_some()),
            ("--clock-error-ms", self.clock_error_ms.is_some()),
            ("--lost-percent", self.lost_percent.is_some()),
        ])
    }
}

impl RadioFigures {
    fn given(&self) -> Option<&'static str> {
        first(&[
            ("--transmit-ma", self.transmit_ma.is_some()),
            ("--receive-ma", self.receive_ma.is_some()),
            ("--radio-sleep-ua", self.radio_sleep_ua.is_some()),
            ("--radio-volts", self.radio_volts.is_some()),
        ])
    }
}

impl NbIotFigures {
    fn given(&self) -> Option<&'static str> {
        first(&[
            ("--no-release-assistance", self.no_release_assistance),
            ("--idle", self.idle.is_some()),
            ("--edrx-seconds", self.edrx_seconds.is_some()),
            ("--session-mc", self.session_mc.is_some()),
            ("--round-trip-mc", self.round_trip_mc.is_some()),
            ("--sessions-a-payment", self.sessions_a_payment.is_some()),
            ("--idle-ua", self.idle_ua.is_some()),
            ("--peak-ma", self.peak_ma.is_some()),
        ])
    }
}

fn object(plan: &Plan, outlook: &Outlook) -> Value {
    let (mostly, percent) = match outlook.verdict {
        Verdict::NotManyYears { mostly, percent } => (Some(mostly.key()), Some(percent)),
        Verdict::ManyYears | Verdict::ShelfLifeFirst | Verdict::CellTooShortLived => (None, None),
    };
    let day = &outlook.day;
    json!({
        "bearer": plan.bearer.name(),
        "title": plan.bearer.title(),
        "cell": plan.cell.name,
        "payments_a_day": plan.habits.payments_a_day,
        "status_hours": plan.habits.status_hours,
        "payment_mj": outlook.payment_mj,
        "payment_radio_mj": outlook.payment_radio_mj,
        "status_mj": outlook.status_mj,
        "day_mj": {
            "payments": day.payments_mj,
            "status": day.status_mj,
            "sleep": day.sleep_mj,
            "self_discharge": day.self_discharge_mj,
            "total": day.total_mj(),
        },
        "usable_mj": outlook.usable_mj,
        "years": outlook.years,
        "years_by_sum": outlook.years_by_sum,
        "years_as_sources_disagree": outlook.years_as_sources_disagree.map(|(least, most)| [least, most]),
        "verdict": outlook.verdict.code(),
        "mostly": mostly,
        "mostly_percent": percent,
        "duty_cycle": outlook.duty.as_ref().map(duty),
        "warnings": outlook.warnings.iter()
            .map(|warning| json!({ "code": warning.code(), "text": warning.to_string() }))
            .collect::<Vec<_>>(),
        "siblings": plan.siblings().iter().map(sibling).collect::<Vec<_>>(),
        "protocols": outlook.comparisons.iter().map(protocol).collect::<Vec<_>>(),
        "assumptions": outlook.assumptions.iter()
            .map(|figure| (figure.key.to_owned(), assumption(figure)))
            .collect::<Map<_, _>>(),
    })
}

fn duty(duty: &Duty) -> Value {
    json!({
        "percent": duty.percent,
        "payment_ms": duty.payment_ms,
        "payments_a_day": duty.payments_a_day,
        "payments_an_hour_a_gateway": duty.payments_an_hour_a_gateway,
        "wait_after_hello_ms": duty.wait_after_hello_ms,
    })
}

fn sibling(plan: &Plan) -> Value {
    match plan.outlook() {
        Ok(outlook) => json!({
            "title": plan.bearer.title(),
            "payment_mj": outlook.payment_mj,
            "years": outlook.years,
            "refused": null,
        }),
        Err(refused) => json!({
            "title": plan.bearer.title(),
            "payment_mj": null,
            "years": null,
            "refused": { "code": refused.code(), "text": refused.to_string() },
        }),
    }
}

fn protocol(row: &Comparison) -> Value {
    json!({
        "key": row.key,
        "name": row.name,
        "bytes": row.bytes,
        "split": row.split,
        "frames": row.frames,
        "radio_mj": row.radio_mj,
        "years_by_sum": row.years_by_sum,
        "fits": row.misfit.is_none(),
        "misfit": row.misfit,
    })
}

fn assumption(figure: &Assumption) -> Value {
    json!({
        "what": figure.what,
        "value": figure.value,
        "unit": figure.unit,
        "source": figure.source.text(),
        "given": figure.source == Source::Given,
        "option": figure.option,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use energy::Frame;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        battery: BatteryArguments,
    }

    fn arguments(line: &str) -> BatteryArguments {
        Line::try_parse_from(std::iter::once("battery").chain(line.split_whitespace())).unwrap().battery
    }

    fn refusal(line: &str) -> String {
        match arguments(line).plan().and_then(|plan| Ok(plan.outlook()?)) {
            Ok(_) => panic!("{line} was taken"),
            Err(refused) => refused.to_string(),
        }
    }

    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn bad_figures_are_refused_by_name() {
        let cases = [
            ("zigbee", "there is no bearer \"zigbee\""),
            ("lorawan --region EU433", "there is no region \"EU433\""),
            ("lorawan --region US915 --data-rate DR9", "US915 has no data rate \"DR9\""),
            ("lorawan --region CN470 --data-rate 0", "the brief hello of 12 bytes does not fit CN470 DR0"),
            (
                "lorawan --region CN470 --data-rate DR1 --hello full",
                "the full hello of 44 bytes does not fit",
            ),
            ("lorawan --hello long", "there is no hello \"long\""),
            ("lorawan --cell cr1", "there is no cell \"cr1\""),
            ("lorawan --capacity-mah 0", "capacity 0 is not between"),
            ("lorawan --capacity-mah -5", "capacity -5 is not between"),
            ("lorawan --cell-volts NaN", "the cell's voltage is not a number"),
            ("lorawan --payments inf", "payments a day is not a number"),
            ("lorawan --payments -1", "payments a day -1 is not between"),
            ("lorawan --status-hours 0", "the status interval 0 is not between"),
            ("lorawan --status-hours 99999", "the status interval 99999 is not between"),
            ("lorawan --status-hours soon", "the status interval \"soon\" is neither hours"),
            ("lorawan --transmit-ma -45", "transmit current -45 is not between"),
            ("lorawan --session-mc 28", "--session-mc is nothing of lorawan"),
            ("lorawan --no-release-assistance", "--no-release-assistance is nothing of lorawan"),
            ("nb-iot --data-rate DR3", "--data-rate is nothing of nb-iot"),
            ("nb-iot --transmit-ma 45", "--transmit-ma is nothing of nb-iot"),
            ("nb-iot --idle off", "there is no idle mode \"off\""),
            ("nb-iot --idle edrx --edrx-seconds 80", "eDRX has no cycle of 80 s"),
            ("sigfox --payments 1", "a payment does not go over Sigfox"),
            ("sigfox --region EU868", "--region is nothing of sigfox"),
        ];
        for (line, said) in cases {
            let refused = refusal(line);
            assert!(refused.starts_with(said), "{line}: {refused}");
        }
    }

    #[test]
    fn the_object_has_the_same_keys_on_every_bearer() {
        let expected = [
            "assumptions",
            "bearer",
            "cell",
            "day_mj",
            "duty_cycle",
            "mostly",
            "mostly_percent",
            "payment_mj",
            "payment_radio_mj",
            "payments_a_day",
            "protocols",
            "siblings",
            "status_hours",
            "status_mj",
            "title",
            "usable_mj",
            "verdict",
            "warnings",
            "years",
            "years_as_sources_disagree",
            "years_by_sum",
        ];
        for line in [
            "lorawan",
            "lorawan --data-rate DR0 --status-hours never",
            "nb-iot",
            "nb-iot --idle edrx",
            "sigfox",
        ] {
            let plan = arguments(line).plan().unwrap();
            let object = object(&plan, &plan.outlook().unwrap());
            let mut found = keys(&object);
            found.sort_unstable();
            assert_eq!(found, expected, "{line}");
            let mut day = keys(&object["day_mj"]);
            day.sort_unstable();
            assert_eq!(day, ["payments", "self_discharge", "sleep", "status", "total"], "{line}");
            assert_eq!(object["protocols"].as_array().unwrap().len(), 11, "{line}");
            assert!(object["assumptions"]["capacity_mah"]["option"] == "--capacity-mah", "{line}");
            assert!(object["years"].is_number(), "{line}");
        }
    }

    #[test]
    fn a_given_figure_is_used_and_called_given() {
        let plan = arguments("lorawan --cell card --capacity-mah 50 --transmit-ma 28 --payments 0.5")
            .plan()
            .unwrap();
        assert_eq!((plan.cell.capacity_mah, plan.habits.payments_a_day), (50.0, 0.5));
        let object = object(&plan, &plan.outlook().unwrap());
        assert_eq!(object["assumptions"]["transmit_ma"]["value"], 28.0);
        assert_eq!(object["assumptions"]["transmit_ma"]["given"], true);
        assert_eq!(object["assumptions"]["receive_ma"]["given"], false);
    }

    /// Every option that a figure names is one that the command has.
    #[test]
    fn each_figure_names_an_option_that_exists() {
        use clap::CommandFactory as _;
        let command = Line::command();
        let known: Vec<String> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .map(|long| format!("--{long}"))
            .collect();
        for line in ["lorawan", "nb-iot", "sigfox"] {
            for figure in arguments(line).plan().unwrap().outlook().unwrap().assumptions {
                assert!(
                    figure.option.is_none_or(|option| known.iter().any(|long| long == option)),
                    "{}",
                    figure.key
                );
            }
        }
    }

    /// The lengths that the sum uses are those of the frames that the card sends.
    #[test]
    fn the_frames_are_as_long_as_the_protocols_document_says() {
        let document = include_str!("../../../docs/protocol/air.md");
        let rows = [
            ("hello, brief", Frame::HelloBrief),
            ("hello, full", Frame::HelloFull),
            ("transaction", Frame::Transaction),
            ("result", Frame::Result),
            ("receipt", Frame::Receipt),
            ("status", Frame::Status),
        ];
        for (name, frame) in rows {
            let head = format!("| {name} | {} | ", frame.bytes());
            assert!(document.lines().any(|line| line.starts_with(&head)), "{head}");
        }
        assert!(document.contains(&format!("| hello, full | 44 | {} |", Frame::HelloFirst.bytes())));
    }
}
