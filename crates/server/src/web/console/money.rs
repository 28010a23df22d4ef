//! `/console/money`: what differs from the bank, and the newest closed days.

use axum::extract::State;
use axum::response::Response;
use pages::{ConsoleMoney, DifferenceRow, SettlementRow};
use store::{Day, DifferenceKind, StoreError, StoredDifference, StoredSettlement};
use visit::Visitor;

use super::{ROWS, show};
use crate::http::Api;

pub(super) async fn money(State(api): State<Api>, visitor: Visitor) -> Response {
    show(api, visitor, |rows, visitor| {
        let differences = rows.differences_before(true, None, ROWS)?.iter().map(difference).collect();
        let settlements = rows
            .newest_settlements(ROWS)?
            .iter()
            .map(|stored| {
                let merchant = rows.merchant(stored.merchant)?;
                Ok(settlement(stored, merchant.map(|merchant| merchant.name).unwrap_or_default()))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(ConsoleMoney { page: visitor.page(), differences, settlements })
    })
    .await
}

fn written(day: Day) -> String {
    format!("{:04}-{:02}-{:02}", day.0 / 10_000, day.0 / 100 % 100, day.0 % 100)
}

fn difference(stored: &StoredDifference) -> DifferenceRow {
    let money = |units: Option<i64>| {
        units.map_or_else(String::new, |units| stored.currency.display(units).to_string())
    };
    DifferenceRow {
        number: stored.id,
        kind: match stored.kind {
            DifferenceKind::Missing => pages::DifferenceKind::Missing,
            DifferenceKind::Unknown => pages::DifferenceKind::Unknown,
            DifferenceKind::Duplicate => pages::DifferenceKind::Duplicate,
            DifferenceKind::Differing => pages::DifferenceKind::Differing,
        },
        day: written(stored.day),
        ours: money(stored.ours),
        theirs: money(stored.theirs),
        place: match stored.entry {
            Some(entry) => format!("{}, {entry}", stored.file),
            None => stored.file.to_string(),
        },
    }
}

fn settlement(stored: &StoredSettlement, merchant: String) -> SettlementRow {
    let money = |units| stored.currency.display(units).to_string();
    SettlementRow {
        day: written(stored.day),
        merchant,
        number: stored.number,
        currency: stored.currency.to_string(),
        entries: stored.entries.into(),
        opening: money(stored.opening),
        closing: money(stored.closing),
    }
}
