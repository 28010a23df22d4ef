//! The audit log: what operators saw and did, newest first.

use axum::extract::{Query, State};
use axum::response::Response;
use operator::AuditEntry;
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
        action: entry.note.action,
        subject: entry.note.subject,
        outcome: entry.note.outcome,
    }
}
