//! 对账: which of our movements is which of the bank's entries.
//!
//! First by reference, exactly: the same reference and the same money are a pair; the same reference and other money
//! *differ*; what the bank has more often than we expect it is a *duplicate*. Then what is left, by money and date: a pair
//! where each is the only candidate of the other, within [`DAYS`] days. What is left of ours is *missing*, what is left of
//! the bank's *unknown*. Nothing is guessed: two candidates are a person's work.
//!
//! Every movement and every entry stands in exactly one list. The order of the input decides among equals, so that the same
//! input gives the same output. The work is that of sorting, O(n log n), whatever the input.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::Currency;
use time::Date;

use crate::bank_entry::BankEntry;

/// How many days the bank's date may lie from ours, before or after, without a reference.
pub const DAYS: i32 = 3;

/// A movement that we expect to find at the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What we call it.
    pub id: String,
    /// Minor units: above zero into the account at the bank, below zero out of it.
    pub units: i64,
    /// The currency.
    pub currency: Currency,
    /// When we expect it.
    pub date: Date,
    /// The reference that went with it.
    pub reference: Option<String>,
}

/// How a pair was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FoundBy {
    /// The reference is the same.
    Reference,
    /// Money and date agree, and nothing else could be meant.
    AmountAndDate,
}

impl FoundBy {
    /// The word for tables and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::AmountAndDate => "amount_and_date",
        }
    }
}

/// A movement and an entry that are the same money. Both are places in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Which movement.
    pub expected: usize,
    /// Which entry.
    pub entry: usize,
    /// How it was found.
    pub by: FoundBy,
}

/// A movement and an entry with the same reference and other money. Both are places in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Differing {
    /// Which movement.
    pub expected: usize,
    /// Which entry.
    pub entry: usize,
}

/// What became of every movement and every entry; each stands in one list. Numbers are places in the input, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// The same money.
    pub matched: Vec<Pair>,
    /// The same reference, other money.
    pub differing: Vec<Differing>,
    /// Movements that the bank does not have.
    pub missing: Vec<usize>,
    /// Entries that we do not expect.
    pub unknown: Vec<usize>,
    /// Entries whose reference is ours, more often than we expect it.
    pub duplicate: Vec<usize>,
}

/// Matches our movements with the bank's entries.
pub fn match_entries(expected: &[Expected], entries: &[BankEntry]) -> Matching {
    counted(expected, entries, &mut 0)
}

/// The same, counting comparisons.
fn counted(expected: &[Expected], entries: &[BankEntry], work: &mut u64) -> Matching {
    let mut matching = Matching::default();
    let (left, over) = by_reference(expected, entries, &mut matching, work);
    by_amount_and_date(expected, entries, left, over, &mut matching, work);
    matching.matched.sort_unstable();
    matching.differing.sort_unstable();
    matching.missing.sort_unstable();
    matching.unknown.sort_unstable();
    matching.duplicate.sort_unstable();
    matching
}

/// What references decide. Gives back what is left of ours and of the bank's.
fn by_reference(
    expected: &[Expected],
    entries: &[BankEntry],
    matching: &mut Matching,
    work: &mut u64,
) -> (Vec<usize>, Vec<usize>) {
    let mut groups: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    let (mut left, mut over) = (Vec::new(), Vec::new());
    for (place, movement) in expected.iter().enumerate() {
        *work += depth(groups.len());
        match movement.reference.as_deref() {
            Some(reference) => groups.entry(reference).or_default().0.push(place),
            None => left.push(place),
        }
    }
    for (place, entry) in entries.iter().enumerate() {
        *work += depth(groups.len());
        // A reference that is not ours says nothing to us: the entry waits for amount and date.
        match entry.reference.as_deref().and_then(|reference| groups.get_mut(reference)) {
            Some(group) => group.1.push(place),
            None => over.push(place),
        }
    }
    for (mut ours, mut theirs) in groups.into_values() {
        let our_key = |place: usize| (expected[place].currency, expected[place].units, place);
        let their_key = |place: usize| (entries[place].currency, entries[place].units, place);
        sort_counted(&mut ours, our_key, work);
        sort_counted(&mut theirs, their_key, work);
        let (mut our_rest, mut their_rest) = (Vec::new(), Vec::new());
        let (mut ours, mut theirs) = (ours.into_iter().peekable(), theirs.into_iter().peekable());
        loop {
            *work += 1;
            let order = match (ours.peek(), theirs.peek()) {
                (Some(movement), Some(entry)) => {
                    let (currency, units, _) = our_key(*movement);
                    let (their_currency, their_units, _) = their_key(*entry);
                    (currency, units).cmp(&(their_currency, their_units))
                }
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            match order {
                Ordering::Less => our_rest.extend(ours.next()),
                Ordering::Greater => their_rest.extend(theirs.next()),
                Ordering::Equal => {
                    let pair = ours.next().zip(theirs.next());
                    matching.matched.extend(pair.map(|(expected, entry)| Pair {
                        expected,
                        entry,
                        by: FoundBy::Reference,
                    }));
                }
            }
        }
        sort_counted(&mut our_rest, |place| place, work);
        sort_counted(&mut their_rest, |place| place, work);
        let differing = our_rest.len().min(their_rest.len());
        left.extend(our_rest.split_off(differing));
        matching.duplicate.extend(their_rest.split_off(differing));
        let pairs = our_rest.into_iter().zip(their_rest);
        matching.differing.extend(pairs.map(|(expected, entry)| Differing { expected, entry }));
    }
    (left, over)
}

/// What money and dates decide of what is left.
fn by_amount_and_date(
    expected: &[Expected],
    entries: &[BankEntry],
    mut left: Vec<usize>,
    mut over: Vec<usize>,
    matching: &mut Matching,
    work: &mut u64,
) {
    let our_key =
        |place: usize| Key::of(&expected[place].currency, expected[place].units, expected[place].date);
    let their_key =
        |place: usize| Key::of(&entries[place].currency, entries[place].units, entries[place].booked);
    sort_counted(&mut left, |place| (our_key(place), place), work);
    sort_counted(&mut over, |place| (their_key(place), place), work);
    let mut taken = vec![false; entries.len()];
    for movement in &left {
        let entry = only(&over, their_key, our_key(*movement), work)
            .filter(|entry| only(&left, our_key, their_key(*entry), work) == Some(*movement));
        match entry {
            Some(entry) => {
                taken[entry] = true;
                let by = FoundBy::AmountAndDate;
                matching.matched.push(Pair { expected: *movement, entry, by });
            }
            None => matching.missing.push(*movement),
        }
    }
    matching.unknown.extend(over.into_iter().filter(|entry| !taken[*entry]));
}

/// Money, then the day it moves: days as numbers, so that three days more is an addition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    currency: Currency,
    units: i64,
    day: i32,
}

impl Key {
    fn of(currency: &Currency, units: i64, date: Date) -> Self {
        Self { currency: *currency, units, day: date.to_julian_day() }
    }
}

/// The only place whose money is that of `key` and whose day is near; `None` where there is none or a second one.
fn only(sorted: &[usize], key_of: impl Fn(usize) -> Key, key: Key, work: &mut u64) -> Option<usize> {
    let first = sorted.partition_point(|place| {
        *work += 1;
        key_of(*place) < Key { day: key.day.saturating_sub(DAYS), ..key }
    });
    let near = |place: &&usize| key_of(**place) <= Key { day: key.day.saturating_add(DAYS), ..key };
    *work += 2;
    let mut candidates = sorted.get(first..)?.iter().take_while(near);
    let only = candidates.next()?;
    if candidates.next().is_some() { None } else { Some(*only) }
}

fn sort_counted<K: Ord>(places: &mut [usize], key: impl Fn(usize) -> K, work: &mut u64) {
    places.sort_unstable_by(|left, right| {
        *work += 1;
        key(*left).cmp(&key(*right))
    });
}

/// What one look into a tree of so many costs at most, in comparisons: it is not asked to count its own.
fn depth(len: usize) -> u64 {
    u64::from(usize::BITS - len.leading_zeros()) * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    fn day(days: i32) -> Date {
        Date::from_julian_day(date!(2026 - 11 - 20).to_julian_day() + days).unwrap()
    }

    fn ours(units: i64, days: i32, reference: &str) -> Expected {
        Expected {
            id: format!("{units} {days} {reference}"),
            units,
            currency: Currency::CNY,
            date: day(days),
            reference: (!reference.is_empty()).then(|| reference.to_owned()),
        }
    }

    fn theirs(units: i64, days: i32, reference: &str) -> BankEntry {
        BankEntry {
            number: 1,
            line: 1,
            units,
            currency: Currency::CNY,
            booked: day(days),
            value: None,
            bank_reference: None,
            reference: (!reference.is_empty()).then(|| reference.to_owned()),
            text: String::new(),
            transactions: 1,
            reversal: false,
        }
    }

    fn pair(expected: usize, entry: usize, by: FoundBy) -> Pair {
        Pair { expected, entry, by }
    }

    #[test]
    fn a_morning_at_the_bank() {
        let expected = [
            ours(500, 0, "A"),
            ours(700, 0, "B"),
            ours(900, 0, ""),
            ours(40, 0, ""),
            ours(40, 1, ""),
            ours(1, 0, "GONE"),
        ];
        let entries = [
            theirs(500, 20, "A"),
            theirs(700, 9, "B"),
            theirs(700, 9, "B"),
            theirs(900, 3, "FOREIGN"),
            theirs(40, 0, ""),
            theirs(77, 0, ""),
        ];
        let matching = match_entries(&expected, &entries);
        assert_eq!(
            matching.matched,
            [
                pair(0, 0, FoundBy::Reference),
                pair(1, 1, FoundBy::Reference),
                pair(2, 3, FoundBy::AmountAndDate)
            ]
        );
        // Two of ours could be the 40: nobody guesses.
        assert_eq!((matching.missing, matching.unknown), (vec![3, 4, 5], vec![4, 5]));
        assert_eq!((matching.duplicate, matching.differing), (vec![2], vec![]));
    }

    #[test]
    fn the_same_reference_with_other_money_differs_and_the_right_money_goes_first() {
        let expected = [ours(500, 0, "A"), ours(600, 0, "A")];
        let entries = [theirs(499, 0, "A"), theirs(500, 0, "A"), theirs(-500, 0, "A")];
        let matching = match_entries(&expected, &entries);
        assert_eq!(matching.matched, [pair(0, 1, FoundBy::Reference)]);
        assert_eq!(matching.differing, [Differing { expected: 1, entry: 0 }]);
        assert_eq!(matching.duplicate, [2]);
    }

    #[test]
    fn three_days_are_near_and_four_are_not_and_a_currency_is_not_another() {
        for (days, near) in [(-4, false), (-3, true), (0, true), (3, true), (4, false)] {
            let matching = match_entries(&[ours(5, 0, "")], &[theirs(5, days, "")]);
            assert_eq!(matching.matched.len(), usize::from(near), "{days}");
        }
        let dollars = BankEntry { currency: Currency::USD, ..theirs(5, 0, "") };
        assert_eq!(match_entries(&[ours(5, 0, "")], &[dollars]).unknown, [0]);
    }

    /// The rules as they are told, each entry looked at again and again.
    fn slowly(expected: &[Expected], entries: &[BankEntry]) -> Matching {
        let mut matching = Matching::default();
        let mut our_free: Vec<bool> = vec![true; expected.len()];
        let mut their_free: Vec<bool> = vec![true; entries.len()];
        let same = |e: &Expected, b: &BankEntry| e.reference.is_some() && e.reference == b.reference;
        let money = |e: &Expected, b: &BankEntry| (e.currency, e.units) == (b.currency, b.units);
        for exactly in [true, false] {
            for (e, movement) in expected.iter().enumerate() {
                for (b, entry) in entries.iter().enumerate() {
                    let fits = same(movement, entry) && (!exactly || money(movement, entry));
                    if our_free[e] && their_free[b] && fits {
                        (our_free[e], their_free[b]) = (false, false);
                        if exactly {
                            matching.matched.push(pair(e, b, FoundBy::Reference));
                        } else {
                            matching.differing.push(Differing { expected: e, entry: b });
                        }
                    }
                }
            }
        }
        for (b, entry) in entries.iter().enumerate() {
            if their_free[b] && expected.iter().any(|movement| same(movement, entry)) {
                their_free[b] = false;
                matching.duplicate.push(b);
            }
        }
        let near = |e: &Expected, b: &BankEntry| {
            money(e, b) && (e.date - b.booked).whole_days().abs() <= i64::from(DAYS)
        };
        let candidates = |e: usize| -> Vec<usize> {
            (0..entries.len()).filter(|b| their_free[*b] && near(&expected[e], &entries[*b])).collect()
        };
        let mut found = Vec::new();
        for e in (0..expected.len()).filter(|e| our_free[*e]) {
            let others = |b: usize| {
                (0..expected.len()).filter(|o| our_free[*o] && near(&expected[*o], &entries[b])).count()
            };
            match candidates(e)[..] {
                [b] if others(b) == 1 => {
                    found.push(b);
                    matching.matched.push(pair(e, b, FoundBy::AmountAndDate));
                }
                _ => matching.missing.push(e),
            }
        }
        matching.unknown = (0..entries.len()).filter(|b| their_free[*b] && !found.contains(b)).collect();
        matching.matched.sort_unstable();
        matching.differing.sort_unstable();
        matching
    }

    fn each_once(matching: &Matching, expected: usize, entries: usize) {
        let pairs = || matching.matched.iter();
        let differing = || matching.differing.iter();
        let mut ours: Vec<usize> = pairs().map(|p| p.expected).collect();
        ours.extend(differing().map(|d| d.expected).chain(matching.missing.iter().copied()));
        let mut theirs: Vec<usize> = pairs().map(|p| p.entry).collect();
        theirs.extend(differing().map(|d| d.entry));
        theirs.extend(matching.unknown.iter().chain(&matching.duplicate));
        ours.sort_unstable();
        theirs.sort_unstable();
        assert!(ours.into_iter().eq(0..expected) && theirs.into_iter().eq(0..entries));
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from((self.0 >> 33) % end).unwrap()
        }

        fn movement(&mut self, wide: bool) -> (i64, i32, &'static str) {
            let units = [100, 200, -100][self.below(3)];
            let days = i32::try_from(self.below(if wide { 40 } else { 9 })).unwrap();
            (units, days, ["", "", "A", "B", "C"][self.below(5)])
        }
    }

    #[test]
    fn it_is_what_the_slow_rules_say_and_each_input_stands_once() {
        let mut random = Random(1);
        for round in 0..4000 {
            let wide = round % 2 == 0;
            let expected: Vec<Expected> = (0..random.below(9))
                .map(|_| {
                    let (units, days, reference) = random.movement(wide);
                    ours(units, days, reference)
                })
                .collect();
            let entries: Vec<BankEntry> = (0..random.below(9))
                .map(|_| {
                    let (units, days, reference) = random.movement(wide);
                    theirs(units, days, reference)
                })
                .collect();
            let matching = match_entries(&expected, &entries);
            each_once(&matching, expected.len(), entries.len());
            assert_eq!(matching, slowly(&expected, &entries), "{expected:?} {entries:?}");
        }
    }

    #[test]
    fn a_hundred_thousand_entries_are_sorted_work_whatever_they_are() {
        const MANY: usize = 100_000;
        let spread = |place: usize| i64::try_from(place * 7_919 % MANY).unwrap() + 1;
        let name = |place: usize| format!("R{}", place * 104_729 % MANY);
        type Make<'a> = Box<dyn Fn(usize) -> (i64, String) + 'a>;
        let worst: [(&str, Make<'_>); 4] = [
            ("all different, with references", Box::new(|place| (spread(place), name(place)))),
            ("all different, without", Box::new(|place| (spread(place), String::new()))),
            ("all the same, without", Box::new(|_| (5, String::new()))),
            ("one reference, all money different", Box::new(|place| (spread(place), "A".to_owned()))),
        ];
        for (what, make) in worst {
            let expected: Vec<_> = (0..MANY).map(&make).map(|(u, r)| ours(u, 0, &r)).collect();
            let entries: Vec<_> = (0..MANY).rev().map(&make).map(|(u, r)| theirs(u, 1, &r)).collect();
            let mut work = 0;
            let matching = counted(&expected, &entries, &mut work);
            each_once(&matching, MANY, MANY);
            assert_eq!(matching.matched.len(), if what.starts_with("all the same") { 0 } else { MANY });
            // 200,000 inputs, 18 comparisons deep, four passes.
            assert!(work < 200_000 * 18 * 4, "{what}: {work} comparisons");
        }
    }
}
