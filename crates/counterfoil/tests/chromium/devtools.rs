//! What only the browser's own tools can do.

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use reqwest::Url;
use serde_json::{Value, json};

/// A command of the DevTools protocol.
#[derive(Debug)]
pub(super) struct DevTools {
    body: Value,
}

impl DevTools {
    /// Pages run no scripts from now on.
    pub(super) fn switch_scripts_off() -> Self {
        Self::command("Emulation.setScriptExecutionDisabled", json!({ "value": true }))
    }

    /// A picture of the page at its whole length.
    pub(super) fn whole_page() -> Self {
        Self::command("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true }))
    }

    fn command(name: &str, parameters: Value) -> Self {
        Self { body: json!({ "cmd": name, "params": parameters }) }
    }
}

type Parsed = Result<Url, <Url as std::str::FromStr>::Err>;

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Parsed {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// What base64 stands for (RFC 4648, section 4).
pub(super) fn bytes(base64: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = base64.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    for four in letters.chunks(4) {
        let value = |letter: &u8| LETTERS.iter().position(|known| known == letter).unwrap();
        let bits = four.iter().fold(0, |bits, letter| bits << 6 | value(letter)) << (6 * (4 - four.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[5..][..four.len() - 1]);
    }
    bytes
}
