//! The audit log: what operators saw and did.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::language::Language;
use crate::page::Page;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// A page was shown.
    View,
    /// A form was sent, and nothing came of it.
    Ask,
    /// The role may not.
    Refused,
    /// A command was given.
    Command,
    /// Somebody logged in, or tried to.
    Login,
    /// A link that logs in was made.
    LoginLink,
    /// Somebody logged out.
    Logout,
    /// An operator was added.
    OperatorAdd,
    /// An operator was shut out.
    OperatorDisable,
    /// An operator has another role.
    OperatorRole,
    /// An operator has another password.
    OperatorPassword,
    /// An operator has another authenticator.
    OperatorResetTotp,
    /// A key of the database's secrets was taken into use.
    SecretKey,
    /// Secrets of the database were sealed.
    SecretsSeal,
    /// A holder was forgotten.
    HolderForget,
    /// An API key was added.
    ApiKeyAdd,
    /// An API key was revoked.
    ApiKeyRevoke,
    /// A webhook is sent again.
    WebhookResend,
    /// A difference with the bank ended.
    DifferenceResolve,
    /// An adjustment was proposed.
    AdjustPropose,
    /// An adjustment was approved.
    AdjustApprove,
    /// An approved adjustment was posted.
    AdjustPost,
    /// An adjustment was rejected, or taken back.
    AdjustReject,
    /// A load was decided by hand.
    LoadSettle,
    /// A load's reversal was asked for.
    ReversalAsk,
    /// A load was given back.
    ReversalApprove,
    /// A load's reversal was rejected, or taken back.
    ReversalReject,
    /// A bank card was stopped.
    BankCardFreeze,
    /// A bank card may pay again.
    BankCardUnfreeze,
    /// A terminal was revoked.
    TerminalRevoke,
    /// A waiting downlink was taken back.
    DownlinkCancel,
    /// A waiting downlink stands elsewhere in the queue.
    DownlinkPriority,
    /// An alert was cleared.
    AlertClear,
}

impl AuditAction {
    /// What it is called.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().audit;
        match self {
            Self::View => w.view,
            Self::Ask => w.ask,
            Self::Refused => w.refused,
            Self::Command => w.command,
            Self::Login => w.login,
            Self::LoginLink => w.login_link,
            Self::Logout => w.logout,
            Self::OperatorAdd => w.operator_add,
            Self::OperatorDisable => w.operator_disable,
            Self::OperatorRole => w.operator_role,
            Self::OperatorPassword => w.operator_password,
            Self::OperatorResetTotp => w.operator_reset_totp,
            Self::SecretKey => w.secret_key,
            Self::SecretsSeal => w.secrets_seal,
            Self::HolderForget => w.holder_forget,
            Self::ApiKeyAdd => w.api_key_add,
            Self::ApiKeyRevoke => w.api_key_revoke,
            Self::WebhookResend => w.webhook_resend,
            Self::DifferenceResolve => w.difference_resolve,
            Self::AdjustPropose => w.adjust_propose,
            Self::AdjustApprove => w.adjust_approve,
            Self::AdjustPost => w.adjust_post,
            Self::AdjustReject => w.adjust_reject,
            Self::LoadSettle => w.load_settle,
            Self::ReversalAsk => w.reversal_ask,
            Self::ReversalApprove => w.reversal_approve,
            Self::ReversalReject => w.reversal_reject,
            Self::BankCardFreeze => w.bank_card_freeze,
            Self::BankCardUnfreeze => w.bank_card_unfreeze,
            Self::TerminalRevoke => w.terminal_revoke,
            Self::DownlinkCancel => w.downlink_cancel,
            Self::DownlinkPriority => w.downlink_priority,
            Self::AlertClear => w.alert_clear,
        }
    }
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The entry's number.
    pub seq: String,
    /// When, as text.
    pub at: String,
    /// Who.
    pub operator: String,
    /// From where.
    pub address: String,
    /// What; nothing where another version of the program entered a word that this one does not know.
    pub action: Option<AuditAction>,
    /// What: the stable word.
    pub word: String,
    /// On what.
    pub subject: String,
    /// How it ended: a stable word, and what belongs to it.
    pub outcome: String,
}

impl AuditRow {
    /// How it ended, and what is left of the words: a permission, a status.
    fn outcome_title(&self, language: Language) -> Option<(&'static str, &str)> {
        let w = &language.words().audit;
        let (word, rest) = self.outcome.split_once(' ').unwrap_or((&self.outcome, ""));
        let title = match word {
            "done" => w.outcome_done,
            "granted" => w.outcome_granted,
            "begun" => w.outcome_begun,
            "failed" => w.outcome_failed,
            "not_posted" => w.outcome_not_posted,
            "not_allowed" => w.outcome_not_allowed,
            "not_done" => w.outcome_not_done,
            "wrong_password" => w.outcome_wrong_password,
            "wrong_code" => w.outcome_wrong_code,
            _ => return None,
        };
        Some((title, rest))
    }
}

/// `GET /console/audit`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/audit.html")]
pub struct ConsoleAudit {
    /// Language and place.
    pub page: Page,
    /// The entries, newest first.
    pub rows: Vec<AuditRow>,
    /// Where the chain ends: number and hash, to be noted elsewhere.
    pub head: String,
    /// Older ones.
    pub older: Option<Href>,
}

impl ConsoleAudit {
    fn tab(&self) -> Tab {
        Tab::Audit
    }
}
