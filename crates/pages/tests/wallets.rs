//! The mobile terminal and its pages in the console: what holders and operators must see.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod samples;

use pages::*;

fn html(template: &impl Template) -> String {
    template.render().unwrap()
}

fn sample(language: Language, name: &str) -> String {
    samples::all(language).into_iter().find(|sample| sample.name == name).unwrap().html
}

/// The value of an attribute in a start tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\""))?.1.split('"').next()
}

fn tags<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    html.split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag))
        .filter(move |tag| tag.split([' ', '\n']).next() == Some(name))
}

#[test]
fn every_field_has_a_label_and_every_description_is_there() {
    for language in Language::ALL {
        for sample in samples::all(language) {
            let html = &sample.html;
            for tag in tags(html, "input").chain(tags(html, "textarea")) {
                // Radio buttons and ticks stand inside their label and have no id.
                let Some(id) = attribute(tag, "id") else { continue };
                assert!(html.contains(&format!("for=\"{id}\"")), "{}: {id} has no label", sample.name);
            }
            for name in ["aria-describedby", "aria-labelledby"] {
                for rest in html.split(&format!(" {name}=\"")).skip(1) {
                    for id in rest.split('"').next().unwrap().split_whitespace() {
                        let there = html.contains(&format!(" id=\"{id}\""));
                        assert!(there, "{}: {name} names {id}", sample.name);
                    }
                }
            }
        }
    }
}

#[test]
fn an_id_stands_once_on_a_page() {
    for sample in samples::all(Language::English) {
        let mut ids: Vec<_> =
            sample.html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{}", sample.name);
    }
}

#[test]
fn what_changes_something_is_posted_to_a_place_on_this_host() {
    for sample in samples::all(Language::English) {
        for form in tags(&sample.html, "form") {
            // What only seeks may stand in an address, and be kept.
            let method = if attribute(form, "role") == Some("search") { "get" } else { "post" };
            assert_eq!(attribute(form, "method"), Some(method), "{}", sample.name);
            let action = attribute(form, "action").unwrap();
            assert!(action.starts_with('/') && !action.starts_with("//"), "{}: {action}", sample.name);
        }
    }
}

#[test]
fn whoever_waits_sees_how_long() {
    use HoldState::{Authorizing, Reading, Reporting, Talking, Waiting, Writing};
    let page = Page::new(Language::English);
    for state in [Authorizing, Waiting, Reading, Talking, Writing, Reporting] {
        let hold = samples::hold(state);
        let html = html(&HoldPage { page: page.clone(), nav: samples::nav(), hold });
        assert!(html.contains("role=\"timer\"") && html.contains("<progress"), "{state:?}");
        assert!(html.contains("sse-connect=\"/taps/t1/live?lang=en\""), "{state:?}");
        assert!(
            html.contains("<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>"),
            "{state:?}"
        );
        assert!(!html.contains("data-leads-to"), "{state:?}");
    }
    let hold = samples::hold(HoldState::Ended);
    let html = html(&HoldPage { page, nav: samples::nav(), hold });
    assert!(html.contains("data-leads-to href=\"/taps/t1/result\""));
    assert!(!html.contains("sse-connect") && !html.contains("role=\"timer\""));
}

#[test]
fn a_card_that_is_being_written_cannot_be_canceled() {
    for name in ["tap-writing", "tap-fragment"] {
        assert!(!sample(Language::English, name).contains("id=\"cancel\""), "{name}");
    }
    assert!(sample(Language::English, "tap-waiting").contains("action=\"/taps/t1/cancel\""));
}

#[test]
fn paid_and_not_written_cannot_be_mistaken() {
    for (language, texts) in [
        (
            Language::English,
            ["Paid, not yet written: hold the card again.", "Not yet written", "You do not pay again"],
        ),
        (Language::Chinese, ["已付款，尚未写入：请再次贴卡。", "尚未写入", "不会重复扣款"]),
    ] {
        let html = sample(language, "result-paid-not-written");
        for text in texts {
            assert!(html.contains(text), "{text}");
        }
        // The first thing to do is to hold the card again, and it is a button that does it.
        let again = html.find("action=\"/taps/t1/again\"").unwrap();
        assert!(again < html.find("href=\"/industries/0001\"").unwrap());
        assert!(html.contains("class=\"trail\""));
    }
    assert!(!sample(Language::English, "result-unanswered").contains("class=\"trail\""));
}

#[test]
fn every_meaning_has_its_own_icon_or_words() {
    let page = Page::new(Language::English);
    let mut seen = Vec::new();
    for meaning in Meaning::ALL {
        let html = html(&samples::result(page.clone(), meaning, "x", ["x", "x"]));
        let icon = html.split("class=\"meaning-icon\"").nth(1).unwrap().split("</svg>").next().unwrap();
        seen.push((icon.to_owned(), meaning.sentence(Language::English)));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[test]
fn code_and_pin_ask_phones_for_the_right_keys() {
    let html = sample(Language::English, "load-confirm");
    let code = tags(&html, "input").find(|tag| attribute(tag, "name") == Some("code")).unwrap();
    assert_eq!(attribute(code, "autocomplete"), Some("one-time-code"));
    assert_eq!(attribute(code, "inputmode"), Some("numeric"));
    assert_eq!(attribute(code, "maxlength"), Some("6"));
    let pin = tags(&html, "input").find(|tag| attribute(tag, "name") == Some("pin")).unwrap();
    assert_eq!(attribute(pin, "type"), Some("password"));
    assert_eq!(attribute(pin, "inputmode"), Some("numeric"));
    assert_eq!(attribute(pin, "autocomplete"), Some("off"));
    assert!(!code.contains(" value=") && !pin.contains(" value="));
    assert!(!html.contains("name=\"card_pin\""));
    assert!(html.contains("•••• 5678"));
}

#[test]
fn an_error_stands_beside_its_field_with_the_tries_left() {
    for (language, tries) in [(Language::English, "2 tries left"), (Language::Chinese, "还可尝试 2 次")]
    {
        let html = sample(language, "load-confirm-errors");
        let error = html.split("id=\"code-error\"").nth(1).unwrap().split("</p>").next().unwrap();
        assert!(error.contains("data-outcome=\"sms_wrong\"") && error.contains(tries), "{error}");
        assert!(html.contains("name=\"card_pin\""));
    }
    let html = sample(Language::English, "load-error");
    assert!(html.contains("value=\"1200\"") && html.contains("data-outcome=\"amount_refused\""));
}

#[test]
fn a_legacy_suite_is_called_insecure_in_words() {
    let page = Page::new(Language::English);
    for suite in [Suite::Aes128Gcm, Suite::Sm4Gcm, Suite::DesCbc, Suite::TripleDesCbc] {
        let settings = html(&SettingsPage { suite, ..samples::settings(page.clone()) });
        let rows = vec![samples::terminal_row("x", TerminalState::Active, suite)];
        let console = html(&ConsoleTerminals { page: page.clone(), rows, older: None, has_bank: true });
        for html in [settings, console] {
            assert!(html.contains(suite.name()));
            assert_eq!(html.contains("Insecure"), suite.is_legacy(), "{suite:?}");
        }
    }
}

#[test]
fn a_load_in_doubt_is_settled_with_a_note_and_a_second_question() {
    let page = Page::new(Language::English);
    let first = html(&samples::console_load(page));
    assert_eq!(tags(&first, "textarea").filter(|tag| tag.contains(" required")).count(), 2);
    assert!(!first.contains("name=\"confirmed\""));
    let second = sample(Language::English, "console-settle-credited");
    let tick = tags(&second, "input").find(|tag| attribute(tag, "name") == Some("confirmed")).unwrap();
    assert!(tick.contains("type=\"checkbox\"") && tick.contains(" required"));
    assert!(second.contains("type=\"hidden\" name=\"note\""));
    for name in ["console-load-closed", "console-load-credited", "console-load-returned"] {
        assert!(!sample(Language::English, name).contains("name=\"note\""), "{name}");
    }
}

#[test]
fn an_open_load_has_one_form_and_it_is_no_settlement() {
    let open = sample(Language::English, "console-load-open");
    assert_eq!(tags(&open, "textarea").count(), 1);
    assert!(open.contains("/unreadable\"") && !open.contains("/credited\"") && !open.contains("/returned\""));
    let asked = sample(Language::English, "console-settle-unreadable");
    assert!(asked.contains("Put this load in doubt?") && !asked.contains("Settle for good?"));
}

#[test]
fn a_finding_fits_one_state_alone() {
    use LoadState::{Closed, InDoubt, Open, SettledCredited, SettledReturned};
    for finding in Finding::ALL {
        assert_eq!(Finding::from_tag(finding.tag()), Some(finding));
        let fits = [Open, Closed, InDoubt, SettledCredited, SettledReturned]
            .into_iter()
            .filter(|state| finding.fits(*state));
        let expected = if finding == Finding::Unreadable { Open } else { InDoubt };
        assert_eq!(fits.collect::<Vec<_>>(), [expected], "{finding:?}");
    }
    assert_eq!(Finding::from_tag("lost"), None);
}

#[test]
fn doubt_is_an_alarm_only_where_there_is_some() {
    assert!(sample(Language::English, "console-loads").contains("role=\"alert\""));
    assert!(!sample(Language::English, "console-loads-none").contains("role=\"alert\""));
}

#[test]
fn a_new_text_message_is_read_out() {
    let html = sample(Language::English, "outbox-fragment");
    let said = html.split("innerHTML:#live-status").nth(1).unwrap();
    assert!(said.contains("480 213") && !said.contains("077 541"));
}

#[test]
fn hostile_text_stays_text() {
    let hostile = || "<script>alert(1)</script>\"><img src=x onerror=alert(1)>'".to_owned();
    let money = || Money::new(hostile(), hostile());
    let wicked = || FieldError { name: hostile(), text: hostile(), tries_left: Some(1) };
    for language in Language::ALL {
        let page = || Page::new(language).at(format!("/x?{}", hostile()));
        let industry = || Industry {
            code: hostile(),
            icon: IndustryIcon::from_name(&hostile()),
            name_en: hostile(),
            name_zh: hostile(),
        };
        let record = || PurseRecord {
            kind: RecordKind::Other(hostile()),
            sign: Sign::Minus,
            amount: money(),
            at: hostile(),
            terminal: hostile(),
        };
        let hold = || HoldView {
            industry: industry(),
            amount: Some(money()),
            masked_card: Some(hostile()),
            live: Href::new(hostile()),
            ..samples::hold(HoldState::Waiting)
        };
        let mut settings = samples::settings(page());
        settings.notice = Some(SettingsNotice::PackInstalled(hostile()));
        settings.packs[0].industry = industry();
        settings.packs[0].signer = hostile();
        settings.refused[0] = RefusedFile { file: hostile(), reason: hostile(), at: hostile() };
        settings.readers[1].name = hostile();
        settings.servers[0].name = hostile();
        let mut cards = samples::field_cards(language);
        for card in &mut cards {
            card.id = hostile();
            card.industry = industry();
            card.masked_card = hostile();
            card.last = Some(hostile());
            card.price = money();
        }
        let message = || SmsMessage { to: hostile(), at: hostile(), text: hostile() };
        let mut load = samples::console_load(page());
        load.load.load_id = hostile();
        load.load.doubt = Some(hostile());
        load.load.settled = Some(Settled { at: hostile(), note: hostile() });
        load.attempts[0].terminal = hostile();
        load.evidence[0] = EvidenceRow { record: Some(record()), counter: Some(hostile()), hex: hostile() };
        let settle = ConsoleSettle {
            page: page(),
            load: load.load.clone(),
            finding: Finding::Credited,
            note: hostile(),
            confirm: Href::new(hostile()),
            back: Href::new(hostile()),
        };
        let mut terminal = samples::terminal_row(&hostile(), TerminalState::Active, Suite::Aes128Gcm);
        terminal.number = hostile();
        let rendered = [
            html(&HoldPage { page: page(), nav: samples::nav(), hold: hold() }),
            html(&HoldFragment { page: page(), hold: hold() }),
            html(&BalancePage {
                industry: industry(),
                balance: money(),
                records: vec![record()],
                open_load: Some(OpenLoad { amount: Some(money()), finish: Href::new(hostile()) }),
                ..samples::balance(page())
            }),
            html(&LoadPage {
                amounts: vec![AmountChoice { value: hostile(), money: money() }],
                other_amount: hostile(),
                per_load_max: hostile(),
                error: Some(wicked()),
                ..samples::load(page())
            }),
            html(&ConfirmPage {
                amount: money(),
                error: Some(wicked()),
                code_error: Some(wicked()),
                card_pin: Some(CardPin { error: Some(wicked()) }),
                ..samples::confirm(page())
            }),
            html(&samples::result(page(), Meaning::HoldAgain, &hostile(), [&hostile(), &hostile()])),
            html(&settings),
            html(&FieldPage {
                page: page(),
                nav: samples::nav(),
                cards: cards.clone(),
                live: Href::new(hostile()),
            }),
            html(&FieldFragment { page: page(), cards }),
            html(&OutboxFragment { page: page(), messages: vec![message()] }),
            html(&load),
            html(&settle),
            html(&ConsoleTerminals {
                page: page(),
                rows: vec![terminal.clone()],
                older: None,
                has_bank: true,
            }),
            html(&ConsoleRevoke { page: page(), terminal, confirm: Href::new("/x"), back: Href::new("/x") }),
        ];
        for html in rendered {
            assert!(!html.contains("<script>"), "{html}");
            assert!(!html.contains("<img"), "{html}");
        }
    }
}
