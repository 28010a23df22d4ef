//! A small plot of one figure over time, as the parts of a drawing: no script draws it.

/// One value; `None` where nothing is known, which breaks the line.
pub type Point = Option<i32>;

/// Width and height of the drawing, in its own units.
const WIDTH: i32 = 600;
const HEIGHT: i32 = 120;

/// A plot: oldest on the left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// When the first and the last value are of, as text.
    pub from: String,
    /// The same of the last.
    pub to: String,
    points: Vec<Point>,
    low: i32,
    high: i32,
}

impl Plot {
    /// A plot of at least two values; `None` of fewer. The scale is that of the values, or wider if `between` is.
    pub fn new(points: Vec<Point>, between: (i32, i32), from: String, to: String) -> Option<Self> {
        let known = || points.iter().flatten().copied();
        if known().count() < 2 {
            return None;
        }
        let low = known().min().unwrap_or(between.0).min(between.0);
        let high = known().max().unwrap_or(between.1).max(between.1).max(low + 1);
        Some(Self { from, to, points, low, high })
    }

    /// The bottom of the scale.
    pub fn low(&self) -> i32 {
        self.low
    }

    /// The top of the scale.
    pub fn high(&self) -> i32 {
        self.high
    }

    /// The last value that is known.
    pub fn last(&self) -> i32 {
        self.points.iter().rev().flatten().next().copied().unwrap_or(self.low)
    }

    /// The smallest value.
    pub fn least(&self) -> i32 {
        self.points.iter().flatten().min().copied().unwrap_or(self.low)
    }

    /// The largest value.
    pub fn most(&self) -> i32 {
        self.points.iter().flatten().max().copied().unwrap_or(self.high)
    }

    /// The lines, as the `points` of SVG polylines: a gap begins a new one. A value by itself is a short line.
    pub fn lines(&self) -> Vec<String> {
        let last = i32::try_from(self.points.len().saturating_sub(1)).unwrap_or(i32::MAX).max(1);
        let mut lines: Vec<Vec<(i32, i32)>> = vec![Vec::new()];
        for (place, value) in self.points.iter().enumerate() {
            let x = i32::try_from(place).unwrap_or(i32::MAX).saturating_mul(WIDTH) / last;
            match value {
                Some(value) => {
                    let y = HEIGHT - (value - self.low).saturating_mul(HEIGHT) / (self.high - self.low);
                    if let Some(line) = lines.last_mut() {
                        line.push((x, y));
                    }
                }
                None => lines.push(Vec::new()),
            }
        }
        lines
            .into_iter()
            .filter(|line| !line.is_empty())
            .map(|mut line| {
                if let [(x, y)] = *line {
                    line.push((x + 2, y));
                }
                line.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: &[Point]) -> Option<Plot> {
        Plot::new(points.to_vec(), (0, 100), "a".into(), "b".into())
    }

    #[test]
    fn a_plot_keeps_its_scale_and_breaks_where_nothing_is_known() {
        let drawn = plot(&[Some(0), Some(50), None, Some(100), None, Some(25), Some(50)]).unwrap();
        assert_eq!(drawn.lines(), ["0,120 100,60", "300,0 302,0", "500,90 600,60"]);
        assert_eq!(
            (drawn.low(), drawn.high(), drawn.last(), drawn.least(), drawn.most()),
            (0, 100, 50, 0, 100)
        );
        let deep = plot(&[Some(-40), Some(-20)]).unwrap();
        assert_eq!((deep.low(), deep.high()), (-40, 100));
    }

    #[test]
    fn one_value_is_no_plot() {
        assert_eq!([plot(&[]), plot(&[Some(1)]), plot(&[None, Some(1), None])], [None, None, None]);
    }
}
