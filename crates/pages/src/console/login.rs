//! Logging in.

use askama::Template;

use crate::page::Page;

/// What the login page asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginStep {
    /// Name and password, posted to `/console/login` as `name` and `password`.
    Password,
    /// The one-time code, posted to `/console/login/code` as `code`.
    Code,
    /// Nothing: there is no operator yet, and it says how to make one.
    First,
}

/// `GET /console/login` and `/console/login/code`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/login.html")]
pub struct ConsoleLogin {
    /// Language and place.
    pub page: Page,
    /// What is asked.
    pub step: LoginStep,
    /// Why the last answer was not good.
    pub refused: Option<String>,
}
