//! Whether a request was seen before.

/// What the bank keeps for each key: the highest sequence, and which of the 63 below it were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SequenceMark {
    /// The highest sequence that was taken.
    pub highest: u64,
    /// Bit `i` says that `highest - i` was taken. Zero: none was yet.
    pub seen: u64,
}

/// Why a sequence is refused. Nothing was marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// It was taken before, or is too far below to tell.
    #[error("this sequence was seen before; send with a higher one")]
    Replayed,
    /// It is lower than one that was taken, and was not seen itself.
    #[error("a higher sequence was seen before this; send with a higher one")]
    OutOfOrder,
}

impl SequenceMark {
    /// How far below the highest it is still known what was seen.
    pub const WINDOW: u64 = 63;

    /// Takes a sequence: each rises above all before it. At the end of the numbers a key takes nothing more.
    pub fn accept(&mut self, sequence: u64) -> Result<(), SequenceError> {
        let Some(rise) = sequence.checked_sub(self.highest).filter(|rise| *rise > 0 || self.seen == 0) else {
            return Err(self.refusal(sequence));
        };
        // More than the window: all that was seen is too far below.
        let kept = u32::try_from(rise).ok().and_then(|rise| self.seen.checked_shl(rise));
        *self = Self { highest: sequence, seen: kept.unwrap_or(0) | 1 };
        Ok(())
    }

    fn refusal(&self, sequence: u64) -> SequenceError {
        let below = self.highest.saturating_sub(sequence);
        if below > Self::WINDOW || self.seen >> below & 1 == 1 {
            SequenceError::Replayed
        } else {
            SequenceError::OutOfOrder
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use SequenceError::{OutOfOrder, Replayed};

    fn after(taken: &[u64]) -> SequenceMark {
        let mut mark = SequenceMark::default();
        taken.iter().for_each(|sequence| assert_eq!(mark.accept(*sequence), Ok(()), "{sequence}"));
        mark
    }

    #[test]
    fn each_sequence_is_taken_once_and_a_refusal_marks_nothing() {
        let mut mark = after(&[1, 2, 5]);
        let before = mark;
        for (sequence, refusal) in
            [(5, Replayed), (2, Replayed), (1, Replayed), (4, OutOfOrder), (3, OutOfOrder), (0, OutOfOrder)]
        {
            assert_eq!(mark.accept(sequence), Err(refusal), "{sequence}");
            assert_eq!(mark, before);
        }
        assert_eq!(mark.accept(6), Ok(()));
    }

    #[test]
    fn the_first_sequence_may_be_any_even_zero() {
        assert_eq!(after(&[0]).accept(0), Err(Replayed));
        assert_eq!(after(&[0]), SequenceMark { highest: 0, seen: 1 });
        assert_eq!(after(&[0, 1]).accept(0), Err(Replayed));
        assert_eq!(after(&[u64::MAX]).accept(0), Err(Replayed));
    }

    #[test]
    fn what_is_too_far_below_counts_as_seen() {
        let mut mark = after(&[100, 163]);
        assert_eq!(mark.accept(100), Err(Replayed));
        assert_eq!(mark.accept(101), Err(OutOfOrder));
        assert_eq!(mark.accept(99), Err(Replayed), "64 below");
        let mut mark = after(&[100, 164]);
        assert_eq!(mark, SequenceMark { highest: 164, seen: 1 });
        assert_eq!(mark.accept(100), Err(Replayed), "it was, and is not known any more");
        assert_eq!(mark.accept(101), Err(OutOfOrder));
    }

    #[test]
    fn a_leap_of_any_size_forgets_what_was_seen_and_nothing_else() {
        for leap in [63, 64, 65, 1 << 32, (1 << 32) + 1, u64::MAX - 7] {
            let mark = after(&[7, 7 + leap]);
            assert_eq!(mark.highest, 7 + leap);
            assert_eq!(mark.seen, if leap == 63 { 1 << 63 | 1 } else { 1 }, "{leap}");
        }
    }

    #[test]
    fn at_the_end_of_the_numbers_nothing_more_is_taken() {
        let mut mark = after(&[u64::MAX - 1, u64::MAX]);
        assert_eq!(mark.accept(u64::MAX), Err(Replayed));
        assert_eq!(mark.accept(u64::MAX - 1), Err(Replayed));
        assert_eq!(mark.accept(u64::MAX - 2), Err(OutOfOrder));
        assert_eq!(mark.accept(0), Err(Replayed));
    }

    #[test]
    fn the_window_agrees_with_a_list_of_all_that_was_taken() {
        let (mut mark, mut taken, mut state) = (SequenceMark::default(), alloc::vec::Vec::new(), 1_u64);
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let around = mark.highest.saturating_sub(70);
            let sequence = around + (state >> 33) % 80;
            let said = mark.accept(sequence);
            let highest = taken.iter().max().copied();
            let expected = match highest {
                Some(highest) if sequence <= highest => {
                    let known = highest - sequence <= SequenceMark::WINDOW;
                    Err(if !known || taken.contains(&sequence) { Replayed } else { OutOfOrder })
                }
                Some(_) | None => Ok(()),
            };
            assert_eq!(said, expected, "{sequence} after {highest:?}");
            taken.extend(said.is_ok().then_some(sequence));
            // Only the newest matter; the list stays short.
            taken.drain(..taken.len().saturating_sub(200));
        }
    }
}
