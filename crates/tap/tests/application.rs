//! The application against a driver and a bank by script whose messages have random insides: it must not matter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use tap::Outcome;
use tap::application::{Application, ROUNDS_MAX, Step};
use tap::driver::{CardNeed, DriverEnd, Need};

/// A driver that needs what its script says, whatever it is told, and writes down what that is.
struct Scripted {
    needs: VecDeque<Need>,
    now: Need,
    told: Rc<RefCell<Vec<String>>>,
    /// Stays as it is when it is told to stop.
    stubborn: bool,
}

type Told = Rc<RefCell<Vec<String>>>;

impl Scripted {
    fn new(needs: impl IntoIterator<Item = Need>) -> (Self, Told) {
        let told = Told::default();
        let nothing = Need::End("A nothing was begun".into());
        let needs = needs.into_iter().collect();
        (Self { needs, now: nothing, told: Rc::clone(&told), stubborn: false }, told)
    }

    fn next(&mut self, told: String) {
        self.told.borrow_mut().push(told);
        self.now = self.needs.pop_front().unwrap_or_else(|| Need::End("A the script is over".into()));
    }
}

impl DriverEnd for Scripted {
    fn open(&mut self, text: &str) {
        self.next(format!("open {text}"));
    }
    fn need(&mut self) -> Need {
        self.now.clone()
    }
    fn card_presented(&mut self) {
        self.next("card presented".into());
    }
    fn answered(&mut self, answer: &[u8]) {
        self.next(format!("answered {answer:02x?}"));
    }
    fn card_gone(&mut self) {
        self.told.borrow_mut().push("card gone".into());
    }
    fn received(&mut self, text: &str) {
        self.next(format!("received {text}"));
    }
    fn unanswered(&mut self) {
        self.next("unanswered".into());
    }
    fn stop(&mut self, why: Outcome) {
        self.told.borrow_mut().push(format!("stop {}", why.name()));
        if !self.stubborn {
            self.now = Need::End(format!("A stopped: {}", why.name()));
        }
    }
}

/// Texts that no parser would take, the same on every run.
struct Noise(u64);

impl Noise {
    fn text(&mut self, letter: char) -> String {
        let mut text = String::from(letter);
        for _ in 0..self.number() % 300 {
            text.push(char::from_u32(0x20 + self.number() as u32 % 0x2000).unwrap_or('?'));
        }
        text
    }

    fn number(&mut self) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn send(message: &str, card: CardNeed) -> Need {
    Need::Send { message: message.into(), card }
}

fn exchange(message: &str, card: CardNeed) -> Step {
    Step::Exchange { message: message.into(), card }
}

#[test]
fn the_application_knows_the_first_letter_and_no_other_word_of_a_message() {
    let source = include_str!("../src/application.rs");
    let code: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let named: Vec<&str> = code.split("message::").skip(1).collect();
    assert_eq!(named.len(), 1, "the module of messages is named once");
    assert!(named[0].starts_with("{Letter, letter_of};"), "{:.60}", named[0]);
    let all = "Message Body Open Authorize Authorized CardReading CommandList Command Outputs Output End
        Transaction SmsAnswer PinBlock CardPin Reference LogRecord PublicData Report Opening read_end";
    let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for word in all.split_whitespace().filter(|word| *word != "End") {
        assert!(!words.contains(&word), "{word}");
    }
    // Slicing or searching a text would be reading more of it.
    for way in
        [".chars(", ".bytes(", ".as_bytes(", "[1..", ".get(", ".split", ".parse", ".find(", ".contains("]
    {
        assert!(!code.contains(way), "{way}");
    }
}

#[test]
fn whatever_stands_behind_the_letter_is_handed_on_as_it_stands() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for _ in 0..200 {
        let opening = noise.text('A');
        let (first, second) = (noise.text('I'), noise.text('I'));
        let (answer, last) = (noise.text('I'), noise.text('A'));
        let (driver, told) = Scripted::new([
            send(&first, CardNeed::NotYet),
            Need::PresentCard,
            Need::Transmit(vec![0, 0xa4, 4, 0]),
            send(&second, CardNeed::Waits),
        ]);
        let mut application = Application::new(driver);
        application.open(&opening);
        assert_eq!(application.step(), exchange(&first, CardNeed::NotYet));
        application.received(&answer);
        assert_eq!(application.step(), Step::PresentCard);
        application.card_presented();
        assert_eq!(application.step(), Step::Transmit(vec![0, 0xa4, 4, 0]));
        application.answered(&[0x90, 0]);
        assert_eq!(application.step(), exchange(&second, CardNeed::Waits));
        application.received(&last);
        assert_eq!(application.step(), Step::End(last), "the bank's end is shown as it stands");
        let expected = [
            format!("open {opening}"),
            format!("received {answer}"),
            "card presented".into(),
            "answered [90, 00]".into(),
        ];
        assert_eq!(*told.borrow(), expected);
        assert_eq!(application.rounds(), 2);
    }
}

#[test]
fn an_end_of_the_driver_is_the_end_by_its_letter_and_by_its_word() {
    for need in [Need::End("A by its word".into()), send("A by its letter", CardNeed::Done)] {
        let (driver, _) = Scripted::new([need]);
        let mut application = Application::new(driver);
        application.open("A");
        let Step::End(text) = application.step() else { panic!() };
        assert!(text.starts_with("A by its"));
        assert_eq!(application.rounds(), 0);
    }
}

#[test]
fn eight_messages_go_to_the_bank_and_the_ninth_ends_it_even_where_all_are_alike() {
    let (driver, told) = Scripted::new((0..20).map(|_| send("I the same", CardNeed::Waits)));
    let mut application = Application::new(driver);
    application.open("A");
    for round in 1..=ROUNDS_MAX {
        assert_eq!(application.step(), exchange("I the same", CardNeed::Waits));
        assert_eq!(application.rounds(), round);
        application.received("I go on");
    }
    assert_eq!(application.step(), Step::End("A stopped: too_many_rounds".into()));
    assert_eq!(application.rounds(), 8);
    assert_eq!(told.borrow().last().unwrap(), "stop too_many_rounds");
    application.received("I go on");
    application.cancel();
    assert_eq!(application.step(), Step::End("A stopped: too_many_rounds".into()));
}

#[test]
fn a_card_that_goes_while_the_bank_is_asked_is_told_and_is_no_new_round() {
    let (driver, told) = Scripted::new([send("I card", CardNeed::Waits)]);
    let mut application = Application::new(driver);
    application.open("A");
    for _ in 0..20 {
        application.card_gone();
    }
    assert_eq!(application.step(), exchange("I card", CardNeed::Waits));
    assert_eq!((application.rounds(), told.borrow().len()), (1, 21));
}

#[test]
fn canceled_and_timed_out_are_the_drivers_to_say() {
    for (end, outcome) in [
        (Application::cancel as fn(&mut Application<Scripted>), "canceled"),
        (Application::time_out, "timed_out"),
        (|application| application.stop(Outcome::ReaderGone), "reader_gone"),
        (|application| application.stop(Outcome::TerminalRefused), "terminal_refused"),
    ] {
        let (driver, _) = Scripted::new([Need::PresentCard]);
        let mut application = Application::new(driver);
        application.open("A");
        end(&mut application);
        assert_eq!(application.step(), Step::End(format!("A stopped: {outcome}")));
    }
}

#[test]
fn what_has_no_letter_is_the_drivers_from_the_bank_and_malformed_from_the_driver() {
    for wrong in ["", "B01", "hello", "中"] {
        let (driver, told) = Scripted::new([send("I card", CardNeed::Waits)]);
        let mut application = Application::new(driver);
        application.open("A");
        application.received(wrong);
        assert_eq!(told.borrow().last().unwrap(), &format!("received {wrong}"));
        assert_eq!(application.step(), Step::End("A the script is over".into()));

        let (driver, _) = Scripted::new([send(wrong, CardNeed::Waits)]);
        let mut application = Application::new(driver);
        application.open("A");
        assert_eq!(application.step(), Step::End("A stopped: malformed".into()));
    }
    let (mut driver, _) = Scripted::new([send("?", CardNeed::Waits)]);
    driver.stubborn = true;
    let mut application = Application::new(driver);
    application.open("A");
    assert_eq!(application.step(), Step::End(String::new()), "a driver that does not stop is left");
}

#[test]
fn answers_that_nobody_waits_for_are_dropped() {
    let (driver, told) = Scripted::new([Need::PresentCard, send("I card", CardNeed::Waits)]);
    let mut application = Application::new(driver);
    application.open("A");
    application.received("A an end of another transaction");
    application.received("I");
    application.answered(&[0x90, 0]);
    application.unanswered();
    assert_eq!(application.step(), Step::PresentCard);
    application.card_presented();
    application.answered(&[0x90, 0]);
    assert_eq!(application.step(), exchange("I card", CardNeed::Waits));
    application.unanswered();
    assert_eq!(*told.borrow(), ["open A", "card presented", "unanswered"]);
}

#[test]
fn a_step_prints_no_message_and_no_command_whole() {
    let secret = exchange("I0101010201DF0606323731383238", CardNeed::NotYet);
    assert!(!format!("{secret:?}").contains("323731"));
    let verify = Step::Transmit(vec![0, 0x20, 0, 0, 3, 0x12, 0x34, 0x5f]);
    assert!(!format!("{verify:?}").contains("12, 34"));
}
