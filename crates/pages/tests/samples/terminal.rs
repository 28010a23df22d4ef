//! The mobile terminal, page by page, with its demonstration.

use pages::*;

use super::{NOW_MS, Sample, by, fragment, page, yuan};

pub(crate) fn nav() -> TerminalNav {
    TerminalNav {
        home: Href::new("/"),
        settings: Href::new("/settings"),
        field: Some(Href::new("/field")),
        outbox: Some(Href::new("/messages")),
    }
}

pub(crate) fn industry(icon: IndustryIcon) -> Industry {
    let (code, name_en, name_zh) = match icon {
        IndustryIcon::Bus => ("0001", "City bus", "城市公交"),
        IndustryIcon::School => ("0002", "School campus", "校园一卡通"),
        IndustryIcon::Prison => ("0003", "Prison shop", "监所消费"),
        IndustryIcon::Other => ("0042", "Swimming pool", "游泳馆"),
    };
    Industry { code: code.into(), icon, name_en: name_en.into(), name_zh: name_zh.into() }
}

fn key(condition: KeyCondition, minutes_left: u32) -> KeyView {
    let missing = condition == KeyCondition::Missing;
    let unless_missing = |text: &str| if missing { String::new() } else { text.into() };
    KeyView {
        condition,
        key_id: unless_missing("00000017"),
        expires_at: unless_missing("2026-11-21 06:31"),
        minutes_left,
    }
}

fn limit(seconds_gone: u64, seconds_left: u64) -> TimeLimit {
    TimeLimit {
        opened_at_ms: NOW_MS - seconds_gone * 1000,
        expires_at_ms: NOW_MS + seconds_left * 1000,
        now_ms: NOW_MS,
    }
}

pub(crate) fn hold(state: HoldState) -> HoldView {
    use HoldStepName::{Authorize, Done, Hold, Report, Talk, Write};
    let active = match state {
        HoldState::Authorizing => 0,
        HoldState::Waiting | HoldState::Reading => 1,
        HoldState::Talking => 2,
        HoldState::Writing => 3,
        HoldState::Reporting => 4,
        HoldState::Ended => 6,
    };
    let steps = [Authorize, Hold, Talk, Write, Report, Done]
        .into_iter()
        .enumerate()
        .map(|(place, name)| HoldStep {
            name,
            state: match place.cmp(&active) {
                std::cmp::Ordering::Less => StepState::Done,
                std::cmp::Ordering::Equal => StepState::Active,
                std::cmp::Ordering::Greater => StepState::Waiting,
            },
        })
        .collect();
    HoldView {
        task: Task::Load,
        industry: industry(IndustryIcon::Bus),
        amount: Some(yuan("¥50.00")),
        masked_card: Some("•••• 7890".into()),
        state,
        steps,
        limit: if state == HoldState::Waiting { limit(18, 42) } else { limit(2, 8) },
        cancel: matches!(state, HoldState::Authorizing | HoldState::Waiting)
            .then(|| Href::new("/taps/t1/cancel")),
        live: Href::new("/taps/t1/live"),
        leads_to: (state == HoldState::Ended).then(|| Href::new("/taps/t1/result")),
    }
}

fn records() -> Vec<PurseRecord> {
    let record = |kind, sign, amount: &str, at: &str, terminal: &str| PurseRecord {
        kind,
        sign,
        amount: yuan(amount),
        at: at.into(),
        terminal: terminal.into(),
    };
    let ride = |at: &str, terminal: &str| record(RecordKind::Purchase, Sign::Minus, "¥2.00", at, terminal);
    vec![
        ride("2026-11-20 17:52:08", "000100230041"),
        ride("2026-11-20 08:03:51", "000100230077"),
        record(RecordKind::Load, Sign::Plus, "¥50.00", "2026-11-19 12:40:15", "000001000050"),
        ride("2026-11-19 08:05:12", "000100230012"),
        ride("2026-11-18 17:58:44", "000100230041"),
        ride("2026-11-18 08:04:09", "000100230077"),
        record(RecordKind::Other("09".into()), Sign::Minus, "¥4.00", "2026-11-17 19:21:30", "000100230113"),
        ride("2026-11-17 08:02:57", "000100230077"),
        ride("2026-11-16 17:49:33", "000100230041"),
        record(RecordKind::Load, Sign::Plus, "¥100.00", "2026-11-15 10:11:00", "000001000050"),
    ]
}

pub(crate) fn balance(page: Page) -> BalancePage {
    BalancePage {
        page,
        nav: nav(),
        industry: industry(IndustryIcon::Bus),
        masked_card: "•••• 7890".into(),
        balance: yuan("¥128.00"),
        verified: true,
        read_at: "18:31:28".into(),
        records: records(),
        open_load: None,
        activate: None,
        load: Some(Href::new("/industries/0001/load")),
        verify: None,
        again: Href::new("/industries/0001/balance"),
        back: Href::new("/industries/0001"),
    }
}

fn error(language: Language, name: &str, texts: [&str; 2], tries_left: Option<u8>) -> FieldError {
    FieldError { name: name.into(), text: by(language, texts[0], texts[1]), tries_left }
}

pub(crate) fn load(page: Page) -> LoadPage {
    let choice =
        |fen: u32| AmountChoice { value: fen.to_string(), money: yuan(&format!("¥{}.00", fen / 100)) };
    LoadPage {
        page,
        nav: nav(),
        industry: industry(IndustryIcon::Bus),
        masked_card: "•••• 7890".into(),
        balance: yuan("¥78.00"),
        amounts: [1000, 2000, 5000, 10_000, 20_000, 50_000].map(choice).into(),
        chosen: None,
        other_amount: String::new(),
        per_load_max: "¥500.00".into(),
        balance_max: "¥1,000.00".into(),
        error: None,
        send: Href::new("/industries/0001/load/code"),
        back: Href::new("/industries/0001"),
    }
}

pub(crate) fn confirm(page: Page) -> ConfirmPage {
    ConfirmPage {
        page,
        nav: nav(),
        industry: industry(IndustryIcon::Bus),
        masked_card: "•••• 7890".into(),
        amount: yuan("¥50.00"),
        code: CodeSent { phone_hint: "•••• 5678".into(), limit: limit(13, 287) },
        error: None,
        code_error: None,
        pin_error: None,
        card_pin: None,
        submit: Href::new("/industries/0001/load/hold"),
        resend: Href::new("/industries/0001/load/code"),
        change: Href::new("/industries/0001/load"),
    }
}

pub(crate) fn result(page: Page, meaning: Meaning, outcome: &str, texts: [&str; 2]) -> ResultPage {
    let text = by(page.language, texts[0], texts[1]);
    let back = || NextStep::Back(Href::new("/industries/0001"));
    let again = || NextStep::HoldAgain(Href::new("/taps/t1/again"));
    let (primary, others) = match meaning {
        Meaning::Done => (back(), vec![NextStep::Balance(Href::new("/industries/0001/balance"))]),
        Meaning::NothingPaid => (again(), vec![back()]),
        Meaning::PaidNotWritten | Meaning::HoldAgain => (again(), vec![back()]),
        Meaning::AtTheBank => (back(), Vec::new()),
    };
    ResultPage {
        page,
        nav: nav(),
        task: Task::Load,
        industry: industry(IndustryIcon::Bus),
        meaning,
        outcome: outcome.into(),
        text,
        tries_left: None,
        masked_card: Some("•••• 7890".into()),
        amount: Some(yuan("¥50.00")),
        balance: (meaning == Meaning::Done).then(|| yuan("¥128.00")),
        at: "2026-11-20 18:31:28".into(),
        reference: (meaning != Meaning::NothingPaid).then(|| "load_019aa2f07c1b700064e0824c78853c82".into()),
        primary,
        others,
    }
}

pub(crate) fn settings(page: Page) -> SettingsPage {
    let language = page.language;
    let server = |role, name: &str| BankServer { role, name: name.into(), connection: Connection::Reached };
    let pack = |icon, version: &str| PackRow {
        industry: industry(icon),
        version: version.into(),
        signer: "SHA-256 3f9a 71c0 55de 8b24 90aa 17e6 c3d8 4402".into(),
        installed_at: "2026-11-02 09:14".into(),
    };
    SettingsPage {
        nav: nav(),
        notice: None,
        number: "000001000050".into(),
        servers: vec![
            server(BankRole::Transactions, "tap.bank.example:8443"),
            server(BankRole::Security, "security.bank.example:8444"),
        ],
        key: key(KeyCondition::Good, 680),
        renew: Href::new("/settings/key"),
        suite: Suite::Sm4Gcm,
        readers: vec![
            ReaderRow { name: "ACS ACR122U PICC Interface 00 00".into(), in_use: true, choose: None },
            ReaderRow {
                name: "Identiv uTrust 3700 F CL Reader 01 00".into(),
                in_use: false,
                choose: Some(Href::new("/settings/readers/1")),
            },
        ],
        packs: vec![
            pack(IndustryIcon::Bus, "3"),
            pack(IndustryIcon::School, "1"),
            pack(IndustryIcon::Prison, "2"),
        ],
        refused: vec![RefusedFile {
            file: "0007-parking.pack".into(),
            reason: by(
                language,
                "Signed by nobody whom the bank trusts (fingerprint 77b1 04e2).",
                "签名方不受银行信任（指纹 77b1 04e2）。",
            ),
            at: "2026-11-20 09:02".into(),
        }],
        install: Href::new("/settings/packs"),
        page,
    }
}

pub(crate) fn field_cards(language: Language) -> Vec<FieldCard> {
    let card = |id: &str, icon, masked: &str| FieldCard {
        id: id.into(),
        industry: industry(icon),
        masked_card: masked.into(),
        in_field: false,
        balance: yuan("¥78.00"),
        counter: 41,
        active_until: Some("2036-11-20".into()),
        last: None,
        hold: Href::new(format!("/field/{id}/hold")),
        remove: Href::new(format!("/field/{id}/remove")),
        buy: Href::new(format!("/field/{id}/buy")),
        price: yuan("¥2.00"),
        can_buy: true,
    };
    vec![
        FieldCard { in_field: true, ..card("bus", IndustryIcon::Bus, "•••• 7890") },
        FieldCard {
            last: Some(by(language, "Last time: pulled away just after writing.", "上次：刚写入之后取走。")),
            ..card("school", IndustryIcon::School, "•••• 1207")
        },
        FieldCard {
            balance: yuan("¥0.00"),
            counter: 0,
            active_until: None,
            can_buy: false,
            ..card("prison", IndustryIcon::Prison, "•••• 0033")
        },
    ]
}

pub(crate) fn messages(language: Language) -> Vec<SmsMessage> {
    let message = |at: &str, code: &str, amount: &str| SmsMessage {
        to: "138 •••• 5678".into(),
        at: at.into(),
        text: by(
            language,
            &format!(
                "Counterfoil: {code} is your code for loading {amount} on card 7890 at terminal 000001000050. \
                 Good for 5 minutes. Tell it to nobody."
            ),
            &format!(
                "【Counterfoil】验证码 {code}，用于在终端 000001000050 为尾号 7890 的卡片充值 {amount}，\
                 5 分钟内有效。请勿告知他人。"
            ),
        ),
    };
    vec![message("18:31:15", "480 213", "¥50.00"), message("12:39:40", "077 541", "¥50.00")]
}

pub(super) fn terminal(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let s = || setting.clone();
    let home = |warnings, condition, minutes_left, bank| TerminalHome {
        page: s(),
        nav: nav(),
        warnings,
        industries: IndustryIcon::ALL
            .map(|icon| {
                let industry = industry(icon);
                IndustryCard { href: Href::new(format!("/industries/{}", industry.code)), industry }
            })
            .into(),
        number: "000001000050".into(),
        key: key(condition, minutes_left),
        bank,
        reader: Some("ACS ACR122U PICC Interface 00 00".into()),
    };
    let tap = |name, state| page(name, &HoldPage { page: s(), nav: nav(), hold: hold(state) });
    let activate = ActivatePage {
        page: s(),
        nav: nav(),
        industry: industry(IndustryIcon::Prison),
        masked_card: "•••• 0033".into(),
        error: None,
        pin_error: None,
        card_pin: None,
        submit: Href::new("/industries/0003/activate/hold"),
        back: Href::new("/industries/0003"),
    };
    let pin_wrong =
        || error(language, "pin_wrong", ["The bank card’s PIN is wrong.", "银行卡密码错误。"], Some(1));
    let locked = |name, why, number: Option<&str>| {
        page(name, &LockedPage { page: s(), nav: nav(), why, number: number.map(Into::into) })
    };
    vec![
        page("terminal-home", &home(vec![], KeyCondition::Good, 680, Connection::Reached)),
        page(
            "terminal-home-trouble",
            &TerminalHome {
                industries: Vec::new(),
                reader: None,
                ..home(
                    vec![Warning::ReaderGone, Warning::BankAway, Warning::LegacySuite],
                    KeyCondition::Expired,
                    0,
                    Connection::Away,
                )
            },
        ),
        page(
            "terminal-industry",
            &IndustryPage {
                page: s(),
                nav: nav(),
                warnings: vec![Warning::KeyExpired, Warning::Refused],
                industry: industry(IndustryIcon::Bus),
                balance: Href::new("/industries/0001/balance"),
                load: Href::new("/industries/0001/load"),
                finish: Href::new("/industries/0001/finish"),
                activate: Href::new("/industries/0001/activate"),
            },
        ),
        tap("tap-authorizing", HoldState::Authorizing),
        tap("tap-waiting", HoldState::Waiting),
        tap("tap-talking", HoldState::Talking),
        tap("tap-writing", HoldState::Writing),
        tap("tap-reporting", HoldState::Reporting),
        tap("tap-ended", HoldState::Ended),
        fragment("tap-fragment", &HoldFragment { page: s(), hold: hold(HoldState::Writing) }),
        page("balance", &balance(s())),
        page(
            "balance-open-load",
            &BalancePage {
                verified: false,
                load: None,
                verify: Some(Href::new("/industries/0001/balance?verify=1")),
                open_load: Some(OpenLoad {
                    amount: Some(yuan("¥50.00")),
                    finish: Href::new("/industries/0001/finish"),
                }),
                ..balance(s())
            },
        ),
        page(
            "balance-new-card",
            &BalancePage {
                verified: false,
                balance: yuan("¥0.00"),
                load: None,
                records: Vec::new(),
                activate: Some(Href::new("/industries/0001/activate")),
                ..balance(s())
            },
        ),
        page("load", &load(s())),
        page(
            "load-error",
            &LoadPage {
                chosen: Some("other".into()),
                other_amount: "1200".into(),
                error: Some(error(
                    language,
                    "amount_refused",
                    [
                        "This amount cannot be loaded; see the industry’s limits.",
                        "该金额不可充值，请查看行业限额。",
                    ],
                    None,
                )),
                ..load(s())
            },
        ),
        page("load-confirm", &confirm(s())),
        page(
            "load-confirm-errors",
            &ConfirmPage {
                error: Some(error(
                    language,
                    "authorization_expired",
                    ["It took too long. Enter code and PIN again.", "操作超时，请重新输入验证码和密码。"],
                    None,
                )),
                code_error: Some(error(
                    language,
                    "sms_wrong",
                    ["The SMS code is wrong.", "短信验证码错误。"],
                    Some(2),
                )),
                pin_error: Some(pin_wrong()),
                card_pin: Some(CardPin {
                    error: Some(error(
                        language,
                        "card_pin_wrong",
                        ["The card’s own PIN is wrong.", "卡片密码错误。"],
                        Some(0),
                    )),
                }),
                ..confirm(s())
            },
        ),
        page("activate", &activate),
        page("activate-error", &ActivatePage { pin_error: Some(pin_wrong()), ..activate.clone() }),
        page(
            "result-loaded",
            &result(
                s(),
                Meaning::Done,
                "loaded",
                ["Loaded. The money is on the card.", "充值成功，金额已写入卡内。"],
            ),
        ),
        page(
            "result-nothing",
            &result(
                s(),
                Meaning::NothingPaid,
                "card_gone",
                [
                    "The card was gone too early. Nothing was paid: hold it again.",
                    "卡片离开过早，未扣款：请重新贴卡。",
                ],
            ),
        ),
        page(
            "result-pin",
            &ResultPage {
                tries_left: Some(2),
                primary: NextStep::EnterAgain(Href::new("/industries/0001/load/confirm")),
                others: vec![
                    NextStep::Activate(Href::new("/industries/0001/activate")),
                    NextStep::Back(Href::new("/")),
                ],
                ..result(
                    s(),
                    Meaning::NothingPaid,
                    "pin_wrong",
                    ["The bank card’s PIN is wrong.", "银行卡密码错误。"],
                )
            },
        ),
        page(
            "result-paid-not-written",
            &result(
                s(),
                Meaning::PaidNotWritten,
                "paid_not_written",
                ["Paid, not yet written: hold the card again.", "已付款，尚未写入：请再次贴卡。"],
            ),
        ),
        page(
            "result-unanswered",
            &ResultPage {
                primary: NextStep::Finish(Href::new("/industries/0001/finish")),
                ..result(
                    s(),
                    Meaning::HoldAgain,
                    "unanswered",
                    [
                        "No answer from the bank yet. Hold the card again: what was begun is finished then.",
                        "银行尚未答复。请再次贴卡，未完成的交易将继续。",
                    ],
                )
            },
        ),
        page(
            "result-in-doubt",
            &result(
                s(),
                Meaning::AtTheBank,
                "in_doubt",
                [
                    "The card cannot tell what became of the load. The bank settles it; no money is lost.",
                    "卡片无法判定充值结果，银行将人工处理，资金不会丢失。",
                ],
            ),
        ),
        page("terminal-settings", &settings(s())),
        page(
            "terminal-settings-legacy",
            &SettingsPage {
                notice: Some(SettingsNotice::PackRefused(by(
                    language,
                    "The signature does not agree with the file.",
                    "签名与文件不符。",
                ))),
                suite: Suite::TripleDesCbc,
                key: key(KeyCondition::RenewSoon, 11),
                readers: Vec::new(),
                refused: Vec::new(),
                ..settings(s())
            },
        ),
        page(
            "terminal-settings-new",
            &SettingsPage {
                notice: Some(SettingsNotice::KeyRenewed),
                key: key(KeyCondition::Missing, 0),
                packs: Vec::new(),
                refused: Vec::new(),
                ..settings(s())
            },
        ),
        locked("terminal-not-enrolled", Locked::NotEnrolled, None),
        locked("terminal-sealed", Locked::Sealed, Some("000001000050")),
        locked("terminal-revoked", Locked::Revoked, Some("000001000050")),
        page(
            "field",
            &FieldPage {
                page: s(),
                nav: nav(),
                cards: field_cards(language),
                live: Href::new("/field/live"),
            },
        ),
        page(
            "field-none",
            &FieldPage { page: s(), nav: nav(), cards: Vec::new(), live: Href::new("/field/live") },
        ),
        fragment("field-fragment", &FieldFragment { page: s(), cards: field_cards(language) }),
        page(
            "outbox",
            &OutboxPage {
                page: s(),
                nav: nav(),
                messages: messages(language),
                live: Href::new("/messages/live"),
            },
        ),
        page(
            "outbox-empty",
            &OutboxPage { page: s(), nav: nav(), messages: Vec::new(), live: Href::new("/messages/live") },
        ),
        fragment("outbox-fragment", &OutboxFragment { page: s(), messages: messages(language) }),
    ]
}
