//! `/console/money`: what differs from the bank, each difference with the bank's entry, and the newest closed days.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{
    BankEntryView, ConsoleDifference, ConsoleMoney, DifferenceRow, Href, ResolvedView, SettlementRow,
};
use store::{
    Day, DifferenceKind, Reading, Resolution, Resolved, StoreError, StoredBankEntry, StoredDifference,
    StoredSettlement,
};
use visit::Visitor;

use super::{ROWS, found, not_found, show};
use crate::http::Api;
use crate::web::text;

pub(super) const PATH: &str = "/console/money";

pub(super) async fn money(State(api): State<Api>, visitor: Visitor) -> Response {
    show(api, visitor, |rows, visitor| {
        let differences = rows.differences_before(true, None, ROWS)?.iter().map(row).collect();
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

pub(super) async fn difference(
    State(api): State<Api>,
    visitor: Visitor,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let Some(id) = id.ok().and_then(|Path(id)| id.parse::<u32>().ok()) else { return not_found(&visitor) };
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let Some(stored) = rows.difference(id)? else { return Ok(None) };
        let entry = match stored.entry {
            Some(number) => rows.bank_entry(stored.file, number)?,
            None => None,
        };
        let ours = match stored.transfer {
            Some(transfer) => {
                let purpose = rows.transfer_purpose(transfer)?.unwrap_or_default();
                Some((transfer.to_string(), purpose))
            }
            None => None,
        };
        Ok(Some(ConsoleDifference {
            page: visitor.page(),
            difference: row(&stored),
            entry: entry.map(|entry| bank_entry(rows, entry)).transpose()?,
            ours,
            resolved: stored.resolved.map(|resolved| resolved_view(rows, resolved)).transpose()?,
            back: Href::new(PATH),
        }))
    })
    .await
}

fn bank_entry(rows: &dyn Reading, entry: StoredBankEntry) -> Result<BankEntryView, StoreError> {
    let file = rows.bank_file(entry.file)?.map(|file| file.name).unwrap_or_default();
    Ok(BankEntryView {
        file: format!("{}: {file}", entry.file),
        line: entry.line,
        booked: written(entry.booked),
        amount: entry.currency.display(entry.units).to_string(),
        reference: entry.reference,
        bank_reference: entry.bank_reference,
        text: entry.text,
    })
}

fn resolved_view(rows: &dyn Reading, resolved: Resolved) -> Result<ResolvedView, StoreError> {
    let by = resolved.by.map(|by| rows.operator_name(by)).transpose()?.flatten();
    Ok(ResolvedView {
        resolution: match resolved.resolution {
            Resolution::Found => pages::Resolution::Found,
            Resolution::BankCorrects => pages::Resolution::BankCorrects,
            Resolution::Adjusted => pages::Resolution::Adjusted,
            Resolution::Accepted => pages::Resolution::Accepted,
        },
        by,
        at: text::day_and_time(resolved.at),
        reason: resolved.reason,
    })
}

fn row(stored: &StoredDifference) -> DifferenceRow {
    let money = |units: Option<i64>| {
        units.map_or_else(String::new, |units| stored.currency.display(units).to_string())
    };
    DifferenceRow {
        number: stored.id,
        href: Href::new(format!("{PATH}/{}", stored.id)),
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
