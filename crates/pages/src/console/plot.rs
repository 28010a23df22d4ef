//! A small plot of one figure over time, as the parts of a drawing: no script draws it.

use crate::language::Language;

/// A moment in milliseconds, and the value then; `None` where nothing is known, which breaks the line.
pub type Point = (i64, Option<i32>);

/// Width and height of the drawing, in its own units.
const WIDTH: i64 = 600;
const HEIGHT: i64 = 120;

/// A plot: oldest on the left, a moment where its time is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// When the first value is of, as text.
    pub from: String,
    /// The same of the last.
    pub to: String,
    points: Vec<Point>,
    low: i32,
    high: i32,
    gap_millis: i64,
}

impl Plot {
    /// A plot of at least two values, by time; `None` of fewer. The scale is that of the values, or wider if `between`
    /// is. Two values further apart than `gap_millis` are not joined: nobody knows what was between them.
    pub fn new(
        points: Vec<Point>,
        between: (i32, i32),
        gap_millis: i64,
        from: String,
        to: String,
    ) -> Option<Self> {
        let known = || points.iter().filter_map(|(_, value)| *value);
        if known().count() < 2 {
            return None;
        }
        let low = known().min().unwrap_or(between.0).min(between.0);
        let high = known().max().unwrap_or(between.1).max(between.1).max(low + 1);
        Some(Self { from, to, points, low, high, gap_millis })
    }

    fn known(&self) -> impl DoubleEndedIterator<Item = i32> {
        self.points.iter().filter_map(|(_, value)| *value)
    }

    /// What stands beside the scale, the top first.
    pub fn scale(&self) -> [i32; 3] {
        [self.high, self.low + (self.high - self.low) / 2, self.low]
    }

    /// What it shows, for whoever does not see it.
    pub fn told(&self, language: &Language, title: &str) -> String {
        let least = self.known().min().unwrap_or(self.low);
        let most = self.known().max().unwrap_or(self.high);
        let last = self.known().next_back().unwrap_or(self.low);
        language.plot(title, [least, most, last], &self.from, &self.to)
    }

    /// The lines, as the `points` of SVG polylines: a gap begins a new one. A value by itself is a short line.
    pub fn lines(&self) -> Vec<String> {
        let began = self.points.first().map_or(0, |(at, _)| *at);
        let span = self.points.last().map_or(0, |(at, _)| at.saturating_sub(began)).max(1);
        let height = i64::from(self.high - self.low);
        let mut lines: Vec<Vec<(i64, i64)>> = vec![Vec::new()];
        let mut before = began;
        for (at, value) in &self.points {
            if value.is_none() || at.saturating_sub(before) > self.gap_millis {
                lines.push(Vec::new());
            }
            before = *at;
            if let (Some(value), Some(line)) = (value, lines.last_mut()) {
                let x = at.saturating_sub(began).saturating_mul(WIDTH) / span;
                line.push((x, HEIGHT - i64::from(value - self.low) * HEIGHT / height));
            }
        }
        let drawn = lines.into_iter().filter(|line| !line.is_empty()).map(|mut line| {
            if let [(x, y)] = *line {
                line.push((x + 2, y));
            }
            line.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
        });
        drawn.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: &[Point]) -> Option<Plot> {
        Plot::new(points.to_vec(), (0, 100), 1_000, "a".into(), "b".into())
    }

    #[test]
    fn a_value_stands_where_its_time_is_and_the_line_breaks_where_nothing_is_known() {
        let drawn = plot(&[
            (0, Some(0)),
            (100, Some(50)),
            (200, None),
            (300, Some(100)),
            (400, None),
            (500, Some(25)),
            (600, Some(50)),
        ]);
        let drawn = drawn.unwrap();
        assert_eq!(drawn.lines(), ["0,120 100,60", "300,0 302,0", "500,90 600,60"]);
        assert_eq!(drawn.scale(), [100, 50, 0]);
        assert_eq!(
            drawn.told(&Language::English, "Battery"),
            "Battery, a to b: lowest 0, highest 100, last 50"
        );
        let uneven = plot(&[(5_000, Some(0)), (5_100, Some(100)), (5_600, Some(0))]).unwrap();
        assert_eq!(uneven.lines(), ["0,120 100,0 600,120"]);
    }

    #[test]
    fn values_that_lie_too_far_apart_are_not_joined() {
        let drawn = plot(&[(0, Some(50)), (1_000, Some(50)), (2_001, Some(50)), (3_000, Some(50))]).unwrap();
        assert_eq!(drawn.lines(), ["0,60 200,60", "400,60 600,60"]);
    }

    #[test]
    fn a_scale_grows_with_its_values() {
        let deep = plot(&[(0, Some(-40)), (0, Some(-20))]).unwrap();
        assert_eq!(deep.scale(), [100, 30, -40]);
        assert_eq!(deep.lines().len(), 1, "values of one moment stand above each other");
        let wide =
            plot(&[(i64::MIN, Some(i32::from(i16::MIN))), (i64::MAX, Some(i32::from(i16::MAX)))]).unwrap();
        assert_eq!(wide.lines().len(), 2);
    }

    #[test]
    fn one_value_is_no_plot() {
        let (known, unknown) = ((1, Some(1)), (2, None));
        assert_eq!([plot(&[]), plot(&[known]), plot(&[unknown, known, unknown])], [None, None, None]);
    }
}
