//! What an audit entry says was done: one word each, which never changes its meaning.
//!
//! Next: `pages::AuditAction` says it in the console's languages; a new word does not compile until it does.

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What is entered in the audit chain.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $($(#[$doc])* $variant,)*
        }

        impl AuditAction {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

actions! {
    /// A page was shown.
    View = "view",
    /// A form was sent, and nothing came of it.
    Ask = "ask",
    /// The role may not.
    Refused = "refused",
    /// A command was given.
    Command = "command",
    /// Somebody logged in, or tried to.
    Login = "login",
    /// A link that logs in was made.
    LoginLink = "login_link",
    /// Somebody logged out.
    Logout = "logout",
    /// An operator was added.
    OperatorAdd = "operator_add",
    /// An operator was shut out.
    OperatorDisable = "operator_disable",
    /// An operator has another role.
    OperatorRole = "operator_role",
    /// An operator has another password.
    OperatorPassword = "operator_password",
    /// An operator has another authenticator.
    OperatorResetTotp = "operator_reset_totp",
    /// A key of the database's secrets was taken into use.
    SecretKey = "secret_key",
    /// Secrets of the database were sealed.
    SecretsSeal = "secrets_seal",
    /// A holder was forgotten.
    HolderForget = "holder_forget",
    /// An API key was added.
    ApiKeyAdd = "api_key_add",
    /// An API key was revoked.
    ApiKeyRevoke = "api_key_revoke",
    /// A webhook is sent again.
    WebhookResend = "webhook_resend",
    /// A difference with the bank ended.
    DifferenceResolve = "difference_resolve",
    /// An adjustment was proposed.
    AdjustPropose = "adjust_propose",
    /// An adjustment was approved.
    AdjustApprove = "adjust_approve",
    /// An approved adjustment was posted.
    AdjustPost = "adjust_post",
    /// An adjustment was rejected, or taken back.
    AdjustReject = "adjust_reject",
    /// A load was decided by hand.
    LoadSettle = "load_settle",
    /// A load's reversal was asked for.
    ReversalAsk = "reversal_ask",
    /// A load was given back.
    ReversalApprove = "reversal_approve",
    /// A load's reversal was rejected, or taken back.
    ReversalReject = "reversal_reject",
    /// A bank card was stopped.
    BankCardFreeze = "bank_card_freeze",
    /// A bank card may pay again.
    BankCardUnfreeze = "bank_card_unfreeze",
    /// A terminal was revoked.
    TerminalRevoke = "terminal_revoke",
    /// A waiting downlink was taken back.
    DownlinkCancel = "downlink_cancel",
    /// A waiting downlink stands elsewhere in the queue.
    DownlinkPriority = "downlink_priority",
    /// An alert was cleared.
    AlertClear = "alert_clear",
}

impl AuditAction {
    /// The action of a word. Another version of the program may have entered one that this one does not know.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_action_has_a_word_of_its_own_that_reads_back() {
        for &action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.name()), Some(action));
            assert!(action.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", action.name());
        }
        assert_eq!(AuditAction::from_name("fly"), None);
    }
}
