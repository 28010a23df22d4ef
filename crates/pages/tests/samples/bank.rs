//! Loads, terminals and wallet cards in the console.

use pages::*;

use super::console::officer;
use super::{Sample, by, page, yuan};

const LOAD: &str = "load_019aa2f07c1b700064e0824c78853c82";

pub(crate) fn load_view(language: Language, state: LoadState) -> LoadView {
    LoadView {
        load_id: LOAD.into(),
        masked_card: "•••• 7890".into(),
        industry: by(language, "0001 City bus", "0001 城市公交"),
        amount: yuan("¥50.00"),
        state,
        opened_at: "2026-11-20 18:31:28".into(),
        ended_at: None,
        counter: "41".into(),
        transfer: "tra_019aa2f07c1b70000c9b23f6e8bfaeff".into(),
        doubt: (state == LoadState::InDoubt).then(|| "the card's counter is 44, the load's 41".into()),
        settled: None,
    }
}

fn form(finding: Finding) -> (Finding, Href) {
    (finding, Href::new(format!("/console/loads/{LOAD}/{}", finding.tag())))
}

pub(crate) fn console_load(page: Page) -> ConsoleLoad {
    let attempt = |number, at: &str, terminal: &str, proven| AttemptRow {
        number,
        at: at.into(),
        terminal: terminal.into(),
        balance_before: yuan("¥78.00"),
        proven,
    };
    let load = load_view(page.language, LoadState::InDoubt);
    let evidence = |sign, kind, amount: &str, counter: &str, hex: &str| EvidenceRow {
        record: Some(PurseRecord {
            kind,
            sign,
            amount: yuan(amount),
            at: "2026-11-20 18:31:30".into(),
            terminal: "000001000050".into(),
        }),
        counter: Some(counter.into()),
        hex: hex.into(),
    };
    ConsoleLoad {
        page,
        load,
        attempts: vec![
            attempt(1, "2026-11-20 18:31:28", "000001000050", false),
            attempt(2, "2026-11-20 18:40:02", "000001000051", false),
        ],
        evidence: vec![
            evidence(
                Sign::Plus,
                RecordKind::Load,
                "¥50.00",
                "43",
                "002b00000000138801000001000050202611201831300000",
            ),
            evidence(
                Sign::Plus,
                RecordKind::Load,
                "¥100.00",
                "42",
                "002a00000000271001000001000050202611151011000000",
            ),
            EvidenceRow { record: None, counter: None, hex: "ffffffffffffffff".into() },
        ],
        settlement: Some(Settlement {
            forms: [Finding::Credited, Finding::Returned].map(form).into(),
            note_missing: None,
        }),
        asked: None,
        reversal: None,
        back: Href::new("/console/loads"),
    }
}

fn reversal_form(language: Language) -> ReversalForm {
    ReversalForm {
        ask: Href::new(format!("/console/loads/{LOAD}/reversal")),
        amount: "50.00".into(),
        ground: Ground::InHand,
        held: "30.00".into(),
        reason: by(language, "form 7: card worn out, kept at the counter", "凭证七：卡片磨损，已收回"),
        refused: Some(ReversalRefusal::Amount.sentence(language)),
    }
}

fn reversal(language: Language, state: ReversalState) -> ReversalView {
    let ended = state != ReversalState::Asked;
    let answered = ended && state != ReversalState::Expired;
    ReversalView {
        reversal_id: "rev_019aa2f07c1b70005c8e93a383469fd0".into(),
        href: Href::new("/console/reversals/rev_019aa2f07c1b70005c8e93a383469fd0"),
        state,
        amount: yuan("¥30.00"),
        masked_card: "•••• 7890".into(),
        load_id: LOAD.into(),
        load_href: Href::new(format!("/console/loads/{LOAD}")),
        ground: Ground::InHand,
        held: Some(yuan("¥30.00")),
        reason: reversal_form(language).reason,
        asked_by: "li.wei".into(),
        asked_at: "2026-11-21 09:02:11".into(),
        decided_by: answered.then(|| "zhang.min".into()),
        ended_at: ended.then(|| "2026-11-21 09:12:40".into()),
        transfer: (state == ReversalState::Posted).then(|| "tr_019aa2f07c1b70000c9b23f6e8bfaf00".into()),
    }
}

/// A reversal that waits, as this operator sees it.
fn asked(page: Page, as_seen_by: &str) -> ConsoleReversal {
    let href = |answer: &str| Some(Href::new(format!("/console/reversals/rev_1/{answer}")));
    ConsoleReversal {
        reversal: reversal(page.language, ReversalState::Asked),
        page: page.for_operator(Some(officer(as_seen_by))),
        approve: href("approve"),
        reject: href("reject"),
        back: Href::new("/console/reversals"),
    }
}

pub(crate) fn terminal_row(name: &str, state: TerminalState, suite: Suite) -> TerminalRow {
    let known = state != TerminalState::Registered;
    TerminalRow {
        number: "000001000050".into(),
        name: name.into(),
        state,
        suite,
        key_id: known.then(|| "00000017".into()),
        key_expires: known.then(|| "2026-11-21 06:31".into()),
        last_heard: known.then(|| "2026-11-20 18:31:30".into()),
        revoke: (state != TerminalState::Revoked)
            .then(|| Href::new("/console/terminals/000001000050/revoke")),
    }
}

pub(super) fn bank(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let s = || setting.clone();
    let states = [
        (LoadState::Open, 3),
        (LoadState::InDoubt, 1),
        (LoadState::Closed, 1_284),
        (LoadState::SettledCredited, 2),
        (LoadState::SettledReturned, 1),
        (LoadState::Reversed, 1),
    ];
    let loads = |chosen: Option<LoadState>| ConsoleLoads {
        page: s(),
        counts: states
            .map(|(state, count)| LoadCount {
                state,
                count,
                href: Some(Href::new("/console/loads?state=open")),
                chosen: chosen == Some(state),
            })
            .into(),
        rows: states
            .into_iter()
            .filter(|(state, _)| chosen.is_none_or(|it| it == *state))
            .map(|(state, _)| LoadRow {
                opened_at: "11-20 18:31:28".into(),
                load_id: LOAD.into(),
                href: Href::new(format!("/console/loads/{LOAD}")),
                masked_card: "•••• 7890".into(),
                amount: yuan("¥50.00"),
                state,
                terminal: "000001000050".into(),
                attempts: 2,
            })
            .collect(),
        older: Some(Href::new("?before=01JB7MC5RE")),
        has_bank: true,
    };
    let names = [
        by(language, "East Gate kiosk", "东门自助机"),
        by(language, "Li’s phone", "李师傅的手机"),
        by(language, "Old hall", "旧大厅"),
        by(language, "Spare", "备用机"),
    ];
    let [kiosk, phone, hall, spare] = names.each_ref();
    let wallet = |masked: &str, state| WalletRow {
        masked_card: masked.into(),
        industry: by(language, "0001 City bus", "0001 城市公交"),
        holder: (state != WalletState::Issued).then(|| by(language, "L•• Yue", "林 •")),
        state,
        valid_to: (state != WalletState::Issued).then(|| "2036-11-20".into()),
        unfinished: (state == WalletState::Active).then(|| Href::new(format!("/console/loads/{LOAD}"))),
    };
    let note = by(
        language,
        "Read the card at the counter: record 43 is this load, balance 128.00. Seen by Wang.",
        "柜台读卡：第 43 条记录即本笔充值，余额 128.00。经办人王某确认。",
    );
    let settle = |finding| ConsoleSettle {
        page: s(),
        load: load_view(language, LoadState::InDoubt),
        finding,
        note: note.clone(),
        confirm: Href::new(format!("/console/loads/{LOAD}/credited")),
        back: Href::new(format!("/console/loads/{LOAD}")),
    };
    let show = |name, state, settled: bool| {
        let settled = settled.then(|| Settled { at: "2026-11-21 09:12:40".into(), note: note.clone() });
        let mut shown = ConsoleLoad { settlement: None, evidence: Vec::new(), ..console_load(s()) };
        shown.load = load_view(language, state);
        shown.load.ended_at = Some("2026-11-21 09:12:40".into());
        shown.load.settled = settled;
        if state == LoadState::Closed {
            shown.attempts.truncate(1);
            shown.attempts.iter_mut().for_each(|it| it.proven = true);
            shown.asked = Some(AskedReversal {
                state: ReversalState::Rejected,
                href: Href::new("/console/reversals/rev_1"),
            });
            shown.reversal = Some(reversal_form(language));
        }
        page(name, &shown)
    };
    let mut missing = console_load(s());
    if let Some(settlement) = &mut missing.settlement {
        settlement.note_missing = Some(Finding::Returned);
    }
    vec![
        page("console-loads", &loads(None)),
        page("console-loads-in-doubt", &loads(Some(LoadState::InDoubt))),
        page(
            "console-loads-none",
            &ConsoleLoads {
                counts: vec![LoadCount { state: LoadState::InDoubt, count: 0, href: None, chosen: false }],
                rows: Vec::new(),
                older: None,
                ..loads(None)
            },
        ),
        page("console-load-in-doubt", &console_load(s())),
        page("console-load-no-note", &missing),
        show("console-load-closed", LoadState::Closed, false),
        show("console-load-returned", LoadState::SettledReturned, true),
        show("console-load-credited", LoadState::SettledCredited, true),
        page(
            "console-load-open",
            &ConsoleLoad {
                load: load_view(language, LoadState::Open),
                attempts: Vec::new(),
                evidence: Vec::new(),
                settlement: Some(Settlement { forms: vec![form(Finding::Unreadable)], note_missing: None }),
                ..console_load(s())
            },
        ),
        page(
            "console-reversals",
            &ConsoleReversals {
                page: s(),
                rows: vec![
                    reversal(language, ReversalState::Asked),
                    reversal(language, ReversalState::Posted),
                    reversal(language, ReversalState::Rejected),
                    reversal(language, ReversalState::Expired),
                ],
                older: Some(Href::new("/console/reversals?before=rev_1")),
            },
        ),
        page("console-reversals-none", &ConsoleReversals { page: s(), rows: Vec::new(), older: None }),
        page("console-reversal", &asked(s(), "zhang.min")),
        page("console-reversal-own", &asked(s(), "li.wei")),
        page(
            "console-reversal-posted",
            &ConsoleReversal {
                reversal: reversal(language, ReversalState::Posted),
                approve: None,
                reject: None,
                ..asked(s(), "zhang.min")
            },
        ),
        page(
            "console-reversal-refused",
            &ConsoleReversal::refused(s(), ReversalRefusal::CardNotFrozen, Href::new("/console/reversals")),
        ),
        page("console-settle-unreadable", &settle(Finding::Unreadable)),
        page(
            "console-settle-refused",
            &ConsoleSettle::refused(s(), LoadState::SettledCredited, Href::new("/console/loads")),
        ),
        page("console-settle-credited", &settle(Finding::Credited)),
        page("console-settle-returned", &settle(Finding::Returned)),
        page(
            "console-terminals",
            &ConsoleTerminals {
                page: s(),
                rows: vec![
                    terminal_row(kiosk, TerminalState::Active, Suite::Sm4Gcm),
                    terminal_row(phone, TerminalState::Registered, Suite::Aes128Gcm),
                    terminal_row(hall, TerminalState::Active, Suite::TripleDesCbc),
                    terminal_row(spare, TerminalState::Revoked, Suite::DesCbc),
                ],
                older: None,
                has_bank: true,
            },
        ),
        page(
            "console-terminals-none",
            &ConsoleTerminals { page: s(), rows: Vec::new(), older: None, has_bank: true },
        ),
        page(
            "console-terminals-no-bank",
            &ConsoleTerminals { page: s(), rows: Vec::new(), older: None, has_bank: false },
        ),
        page(
            "console-revoke",
            &ConsoleRevoke {
                page: s(),
                terminal: terminal_row(kiosk, TerminalState::Active, Suite::Sm4Gcm),
                confirm: Href::new("/console/terminals/000001000050/revoke"),
                back: Href::new("/console/terminals"),
            },
        ),
        page(
            "console-wallets",
            &ConsoleWallets {
                page: s(),
                rows: vec![
                    wallet("•••• 7890", WalletState::Active),
                    wallet("•••• 0033", WalletState::Issued),
                    wallet("•••• 1207", WalletState::Frozen),
                    wallet("•••• 5521", WalletState::Withdrawn),
                ],
                older: None,
                has_bank: true,
            },
        ),
        page(
            "console-wallets-none",
            &ConsoleWallets { page: s(), rows: Vec::new(), older: None, has_bank: true },
        ),
    ]
}
