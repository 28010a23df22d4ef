//! An outlook for people: plain text.

use std::fmt::Write as _;

use crate::assumption::Assumption;
use crate::bearer::Bearer;
use crate::cell::Cell;
use crate::outlook::{Comparison, Outlook, Taker, Verdict};
use crate::plan::{MANY_YEARS, Plan};

/// All of it: sum, verdict, what stands in the way, siblings, other protocols, figures.
pub fn text(plan: &Plan, outlook: &Outlook) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_sum(&mut text, plan, outlook);
    let _ = write_siblings(&mut text, plan);
    let _ = write_comparisons(&mut text, plan, outlook);
    let _ = write_assumptions(&mut text, &outlook.assumptions);
    text
}

/// The verdict in a sentence.
pub fn verdict(cell: &Cell, outlook: &Outlook) -> String {
    let (years, shelf) = (years(outlook.years), cell.shelf_years);
    match outlook.verdict {
        Verdict::ManyYears => format!("Many years holds: {years}."),
        Verdict::ShelfLifeFirst => format!(
            "Many years holds: {years}. The sum alone gives {}, but nobody vouches for this cell beyond {shelf}.",
            self::years(outlook.years_by_sum)
        ),
        Verdict::CellTooShortLived => format!(
            "NOT MANY YEARS: {years}. The card would do {}, but nobody vouches for this cell beyond {shelf}.",
            self::years(outlook.years_by_sum)
        ),
        Verdict::NotManyYears { mostly, percent } => {
            format!("NOT MANY YEARS: {years}, under {MANY_YEARS}. {} {percent:.0} % of it.", takes(mostly))
        }
    }
}

fn takes(taker: Taker) -> &'static str {
    match taker {
        Taker::Payments => "Payments take",
        Taker::Status => "Status frames take",
        Taker::Sleep => "Sleep takes",
        Taker::SelfDischarge => "The cell's own discharge takes",
    }
}

fn write_sum(text: &mut String, plan: &Plan, outlook: &Outlook) -> std::fmt::Result {
    let habits = plan.habits;
    write!(text, "{}, cell {}", plan.bearer.title(), plan.cell.name)?;
    write!(text, ", {} payments a day", figure(habits.payments_a_day))?;
    match habits.status_hours {
        Some(hours) => writeln!(text, ", a status frame every {} h", figure(hours))?,
        None => writeln!(text, ", no status frames")?,
    }
    writeln!(text)?;
    if let (Some(mj), Some(radio_mj)) = (outlook.payment_mj, outlook.payment_radio_mj) {
        let rest = mj - radio_mj;
        writeln!(
            text,
            "a payment   {:>9} mJ  radio {}, light and controller {}",
            mj3(mj),
            mj3(radio_mj),
            mj3(rest)
        )?;
    }
    writeln!(text, "a status    {:>9} mJ", mj3(outlook.status_mj))?;
    let day = &outlook.day;
    let total = day.total_mj();
    let parts: Vec<String> = day
        .takers()
        .into_iter()
        .filter(|(_, mj)| *mj > 0.0)
        .map(|(taker, mj)| format!("{} {} ({:.0} %)", taker.name(), mj3(mj), mj * 100.0 / total))
        .collect();
    writeln!(text, "a day       {:>9} mJ  {}", mj3(total), parts.join(", "))?;
    let all = plan.cell.energy_mj() / 1_000.0;
    writeln!(
        text,
        "the cell    {:>9} J   of {all:.0} J can be used",
        format!("{:.0}", outlook.usable_mj / 1_000.0)
    )?;
    writeln!(text, "years       {:>9}", years(outlook.years))?;
    if let Some((least, most)) = outlook.years_as_sources_disagree {
        let ((low, high), least, most) = (crate::lorawan::Radio::TRANSMIT_MA_SAID, years(least), years(most));
        writeln!(
            text,
            "                          sources disagree on the transmit current: {least} at {high} mA, {most} at {low} mA"
        )?;
    }
    writeln!(text, "\n{}", verdict(&plan.cell, outlook))?;
    if let Some(duty) = &outlook.duty {
        writeln!(
            text,
            "Duty cycle of {} %: at most {} payments a day for a card ({:.1} s of sending each), and {} an hour for\na gateway that answers in the same band, all its cards together.",
            duty.percent,
            duty.payments_a_day,
            duty.payment_ms / 1_000.0,
            duty.payments_an_hour_a_gateway
        )?;
    }
    if !outlook.warnings.is_empty() {
        writeln!(text, "\nIn the way")?;
        for warning in &outlook.warnings {
            writeln!(text, "- {warning}")?;
        }
    }
    Ok(())
}

fn write_siblings(text: &mut String, plan: &Plan) -> std::fmt::Result {
    match plan.bearer {
        Bearer::Lorawan(link) => writeln!(text, "\nThe data rates of {}", link.region)?,
        Bearer::NbIot(_) => writeln!(text, "\nRelease and waiting")?,
        Bearer::Sigfox(_) => return Ok(()),
    }
    for sibling in plan.siblings() {
        let title = sibling.bearer.title();
        // The heading names the region already.
        let title = match plan.bearer {
            Bearer::Lorawan(_) => title.splitn(3, ' ').last().unwrap_or(&title),
            Bearer::NbIot(_) | Bearer::Sigfox(_) => title.trim_start_matches("NB-IoT "),
        };
        match sibling.outlook() {
            Ok(outlook) => {
                let payment = mj3(outlook.payment_mj.unwrap_or(0.0));
                let over = outlook.warnings.iter().any(|warning| warning.code() == "over_duty_cycle");
                let over = if over { "  more payments than the duty cycle allows" } else { "" };
                writeln!(
                    text,
                    "  {title:<42} {payment:>8} mJ a payment {:>6} years{over}",
                    years(outlook.years)
                )?;
            }
            Err(refused) => writeln!(text, "  {title:<42} {refused}")?,
        }
    }
    Ok(())
}

fn write_comparisons(text: &mut String, plan: &Plan, outlook: &Outlook) -> std::fmt::Result {
    let what = match plan.bearer {
        Bearer::Lorawan(_) => "frames",
        Bearer::NbIot(_) => "messages",
        Bearer::Sigfox(_) => return Ok(()),
    };
    writeln!(
        text,
        "\nThe same payment by other protocols on this radio (energy of the radio alone;\n  years by the sum alone, with the same light and habits)"
    )?;
    for row in &outlook.comparisons {
        writeln!(text, "  {}", comparison(row, what))?;
    }
    writeln!(
        text,
        "  Bytes as counted, above UDP or TCP; headers beneath and fragment headers are left out, which favours the\n  others. How they fall on messages is even except where known: ours by our protocol, EDHOC by RFC 9528."
    )?;
    if matches!(plan.bearer, Bearer::NbIot(_)) {
        writeln!(
            text,
            "  Ours are frames with their channel id; CoAP adds 10 bytes to a request and 7 to an answer, and its token."
        )?;
    }
    Ok(())
}

fn comparison(row: &Comparison, what: &str) -> String {
    let head = format!("{:<34} {:>5} bytes", row.name, row.bytes);
    match (row.frames, row.radio_mj, row.years_by_sum) {
        (Some(frames), Some(radio_mj), Some(in_years)) => {
            let misfit = row.misfit.map(|reason| format!("  does not fit: {reason}")).unwrap_or_default();
            format!("{head} {frames:>3} {what} {:>8} mJ {:>6} years{misfit}", mj3(radio_mj), years(in_years))
        }
        _ => format!("{head}  does not fit: {}", row.misfit.unwrap_or("cannot be carried")),
    }
}

fn write_assumptions(text: &mut String, assumptions: &[Assumption]) -> std::fmt::Result {
    writeln!(text, "\nFigures used")?;
    for assumption in assumptions {
        let option = assumption.option.map(|option| format!(" [{option}]")).unwrap_or_default();
        let value = format!("{} {}", figure(assumption.value), assumption.unit);
        writeln!(text, "  {}: {}{option}", assumption.what, value.trim_end())?;
        writeln!(text, "      {}", assumption.source.text())?;
    }
    writeln!(
        text,
        "  An energy is a charge times the voltage at which it was measured; what a converter loses is part of the share\n  that comes out. Not counted: joining, MAC commands, tracking area updates, roaming, firmware, heat and cold."
    )
}

/// A given figure as short as it can be written.
fn figure(value: f64) -> String {
    let rounded = format!("{value:.3}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three digits that count.
fn mj3(mj: f64) -> String {
    if mj >= 100.0 {
        format!("{mj:.0}")
    } else if mj >= 10.0 {
        format!("{mj:.1}")
    } else {
        format!("{mj:.2}")
    }
}

fn years(value: f64) -> String {
    if value >= 1_000.0 {
        "over 1000".to_owned()
    } else if value >= 0.1 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
