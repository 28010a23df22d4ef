//! A reader at Debian's Chromium: sees pages, points, presses and types as people do.
#![allow(dead_code)] // Each test binary uses its own part.

mod devtools;
mod driver;
mod pictures;

pub(crate) use driver::Screen;
pub(crate) use pictures::Pictures;

use std::time::Duration;

use fantoccini::actions::{
    Actions, InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use devtools::DevTools;
use driver::Driver;

/// The longest that a page may take to show something.
const PATIENCE: Duration = Duration::from_secs(30);
/// A browser tells nobody when a page changes; it is asked.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long a finger is down, and up between two presses: together well under the 0.6 s that count together.
const DOWN: Duration = Duration::from_millis(70);
const UP: Duration = Duration::from_millis(130);
/// In the first 0.7 s of a light no press counts, and nothing shows when they are over.
const GUARD: Duration = Duration::from_millis(850);

/// A browser with its windows. Dropping it ends it with everything that it started.
pub(crate) struct Browser {
    client: Client,
    _driver: Driver,
}

impl Browser {
    pub(crate) async fn open(screen: Screen) -> Self {
        let (driver, client) = Driver::start(screen).await;
        Self { client, _driver: driver }
    }

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Opens a page in a window of its own, and gives back both: the one before, and the new one.
    pub(crate) async fn second_window(&self, url: &str) -> [WindowHandle; 2] {
        let first = self.client.window().await.unwrap();
        let second = self.client.new_window(true).await.unwrap().handle;
        self.look_at(&second).await;
        self.goto(url).await;
        [first, second]
    }

    pub(crate) async fn look_at(&self, window: &WindowHandle) {
        self.client.switch_to_window(window.clone()).await.unwrap();
    }

    /// Goes on inside a frame of the page, by its place.
    pub(crate) async fn enter_frame(&self, index: u16) {
        self.client.enter_frame(index).await.unwrap();
    }

    pub(crate) async fn leave_frame(&self) {
        self.client.enter_parent_frame().await.unwrap();
    }

    /// Asks the page for the value of an expression.
    pub(crate) async fn ask(&self, expression: &str) -> Value {
        self.client.execute(&format!("return ({expression});"), vec![]).await.unwrap()
    }

    /// Waits until the window shows this address, without asking its page.
    pub(crate) async fn comes_to(&self, url: &str) {
        let began = Instant::now();
        while self.client.current_url().await.unwrap().as_str() != url {
            assert!(began.elapsed() < PATIENCE, "it never came to {url}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until an expression is true on the page. A page that is just being left cannot be asked; the next can.
    pub(crate) async fn until(&self, expression: &str) {
        let began = Instant::now();
        let script = format!("return !!({expression});");
        while self.client.execute(&script, vec![]).await.ok() != Some(Value::Bool(true)) {
            if began.elapsed() > PATIENCE {
                let page = self.ask("location.href + ' ' + document.body.innerText").await;
                panic!("it never came to be that {expression}: {page}");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until there is such an element.
    pub(crate) async fn sees(&self, css: &str) {
        self.until(&format!("document.querySelector({})", json!(css))).await;
    }

    /// Waits until the first such element reads so.
    pub(crate) async fn reads(&self, css: &str, text: &str) {
        self.until(&format!("document.querySelector({})?.innerText.trim() === {}", json!(css), json!(text)))
            .await;
    }

    /// Goes on once the first such element's text has this in it, and gives the whole of it back.
    pub(crate) async fn tells(&self, css: &str, text: &str) -> String {
        let script = format!("return document.querySelector({})?.innerText;", json!(css));
        let began = Instant::now();
        loop {
            match self.client.execute(&script, vec![]).await {
                Ok(Value::String(told)) if told.contains(text) => return told,
                told => assert!(began.elapsed() < PATIENCE, "{css} never told {text:?}: {told:?}"),
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The text of the first such element, as it is shown.
    pub(crate) async fn text(&self, css: &str) -> String {
        // A live page may put it there anew between the look and the reading.
        loop {
            match self.element(css).await.text().await {
                Ok(text) => return text,
                Err(error) => assert!(error.is_stale_element_reference(), "{css} cannot be read: {error}"),
            }
        }
    }

    pub(crate) async fn click(&self, css: &str) {
        // A live page may put it there anew between the look and the click.
        while let Err(error) = self.element(css).await.click().await {
            assert!(error.is_stale_element_reference(), "{css} cannot be clicked: {error}");
        }
    }

    /// Types into a field that is empty, or chooses a file for it.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        self.element(css).await.send_keys(text).await.unwrap();
    }

    async fn element(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("there is no {css}: {error}"))
    }

    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    /// The page at its whole length.
    pub(crate) async fn whole_page(&self) -> Vec<u8> {
        let picture = self.client.issue_cmd(DevTools::whole_page()).await.unwrap();
        devtools::bytes(picture["data"].as_str().unwrap())
    }

    /// Pages of this window run no scripts from now on.
    pub(crate) async fn switch_scripts_off(&self) {
        self.client.issue_cmd(DevTools::switch_scripts_off()).await.unwrap();
    }

    /// Presses an element with the pointer as often as this, briskly.
    pub(crate) async fn press(&self, css: &str, times: usize) {
        let mut finger = self.finger_on(css).await;
        for _ in 0..times {
            finger = press_for(finger, DOWN).then(PointerAction::Pause { duration: UP });
        }
        self.client.perform_actions(finger).await.unwrap();
    }

    /// Presses an element and holds it for so long.
    pub(crate) async fn hold(&self, css: &str, time: Duration) {
        let finger = press_for(self.finger_on(css).await, time);
        self.client.perform_actions(finger).await.unwrap();
    }

    async fn finger_on(&self, css: &str) -> MouseActions {
        let element = self.element(css).await;
        let there = PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 };
        MouseActions::new("finger".into()).then(there)
    }

    /// Types a key as often as this, at a finger's pace.
    pub(crate) async fn type_key(&self, key: Key, times: usize) {
        let value = char::from(key);
        let mut typing = KeyActions::new("keyboard".into());
        for _ in 0..times {
            typing = typing
                .then(KeyAction::Down { value })
                .then(KeyAction::Pause { duration: DOWN })
                .then(KeyAction::Up { value })
                .then(KeyAction::Pause { duration: UP });
        }
        self.client.perform_actions(Actions::from(typing)).await.unwrap();
    }

    /// Goes on with Tab until this element has the focus, and the focus can be seen.
    pub(crate) async fn tab_to(&self, css: &str) {
        const TABS_MAX: usize = 40;
        let focused = format!("document.activeElement?.matches({})", json!(css));
        for _ in 0..TABS_MAX {
            let (down, up) =
                (KeyAction::Down { value: Key::Tab.into() }, KeyAction::Up { value: Key::Tab.into() });
            let tab = KeyActions::new("keyboard".into()).then(down).then(up);
            self.client.perform_actions(tab).await.unwrap();
            if self.ask(&focused).await == Value::Bool(true) {
                let visible = self.ask("document.activeElement.matches(':focus-visible')").await;
                assert_eq!(visible, Value::Bool(true), "the focus on {css} cannot be seen");
                return;
            }
        }
        panic!("Tab never came to {css}");
    }

    /// What eyes and thumb need before a press counts.
    pub(crate) async fn take_in(&self) {
        sleep(GUARD).await;
    }
}

fn press_for(finger: MouseActions, time: Duration) -> MouseActions {
    finger
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(PointerAction::Pause { duration: time })
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT })
}
