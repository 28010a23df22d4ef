//! What every page needs to know before its own content.

use crate::language::Language;
use crate::role::Role;
use crate::words::Words;

/// The setting a page is shown in: who reads it, where it is, and whether it stands inside another page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The reader's language.
    pub language: Language,
    /// Path and query of this page without `lang`, so that the language switch keeps the rest of the query.
    /// Empty is right wherever the query carries nothing else.
    pub here: String,
    /// Without header and footer, for a page inside the desk's frame (`?bare=1`).
    pub bare: bool,
    /// What the page's forms carry, where they must carry something (field `csrf`).
    pub form_token: Option<String>,
    /// Who is logged in, where somebody must be.
    pub operator: Option<LoggedIn>,
}

/// Who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// What they are called.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Whether payments, ledger and loads are shown to them.
    pub sees_money: bool,
    /// Whether the audit log is.
    pub sees_audit: bool,
}

impl Page {
    /// A page of its own, at whatever address it was asked for.
    pub fn new(language: Language) -> Page {
        Page { language, ..Page::default() }
    }

    /// The same at a known path and query, to be kept when the language is switched.
    pub fn at(self, here: impl Into<String>) -> Page {
        Page { here: here.into(), ..self }
    }

    /// The same inside another page (or not): no header, no footer.
    pub fn bare(self, bare: bool) -> Page {
        Page { bare, ..self }
    }

    /// The same with what its forms carry.
    pub fn with_form_token(self, token: Option<String>) -> Page {
        Page { form_token: token, ..self }
    }

    /// The same for somebody who is logged in.
    pub fn for_operator(self, operator: Option<LoggedIn>) -> Page {
        Page { operator, ..self }
    }

    /// What is said in the reader's language.
    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// Whether the way to the audit log is shown.
    pub fn sees_audit(&self) -> bool {
        self.operator.as_ref().is_some_and(|operator| operator.sees_audit)
    }

    /// Whether the ways to payments, ledger and loads are shown.
    pub fn sees_money(&self) -> bool {
        self.operator.as_ref().is_none_or(|operator| operator.sees_money)
    }

    /// Where the language switch leads: this page in the other language.
    pub fn switch_href(&self) -> String {
        let other = self.language.other().tag();
        // A path that could be read as another host (`//evil`) is not followed: the switch stays on this page.
        let known = self.here.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
        let here = if known { self.here.as_str() } else { "" };
        let joint = if here.contains('?') { '&' } else { '?' };
        format!("{here}{joint}lang={other}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_keeps_the_query() {
        let page = Page::new(Language::English);
        assert_eq!(page.switch_href(), "?lang=zh");
        assert_eq!(page.clone().at("/checkout?good=1").switch_href(), "/checkout?good=1&lang=zh");
        assert_eq!(page.clone().at("/console").switch_href(), "/console?lang=zh");
    }

    #[test]
    fn the_switch_never_leaves_the_host() {
        for here in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"] {
            assert_eq!(Page::new(Language::Chinese).at(here).switch_href(), "?lang=en");
        }
    }
}
