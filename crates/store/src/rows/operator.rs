//! What is stored of operators, as values.
//!
//! For: the rows behind the console's login. Refuses: deciding about them (the crate `operator`, and `server`).
//! Next: [`mod@crate::operator`] for what is done with them.

use ::operator::{OperatorName, PasswordHash, Role, SessionTimes, Stage, TotpSecret, TotpStep};
use model::UnixMillis;
use payment::OperatorId;

/// An operator who is to be added.
#[derive(Clone, Debug)]
pub struct NewOperator {
    /// What they are called.
    pub name: OperatorName,
    /// What they may.
    pub role: Role,
    /// What is kept of their password.
    pub password: PasswordHash,
    /// What their authenticator shares.
    pub totp: TotpSecret,
    /// When they were added.
    pub created_at: UnixMillis,
}

/// An operator.
#[derive(Clone, Debug)]
pub struct StoredOperator {
    /// Their number.
    pub id: OperatorId,
    /// What they are called, for ever.
    pub name: OperatorName,
    /// What they may.
    pub role: Role,
    /// What is kept of their password.
    pub password: PasswordHash,
    /// What their authenticator shares.
    pub totp: TotpSecret,
    /// The last step whose code was used.
    pub totp_step: TotpStep,
    /// Since when they may not log in.
    pub disabled_at: Option<UnixMillis>,
    /// When they were added.
    pub created_at: UnixMillis,
}

/// Compared by all but its secrets' types, which have no comparison of their own.
impl PartialEq for StoredOperator {
    fn eq(&self, other: &Self) -> bool {
        let plain = |it: &Self| (it.id, it.role, it.totp_step, it.disabled_at, it.created_at);
        plain(self) == plain(other)
            && self.name == other.name
            && self.password == other.password
            && self.totp.expose_to_store() == other.totp.expose_to_store()
    }
}

/// A session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorSession {
    /// Digest of its token.
    pub digest: [u8; 32],
    /// Whose.
    pub operator: OperatorId,
    /// How far its login is.
    pub stage: Stage,
    /// When it began and was last used.
    pub times: SessionTimes,
}
