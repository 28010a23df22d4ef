//! A TOML body, read key by key, so that every fault has the name of its key.

use std::ops::RangeInclusive;

use model::{Fen, IndustryCode};
use toml::{Table, Value};

use crate::error::BodyError;

/// A table whose keys are taken one by one.
pub(crate) struct Body {
    rest: Table,
    /// Names of the tables that it is in, each with a dot.
    path: String,
}

/// The most that a limit may say: a million yuan, far above any purse and far below what 4 bytes hold.
const FEN_MAX: i64 = 100_000_000;

impl Body {
    /// Reads a text that begins after so many lines of its file.
    pub(crate) fn parse(text: &str, lines_before: usize) -> Result<Self, BodyError> {
        let rest = text.parse::<Table>().map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = lines_before + 1 + before.matches('\n').count();
            BodyError::Malformed { line, what: error.message().to_owned() }
        })?;
        Ok(Self { rest, path: String::new() })
    }

    fn named(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    fn take(&mut self, key: &str) -> Result<Value, BodyError> {
        self.rest.remove(key).ok_or_else(|| BodyError::Missing { key: self.named(key) })
    }

    fn wrong(&self, key: &str, wanted: &'static str) -> BodyError {
        BodyError::WrongType { key: self.named(key), wanted }
    }

    /// The error of a value that cannot be.
    pub(crate) fn out_of_range(&self, key: &str, wanted: &'static str) -> BodyError {
        BodyError::OutOfRange { key: self.named(key), wanted }
    }

    /// The table of this name.
    pub(crate) fn table(&mut self, key: &str) -> Result<Self, BodyError> {
        match self.take(key)? {
            Value::Table(rest) => Ok(Self { rest, path: format!("{}.", self.named(key)) }),
            _ => Err(self.wrong(key, "a table")),
        }
    }

    pub(crate) fn text(&mut self, key: &str) -> Result<String, BodyError> {
        match self.take(key)? {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(key, "a text in quotes")),
        }
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<bool, BodyError> {
        match self.take(key)? {
            Value::Boolean(flag) => Ok(flag),
            _ => Err(self.wrong(key, "true or false")),
        }
    }

    /// Any whole number of 0 and above: a format, which is compared before all else.
    pub(crate) fn natural(&mut self, key: &str) -> Result<u64, BodyError> {
        match self.take(key)? {
            Value::Integer(number) => u64::try_from(number).map_err(|_| self.out_of_range(key, "0 or more")),
            _ => Err(self.wrong(key, "a whole number")),
        }
    }

    pub(crate) fn number<T: TryFrom<i64>>(
        &mut self,
        key: &str,
        range: RangeInclusive<i64>,
        wanted: &'static str,
    ) -> Result<T, BodyError> {
        match self.take(key)? {
            Value::Integer(number) if range.contains(&number) => {
                T::try_from(number).map_err(|_| self.out_of_range(key, wanted))
            }
            Value::Integer(_) => Err(self.out_of_range(key, wanted)),
            _ => Err(self.wrong(key, "a whole number")),
        }
    }

    /// An amount above zero, in fen.
    pub(crate) fn fen(&mut self, key: &str) -> Result<Fen, BodyError> {
        self.number(key, 1..=FEN_MAX, "1 to 100000000 fen").map(Fen)
    }

    /// Amounts above zero that rise, at most `count`.
    pub(crate) fn rising_fen(&mut self, key: &str, count: usize) -> Result<Vec<Fen>, BodyError> {
        const WANTED: &str = "up to 12 amounts in fen, above zero and rising";
        let Value::Array(values) = self.take(key)? else {
            return Err(self.wrong(key, "a list of whole numbers"));
        };
        let amounts: Option<Vec<Fen>> = values
            .iter()
            .map(|value| match value {
                Value::Integer(number) if (1..=FEN_MAX).contains(number) => {
                    u32::try_from(*number).ok().map(Fen)
                }
                _ => None,
            })
            .collect();
        let amounts = amounts.ok_or_else(|| self.out_of_range(key, WANTED))?;
        if amounts.len() > count || !amounts.is_sorted_by(|a, b| a < b) {
            return Err(self.out_of_range(key, WANTED));
        }
        Ok(amounts)
    }

    /// Bytes in hexadecimal digits; spaces are for the eye.
    pub(crate) fn bytes(
        &mut self,
        key: &str,
        lengths: RangeInclusive<usize>,
        wanted: &'static str,
    ) -> Result<Vec<u8>, BodyError> {
        let digits: String = self.text(key)?.chars().filter(|c| *c != ' ').collect();
        let bytes = hex::decode(digits).ok().filter(|bytes| lengths.contains(&bytes.len()));
        bytes.ok_or_else(|| self.out_of_range(key, wanted))
    }

    /// A text without control characters, for people.
    pub(crate) fn label(&mut self, key: &str) -> Result<String, BodyError> {
        let label = self.text(key)?;
        let fits = (1..=40).contains(&label.chars().count());
        if !fits || label.trim() != label || label.chars().any(char::is_control) {
            return Err(self.out_of_range(key, "1 to 40 characters, without line breaks"));
        }
        Ok(label)
    }

    pub(crate) fn code(&mut self) -> Result<IndustryCode, BodyError> {
        let code = self.text("code")?.parse();
        code.map_err(|_| self.out_of_range("code", "four decimal digits in quotes"))
    }

    /// All keys were taken.
    pub(crate) fn end(self) -> Result<(), BodyError> {
        match self.rest.keys().next() {
            Some(key) => Err(BodyError::UnknownKey { key: self.named(key) }),
            None => Ok(()),
        }
    }
}
