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
    /// Where they may go and what they may send: out of the server's table of routes.
    pub reach: Vec<Reach>,
}

/// A route that somebody may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its path, with `{names}`.
    pub path: &'static str,
}

impl Reach {
    /// Whether an address, without its query, is of this route.
    fn takes(self, method: &str, address: &str) -> bool {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        self.method == method
            && loop {
                match (wanted.next(), given.next()) {
                    (None, None) => break true,
                    (Some(wanted), Some(given)) if wanted == given || wanted.starts_with('{') => {}
                    (Some(_) | None, _) => break false,
                }
            }
    }
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

    /// Whether a link to an address of the console is shown. Where nobody must be logged in, each is.
    pub fn may_see(&self, address: impl AsRef<str>) -> bool {
        self.reaches("GET", address.as_ref())
    }

    /// Whether a form that posts to an address of the console is shown.
    pub fn may_post(&self, address: impl AsRef<str>) -> bool {
        self.reaches("POST", address.as_ref())
    }

    fn reaches(&self, method: &str, address: &str) -> bool {
        let Some(operator) = &self.operator else { return true };
        operator.reach.iter().any(|route| route.takes(method, address))
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
    fn what_a_role_may_not_is_not_shown() {
        let reach = vec![
            Reach { method: "GET", path: "/console/loads/{id}" },
            Reach { method: "POST", path: "/console/loads/{id}/{finding}" },
        ];
        let operator = LoggedIn { name: "li.wei".into(), role: Role::Viewer, reach };
        let page = Page::default().for_operator(Some(operator));
        for (address, see, post) in [
            ("/console/loads/load_1", true, false),
            ("/console/loads/load_1?lang=zh", true, false),
            ("/console/loads/load_1/credited", false, true),
            ("/console/loads", false, false),
            ("/console/loads/load_1/credited/more", false, false),
            ("/console/audit", false, false),
        ] {
            assert_eq!((page.may_see(address), page.may_post(address)), (see, post), "{address}");
        }
        assert!(Page::default().may_see("/console/audit"), "where nobody must be logged in");
    }

    #[test]
    fn the_switch_never_leaves_the_host() {
        for here in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"] {
            assert_eq!(Page::new(Language::Chinese).at(here).switch_href(), "?lang=en");
        }
    }
}
