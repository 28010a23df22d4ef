//! Every page in both languages: what must never be in one, and what must.

mod samples;

use pages::*;

/// Calls `check` with name and HTML of every sample in every language.
fn each(check: impl Fn(Language, &samples::Sample)) {
    for language in Language::ALL {
        for sample in samples::all(language) {
            check(language, &sample);
        }
    }
}

/// The start tags of a page, without what stands between them.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag))
}

#[test]
fn every_page_says_its_language() {
    each(|language, sample| {
        let opening = format!("<html lang=\"{}\">", language.html_tag());
        assert_eq!(sample.html.contains(&opening), !sample.fragment, "{}", sample.name);
    });
}

#[test]
fn every_page_offers_the_other_language_unless_bare() {
    each(|language, sample| {
        let switch = format!("lang={}\" lang=", language.other().tag());
        let expected = !sample.fragment && sample.name != "card-bare";
        assert_eq!(sample.html.contains(&switch), expected, "{}", sample.name);
    });
}

#[test]
fn the_content_security_policy_holds() {
    each(|_, sample| {
        for tag in tags(&sample.html) {
            let lower = tag.to_ascii_lowercase();
            let at = || format!("{}: <{tag}>", sample.name);
            assert!(!lower.contains(" style="), "{}", at());
            assert!(!lower.starts_with("style"), "{}", at());
            assert!(
                !lower.split_whitespace().any(|word| word.starts_with("on") && word.contains('=')),
                "{}",
                at()
            );
            assert!(!lower.contains("hx-on"), "{}", at());
            assert!(!lower.contains("javascript:"), "{}", at());
            if lower.starts_with("script") {
                assert!(lower.contains("src=\"/assets/"), "{}", at());
            }
            // A merchant's address may be read on a page; nothing leads there.
            assert!(!lower.contains("http://") && !lower.contains("https://"), "{}", at());
        }
    });
}

#[test]
fn every_asset_named_by_a_page_or_the_stylesheet_exists() {
    each(|_, sample| {
        for rest in sample.html.split("\"/assets/").skip(1) {
            let name = rest.split(['"', '#']).next().unwrap();
            assert!(asset(name).is_some(), "{} names {name}", sample.name);
        }
    });
    let css = String::from_utf8_lossy(asset("app.css").unwrap().bytes).into_owned();
    for rest in css.split("url(\"").skip(1) {
        let name = rest.split('"').next().unwrap();
        assert!(asset(name).is_some(), "app.css names {name}");
    }
}

#[test]
fn every_class_used_is_drawn_or_read_by_a_script() {
    let css = String::from_utf8_lossy(asset("app.css").unwrap().bytes).into_owned();
    // These name a place for whoever reads the HTML; they look like their surroundings.
    let plain = ["brand-name", "order-left", "status-text"];
    each(|_, sample| {
        for rest in sample.html.split("class=\"").skip(1) {
            for class in rest.split('"').next().unwrap().split_whitespace() {
                let known = css.contains(&format!(".{class}")) || plain.contains(&class);
                assert!(known, "{}: {class} is not in app.css", sample.name);
            }
        }
    });
}

#[test]
fn elements_close() {
    each(|_, sample| {
        for name in [
            "div", "section", "main", "ul", "ol", "li", "dl", "p", "form", "table", "tr", "td", "a", "span",
            "svg",
        ] {
            let opened =
                tags(&sample.html).filter(|tag| tag.split([' ', '\n', '/']).next() == Some(name)).count();
            let closed = sample.html.matches(&format!("</{name}>")).count();
            assert_eq!(opened, closed, "{}: <{name}>", sample.name);
        }
    });
}

#[test]
fn no_word_is_left_over_from_the_other_language() {
    for sample in samples::all(Language::English) {
        // The switch and the samples' own text are all that may be Chinese on an English page.
        let mut html = sample.html.replace("中文", "");
        // So is what says of itself that it is Chinese: an industry has a name in both languages.
        while let Some((before, rest)) = html.split_once("lang=\"zh-Hans\">") {
            html = format!("{before}{}", rest.split_once('<').map_or("", |(_, after)| after));
        }
        assert!(!html.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{}", sample.name);
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'";
    for language in Language::ALL {
        let mut order = samples::order(
            language,
            OrderState::Declined(Reason::Other(hostile.into())),
            Some(2),
            vec![Step {
                detail: Some(hostile.into()),
                at: Some(hostile.into()),
                ..Step::new(StepName::S1, StepState::Failed)
            }],
        );
        order.id = hostile.into();
        order.merchant = hostile.into();
        order.amount = Money::new(hostile, hostile);
        order.place = hostile.into();
        order.text = hostile.into();
        order.masked_card = hostile.into();
        order.can_cancel = true;
        let good = Good {
            id: hostile.into(),
            name: hostile.into(),
            description: hostile.into(),
            price: order.amount.clone(),
            illustration: Illustration::from_id(hostile),
        };
        let saved = SavedCard {
            id: hostile.into(),
            masked_number: hostile.into(),
            has_display: true,
            note: hostile.into(),
        };
        let card = CardView {
            id: hostile.into(),
            masked_number: hostile.into(),
            holder: hostile.into(),
            led: Led::Off,
            display: Some(Display::Text(hostile.into())),
            clock_set: true,
            frozen: false,
            battery_percent: None,
            bearer: hostile.into(),
            frames: vec![RadioFrame {
                at: hostile.into(),
                direction: Direction::Up,
                kind: FrameKind::Unknown,
                length: 0,
                hex: hostile.into(),
                lost: false,
            }],
        };
        let page = Page::new(language).at(format!("/x?{hostile}"));
        let rendered = [
            OrderPage { page: page.clone(), order: order.clone() }.render(),
            OrderFragment { page: page.clone(), order }.render(),
            ShopPage { page: page.clone(), goods: vec![good.clone()] }.render(),
            CheckoutPage {
                page: page.clone(),
                good,
                cards: vec![saved],
                chosen: Some(hostile.into()),
                error: Some(hostile.into()),
            }
            .render(),
            CardPage { page: page.clone(), card: card.clone() }.render(),
            CardFragment { page: page.clone(), card }.render(),
            MessagePage {
                page,
                title: hostile.into(),
                what: hostile.into(),
                todo: hostile.into(),
                link: Some(MessageLink { href: Href::new(hostile), label: hostile.into() }),
            }
            .render(),
        ];
        let of_the_fleet = samples::hostile_fleet(language, hostile);
        for html in rendered.into_iter().map(Result::unwrap).chain(of_the_fleet) {
            assert!(!html.contains("<script>"), "{html}");
            assert!(!html.contains("<img"), "{html}");
        }
    }
}

#[test]
fn a_link_cannot_run_a_script() {
    let mut order = samples::order(Language::English, OrderState::Paid, None, Vec::new());
    order.back = Some(Href::new("javascript:alert(1)"));
    let html = OrderPage { page: Page::new(Language::English), order }.render().unwrap();
    assert!(!html.contains("javascript:"));
}

#[test]
fn an_order_says_how_many_presses_only_while_it_can_be_pressed() {
    let page = Page::new(Language::English);
    let show = |state, presses| {
        let order = samples::order(Language::English, state, presses, Vec::new());
        OrderPage { page: page.clone(), order }.render().unwrap()
    };
    assert!(show(OrderState::OnCard, Some(3)).contains("Press the key on your card 3 times"));
    assert!(show(OrderState::OnCard, None).contains("Press the key on your card once"));
    assert!(show(OrderState::OnCard, Some(3)).contains("never sent to your card"));
    assert!(!show(OrderState::OnCard, None).contains("never sent to your card"));
    assert!(!show(OrderState::Paid, Some(3)).contains("Press the key on your card"));
}

#[test]
fn an_order_listens_only_while_something_can_change() {
    let page = Page::new(Language::Chinese);
    let show = |state| {
        let order = samples::order(Language::Chinese, state, None, Vec::new());
        OrderPage { page: page.clone(), order }.render().unwrap()
    };
    assert!(
        show(OrderState::AwaitingCard)
            .contains("sse-connect=\"/pay/ord_019aa2f07c1b7c4d8e1f20a3b4c5d6e7/live?lang=zh\"")
    );
    assert!(!show(OrderState::Expired).contains("sse-connect"));
}

#[test]
fn the_key_is_never_inside_what_events_replace() {
    for sample in samples::all(Language::English) {
        if sample.name == "card-fragment" {
            assert!(!sample.html.contains("data-key-url"));
        }
    }
}

#[test]
fn a_broken_ledger_is_an_alarm() {
    let sample = |name: &str| {
        samples::all(Language::English).into_iter().find(|sample| sample.name == name).unwrap().html
    };
    assert!(sample("console-ledger-broken").contains("role=\"alert\""));
    assert!(!sample("console-ledger").contains("role=\"alert\""));
}

#[test]
fn every_form_of_the_console_carries_the_session_s_token() {
    for sample in samples::all(Language::English).iter().filter(|sample| sample.name.starts_with("console-"))
    {
        let forms = sample.html.matches("method=\"post\"").count();
        let tokens = sample.html.matches("name=\"csrf\"").count();
        let with_token = [
            "console-login",
            "console-login-waits",
            "console-login-code",
            "console-audit",
            "console-merchants",
            "console-revoke-key",
        ];
        assert_eq!(tokens, if with_token.contains(&sample.name) { forms } else { 0 }, "{}", sample.name);
    }
    // Where a page has forms of its own, its template says so at each.
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/console");
    for file in std::fs::read_dir(templates).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for form in text.split("<form").skip(1).filter(|form| form.contains("method=\"post\"")) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("form_token.html"), "{form}");
        }
    }
}
