//! A difference with the bank, and money that two persons move, as the console shows them.

use pages::*;

use super::console::officer;
use super::{Sample, by, page, yuan};

const ID: &str = "adj_019aa2f07c1b70005c8e93a383469fd0";

fn difference(language: Language, kind: DifferenceKind) -> ConsoleDifference {
    let at_bank = kind != DifferenceKind::Missing;
    let with_us = kind != DifferenceKind::Unknown;
    ConsoleDifference {
        page: Page::new(language),
        difference: DifferenceRow {
            number: 7,
            href: Href::new("/console/money/7"),
            kind,
            day: "2026-11-20".into(),
            ours: if with_us { "−¥500.00".into() } else { String::new() },
            theirs: if at_bank { "−¥499.65".into() } else { String::new() },
            place: if at_bank { "3, 4".into() } else { "3".into() },
        },
        entry: at_bank.then(|| BankEntryView {
            file: "3: statement-2026-11-20.xml".into(),
            line: 118,
            booked: "2026-11-20".into(),
            amount: "−¥499.65".into(),
            reference: with_us.then(|| "tr_019aa2f07c1b70000c9b23f6e8bfaf00".into()),
            bank_reference: Some("20261120-0004417".into()),
            text: by(language, "Payout Morning Market", "早市 付款"),
        }),
        ours: with_us.then(|| ("tr_019aa2f07c1b70000c9b23f6e8bfaf00".into(), "payout".into())),
        resolved: (kind == DifferenceKind::Unknown).then(|| ResolvedView {
            resolution: Resolution::Accepted,
            by: Some("li.wei".into()),
            at: "2026-11-21 09:12:40 UTC".into(),
            reason: by(language, "bank charge of November", "十一月银行手续费"),
        }),
        back: Href::new("/console/money"),
    }
}

fn adjustment(language: Language, state: AdjustmentState) -> AdjustmentView {
    let waits = state == AdjustmentState::Proposed;
    AdjustmentView {
        adjustment_id: ID.into(),
        href: Href::new(format!("/console/adjustments/{ID}")),
        state,
        amount: yuan("¥7.00"),
        from: AdjustmentAccount { kind: AccountKind::Suspense, name: "suspense".into(), owner: None },
        to: AdjustmentAccount {
            kind: AccountKind::Merchant,
            name: "mer_00000001".into(),
            owner: Some(by(language, "Morning Market", "早市")),
        },
        reason: by(language, "paid twice at the counter", "柜台重复付款"),
        proposed_by: "li.wei".into(),
        proposed_at: "2026-11-21 09:02:11 UTC".into(),
        until: "2026-11-28 09:02:11 UTC".into(),
        decided_by: (!waits && state != AdjustmentState::Expired).then(|| "zhang.min".into()),
        changed_at: (!waits).then(|| "2026-11-21 09:12:40 UTC".into()),
        transfer: (state == AdjustmentState::Posted).then(|| "tr_019aa2f07c1b70000c9b23f6e8bfaf00".into()),
    }
}

fn form(language: Language, refused: bool) -> AdjustmentForm {
    AdjustmentForm {
        propose: Href::new("/console/adjustments"),
        from: if refused { "suspense".into() } else { String::new() },
        to: if refused { "mer_000000ff".into() } else { String::new() },
        amount: if refused { "7.00".into() } else { String::new() },
        currency: "CNY".into(),
        reason: if refused {
            by(language, "paid twice at the counter", "柜台重复付款")
        } else {
            String::new()
        },
        refused: refused.then(|| AdjustmentRefusal::Account.sentence(language)),
    }
}

/// An adjustment, as this operator sees it.
fn one(language: Language, state: AdjustmentState, as_seen_by: &str) -> ConsoleAdjustment {
    let href =
        |open: bool, answer: &str| open.then(|| Href::new(format!("/console/adjustments/{ID}/{answer}")));
    let (waits, stands) = (state == AdjustmentState::Proposed, state == AdjustmentState::Approved);
    ConsoleAdjustment {
        page: Page::new(language).for_operator(Some(officer(as_seen_by))),
        adjustment: adjustment(language, state),
        approve: href(waits, "approve"),
        post: href(stands, "post"),
        reject: href(waits || stands, "reject"),
        back: Href::new("/console/adjustments"),
    }
}

pub(super) fn all(language: Language) -> Vec<Sample> {
    use AdjustmentState::{Approved, Expired, Posted, Proposed, Rejected};
    let list = |states: &[AdjustmentState], refused| ConsoleAdjustments {
        page: Page::new(language),
        rows: states.iter().map(|state| adjustment(language, *state)).collect(),
        older: (!states.is_empty()).then(|| Href::new(format!("/console/adjustments?before={ID}"))),
        form: form(language, refused),
    };
    let back = || Href::new("/console/adjustments");
    vec![
        page("console-difference", &difference(language, DifferenceKind::Differing)),
        page("console-difference-missing", &difference(language, DifferenceKind::Missing)),
        page("console-difference-resolved", &difference(language, DifferenceKind::Unknown)),
        page("console-adjustments", &list(&[Proposed, Approved, Posted, Rejected, Expired], false)),
        page("console-adjustments-refused", &list(&[], true)),
        page("console-adjustment", &one(language, Proposed, "zhang.min")),
        page("console-adjustment-own", &one(language, Proposed, "li.wei")),
        page("console-adjustment-approved", &one(language, Approved, "zhang.min")),
        page("console-adjustment-posted", &one(language, Posted, "zhang.min")),
        page(
            "console-adjustment-refused",
            &ConsoleAdjustment::refused(Page::new(language), AdjustmentRefusal::SamePerson, back()),
        ),
    ]
}
