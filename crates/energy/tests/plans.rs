//! Whole plans: what lengthens a life and what does not, what is refused, what is said plainly.

#![allow(clippy::unwrap_used, clippy::panic)]

use energy::lorawan::{Link, Radio, Region};
use energy::{
    Bearer, Cell, EnergyError, Habits, Hello, Idle, MANY_YEARS, NbIot, Plan, Sigfox, Taker, Verdict, Warning,
    report,
};

fn plan(bearer: Bearer, cell: Cell, payments_a_day: f64) -> Plan {
    let habits = Habits { payments_a_day, status_hours: Some(24.0), hello: Hello::Brief };
    Plan { bearer, cell, card: bearer.card(), habits }
}

fn lorawan(region: Region, data_rate: &str) -> Bearer {
    Bearer::Lorawan(Link::new(region, region.data_rate(data_rate).unwrap()))
}

fn nb_iot(release_assistance: bool) -> Bearer {
    Bearer::NbIot(NbIot::new(release_assistance, Idle::Psm))
}

fn bearers() -> Vec<Bearer> {
    let mut all =
        vec![nb_iot(true), nb_iot(false), Bearer::NbIot(NbIot::new(true, Idle::edrx(81.92).unwrap()))];
    for region in Region::ALL {
        for data_rate in region.data_rates() {
            let link = Link::new(region, data_rate);
            if Bearer::Lorawan(link).payment_mc(Hello::Brief).is_ok() {
                all.push(Bearer::Lorawan(link));
            }
        }
    }
    all
}

#[test]
fn more_payments_never_lengthen_a_life() {
    for bearer in bearers() {
        for cell in Cell::KNOWN {
            let mut last = f64::INFINITY;
            for payments in [0.0, 0.1, 1.0, 2.0, 5.0, 20.0, 100.0, 1_000.0, 10_000.0] {
                let years = plan(bearer, cell, payments).years().unwrap();
                assert!(years <= last, "{} {} {payments}: {years} > {last}", bearer.title(), cell.name);
                last = years;
            }
        }
    }
}

#[test]
fn a_rarer_status_and_a_larger_cell_never_shorten_a_life() {
    for bearer in bearers() {
        let mut last = 0.0;
        for hours in [0.02, 1.0, 6.0, 24.0, 168.0, 9_912.0] {
            let mut asked = plan(bearer, Cell::CR2477, 1.0);
            asked.habits.status_hours = Some(hours);
            let years = asked.years().unwrap();
            assert!(years >= last, "{} {hours}", bearer.title());
            last = years;
        }
        let mut last = 0.0;
        for capacity_mah in [10.0, 100.0, 1_000.0, 10_000.0] {
            let years = plan(bearer, Cell { capacity_mah, ..Cell::CR2477 }, 5.0).years().unwrap();
            assert!(years >= last, "{} {capacity_mah}", bearer.title());
            last = years;
        }
    }
}

#[test]
fn a_faster_data_rate_never_takes_more_and_release_assistance_never_either() {
    for region in Region::ALL {
        let mut last = f64::INFINITY;
        for data_rate in region.data_rates() {
            let Ok(mc) = Bearer::Lorawan(Link::new(region, data_rate)).payment_mc(Hello::Brief) else {
                continue;
            };
            assert!(mc <= last, "{region} {data_rate}");
            last = mc;
        }
    }
    assert!(nb_iot(true).payment_mc(Hello::Brief).unwrap() < nb_iot(false).payment_mc(Hello::Brief).unwrap());
}

#[test]
fn a_day_is_the_sum_of_its_takers_and_the_years_follow_from_it() {
    // NB-IoT with release assistance, by hand: 3.7 V; two sessions of 28 mC and a light of 10 mC a payment,
    // one status session, 2.7 µA; a coin cell of 2430 J loses 1 % a year, four fifths come out.
    let outlook = plan(nb_iot(true), Cell::CR2032, 2.0).outlook().unwrap();
    let payments = 2.0 * (56.0 + 10.0) * 3.7;
    let status = 28.0 * 3.7;
    let sleep = 2.7e-3 * 86_400.0 * 3.7;
    let self_discharge = 24_300.0 / 365.25;
    let close = |left: f64, right: f64| assert!((left - right).abs() < 1e-6, "{left} {right}");
    close(outlook.day.payments_mj, payments);
    close(outlook.day.status_mj, status);
    close(outlook.day.sleep_mj, sleep);
    close(outlook.day.self_discharge_mj, self_discharge);
    close(outlook.years_by_sum, 1_944_000.0 / ((payments + status + sleep + self_discharge) * 365.25));
}

#[test]
fn what_no_card_has_is_refused_by_name() {
    type Change = fn(&mut Plan);
    fn link(plan: &mut Plan) -> &mut Link {
        match &mut plan.bearer {
            Bearer::Lorawan(link) => link,
            Bearer::NbIot(_) | Bearer::Sigfox(_) => panic!("a LoRaWAN plan"),
        }
    }
    let cases: &[(Change, &str, &str)] = &[
        (|plan| plan.cell.capacity_mah = 0.0, "out_of_bounds", "capacity 0 "),
        (|plan| plan.cell.capacity_mah = -40.0, "out_of_bounds", "capacity -40 "),
        (|plan| plan.cell.capacity_mah = f64::NAN, "not_a_number", "capacity is not a number"),
        (|plan| plan.cell.volts = 0.0, "out_of_bounds", "the cell's voltage"),
        (|plan| plan.cell.self_discharge_percent = -1.0, "out_of_bounds", "self-discharge"),
        (|plan| plan.cell.usable_percent = 101.0, "out_of_bounds", "usable share"),
        (|plan| plan.cell.usable_percent = 0.0, "out_of_bounds", "usable share"),
        (|plan| plan.cell.shelf_years = f64::INFINITY, "not_a_number", "shelf life"),
        (|plan| plan.habits.payments_a_day = -1.0, "out_of_bounds", "payments a day"),
        (|plan| plan.habits.payments_a_day = f64::NAN, "not_a_number", "payments a day"),
        (
            |plan| plan.habits.payments_a_day = 10_001.0,
            "out_of_bounds",
            "payments a day 10001 is not between 0 and 10000",
        ),
        (|plan| plan.habits.status_hours = Some(0.0), "out_of_bounds", "the status interval"),
        (|plan| plan.habits.status_hours = Some(0.019), "out_of_bounds", "between 0.02 and 9912 hours"),
        (|plan| plan.habits.status_hours = Some(1e9), "out_of_bounds", "the status interval"),
        (|plan| plan.card.light_mc = -0.1, "out_of_bounds", "the light's charge"),
        (|plan| plan.card.controller_sleep_ua = f64::NAN, "not_a_number", "the controller's sleep current"),
        (|plan| link(plan).radio.transmit_ma = 0.0, "out_of_bounds", "transmit current"),
        (|plan| link(plan).radio.receive_ma = -4.2, "out_of_bounds", "receive current"),
        (|plan| link(plan).clock_error_ms = -1.0, "out_of_bounds", "the clock's error"),
        (|plan| link(plan).lost_percent = 100.0, "out_of_bounds", "the share of lost exchanges"),
    ];
    for (change, code, said) in cases {
        let mut asked = plan(lorawan(Region::Eu868, "DR3"), Cell::CR2032, 1.0);
        change(&mut asked);
        let refused = asked.outlook().unwrap_err();
        assert_eq!(refused.code(), *code, "{refused}");
        assert!(refused.to_string().contains(said), "{refused}");
        assert!(!refused.to_string().ends_with(' '), "{refused}");
        assert_eq!(energy::plot::svg(&asked), Err(refused), "{said}");
    }
}

#[test]
fn unknown_names_are_refused_and_say_what_is_known() {
    let refusals: [(EnergyError, &str, &str); 8] = [
        ("EU433".parse::<Region>().unwrap_err(), "unknown_region", "EU868, US915"),
        (Region::Us915.data_rate("DR5").unwrap_err(), "unknown_data_rate", "US915 has no data rate \"DR5\""),
        (Region::Eu868.data_rate("-1").unwrap_err(), "unknown_data_rate", "DR0 to DR5"),
        ("cr1220".parse::<Cell>().unwrap_err(), "unknown_cell", "cr2032, cr2477"),
        (Idle::named("off", 81.92).unwrap_err(), "unknown_idle", "psm or edrx"),
        (Idle::named("edrx", 80.0).unwrap_err(), "unknown_edrx_cycle", "20.48"),
        (Idle::named("edrx", f64::NAN).unwrap_err(), "unknown_edrx_cycle", "20.48"),
        ("long".parse::<Hello>().unwrap_err(), "unknown_hello", "brief or full"),
    ];
    for (refused, code, said) in refusals {
        assert_eq!(refused.code(), code);
        assert!(refused.to_string().contains(said), "{refused}");
    }
}

#[test]
fn sigfox_carries_status_and_no_payment() {
    let sigfox = Bearer::Sigfox(Sigfox { radio: Radio::SX1262 });
    let refused = plan(sigfox, Cell::CR2477, 1.0).outlook().unwrap_err();
    assert_eq!(refused.code(), "no_payments_over_sigfox");
    assert!(
        refused.to_string().contains("23 bytes") && refused.to_string().contains("carries 8"),
        "{refused}"
    );
    let outlook = plan(sigfox, Cell::CR2477, 0.0).outlook().unwrap();
    assert_eq!(outlook.payment_mj, None);
    assert!(outlook.warnings.iter().any(|warning| warning.code() == "status_over_sigfox"));
    assert_eq!(energy::plot::svg(&plan(sigfox, Cell::CR2477, 0.0)), Err(EnergyError::NothingToPlot));
}

#[test]
fn a_frame_over_the_limit_is_named_with_both_lengths() {
    let mut asked = plan(lorawan(Region::Cn470, "DR1"), Cell::CR2477, 1.0);
    let outlook = asked.outlook().unwrap();
    let codes: Vec<&str> = outlook.warnings.iter().map(Warning::code).collect();
    assert!(codes.contains(&"first_hello_too_long") && codes.contains(&"no_room_for_commands"), "{codes:?}");
    asked.habits.hello = Hello::Full;
    let refused = asked.outlook().unwrap_err().to_string();
    assert_eq!(refused, "the full hello of 44 bytes does not fit CN470 DR1: its limit is 23 bytes");
}

#[test]
fn many_years_is_denied_with_what_takes_most() {
    let cases: &[(Bearer, Cell, f64, Option<f64>, Taker)] = &[
        (nb_iot(false), Cell::CR2032, 5.0, Some(24.0), Taker::Payments),
        (nb_iot(false), Cell::CR2032, 0.1, Some(1.0), Taker::Status),
        (Bearer::NbIot(NbIot::new(true, Idle::edrx(81.92).unwrap())), Cell::CR2032, 0.1, None, Taker::Sleep),
        (
            lorawan(Region::Eu868, "DR5"),
            Cell { self_discharge_percent: 30.0, ..Cell::CR2477 },
            0.1,
            None,
            Taker::SelfDischarge,
        ),
    ];
    for &(bearer, cell, payments, status_hours, taker) in cases {
        let mut asked = plan(bearer, cell, payments);
        asked.habits.status_hours = status_hours;
        let outlook = asked.outlook().unwrap();
        assert!(outlook.years < MANY_YEARS);
        match outlook.verdict {
            Verdict::NotManyYears { mostly, .. } => assert_eq!(mostly, taker, "{}", bearer.title()),
            other => panic!("{other:?}"),
        }
        let said = report::text(&asked, &outlook);
        assert!(
            said.contains("NOT MANY YEARS")
                && said.to_lowercase().contains(taker.name().split(' ').next_back().unwrap_or("")),
            "{said}"
        );
    }
}

#[test]
fn a_long_sum_is_bounded_by_the_shelf_life_of_the_cell() {
    let outlook = plan(lorawan(Region::Eu868, "DR5"), Cell::CR2477, 1.0).outlook().unwrap();
    assert!(outlook.years_by_sum > outlook.years);
    assert_eq!((outlook.years, outlook.verdict), (10.0, Verdict::ShelfLifeFirst));
}

#[test]
fn more_payments_than_the_duty_cycle_allows_are_called_so() {
    let asked = plan(lorawan(Region::Eu868, "DR0"), Cell::LS14500, 500.0);
    let outlook = asked.outlook().unwrap();
    let duty = outlook.duty.unwrap();
    assert!(duty.payments_a_day < 500.0);
    assert!(outlook.warnings.iter().any(|warning| warning.code() == "over_duty_cycle"));
    let within = asked.with_payments(duty.payments_a_day).outlook().unwrap();
    assert!(within.warnings.iter().all(|warning| warning.code() != "over_duty_cycle"));
}

#[test]
fn a_figure_that_was_changed_is_called_given_and_every_figure_has_a_source() {
    for bearer in bearers() {
        let mut asked = plan(bearer, Cell::CR2032, 1.0);
        let kept = asked.outlook().unwrap();
        assert!(kept.assumptions.iter().all(|figure| figure.source.text() != "given"), "{}", bearer.title());
        asked.cell.capacity_mah = 210.0;
        let given: Vec<&str> = asked
            .outlook()
            .unwrap()
            .assumptions
            .iter()
            .filter(|figure| figure.source.text() == "given")
            .map(|figure| figure.key)
            .collect();
        assert_eq!(given, ["capacity_mah"]);
    }
}

#[test]
fn many_years_that_hangs_on_the_transmit_current_is_called_so() {
    let asked = plan(lorawan(Region::Eu868, "DR0"), Cell::CR2477, 4.0);
    let outlook = asked.outlook().unwrap();
    assert!(outlook.years >= MANY_YEARS, "{}", outlook.years);
    assert!(outlook.warnings.iter().any(|warning| warning.code() == "hangs_on_transmit_current"));
}

#[test]
fn a_frame_of_ours_over_the_limit_is_not_cut_in_the_comparison() {
    let outlook = plan(lorawan(Region::Cn470, "DR1"), Cell::CR2477, 1.0).outlook().unwrap();
    let full = outlook.comparisons.iter().find(|row| row.key == "ours_full").unwrap();
    assert!(full.radio_mj.is_none() && full.misfit.unwrap().contains("not cut"));
}

#[test]
fn sources_that_disagree_are_named_with_what_they_change() {
    let asked = plan(lorawan(Region::Eu868, "DR0"), Cell::CR2032, 5.0);
    let outlook = asked.outlook().unwrap();
    let (least, most) = outlook.years_as_sources_disagree.unwrap();
    assert!(least < outlook.years && outlook.years < most);
    assert!(report::text(&asked, &outlook).contains("sources disagree"));
}

#[test]
fn ours_takes_less_than_every_other_protocol_over_lorawan() {
    let outlook = plan(lorawan(Region::Eu868, "DR0"), Cell::CR2477, 5.0).outlook().unwrap();
    let [ours, with_receipt, _full, others @ ..] = outlook.comparisons.as_slice() else {
        panic!("eleven rows")
    };
    assert_eq!(with_receipt.radio_mj, outlook.payment_radio_mj);
    for other in others {
        assert!(other.radio_mj.is_none_or(|mj| Some(mj) > ours.radio_mj), "{}", other.name);
    }
    assert!(others.iter().any(|other| other.key == "mqtt_tls" && other.radio_mj.is_none()));
}
