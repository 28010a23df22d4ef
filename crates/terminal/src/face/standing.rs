//! How this terminal stands with its bank and its reader, as far as it was heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pages::Connection;
use tap::{Outcome, RefusalCode};
use tokio::time::Instant;

use super::Desk;
use crate::error::{BankError, SmsError};
use crate::opening::Ending;

/// Pages that are looked at ask the bank no more often than this.
const LOOK_EVERY: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct Heard {
    security: Connection,
    transactions: Connection,
    is_refused: bool,
    is_revoked: bool,
    reader_gone: bool,
    looked: Option<Instant>,
}

/// What was heard last.
#[derive(Debug)]
pub(super) struct Standing(Mutex<Heard>);

impl Default for Standing {
    fn default() -> Self {
        Self(Mutex::new(Heard {
            security: Connection::Untried,
            transactions: Connection::Untried,
            is_refused: false,
            is_revoked: false,
            reader_gone: false,
            looked: None,
        }))
    }
}

impl Standing {
    pub(super) fn security(&self) -> Connection {
        self.heard().security
    }

    pub(super) fn transactions(&self) -> Connection {
        self.heard().transactions
    }

    /// Both servers as one.
    pub(super) fn bank(&self) -> Connection {
        let heard = self.heard();
        let both = [heard.security, heard.transactions];
        let any = |connection| both.contains(&connection);
        match () {
            () if any(Connection::Away) => Connection::Away,
            () if any(Connection::Reached) => Connection::Reached,
            () => Connection::Untried,
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.heard().is_refused
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.heard().is_revoked
    }

    pub(super) fn reader_gone(&self) -> bool {
        self.heard().reader_gone
    }

    pub(super) fn reader_chosen(&self) {
        self.heard().reader_gone = false;
    }

    /// The security server was asked, and answered or not.
    pub(super) fn hear_security(&self, failed: Option<&BankError>) {
        let mut heard = self.heard();
        match failed {
            None => {
                heard.security = Connection::Reached;
                (heard.is_refused, heard.is_revoked) = (false, false);
            }
            Some(error) if error.is_silence() => heard.security = Connection::Away,
            Some(error) => {
                if error.refusal().is_some() {
                    heard.security = Connection::Reached;
                }
                heard.is_refused = error.outcome() == Outcome::TerminalRefused;
                heard.is_revoked = error.refusal() == Some(RefusalCode::TerminalRevoked);
            }
        }
    }

    /// The security server was asked for a code.
    pub(super) fn hear_sms(&self, refused: Option<&SmsError>) {
        match refused {
            None | Some(SmsError::Refused(_)) => self.hear_security(None),
            Some(SmsError::Bank(error)) => self.hear_security(Some(error)),
        }
    }

    /// A transaction ended.
    pub(super) fn hear_ending(&self, ending: &Ending) {
        let mut heard = self.heard();
        let outcome = ending.outcome();
        heard.reader_gone = outcome == Some(Outcome::ReaderGone);
        match outcome {
            Some(Outcome::ServerAway | Outcome::Unanswered) => heard.transactions = Connection::Away,
            Some(Outcome::TerminalRefused) => heard.is_refused = true,
            _ if is_from_the_bank(ending) => {
                heard.transactions = Connection::Reached;
                heard.is_refused = false;
            }
            _ => {}
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether only the bank can have said this.
fn is_from_the_bank(ending: &Ending) -> bool {
    use Outcome as O;
    let end = &ending.report.end;
    let said = matches!(
        ending.outcome(),
        Some(
            O::Loaded
                | O::Activated
                | O::NothingOpen
                | O::OpenLoad
                | O::SmsWrong
                | O::SmsExpired
                | O::SmsBlocked
                | O::SmsNotForThis
                | O::PinWrong
                | O::PinBlocked
                | O::InsufficientFunds
                | O::AmountRefused
                | O::DayLimit
                | O::UnknownCard
                | O::ForeignCard
                | O::CardFrozen
                | O::AccountFrozen
        )
    );
    said || end.verified || end.reference.is_some()
}

impl Desk {
    /// Asks the bank in the background how the working key stands, unless that was done just now: a transaction
    /// that follows need not wait for it, and a page tells whether the bank is there.
    pub(super) fn look_at_bank(self: &Arc<Self>) {
        {
            let mut heard = self.standing.heard();
            // The key that came at the start says it too.
            if heard.security == Connection::Untried && self.terminal.condition().key.is_some() {
                heard.security = Connection::Reached;
            }
            if heard.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
                return;
            }
            heard.looked = Some(Instant::now());
        }
        let desk = Arc::clone(self);
        tokio::spawn(async move {
            let prepared = desk.terminal.prepare().await;
            desk.standing.hear_security(prepared.as_ref().err());
        });
    }

    /// The same now: something was said that only the bank explains.
    pub(super) fn look_at_bank_again(self: &Arc<Self>) {
        self.standing.heard().looked = None;
        self.look_at_bank();
    }
}
