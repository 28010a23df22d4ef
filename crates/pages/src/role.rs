//! What an operator is, for people.

use crate::language::Language;

/// What an operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Looks, and changes nothing.
    Viewer,
    /// Does the day's work.
    Operator,
    /// Looks after keys.
    KeyCustodian,
    /// Looks after operators, and reads the audit log.
    Administrator,
}

impl Role {
    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().login;
        match self {
            Role::Viewer => w.role_viewer,
            Role::Operator => w.role_operator,
            Role::KeyCustodian => w.role_key_custodian,
            Role::Administrator => w.role_administrator,
        }
    }
}
