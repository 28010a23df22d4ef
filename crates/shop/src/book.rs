//! The orders that this shop placed since it opened, by the shop's own reference.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Url;
use tokio::sync::OnceCell;

/// How many references are remembered; the oldest are forgotten first.
const KEPT: usize = 10_000;

/// An order that the platform has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Its id on the platform.
    pub(crate) id: String,
    /// Where the shopper pays.
    pub(crate) pay_url: Url,
}

/// A line of the book: empty while the order is being placed. Who finds it empty waits for whoever fills it.
pub(crate) type Line = Arc<OnceCell<Placed>>;

/// The book. It lives as long as the program; the platform keeps what must not be lost.
#[derive(Default)]
pub(crate) struct OrderBook {
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    by_reference: HashMap<String, Line>,
    oldest_first: VecDeque<String>,
}

impl OrderBook {
    /// The line of a reference, begun when there is none.
    pub(crate) fn line(&self, reference: &str) -> Line {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.by_reference.get(reference) {
            return line.clone();
        }
        if lines.oldest_first.len() >= KEPT
            && let Some(oldest) = lines.oldest_first.pop_front()
        {
            lines.by_reference.remove(&oldest);
        }
        let line = Line::default();
        lines.oldest_first.push_back(reference.to_owned());
        lines.by_reference.insert(reference.to_owned(), line.clone());
        line
    }

    /// The order of a reference, if it was placed.
    pub(crate) fn find(&self, reference: &str) -> Option<Placed> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.by_reference.get(reference)?.get().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_line_is_forgotten() {
        let book = OrderBook::default();
        let placed = Placed { id: "1".into(), pay_url: Url::parse("http://a/").unwrap() };
        book.line("first").set(placed.clone()).unwrap();
        for number in 1..KEPT {
            book.line(&number.to_string());
        }
        assert_eq!(book.find("first"), Some(placed));
        book.line("one more");
        assert_eq!(book.find("first"), None);
        assert_eq!(book.lines.lock().unwrap().by_reference.len(), KEPT);
    }
}
