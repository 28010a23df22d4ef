//! Every page with believable contents, in one language: for the tests, and for the gallery that people look at.

use pages::*;

const NOW_MS: u64 = 1_795_199_488_000;

/// A page, its name in the gallery, and whether it is only a part of one.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) html: String,
    pub(crate) fragment: bool,
}

fn page(name: &'static str, template: &impl Template) -> Sample {
    Sample { name, html: template.render().expect(name), fragment: false }
}

fn fragment(name: &'static str, template: &impl Template) -> Sample {
    Sample { fragment: true, ..page(name, template) }
}

/// All of them.
pub(crate) fn all(language: Language) -> Vec<Sample> {
    let mut all = shop(language);
    all.extend(orders(language));
    all.extend(cards(language));
    all.extend(console(language));
    all.extend(rest(language));
    all
}

fn by(language: Language, english: &str, chinese: &str) -> String {
    match language {
        Language::English => english.into(),
        Language::Chinese => chinese.into(),
    }
}

fn yuan(text: &str) -> Money {
    Money::new(text, "CNY")
}

fn goods(language: Language) -> Vec<Good> {
    let good = |illustration: Illustration, names: [&str; 4], price: &str| Good {
        id: illustration.id().into(),
        name: by(language, names[0], names[1]),
        description: by(language, names[2], names[3]),
        price: yuan(price),
        illustration,
    };
    vec![
        good(
            Illustration::Jianbing,
            ["Jianbing", "煎饼果子", "Mung bean crepe, two eggs, crisp inside.", "绿豆面糊,两个鸡蛋,夹薄脆。"],
            "¥12.00",
        ),
        good(
            Illustration::Baozi,
            ["Pork baozi", "鲜肉包", "A pair, steamed since five.", "一份两只,五点开蒸。"],
            "¥6.00",
        ),
        good(
            Illustration::Youtiao,
            ["Youtiao", "油条", "Two sticks, fried when you order.", "一份两根,现点现炸。"],
            "¥5.00",
        ),
        good(
            Illustration::SoyMilk,
            ["Soy milk", "豆浆", "Stone-ground, warm, lightly sweet.", "石磨现磨,温热微甜。"],
            "¥4.00",
        ),
        good(
            Illustration::Congee,
            ["Millet congee", "小米粥", "Slow-cooked, with pickles on the side.", "文火慢熬,附送小菜。"],
            "¥8.00",
        ),
        good(
            Illustration::TeaEgg,
            ["Tea egg", "茶叶蛋", "A night in black tea and star anise.", "红茶八角,浸煮一夜。"],
            "¥2.50",
        ),
        good(
            Illustration::Basket,
            ["Breakfast for two", "双人早餐", "A little of everything, in a basket.", "各样来一点,装满一篮。"],
            "¥20.00",
        ),
    ]
}

fn saved_cards(language: Language) -> Vec<SavedCard> {
    vec![
        SavedCard {
            id: "c1".into(),
            masked_number: "6231 •••• •••• 4417".into(),
            has_display: true,
            note: by(language, "Everyday card", "日常用卡"),
        },
        SavedCard {
            id: "c2".into(),
            masked_number: "6231 •••• •••• 0925".into(),
            has_display: false,
            note: String::new(),
        },
    ]
}

fn shop(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let basket = || goods(language).pop().expect("goods");
    let receipt = |state: OrderState| ShopOrderPage {
        page: setting.clone(),
        order_id: "ord_01JB7Q4ZK3".into(),
        good: basket(),
        masked_card: "6231 •••• •••• 4417".into(),
        placed_at: "2026-11-20 18:31".into(),
        state,
        pay_url: Some(Href::new("/pay/ord_01JB7Q4ZK3")),
    };
    vec![
        page("shop", &ShopPage { page: setting.clone(), goods: goods(language) }),
        page(
            "checkout",
            &CheckoutPage {
                page: setting.clone().at("/checkout?good=basket"),
                good: basket(),
                cards: saved_cards(language),
                chosen: None,
                error: None,
            },
        ),
        page(
            "checkout-error",
            &CheckoutPage {
                page: setting.clone(),
                good: basket(),
                cards: saved_cards(language),
                chosen: Some("c2".into()),
                error: Some(by(language, "This card has an order waiting already.", "此卡已有订单等待处理。")),
            },
        ),
        page(
            "checkout-no-cards",
            &CheckoutPage {
                page: setting.clone(),
                good: basket(),
                cards: Vec::new(),
                chosen: None,
                error: None,
            },
        ),
        page("shop-order-paid", &receipt(OrderState::Paid)),
        page("shop-order-open", &receipt(OrderState::AwaitingCard)),
        page("shop-order-declined", &receipt(OrderState::Declined(Reason::Refused))),
    ]
}

fn steps(done: usize, next: StepState) -> Vec<Step> {
    let details = [
        "time factor A 217362688, AES-128-EAX, key version 3",
        "hello, brief, 12 bytes, time factor 217362688",
        "code right, mark moved to 217362688, life cycle active",
        "transaction, 23 bytes, time factor 217362690",
        "limits kept, number and holder match",
        "agreed, 3 presses, battery 86 %",
        "receipt, 13 bytes, settled",
    ];
    StepName::ALL
        .into_iter()
        .enumerate()
        .map(|(place, name)| {
            let state = match place {
                place if place < done => StepState::Done,
                place if place == done => next,
                _ => StepState::Waiting,
            };
            Step {
                detail: (place < done).then(|| details[place].into()),
                at: (place < done).then(|| format!("18:31:{:02}", 28 + place)),
                ..Step::new(name, state)
            }
        })
        .collect()
}

/// An order in some state, as many presses as said, that many steps done.
pub(crate) fn order(
    language: Language,
    state: OrderState,
    presses: Option<u8>,
    steps: Vec<Step>,
) -> OrderView {
    OrderView {
        id: "ord_01JB7Q4ZK3".into(),
        merchant: by(language, "Morning Market", "早市"),
        amount: yuan("¥20.00"),
        place: by(language, "Stall 12, East Gate", "东门 12 号摊"),
        text: by(language, "Breakfast for two", "双人早餐"),
        masked_card: "6231 •••• •••• 4417".into(),
        can_cancel: !state.is_final(),
        state,
        presses,
        opened_at_ms: NOW_MS - 33_000,
        expires_at_ms: NOW_MS + 87_000,
        now_ms: NOW_MS,
        steps,
        back: Some(Href::new("/orders/ord_01JB7Q4ZK3")),
    }
}

fn orders(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let show = |name, state, presses, steps| {
        page(name, &OrderPage { page: setting.clone(), order: order(language, state, presses, steps) })
    };
    use StepState::{Active, Failed, Waiting};
    vec![
        show("order-awaiting", OrderState::AwaitingCard, Some(3), steps(0, Waiting)),
        show("order-awaiting-once", OrderState::AwaitingCard, None, steps(0, Active)),
        show("order-on-card", OrderState::OnCard, Some(3), steps(5, Active)),
        show("order-on-card-once", OrderState::OnCard, None, steps(5, Active)),
        show("order-paid", OrderState::Paid, Some(3), steps(7, Waiting)),
        show("order-declined", OrderState::Declined(Reason::WrongPresses), Some(3), steps(6, Failed)),
        show("order-expired", OrderState::Expired, None, steps(5, Failed)),
        show("order-canceled", OrderState::Canceled, None, steps(0, Waiting)),
        fragment(
            "order-fragment",
            &OrderFragment {
                page: setting.clone(),
                order: order(language, OrderState::OnCard, Some(5), steps(5, Active)),
            },
        ),
    ]
}

fn frames() -> Vec<RadioFrame> {
    let frame = |at: &str, direction, kind, hex: &str| RadioFrame {
        at: at.into(),
        direction,
        kind,
        length: hex.len() / 2,
        hex: hex.into(),
        lost: false,
    };
    vec![
        RadioFrame {
            lost: true,
            ..frame("18:31:33", Direction::Down, FrameKind::Receipt, "6130b4c2e98f11a27d03c4f81e")
        },
        frame("18:31:31", Direction::Up, FrameKind::Result, "5930b4c21a9f03c7e2845b6d10aa"),
        frame("18:31:30", Direction::Down, FrameKind::Transaction, "5130b4c2e04c9b7711f0a6d2853e9c0b47aa91d85ce310"),
        frame("18:31:28", Direction::Up, FrameKind::Hello, "4930b4c08d6e12f5a90b3377"),
    ]
}

fn cards(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let card = |led: Led, display: Option<Display>| CardView {
        id: "c1".into(),
        masked_number: "6231 •••• •••• 4417".into(),
        holder: by(language, "LIN YUE", "林 月"),
        led,
        display,
        clock_set: true,
        frozen: false,
        battery_percent: Some(86),
        bearer: "LoRaWAN".into(),
        frames: frames(),
    };
    let payment = || Display::Payment {
        amount: "¥20.00".into(),
        place: by(language, "Stall 12, East Gate", "东门 12 号摊"),
        text: by(language, "Breakfast", "双人早餐"),
        expires_at_ms: NOW_MS + 87_000,
        now_ms: NOW_MS,
    };
    let show = |name, card| page(name, &CardPage { page: setting.clone(), card });
    let summary = |id: &str, masked: &str, has_display, led| CardSummary {
        id: id.into(),
        masked_number: masked.into(),
        holder: by(language, "LIN YUE", "林 月"),
        has_display,
        led,
    };
    vec![
        page(
            "cards",
            &CardsPage {
                page: setting.clone(),
                cards: vec![
                    summary("c1", "6231 •••• •••• 4417", true, Led::GreenSteady),
                    summary("c2", "6231 •••• •••• 0925", false, Led::Off),
                    summary("c3", "6231 •••• •••• 7730", true, Led::Red),
                ],
            },
        ),
        page("cards-none", &CardsPage { page: setting.clone(), cards: Vec::new() }),
        show("card-waiting", card(Led::GreenSteady, Some(payment()))),
        show("card-blinking", card(Led::GreenBlinking, Some(Display::Blank))),
        show(
            "card-plain",
            CardView {
                frames: Vec::new(),
                clock_set: false,
                battery_percent: None,
                bearer: String::new(),
                ..card(Led::Off, None)
            },
        ),
        show(
            "card-amber",
            card(Led::Amber, Some(Display::Text(by(language, "Outcome unknown", "结果未知")))),
        ),
        show("card-frozen", CardView { frozen: true, ..card(Led::Red, None) }),
        page(
            "card-bare",
            &CardPage { page: setting.clone().bare(true), card: card(Led::GreenSteady, Some(payment())) },
        ),
        fragment(
            "card-fragment",
            &CardFragment { page: setting.clone(), card: card(Led::GreenSteady, Some(payment())) },
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
        row("18:31:33", "ord_01JB7Q4ZK3", "¥20.00", OrderState::OnCard),
        row("18:30:02", "ord_01JB7Q2M9X", "¥12.00", OrderState::AwaitingCard),
        row("18:27:48", "ord_01JB7PYW41", "¥6.00", OrderState::Paid),
        row("18:21:10", "ord_01JB7PKT0D", "¥1,280.00", OrderState::Declined(Reason::OverCardLimit)),
        row("18:09:55", "ord_01JB7NZ3QH", "¥4.00", OrderState::Declined(Reason::NotMe)),
        row("17:58:20", "ord_01JB7NB8VA", "¥8.00", OrderState::Expired),
        row("17:40:01", "ord_01JB7MC5RE", "¥2.50", OrderState::Canceled),
    ]
}

fn console(language: Language) -> Vec<Sample> {
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
                    life("6231 •••• 5501", "0000a3f5", LifeCycle::Retired, None),
                ],
                older: older(),
            },
        ),
        page(
            "console-fleet",
            &ConsoleFleet {
                page: setting.clone(),
                rows: vec![
                    ChannelRow {
                        channel: "DevEUI 70b3d57ed0061a2f".into(),
                        card_id: Some("0000a3f1".into()),
                        last_heard: Some("18:31:31".into()),
                        signal: Some("-97 dBm".into()),
                        battery_percent: Some(86),
                        address: Some("LoRaWAN cn470, gw-east-02".into()),
                        waiting_downlinks: 0,
                    },
                    ChannelRow {
                        channel: "IMEI 867000050012349".into(),
                        card_id: Some("0000a3f2".into()),
                        last_heard: Some("17:02:09".into()),
                        signal: None,
                        battery_percent: None,
                        address: Some("coap://10.20.0.17:5683".into()),
                        waiting_downlinks: 2,
                    },
                    ChannelRow {
                        channel: "DevEUI 70b3d57ed0061a31".into(),
                        card_id: None,
                        last_heard: None,
                        signal: None,
                        battery_percent: None,
                        address: None,
                        waiting_downlinks: 0,
                    },
                ],
                older: None,
            },
        ),
        page("console-ledger", &ledger(true)),
        page("console-ledger-broken", &ledger(false)),
    ]
}

fn rest(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let card = |label: &str, url: &str| DeskCard { label: label.into(), url: Href::new(url) };
    let way_out =
        || Some(MessageLink { href: Href::new("/"), label: by(language, "Back to the shop", "返回商户") });
    vec![
        page(
            "desk",
            &DeskPage {
                page: setting.clone(),
                shop_url: Href::new("/shop.html"),
                cards: vec![card("•••• 4417", "/card-bare.html"), card("•••• 0925", "/card-plain.html")],
                console_url: Some(Href::new("/console")),
            },
        ),
        page("message-not-found", &MessagePage::not_found(setting.clone(), way_out())),
        page("message-failed", &MessagePage::failed(setting, None)),
    ]
}
