//! What is stored of operators, as values.
//!
//! For: the rows behind the console's login. Refuses: deciding about them (the crate `operator`, and `server`).
//! Next: [`mod@crate::operator`] for what is done with them.

use ::operator::{OperatorName, PasswordHash, Role, SessionTimes, Stage, TotpStep};
use crypto::SealedSecret;
use model::UnixMillis;
use payment::OperatorId;

use super::KeptSecret;

/// An operator who is to be added.
#[derive(Clone, Debug)]
pub struct NewOperator {
    /// What they are called.
    pub name: OperatorName,
    /// What they may.
    pub role: Role,
    /// What is kept of their password.
    pub password: PasswordHash,
    /// What their authenticator shares, sealed for their name.
    pub totp: SealedSecret,
    /// When they were added.
    pub created_at: UnixMillis,
}

/// An operator.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub totp: KeptSecret,
    /// The last step whose code was used.
    pub totp_step: TotpStep,
    /// Since when they may not log in.
    pub disabled_at: Option<UnixMillis>,
    /// When they were added.
    pub created_at: UnixMillis,
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
