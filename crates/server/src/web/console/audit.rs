//! The audit log: what operators saw and did, newest first.

use axum::extract::{Query, State};
use axum::response::Response;
use operator::{AuditAction, AuditEntry};
use pages::{AuditRow, ConsoleAudit, Href};
use visit::Visitor;

use super::{Older, ROWS, ROWS_LENGTH, found, not_found};
use crate::http::Api;
use crate::web::text;

const PATH: &str = "/console/audit";

pub(super) async fn list(State(api): State<Api>, visitor: Visitor, Query(older): Query<Older>) -> Response {
    let before = match older.before.as_deref().map(str::parse::<u64>) {
        Some(Ok(seq)) => Some(seq),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let mut entries = rows.audit_before(before, ROWS + 1)?;
        let more = entries.len() > ROWS_LENGTH;
        entries.truncate(ROWS_LENGTH);
        let last = entries.last().filter(|_| more).map(|last| last.seq.to_string());
        Ok(Some(ConsoleAudit {
            page: visitor.page(),
            rows: entries.into_iter().map(row).collect(),
            head: rows.audit_head()?.to_string(),
            older: last.map(|seq| Href::new(PATH).with("before", &seq)),
        }))
    })
    .await
}

fn row(entry: AuditEntry) -> AuditRow {
    AuditRow {
        seq: entry.seq.to_string(),
        at: text::day_and_time(entry.note.at),
        operator: entry.note.operator,
        address: entry.note.address,
        action: AuditAction::from_name(&entry.note.action).map(shown),
        word: entry.note.action,
        subject: entry.note.subject,
        outcome: entry.note.outcome,
    }
}

const fn shown(action: AuditAction) -> pages::AuditAction {
    match action {
        AuditAction::View => pages::AuditAction::View,
        AuditAction::Ask => pages::AuditAction::Ask,
        AuditAction::Refused => pages::AuditAction::Refused,
        AuditAction::Command => pages::AuditAction::Command,
        AuditAction::Login => pages::AuditAction::Login,
        AuditAction::LoginLink => pages::AuditAction::LoginLink,
        AuditAction::Logout => pages::AuditAction::Logout,
        AuditAction::OperatorAdd => pages::AuditAction::OperatorAdd,
        AuditAction::OperatorDisable => pages::AuditAction::OperatorDisable,
        AuditAction::OperatorRole => pages::AuditAction::OperatorRole,
        AuditAction::OperatorPassword => pages::AuditAction::OperatorPassword,
        AuditAction::OperatorResetTotp => pages::AuditAction::OperatorResetTotp,
        AuditAction::SecretKey => pages::AuditAction::SecretKey,
        AuditAction::SecretsSeal => pages::AuditAction::SecretsSeal,
        AuditAction::HolderForget => pages::AuditAction::HolderForget,
        AuditAction::ApiKeyAdd => pages::AuditAction::ApiKeyAdd,
        AuditAction::ApiKeyRevoke => pages::AuditAction::ApiKeyRevoke,
        AuditAction::WebhookResend => pages::AuditAction::WebhookResend,
        AuditAction::DifferenceResolve => pages::AuditAction::DifferenceResolve,
        AuditAction::AdjustPropose => pages::AuditAction::AdjustPropose,
        AuditAction::AdjustApprove => pages::AuditAction::AdjustApprove,
        AuditAction::AdjustPost => pages::AuditAction::AdjustPost,
        AuditAction::AdjustReject => pages::AuditAction::AdjustReject,
        AuditAction::LoadSettle => pages::AuditAction::LoadSettle,
        AuditAction::ReversalAsk => pages::AuditAction::ReversalAsk,
        AuditAction::ReversalApprove => pages::AuditAction::ReversalApprove,
        AuditAction::ReversalReject => pages::AuditAction::ReversalReject,
        AuditAction::BankCardFreeze => pages::AuditAction::BankCardFreeze,
        AuditAction::BankCardUnfreeze => pages::AuditAction::BankCardUnfreeze,
        AuditAction::TerminalRevoke => pages::AuditAction::TerminalRevoke,
        AuditAction::DownlinkCancel => pages::AuditAction::DownlinkCancel,
        AuditAction::DownlinkPriority => pages::AuditAction::DownlinkPriority,
        AuditAction::AlertClear => pages::AuditAction::AlertClear,
    }
}
