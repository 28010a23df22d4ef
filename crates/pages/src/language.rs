//! The two languages the pages speak.

use crate::words::{self, Words};

/// A language of the pages. What a person reads is chosen by this and by nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Both, in the order the gallery and the tests use.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Reads `?lang=`, a cookie's value, or a whole `Accept-Language` header: the first known language in it counts.
    ///
    /// Quality values are not weighed: browsers list their languages in order of preference already.
    pub fn from_tag(text: &str) -> Option<Language> {
        text.split(',').find_map(|entry| {
            let tag = entry.split(';').next().unwrap_or_default().trim();
            let primary = tag.split(['-', '_']).next().unwrap_or_default();
            if primary.eq_ignore_ascii_case("en") {
                Some(Language::English)
            } else if primary.eq_ignore_ascii_case("zh") {
                Some(Language::Chinese)
            } else {
                None
            }
        })
    }

    /// The short tag: what `?lang=` and the cookie carry.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }

    /// The tag for `<html lang>`; it names the script so that a browser picks the right Chinese glyphs.
    pub fn html_tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        }
    }

    /// The language that the switch leads to.
    pub fn other(self) -> Language {
        match self {
            Language::English => Language::Chinese,
            Language::Chinese => Language::English,
        }
    }

    /// Its own name, in itself: a reader who is lost finds it.
    pub fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    /// Everything that is said in this language.
    pub fn words(self) -> &'static Words {
        match self {
            Language::English => &words::ENGLISH,
            Language::Chinese => &words::CHINESE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, *};

    #[test]
    fn tags_cookies_and_headers_are_read() {
        let cases = [
            ("en", Some(English)),
            ("zh", Some(Chinese)),
            ("ZH-cn", Some(Chinese)),
            ("zh_TW", Some(Chinese)),
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Chinese)),
            ("fr-FR, en-GB;q=0.7", Some(English)),
            (" en-US ", Some(English)),
            ("fr", None),
            ("", None),
            ("english<script>", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Language::from_tag(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_switch_goes_there_and_back() {
        for language in Language::ALL {
            assert_ne!(language.other(), language);
            assert_eq!(language.other().other(), language);
            assert_eq!(Language::from_tag(language.tag()), Some(language));
            assert_eq!(Language::from_tag(language.html_tag()), Some(language));
        }
    }
}
