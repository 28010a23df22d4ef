//! Live money or test data.

/// Whether a platform's money is real. It says which API keys it makes and knows: a key of one mode is none in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Live,
    /// It is made up, for merchants' own tests.
    Test,
}

impl Mode {
    /// What its API keys begin with.
    pub const fn key_prefix(self) -> &'static str {
        match self {
            Self::Live => "cf_live_",
            Self::Test => "cf_test_",
        }
    }

    /// Whose key it is, by its first letters alone; `None` for what is no key.
    pub fn of_key(key: &str) -> Option<Self> {
        [Self::Live, Self::Test].into_iter().find(|mode| key.starts_with(mode.key_prefix()))
    }
}
