//! Who may do what in the console, and how it is kept who did what.
//!
//! For: the rules of operators: passwords, one-time codes, recovery codes, roles, sessions, delays after wrong tries,
//! and the chain of audit entries. Time and randomness are arguments; nothing here reads a clock, a file or a socket.
//! Refuses: storing (see `store`), pages and cookies (see `server::web`).
//! Next: [`role`] for the one table of what each role may, [`session`] for how long a login holds, [`audit`] for the chain.

pub mod action;
pub mod audit;
pub mod bucket;
pub mod delay;
pub mod name;
pub mod password;
pub mod recovery;
pub mod role;
pub mod session;
pub mod totp;

pub use action::AuditAction;
pub use audit::{AuditBreak, AuditEntry, AuditHead, AuditNote, Verifier};
pub use bucket::{Bucket, Rate};
pub use delay::Tries;
pub use name::{OperatorName, OperatorNameError};
pub use password::{Cost, Password, PasswordError, PasswordHash, PasswordHashError};
pub use recovery::RecoveryCode;
pub use role::{Permission, Role};
pub use session::{Csrf, SessionTimes, SessionToken, Stage};
pub use totp::{TotpCode, TotpSecret, TotpStep};
