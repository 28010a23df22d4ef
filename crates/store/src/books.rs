//! What a database's books come to: sums, balances again from the postings, and the audit chain.

use model::Currency;
use operator::{AuditHead, Verifier};

use crate::error::StoreError;
use crate::rows::{BalanceDifference, Totals};
use crate::unit::Reading;

/// Audit entries that are read at once.
const PORTION: u32 = 1_000;

/// The books of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// Each kind of account in each currency.
    pub totals: Vec<Totals>,
    /// Accounts whose stored sums are not those of their postings and pending transfers; empty when sound.
    pub differences: Vec<BalanceDifference>,
    /// Transfers that are pending, posted, voided, expired.
    pub transfers: [u64; 4],
    /// The audit chain's end, or why it does not stand.
    pub audit: Result<AuditHead, String>,
}

impl Books {
    /// Reckons every balance and every hash of the audit chain again.
    ///
    /// # Errors
    /// What the engine says, and rows that cannot be read.
    pub fn of(rows: &dyn Reading) -> Result<Self, StoreError> {
        Ok(Self {
            totals: rows.totals()?,
            differences: rows.balance_differences()?,
            transfers: rows.transfer_counts()?,
            audit: audit(rows)?,
        })
    }

    /// What each currency's posted sums come to: zero, each of them, when sound.
    pub fn sums(&self) -> Vec<(Currency, i128)> {
        let mut sums: Vec<(Currency, i128)> = Vec::new();
        for total in &self.totals {
            let posted = i128::from(total.posted);
            match sums.iter_mut().find(|(currency, _)| *currency == total.currency) {
                Some((_, sum)) => *sum = sum.saturating_add(posted),
                None => sums.push((total.currency, posted)),
            }
        }
        sums
    }

    /// The first thing that is wrong with them, in a sentence; nothing when they are sound.
    pub fn fault(&self) -> Option<String> {
        if let Some(difference) = self.differences.first() {
            return Some(format!(
                "account {} has {:?} stored and {:?} by its postings",
                difference.account.0, difference.stored, difference.recomputed
            ));
        }
        if let Some((currency, sum)) = self.sums().into_iter().find(|(_, sum)| *sum != 0) {
            return Some(format!("{currency} sums to {sum}, and not to zero"));
        }
        self.audit.as_ref().err().map(|broken| format!("the audit chain does not stand: {broken}"))
    }
}

fn audit(rows: &dyn Reading) -> Result<Result<AuditHead, String>, StoreError> {
    let kept = rows.audit_head()?;
    let mut verifier = Verifier::passed([]);
    loop {
        let entries = rows.audit_after(verifier.head().seq, PORTION)?;
        if entries.is_empty() {
            return Ok(verifier.end(kept).map_err(|broken| broken.to_string()));
        }
        for entry in &entries {
            if let Err(broken) = verifier.take(entry) {
                return Ok(Err(broken.to_string()));
            }
        }
    }
}
