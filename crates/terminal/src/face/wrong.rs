//! What was wrong with an entry, in both languages, until somebody reads it.

use pages::{FieldError, Language};
use tap::{Outcome, Report};

/// An entry that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    name: &'static str,
    english: String,
    chinese: String,
    tries_left: Option<u8>,
}

impl Wrong {
    /// The bank's word about it.
    pub(super) fn reported(outcome: Outcome, report: &Report) -> Self {
        Self {
            name: outcome.name(),
            english: report.english().to_owned(),
            chinese: report.chinese().to_owned(),
            tries_left: report.end.tries_left,
        }
    }

    /// An outcome's own texts.
    pub(super) fn outcome(outcome: Outcome) -> Self {
        Self::said(outcome.name(), outcome.english(), outcome.chinese())
    }

    pub(super) fn code_malformed() -> Self {
        Self::said("code_malformed", "An SMS code has six digits.", "短信验证码为 6 位数字。")
    }

    pub(super) fn pin_malformed() -> Self {
        Self::said("pin_malformed", "A PIN has 4 to 12 digits.", "密码为 4 至 12 位数字。")
    }

    pub(super) fn card_pin_malformed() -> Self {
        Self { name: "card_pin_malformed", ..Self::pin_malformed() }
    }

    pub(super) fn amount_malformed() -> Self {
        Self::said(
            "amount_malformed",
            "Enter yuan, such as 50 or 50.00.",
            "请输入金额（元），例如 50 或 50.00。",
        )
    }

    fn said(name: &'static str, english: &str, chinese: &str) -> Self {
        Self { name, english: english.to_owned(), chinese: chinese.to_owned(), tries_left: None }
    }

    pub(super) fn shown(&self, language: Language) -> FieldError {
        let text = match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        };
        FieldError { name: self.name.to_owned(), text: text.clone(), tries_left: self.tries_left }
    }
}
