//! Years against payments a day, as SVG.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use plotters::series::DashedLineSeries;
use plotters::style::TextStyle;

use crate::bearer::Bearer;
use crate::error::EnergyError;
use crate::plan::{MANY_YEARS, Plan};

/// Size of the picture.
const SIZE: (u32, u32) = (1_000, 520);
const HEAD_HEIGHT: u32 = 72;
const CHART_WIDTH: u32 = 680;
const LEFT_EDGE: i32 = 24;
/// The legend, in its own column.
const LEGEND_LEFT: i32 = 12;
const LEGEND_TEXT: i32 = 52;
const LEGEND_TOP: i32 = 14;
const LEGEND_ROW: i32 = 24;
/// Payments a day at the left and the right edge.
const LEAST_PAYMENTS: f64 = 0.1;
const MOST_PAYMENTS: f64 = 200.0;
/// Points of a line.
const POINTS: u32 = 80;
/// Colours that people with any colour sight tell apart, and print.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 0, 0),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
];
const INK: RGBColor = RGBColor(51, 51, 51);
const PALE: RGBColor = RGBColor(225, 225, 225);
const FONT: &str = "sans-serif";

/// One line of the plot, or why it is missing.
struct Line {
    label: String,
    note: Option<String>,
    points: Vec<(f64, f64)>,
    is_own: bool,
}

/// The axis of payments: logarithmic, with ticks that people count in.
#[derive(Clone, Copy)]
struct Payments;

const TICKS: [f64; 11] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];

impl Ranged for Payments {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let share = (value / LEAST_PAYMENTS).ln() / (MOST_PAYMENTS / LEAST_PAYMENTS).ln();
        // Pixels of a picture of fixed size.
        from + (share * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        TICKS.to_vec()
    }

    fn range(&self) -> std::ops::Range<f64> {
        LEAST_PAYMENTS..MOST_PAYMENTS
    }
}

impl ValueFormatter<f64> for Payments {
    fn format_ext(&self, value: &f64) -> String {
        format!("{value}")
    }
}

/// A picture of the plan and its siblings: each data rate of the region, or each way of release and waiting.
pub fn svg(plan: &Plan) -> Result<String, EnergyError> {
    if matches!(plan.bearer, Bearer::Sigfox(_)) {
        return Err(EnergyError::NothingToPlot);
    }
    plan.check()?;
    let lines = lines(plan);
    let mut text = String::new();
    draw(&mut text, plan, &lines).map_err(|error| EnergyError::Plot { reason: error.to_string() })?;
    Ok(text)
}

fn lines(plan: &Plan) -> Vec<Line> {
    plan.siblings()
        .into_iter()
        .map(|sibling| {
            let is_own = sibling.bearer == plan.bearer;
            let name = name(&sibling.bearer);
            match sibling.outlook() {
                Ok(outlook) => {
                    let most =
                        outlook.duty.map_or(MOST_PAYMENTS, |duty| duty.payments_a_day.min(MOST_PAYMENTS));
                    let note = (most < MOST_PAYMENTS).then(|| format!("duty cycle ends it at {most}"));
                    Line { label: name, note, points: points(&sibling, most), is_own }
                }
                Err(EnergyError::FrameTooLong { frame, bytes, limit, .. }) => Line {
                    label: format!("{name}: does not fit"),
                    note: Some(format!("{frame} of {bytes} bytes, limit {limit}")),
                    points: Vec::new(),
                    is_own,
                },
                Err(other) => {
                    Line { label: name, note: Some(other.code().to_owned()), points: Vec::new(), is_own }
                }
            }
        })
        .collect()
}

fn name(bearer: &Bearer) -> String {
    match bearer {
        Bearer::Lorawan(link) => {
            let modulation = link.region.uplink(link.data_rate);
            format!(
                "{} SF{}/{}",
                link.data_rate,
                modulation.spreading_factor,
                modulation.bandwidth_hz / 1_000
            )
        }
        Bearer::NbIot(_) | Bearer::Sigfox(_) => {
            bearer.title().trim_start_matches("NB-IoT ").replace("release assistance", "release")
        }
    }
}

fn points(plan: &Plan, most: f64) -> Vec<(f64, f64)> {
    if most < LEAST_PAYMENTS {
        return Vec::new();
    }
    (0..=POINTS)
        .map(|step| f64::from(step) / f64::from(POINTS))
        .map(|share| LEAST_PAYMENTS * (most / LEAST_PAYMENTS).powf(share))
        .filter_map(|payments| Some((payments, plan.with_payments(payments).years().ok()?)))
        .collect()
}

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw(text: &mut String, plan: &Plan, lines: &[Line]) -> Drawn {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (head, body) = area.split_vertically(HEAD_HEIGHT);
    let (left, right) = body.split_horizontally(CHART_WIDTH);
    draw_head(&head, plan)?;
    draw_chart(&left, plan, lines)?;
    draw_legend(&right, plan, lines)?;
    area.present()
}

fn ink(size: u32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

fn draw_head(head: &Area<'_>, plan: &Plan) -> Drawn {
    let what = match plan.bearer {
        Bearer::Lorawan(link) => format!("LoRaWAN {}", link.region),
        Bearer::NbIot(_) | Bearer::Sigfox(_) => "NB-IoT".to_owned(),
    };
    let cell = &plan.cell;
    let status = match plan.habits.status_hours {
        Some(hours) => format!("a status frame every {hours} h"),
        None => "no status frames".to_owned(),
    };
    let title = format!("Years of life over {what}, cell {}", cell.name);
    let under = format!("{} mAh at {} V, {status}", cell.capacity_mah, cell.volts);
    head.draw_text(&title, &ink(20), (LEFT_EDGE, 16))?;
    head.draw_text(&under, &ink(14), (LEFT_EDGE, 44))
}

fn draw_chart(area: &Area<'_>, plan: &Plan, lines: &[Line]) -> Drawn {
    let shelf = plan.cell.shelf_years;
    let top = (shelf * 1.08).max(MANY_YEARS * 1.1);
    let mut chart = ChartBuilder::on(area)
        .margin_left(8)
        .margin_right(8)
        .margin_bottom(8)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(Payments, 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(PALE)
        .axis_style(INK)
        .label_style(ink(13))
        .axis_desc_style(ink(14))
        .x_desc("payments a day")
        .y_desc("years")
        .y_label_formatter(&|years| format!("{years:.0}"))
        .draw()?;
    for (years, dash) in [(shelf, 3), (MANY_YEARS, 7)] {
        let ends = [(LEAST_PAYMENTS, years), (MOST_PAYMENTS, years)];
        chart.draw_series(DashedLineSeries::new(ends, dash, 4, INK.stroke_width(1)))?;
    }
    for (line, colour) in lines.iter().zip(COLOURS) {
        let style = colour.stroke_width(line.width());
        chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
        // Where the band stops a line, a bar says that it is stopped.
        if let Some(&(payments, years)) = line.points.last().filter(|last| last.0 < MOST_PAYMENTS) {
            let (low, high) = ((payments, years - top / 60.0), (payments, years + top / 60.0));
            chart.draw_series([PathElement::new(vec![low, high], colour.stroke_width(2))])?;
        }
    }
    let payments = plan.habits.payments_a_day;
    if let (true, Ok(years)) = ((LEAST_PAYMENTS..=MOST_PAYMENTS).contains(&payments), plan.years()) {
        let own = lines.iter().zip(COLOURS).find(|(line, _)| line.is_own);
        let colour = own.map_or(INK, |(_, colour)| colour);
        chart.draw_series([Circle::new((payments, years), 5, colour.filled())])?;
    }
    Ok(())
}

fn draw_legend(area: &Area<'_>, plan: &Plan, lines: &[Line]) -> Drawn {
    let text = |label: &str, row: i32| area.draw_text(label, &ink(13), (LEGEND_TEXT, row - 7));
    let stroke = |row: i32, style: ShapeStyle| {
        area.draw(&PathElement::new(vec![(LEGEND_LEFT, row), (LEGEND_TEXT - 8, row)], style))
    };
    let mut row = LEGEND_TOP;
    for (line, colour) in lines.iter().zip(COLOURS) {
        if !line.points.is_empty() {
            stroke(row, colour.stroke_width(line.width()))?;
        }
        text(&line.label, row)?;
        row += LEGEND_ROW;
        if let Some(note) = &line.note {
            text(note, row - 4)?;
            row += LEGEND_ROW - 4;
        }
    }
    row += LEGEND_ROW / 2;
    for (label, dash) in [
        (format!("{MANY_YEARS} years: \"many years\" from here"), 7),
        (format!("{} years: shelf life of the cell", plan.cell.shelf_years), 3),
    ] {
        let mut at = LEGEND_LEFT;
        while at < LEGEND_TEXT - 8 {
            let end = (at + dash).min(LEGEND_TEXT - 8);
            area.draw(&PathElement::new(vec![(at, row), (end, row)], INK.stroke_width(1)))?;
            at += dash + 4;
        }
        text(&label, row)?;
        row += LEGEND_ROW;
    }
    if lines.iter().any(|line| line.is_own && !line.points.is_empty()) {
        area.draw(&Circle::new(((LEGEND_LEFT + LEGEND_TEXT - 8) / 2, row), 5, INK.filled()))?;
        text("the plan asked for", row)?;
    }
    Ok(())
}

impl Line {
    fn width(&self) -> u32 {
        if self.is_own { 3 } else { 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lorawan::{Link, Region};
    use crate::{Cell, Habits, Hello, Idle, NbIot};

    fn plan(bearer: Bearer) -> Plan {
        let habits = Habits { payments_a_day: 2.0, status_hours: Some(24.0), hello: Hello::Brief };
        Plan { bearer, cell: Cell::CR2477, card: bearer.card(), habits }
    }

    fn lorawan(region: Region, data_rate: &str) -> Plan {
        plan(Bearer::Lorawan(Link::new(region, region.data_rate(data_rate).unwrap())))
    }

    #[test]
    fn the_plot_has_a_line_for_each_data_rate_that_carries_a_payment() {
        for (region, data_rate, drawn) in [
            (Region::Eu868, "DR3", 6),
            (Region::Cn470, "DR2", 5),
            (Region::Us915, "DR1", 4),
            (Region::As923Dwell, "DR3", 3),
        ] {
            let svg = svg(&lorawan(region, data_rate)).unwrap();
            for number in region.data_rates() {
                assert!(svg.contains(&format!("{number} SF")), "{region} {number}");
            }
            let long = svg.lines().filter(|line| line.contains("<polyline") && line.len() > 500).count();
            assert_eq!(long, drawn, "{region}");
        }
    }

    #[test]
    fn the_plot_of_nb_iot_has_release_assistance_and_waiting() {
        let svg = svg(&plan(Bearer::NbIot(NbIot::new(true, Idle::Psm)))).unwrap();
        for label in [
            "with release, PSM",
            "with release, eDRX 81.92 s",
            "without release, PSM",
            "without release, eDRX",
        ] {
            assert!(svg.contains(label), "{label}");
        }
        assert_eq!(svg.lines().filter(|line| line.contains("<polyline") && line.len() > 500).count(), 4);
    }

    #[test]
    fn the_plot_says_which_frame_does_not_fit() {
        let svg = svg(&lorawan(Region::Cn470, "DR2")).unwrap();
        assert!(svg.contains("brief hello of 12 bytes, limit 0"));
    }

    #[test]
    fn the_plot_opens_as_xml_every_element_closed() {
        let svg = svg(&lorawan(Region::Eu868, "DR0")).unwrap();
        let mut open: Vec<&str> = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').expect("a tag ends");
            assert!(!text.contains('&') || text.contains("&quot;") || text.contains("&amp;"), "{text}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
                open.push(tag.split_whitespace().next().unwrap());
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        }
        assert!(open.is_empty(), "{open:?}");
    }
}
