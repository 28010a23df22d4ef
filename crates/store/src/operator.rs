//! What a unit of work can see and change of operators, their sessions and the audit chain.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these.
//! Refuses: deciding who may what (the crate `operator`). What is guarded here holds when everything above fails: a name
//! is given once, an operator is never deleted, an audit entry never changes, and the chain goes on by one.
//! Next: [`crate::rows`] for the values.

use ::operator::{AuditEntry, AuditHead, AuditNote, OperatorName};
use model::{HolderReference, UnixMillis};

use crate::StoreError;
use crate::rows::{BankCard, NewOperator, OperatorSession, StoredOperator};
use payment::OperatorId;

type Found<T> = Result<Option<T>, StoreError>;
type Listed<T> = Result<Vec<T>, StoreError>;

/// What can be read of operators.
pub trait OperatorReading {
    /// An operator.
    fn operator(&self, id: OperatorId) -> Found<StoredOperator>;
    /// The operator of a name.
    fn operator_of_name(&self, name: &OperatorName) -> Found<StoredOperator>;
    /// Operators, by name.
    fn operators(&self, limit: u32) -> Listed<StoredOperator>;
    /// How many recovery codes an operator has left.
    fn recovery_codes_left(&self, operator: OperatorId) -> Result<u32, StoreError>;
    /// The session of a token's digest, however old.
    fn operator_session(&self, digest: &[u8; 32]) -> Found<OperatorSession>;
    /// Where the audit chain ends.
    fn audit_head(&self) -> Result<AuditHead, StoreError>;
    /// Audit entries above a place, in order.
    fn audit_after(&self, seq: u64, limit: u32) -> Listed<AuditEntry>;
    /// Audit entries, newest first, below a place.
    fn audit_before(&self, seq: Option<u64>, limit: u32) -> Listed<AuditEntry>;
    /// A holder's bank cards, by number.
    fn bank_cards_of_holder(&self, holder: HolderReference) -> Listed<BankCard>;
}

/// What can be changed of operators. `put_` changes exactly one row, or answers [`StoreError::Malformed`] with its table.
pub trait OperatorUnit: OperatorReading {
    /// Adds an operator, whose name nobody had before.
    fn add_operator(&mut self, operator: &NewOperator) -> Result<OperatorId, StoreError>;
    /// Keeps an operator's role, password, secret, last step and end. The name stays.
    fn put_operator(&mut self, operator: &StoredOperator) -> Result<(), StoreError>;
    /// Keeps these recovery codes in place of those before.
    fn put_recovery_codes(&mut self, operator: OperatorId, digests: &[[u8; 32]]) -> Result<(), StoreError>;
    /// Uses a recovery code up; whether it was good.
    fn use_recovery_code(
        &mut self,
        operator: OperatorId,
        digest: &[u8; 32],
        at: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Adds a session.
    fn add_operator_session(&mut self, session: &OperatorSession) -> Result<(), StoreError>;
    /// Keeps when a session was last used; whether it is there.
    fn touch_operator_session(&mut self, digest: &[u8; 32], seen_at: UnixMillis) -> Result<bool, StoreError>;
    /// Ends a session; whether it was there. Of two who end it, one does.
    fn end_operator_session(&mut self, digest: &[u8; 32]) -> Result<bool, StoreError>;
    /// Ends all sessions of an operator; how many.
    fn end_sessions_of(&mut self, operator: OperatorId) -> Result<u32, StoreError>;
    /// Forgets sessions that began before a moment; how many.
    fn forget_operator_sessions(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
    /// Appends an entry to the audit chain. Never in a payment's unit of work: the chain's end is one row.
    fn append_audit(&mut self, note: &AuditNote) -> Result<AuditEntry, StoreError>;
}
