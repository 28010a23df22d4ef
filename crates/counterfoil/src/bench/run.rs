//! What several runs of a bench have found, as lines, as JSON, and as a picture.

use std::path::Path;
use std::process::ExitCode;

use plotters::prelude::*;
use serde_json::{Map, Value};

use super::air::rounded;
use crate::cli::{Failure, print};

/// Size of a picture, and of what is in it.
const WIDTH: u32 = 900;
const HEAD: i32 = 64;
const ROW: i32 = 44;
const BAR: i32 = 22;
const LEFT: i32 = 330;
const RIGHT: i32 = 180;
const INK: RGBColor = RGBColor(51, 51, 51);
const PALE: RGBColor = RGBColor(225, 225, 225);
const BLUE: RGBColor = RGBColor(0, 114, 178);

/// What was varied in a run, and what came out.
pub(super) struct Run {
    pub(super) settings: Vec<(&'static str, u64)>,
    pub(super) figures: Vec<(&'static str, f64)>,
}

impl Run {
    fn figure(&self, name: &str) -> f64 {
        self.figures.iter().find(|(known, _)| *known == name).map_or(f64::NAN, |(_, value)| *value)
    }

    fn label(&self) -> String {
        let said: Vec<String> =
            self.settings.iter().map(|(name, value)| format!("{name} {}", thousands(*value))).collect();
        said.join(", ")
    }

    fn json(&self) -> Map<String, Value> {
        let settings = self.settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let figures = self.figures.iter().map(|(name, value)| ((*name).to_owned(), rounded(*value).into()));
        settings.chain(figures).collect()
    }
}

/// All runs of one command on one engine.
pub(super) struct Report {
    pub(super) bench: &'static str,
    pub(super) engine: &'static str,
    /// The figure that the picture shows, and what it is called there.
    pub(super) shown: &'static str,
    pub(super) unit: &'static str,
    /// Between what it was before the runs and after them.
    pub(super) floor: f64,
    pub(super) runs: Vec<Run>,
}

impl Report {
    /// The newest run's figures beside the floor, and all runs.
    pub(super) fn tell(mut self, json: bool, svg: Option<&Path>) -> Result<ExitCode, Failure> {
        for run in &mut self.runs {
            let ratio = run.figure(self.shown) / self.floor;
            run.figures.insert(1, ("ratio_to_floor", ratio));
        }
        if let Some(file) = svg {
            std::fs::write(file, self.svg()?).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        if json {
            let mut object = self.runs.last().map(Run::json).unwrap_or_default();
            object.insert("engine".into(), self.engine.into());
            object.insert("floor_transfers_per_s".into(), rounded(self.floor).into());
            let runs = self.runs.iter().map(|run| Value::Object(run.json())).collect();
            object.insert("runs".into(), Value::Array(runs));
            return print(&format!("{}\n", Value::Object(object)));
        }
        let mut text = format!("{:<30} {}\n", "engine", self.engine);
        text += &format!("{:<30} {}\n", "floor_transfers_per_s", rounded(self.floor));
        for run in &self.runs {
            text += &format!("{}:\n", run.label());
            for (name, value) in &run.figures {
                text += &format!("  {name:<28} {}\n", rounded(*value));
            }
        }
        print(&text)
    }

    fn svg(&self) -> Result<String, Failure> {
        let mut text = String::new();
        self.draw(&mut text).map_err(|error| format!("the picture could not be drawn: {error}"))?;
        Ok(text)
    }

    fn draw(&self, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
        let rows = i32::try_from(self.runs.len())?;
        let height = u32::try_from(HEAD + rows * ROW + 30)?;
        let area = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let title = ("sans-serif", 22).into_font().color(&INK);
        let small = ("sans-serif", 17).into_font().color(&INK);
        let floor = thousands(self.floor as u64);
        area.draw_text(&format!("bench {}, {}: {}", self.bench, self.engine, self.unit), &title, (16, 14))?;
        let said = format!("the engine's floor on this machine: {floor} two-posting transfers a second");
        area.draw_text(&said, &small, (16, 38))?;
        let most = self.runs.iter().map(|run| run.figure(self.shown)).fold(1.0, f64::max);
        let room = f64::from(i32::try_from(WIDTH)? - LEFT - RIGHT);
        for (row, run) in (0..).zip(&self.runs) {
            let value = run.figure(self.shown);
            let (top, length) = (HEAD + row * ROW, (value / most * room) as i32);
            area.draw_text(&run.label(), &small, (16, top + 4))?;
            let whole = [(LEFT, top), (LEFT + room as i32, top + BAR)];
            area.draw(&Rectangle::new(whole, PALE.filled()))?;
            area.draw(&Rectangle::new([(LEFT, top), (LEFT + length, top + BAR)], BLUE.filled()))?;
            let said = format!("{}  ({:.2} of floor)", thousands(value as u64), value / self.floor);
            area.draw_text(&said, &small, (LEFT + room as i32 + 8, top + 4))?;
        }
        area.present()?;
        Ok(())
    }
}

/// 1,000,000.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut said = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            said.push(',');
        }
        said.push(digit);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_draws_a_bar_a_run_and_says_its_share_of_the_floor() {
        let run = |cards, rate| Run {
            settings: vec![("cards", cards), ("nodes", 2)],
            figures: vec![("payments_per_s", rate)],
        };
        let report = Report {
            bench: "air",
            engine: "postgres",
            shown: "payments_per_s",
            unit: "payments a second",
            floor: 16_000.0,
            runs: vec![run(1_000, 2_000.0), run(1_000_000, 4_000.0)],
        };
        let svg = report.svg().unwrap();
        for said in
            ["cards 1,000, nodes 2", "cards 1,000,000, nodes 2", "(0.25 of floor)", "16,000 two-posting"]
        {
            assert!(svg.contains(said), "{said}");
        }
        assert_eq!([0, 999, 1_000, 12_345_678].map(thousands), ["0", "999", "1,000", "12,345,678"]);
    }
}
