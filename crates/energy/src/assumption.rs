//! A figure that an outlook rests on, with where it is from.

/// Where a figure is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The caller's own, in place of the one kept here.
    Given,
    /// From a standard, a data sheet, a measurement or our own guess, as the text says.
    Kept(&'static str),
}

impl Source {
    /// For people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Kept(text) => text,
        }
    }
}

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assumption {
    /// A stable name for machines, with its unit at the end: `transmit_ma`.
    pub key: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// Where it is from.
    pub source: Source,
    /// The option of the command that sets another.
    pub option: Option<&'static str>,
}

impl Assumption {
    /// A figure that can be set: it is [`Source::Given`] once it differs from the one kept.
    pub(crate) fn settable(
        (key, option): (&'static str, &'static str),
        what: &'static str,
        (value, kept): (f64, f64),
        unit: &'static str,
        source: &'static str,
    ) -> Self {
        let source = if value == kept { Source::Kept(source) } else { Source::Given };
        Self { key, what, value, unit, source, option: Some(option) }
    }

    /// A figure that stands.
    pub(crate) const fn fixed(
        key: &'static str,
        what: &'static str,
        value: f64,
        unit: &'static str,
        source: &'static str,
    ) -> Self {
        Self { key, what, value, unit, source: Source::Kept(source), option: None }
    }
}
