//! Cards, light by light.

use pages::*;

use super::{NOW_MS, Sample, by, fragment, page};

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
        frame(
            "18:31:30",
            Direction::Down,
            FrameKind::Transaction,
            "5130b4c2e04c9b7711f0a6d2853e9c0b47aa91d85ce310",
        ),
        frame("18:31:28", Direction::Up, FrameKind::Hello, "4930b4c08d6e12f5a90b3377"),
    ]
}

pub(super) fn cards(language: Language) -> Vec<Sample> {
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
        show("card-settled", card(Led::Settled, Some(Display::Text(by(language, "Paid", "支付成功"))))),
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
