//! The console on a good day and on a bad one.

use pages::*;

use super::{Sample, by, page, yuan};

/// Somebody who may everything.
pub(super) fn officer(name: &str) -> LoggedIn {
    let all = |method| {
        ["/console", "/console/{a}", "/console/{a}/{b}", "/console/{a}/{b}/{c}", "/console/{a}/{b}/{c}/{d}"]
            .map(|path| Reach { method, path })
    };
    LoggedIn { name: name.into(), role: Role::Administrator, reach: [all("GET"), all("POST")].concat() }
}

/// The pages around the login, and the console as somebody who is logged in has it.
pub(super) fn login(language: Language) -> Vec<Sample> {
    let token = Some("QmFzZTY0VVJMIG9mIHRoaXJ0eS10d28gYnl0ZXMuLi4".to_owned());
    let outside = Page::new(language).with_form_token(token.clone());
    let officer = officer("li.wei");
    let inside = outside.clone().for_operator(Some(officer));
    let login = |step, refused: Option<String>| ConsoleLogin { page: outside.clone(), step, refused };
    let row = |seq: &str, operator: &str, action, word: &str, subject: &str, outcome: &str| AuditRow {
        seq: seq.into(),
        at: "2026-11-20 18:31:28 UTC".into(),
        operator: operator.into(),
        address: "192.0.2.7".into(),
        action,
        word: word.into(),
        subject: subject.into(),
        outcome: outcome.into(),
    };
    vec![
        page("console-login", &login(LoginStep::Password, None)),
        page("console-merchants", &merchants(inside.clone(), language)),
        page(
            "console-revoke-key",
            &ConsoleRevokeKey {
                page: inside.clone(),
                key: merchants(inside.clone(), language).rows.remove(0),
                confirm: Href::new("/console/merchants/keys/key_5be0cd19137e2179/revoke"),
                back: Href::new("/console/merchants"),
            },
        ),
        page("console-login-waits", &login(LoginStep::Password, Some(language.wait_before_login(8)))),
        page("console-login-code", &login(LoginStep::Code, None)),
        page("console-first", &login(LoginStep::First, None)),
        page(
            "console-audit",
            &ConsoleAudit {
                page: inside,
                rows: vec![
                    row("1042", "li.wei", Some(AuditAction::View), "view", "/console/audit", "granted"),
                    row("1041", "li.wei", Some(AuditAction::Login), "login", "code", "done"),
                    row(
                        "1040",
                        "zhang.min",
                        Some(AuditAction::Refused),
                        "refused",
                        "/console/loads",
                        "not_allowed settle_loads",
                    ),
                    row("1039", "li.wei", None, "word_of_tomorrow", "thing", "well"),
                    row("1038", "(nobody)", Some(AuditAction::Login), "login", "li.wei", "wrong_password"),
                ],
                head: format!("1042:{}", "5be0".repeat(16)),
                older: Some(Href::new("/console/audit?before=993")),
            },
        ),
    ]
}

fn payment_rows(language: Language) -> Vec<PaymentRow> {
    let row = |time: &str, order_id: &str, amount: &str, state| PaymentRow {
        time: time.into(),
        order_id: order_id.into(),
        order_href: Some(Href::new(format!("/pay/{order_id}"))),
        merchant: by(language, "Morning Market", "早市"),
        masked_card: "•••• 4417".into(),
        amount: yuan(amount),
        state,
    };
    vec![
        row("18:31:33", "ord_019aa2f07c1b700064e0824c78853c82", "¥20.00", OrderState::OnCard),
        row("18:30:02", "ord_019aa2f07c1b70000c9b23f6e8bfaeff", "¥12.00", OrderState::AwaitingCard),
        row("18:27:48", "ord_019aa2f07c1b70005c8e93a383469fd0", "¥6.00", OrderState::Paid),
        row(
            "18:21:10",
            "ord_019aa2f07c1b70005a2943c1e5e300b2",
            "¥1,280.00",
            OrderState::Declined(Reason::OverCardLimit),
        ),
        row("18:09:55", "ord_019aa2f07c1b70001828994e496da8ae", "¥4.00", OrderState::Declined(Reason::NotMe)),
        row("17:58:20", "ord_019aa2f07c1b70002d0ff7a59fd200e7", "¥8.00", OrderState::Expired),
        row("17:40:01", "ord_019aa2f07c1b700024d2bef7300eeaad", "¥2.50", OrderState::Canceled),
    ]
}

pub(super) fn console(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let count = |outcome, count| OutcomeCount { outcome, count };
    let accounts = |kind, accounts, posted: &str, pending: &str, available: &str| AccountRow {
        kind,
        accounts,
        posted: posted.into(),
        pending: pending.into(),
        available: available.into(),
    };
    let ledger = |balanced: bool| ConsoleLedger {
        page: setting.clone(),
        checked_at: "18:31:40".into(),
        currencies: vec![
            CurrencyLedger {
                code: "CNY".into(),
                rows: vec![
                    accounts(AccountKind::Holder, 1_204, "482,119.50", "-32.00", "482,087.50"),
                    accounts(AccountKind::Merchant, 37, "96,402.15", "32.00", "96,402.15"),
                    accounts(AccountKind::Fee, 1, "578.35", "0.00", "578.35"),
                    accounts(AccountKind::Settlement, 1, "-579,100.00", "0.00", "-579,100.00"),
                    accounts(AccountKind::LoadFloat, 1, "0.00", "0.00", "0.00"),
                    accounts(AccountKind::Suspense, 1, "0.00", "0.00", "0.00"),
                ],
                sum: if balanced { "0.00" } else { "-0.01" }.into(),
                balanced,
            },
            CurrencyLedger {
                code: "EUR".into(),
                rows: vec![
                    accounts(AccountKind::Holder, 12, "1,850.00", "0.00", "1,850.00"),
                    accounts(AccountKind::Settlement, 1, "-1,850.00", "0.00", "-1,850.00"),
                ],
                sum: "0.00".into(),
                balanced: true,
            },
        ],
        transfers: TransferCounts { pending: 2, posted: 8_412, voided: 391, expired: 57 },
    };
    let life = |masked: &str, card_id: &str, life, holder: Option<&str>| CardRow {
        masked_number: masked.into(),
        card_id: card_id.into(),
        holder: holder.map(Into::into),
        life,
        channel: "DevEUI 70b3d57ed0061a2f".into(),
        key_version: 3,
        balance: holder.map(|_| yuan("¥312.40")),
    };
    let older = || Some(Href::new("?before=01JB7MC5RE"));
    vec![
        page(
            "console-today",
            &ConsoleToday {
                page: setting.clone(),
                date: "2026-11-20".into(),
                counts: vec![
                    count(Outcome::Paid, 412),
                    count(Outcome::Waiting, 2),
                    count(Outcome::Declined, 19),
                    count(Outcome::Expired, 7),
                    count(Outcome::Canceled, 3),
                    count(Outcome::Failed, 0),
                ],
                paid: vec![yuan("¥6,284.50"), Money::new("€41.00", "EUR")],
                rows: payment_rows(language),
                older: older(),
            },
        ),
        page(
            "console-empty",
            &ConsoleToday {
                page: setting.clone(),
                date: "2026-11-20".into(),
                counts: vec![count(Outcome::Paid, 0)],
                paid: Vec::new(),
                rows: Vec::new(),
                older: None,
            },
        ),
        page(
            "console-cards",
            &ConsoleCards {
                page: setting.clone(),
                rows: vec![
                    life("6231 •••• 4417", "0000a3f1", LifeCycle::Active, Some("L•• Yue")),
                    life("6231 •••• 0925", "0000a3f2", LifeCycle::Frozen, Some("C••• Wei")),
                    life("6231 •••• 7730", "0000a3f3", LifeCycle::Issued, None),
                    life("6231 •••• 1188", "0000a3f4", LifeCycle::Lost, Some("Z•••• Min")),
                    life("6231 •••• 5501", "0000a3f5", LifeCycle::Expired, None),
                    life("6231 •••• 5502", "0000a3f6", LifeCycle::Closed, None),
                ],
                older: older(),
            },
        ),
        page("console-ledger", &ledger(true)),
        page("console-ledger-broken", &ledger(false)),
        page("console-money", &money(language, true)),
        page("console-money-empty", &money(language, false)),
    ]
}

fn money(language: Language, any: bool) -> ConsoleMoney {
    let difference = |number, kind, ours: &str, theirs: &str, place: &str| DifferenceRow {
        number,
        href: Href::new(format!("/console/money/{number}")),
        kind,
        day: "2026-11-20".into(),
        ours: ours.into(),
        theirs: theirs.into(),
        place: place.into(),
    };
    let settlement = |day: &str, number, opening: &str, closing: &str| SettlementRow {
        day: day.into(),
        merchant: by(language, "Morning Market", "早市"),
        number,
        currency: "CNY".into(),
        entries: 1_412,
        opening: opening.into(),
        closing: closing.into(),
    };
    let page = Page::new(language);
    if !any {
        return ConsoleMoney { page, differences: Vec::new(), settlements: Vec::new() };
    }
    ConsoleMoney {
        page,
        differences: vec![
            difference(9, DifferenceKind::Duplicate, "", "−¥500.00", "3, 17"),
            difference(8, DifferenceKind::Unknown, "", "−¥0.35", "3, 12"),
            difference(7, DifferenceKind::Differing, "−¥500.00", "−¥499.65", "3, 4"),
            difference(4, DifferenceKind::Missing, "−¥1,280.00", "", "2"),
        ],
        settlements: vec![
            settlement("2026-11-20", 31, "¥96,402.15", "¥102,686.65"),
            settlement("2026-11-19", 30, "¥90,117.65", "¥96,402.15"),
        ],
    }
}

fn merchants(page: Page, language: Language) -> ConsoleMerchants {
    let row = |key_id: &str, name: &str, may_write, revoked_at: Option<&str>| ApiKeyRow {
        key_id: key_id.into(),
        merchant: by(language, "Morning Market", "早市"),
        hint: "cf_live_7f3a".into(),
        name: name.into(),
        may_write,
        created_at: "2026-11-01 08:00:00 UTC".into(),
        used_at: may_write.then(|| "2026-11-20 18:31:00 UTC".into()),
        revoked_at: revoked_at.map(Into::into),
        revoke: revoked_at.is_none().then(|| Href::new(format!("/console/merchants/keys/{key_id}/revoke"))),
    };
    let rows = vec![
        row("key_5be0cd19137e2179", "", true, None),
        row("key_9b05688c2b3e6c1f", by(language, "till 2", "二号收银台").as_str(), false, None),
        row(
            "key_510e527fade682d1",
            by(language, "old shop", "旧网店").as_str(),
            true,
            Some("2026-11-18 12:00:00 UTC"),
        ),
    ];
    ConsoleMerchants { page, rows, older: None }
}
