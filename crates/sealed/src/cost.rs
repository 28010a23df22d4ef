//! How dear it is to try a passphrase.

/// How dear it is to try one passphrase (Argon2id).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// 64 MiB, 3 passes, 1 lane: above OWASP's 19 MiB and 2; a fraction of a second, once at the start.
    Recommended,
    /// 64 KiB, 1 pass: for tests, which open files by the hundred. A production key store refuses it.
    Testing,
}

/// The cost as Argon2id counts it, and as a header says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Argon2Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u8,
}

impl Argon2Cost {
    pub(crate) const fn of(cost: Cost) -> Self {
        match cost {
            Cost::Recommended => Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 },
            Cost::Testing => Self { memory_kib: 64, passes: 1, lanes: 1 },
        }
    }

    /// A header may not have this process take more than a gibibyte, or count for hours.
    pub(crate) fn is_bearable(self) -> bool {
        (8 * u32::from(self.lanes)..=1024 * 1024).contains(&self.memory_kib)
            && (1..=64).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}
