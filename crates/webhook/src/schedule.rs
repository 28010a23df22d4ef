//! When a message is sent again (Standard Webhooks 1.0, "Deliverability and reliability").
//!
//! For: the wait before each attempt, from how many were made. Ten attempts in 75 h 35 min 5 s, then it is given up.
//! Refuses: being early. What a random number adds is up to a tenth, and later.

/// The waits before the first and each further attempt, in milliseconds, each from the end of the one before.
pub const WAITS_MS: [u64; 10] = [
    0,
    5_000,
    5 * 60_000,
    30 * 60_000,
    2 * 3_600_000,
    5 * 3_600_000,
    10 * 3_600_000,
    14 * 3_600_000,
    20 * 3_600_000,
    24 * 3_600_000,
];

/// How long to wait, in milliseconds, when `made` attempts were made; `None` when it is given up. `random` is 64 random
/// bits: they add from nothing to a tenth of the wait.
pub fn wait_ms(made: u8, random: u64) -> Option<u64> {
    let wait = *WAITS_MS.get(usize::from(made))?;
    // The high half of the product lies evenly in 0..=wait/10.
    let jitter = ((u128::from(wait / 10) + 1) * u128::from(random)) >> 64;
    Some(wait.saturating_add(u64::try_from(jitter).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_are_made_and_never_one_too_early() {
        for (made, wait) in WAITS_MS.into_iter().enumerate() {
            let made = u8::try_from(made).unwrap();
            assert_eq!(wait_ms(made, 0), Some(wait));
            assert_eq!(wait_ms(made, u64::MAX), Some(wait + wait / 10));
            let middle = wait_ms(made, u64::MAX / 2).unwrap();
            assert!((wait..=wait + wait / 10).contains(&middle));
        }
        assert_eq!(wait_ms(10, 0), None);
        assert_eq!(wait_ms(u8::MAX, u64::MAX), None);
        let total: u64 = WAITS_MS.into_iter().sum();
        assert_eq!(total, (75 * 3600 + 35 * 60 + 5) * 1000);
    }
}
