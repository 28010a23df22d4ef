//! Where the header of a demonstration's wallet pages leads.

use pages::{Href, TerminalNav};

/// The addresses of the pages that belong together, each of them perhaps another server of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// The terminal's first page.
    pub home: String,
    /// The terminal's settings.
    pub settings: String,
    /// The field with its software cards.
    pub field: String,
    /// The text messages.
    pub outbox: String,
}

impl Links {
    pub(crate) fn nav(&self) -> TerminalNav {
        let href = |address: &String| Href::new(address.as_str());
        TerminalNav {
            home: href(&self.home),
            settings: href(&self.settings),
            field: Some(href(&self.field)),
            outbox: Some(href(&self.outbox)),
        }
    }
}
