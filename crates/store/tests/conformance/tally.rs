//! The registry against a model so simple that it cannot be wrong: after thousands of random changes every channel is
//! counted where it stands, and found by every filter, once and in order.

use std::collections::BTreeMap;

use fleet::Presence;
use model::{ChannelId, UnixMillis};
use store::{
    ChannelFilter, ChannelTally, GroupId, HeardState, Registered, Registration, Store, StoreError, Unit,
    WriteError,
};

use crate::maker::random::Random;
use crate::maker::{MORNING, channel, kept, seen};

const CHANNELS: usize = 60;
/// Changes in one unit of work.
const TOGETHER: usize = 25;
const ROUNDS: usize = 160;

const TAGS: [&str; 3] = ["new", "old", "北"];

/// One change.
#[derive(Clone, Copy, Debug)]
enum Step {
    Register {
        group: Option<GroupId>,
        tags: usize,
    },
    Know,
    /// A frame came.
    Hear,
    /// A frame came, and the channel is present from now on.
    Appear(UnixMillis),
    LookAgain(UnixMillis),
    FallSilent,
}

#[derive(Debug)]
enum Refused {
    SecondThoughts,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A channel, by hand.
#[derive(Clone, Debug, Default)]
struct Standing {
    group: Option<GroupId>,
    presence: Presence,
    tags: Vec<&'static str>,
    look_at: Option<UnixMillis>,
}

type Model = BTreeMap<ChannelId, Standing>;

/// The tags of a number's bits.
fn tags(bits: usize) -> Vec<&'static str> {
    TAGS.into_iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, tag)| tag).collect()
}

/// Takes a step in the model; what is expected of the store, as a word.
fn model_step(model: &mut Model, id: ChannelId, step: Step) -> &'static str {
    match step {
        Step::Register { group, tags: bits } => {
            let tags = tags(bits);
            let answer = match model.get(&id) {
                None => "added",
                Some(known) if known.group == group && known.tags == tags => "same",
                Some(_) => "changed",
            };
            let standing = model.entry(id).or_default();
            (standing.group, standing.tags) = (group, tags);
            answer
        }
        Step::Know => {
            model.entry(id).or_default();
            "done"
        }
        Step::Hear | Step::Appear(_) | Step::LookAgain(_) | Step::FallSilent => {
            let Some(standing) = model.get_mut(&id) else { return "unknown" };
            match step {
                Step::Appear(at) => {
                    (standing.presence, standing.look_at) = (Presence::Present, Some(at));
                }
                Step::LookAgain(at) => standing.look_at = Some(at),
                Step::FallSilent => (standing.presence, standing.look_at) = (Presence::Silent, None),
                Step::Hear | Step::Register { .. } | Step::Know => {}
            }
            "done"
        }
    }
}

/// Takes it in the store.
fn store_step(unit: &mut dyn Unit, id: ChannelId, step: Step) -> Result<&'static str, StoreError> {
    let now = HeardState { presence: Presence::Present, at: Some(MORNING), ..HeardState::default() };
    let answer = match step {
        Step::Register { group, tags: bits } => {
            let said = Registration { group, ..Registration::default() };
            return Ok(match unit.register_channel(id, &said, &tags(bits), MORNING)? {
                Registered::Added => "added",
                Registered::Changed => "changed",
                Registered::Same => "same",
            });
        }
        Step::Know => unit.know_channel(id, MORNING),
        Step::Hear => unit.put_heard(id, &now, None),
        Step::Appear(at) => unit.put_heard(id, &now, Some(at)),
        Step::LookAgain(at) => unit.look_again(id, Some(at)),
        Step::FallSilent => unit.look_again(id, None),
    };
    match answer {
        Ok(()) => Ok("done"),
        Err(StoreError::Malformed("channel")) => Ok("unknown"),
        Err(error) => Err(error),
    }
}

fn draw(random: &mut Random, groups: &[GroupId]) -> (ChannelId, Step) {
    let id = channel(u32::try_from(random.below(CHANNELS)).unwrap());
    let at = MORNING.plus(i64::try_from(random.below(1_000)).unwrap());
    let step = match random.below(8) {
        0..=2 => Step::Register {
            group: groups.get(random.below(groups.len() + 1)).copied(),
            tags: random.below(1 << TAGS.len()) & random.below(1 << TAGS.len()),
        },
        3 => Step::Know,
        4 => Step::Hear,
        5 => Step::Appear(at),
        6 => Step::FallSilent,
        _ => Step::LookAgain(at),
    };
    (id, step)
}

async fn assert_counted(store: &Store, model: &Model) {
    let mut expected = BTreeMap::new();
    for standing in model.values() {
        *expected.entry((standing.group, standing.presence)).or_insert(0) += 1;
    }
    let tally = seen(store, |rows| rows.channel_tally()).await;
    let counted: BTreeMap<(Option<GroupId>, Presence), u64> = tally
        .iter()
        .map(|ChannelTally { group, presence, channels }| ((*group, *presence), *channels))
        .collect();
    assert_eq!(counted.len(), tally.len(), "none is told twice");
    assert_eq!(counted, expected);
}

async fn assert_due(store: &Store, model: &Model) {
    for now in [0, 300, 999].map(|millis| MORNING.plus(millis)) {
        let mut due = seen(store, move |rows| rows.channels_to_look_at(now, u32::MAX)).await;
        due.sort_by_key(|channel| channel.id);
        let expected = model.iter().filter(|(_, standing)| standing.look_at.is_some_and(|at| at <= now));
        assert!(due.iter().map(|channel| channel.id).eq(expected.map(|(id, _)| *id)));
    }
}

/// Every page of a list, one behind another.
fn walked(store: &Store, filter: &ChannelFilter, limit: u32) -> Vec<ChannelId> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = store.peek(|rows| rows.channels_after(filter, after, limit)).unwrap();
        assert!(page.channels.len() <= limit as usize, "{filter:?}");
        found.extend(page.channels.iter().map(|channel| channel.id));
        match page.next {
            Some(next) => {
                assert!(Some(next) > after && page.channels.iter().all(|channel| channel.id <= next));
                after = Some(next);
            }
            None => return found,
        }
    }
}

fn assert_listed(store: &Store, model: &Model, groups: &[GroupId], random: &mut Random) {
    let presences = [None].into_iter().chain(Presence::ALL.map(Some));
    let bounds = [0, 1].map(|_| channel(u32::try_from(random.below(CHANNELS)).unwrap()).to_bytes());
    let mut lists = Vec::new();
    for presence in presences {
        for group in [None].into_iter().chain(groups.iter().copied().map(Some)) {
            for tag in [None, Some("new"), Some("北"), Some("none")] {
                for between in [None, Some((bounds[0].min(bounds[1]), bounds[0].max(bounds[1])))] {
                    lists.push((ChannelFilter { presence, group, tag: None, between }, tag));
                }
            }
        }
    }
    for (filter, tag) in lists {
        let filter = ChannelFilter { tag: tag.map(str::to_owned), ..filter };
        let expected: Vec<ChannelId> = model
            .iter()
            .filter(|(id, standing)| {
                filter.presence.is_none_or(|presence| standing.presence == presence)
                    && filter.group.is_none_or(|group| standing.group == Some(group))
                    && tag.is_none_or(|tag| standing.tags.contains(&tag))
                    && filter.between.is_none_or(|(lower, upper)| (lower..=upper).contains(&id.to_bytes()))
            })
            .map(|(id, _)| *id)
            .collect();
        let limit = u32::try_from(1 + random.below(9)).unwrap();
        assert_eq!(walked(store, &filter, limit), expected, "{filter:?} {limit}");
    }
}

pub(crate) async fn thousands_of_random_changes_are_counted_and_listed_as_a_simple_model_says(store: Store) {
    let groups = kept(&store, |unit| {
        ["North", "South", "East"]
            .into_iter()
            .map(|name| unit.group_named(name))
            .collect::<Result<Vec<_>, _>>()
    })
    .await;
    let (mut random, mut model) = (Random(20_270_115), Model::new());
    let mut answers = BTreeMap::<&str, usize>::new();
    for round in 0..ROUNDS {
        // Some units of work think again at their end: nothing of them is left, nor counted.
        let thinks_again = random.below(6) == 0;
        let steps: Vec<(ChannelId, Step)> = (0..TOGETHER).map(|_| draw(&mut random, &groups)).collect();
        let mut after = model.clone();
        let expected: Vec<&str> = steps.iter().map(|(id, step)| model_step(&mut after, *id, *step)).collect();
        let answer = store
            .write(move |unit| {
                let answers = steps.iter().map(|(id, step)| store_step(unit, *id, *step));
                let answers: Vec<&'static str> = answers.collect::<Result<_, _>>()?;
                assert_eq!(answers, expected, "{steps:?}");
                if thinks_again { Err(Refused::SecondThoughts) } else { Ok(answers) }
            })
            .await;
        match answer {
            Ok(kept) => {
                model = after;
                kept.into_iter().for_each(|answer| *answers.entry(answer).or_default() += 1);
            }
            Err(WriteError::Refused(Refused::SecondThoughts)) => *answers.entry("again").or_default() += 1,
            Err(WriteError::Refused(Refused::Store(error)) | WriteError::Store(error)) => panic!("{error:?}"),
        }
        assert_counted(&store, &model).await;
        if round % 16 == 15 {
            assert_due(&store, &model).await;
            assert_listed(&store, &model, &groups, &mut random);
        }
    }
    // A model check that never meets a case says nothing about it.
    assert!(answers.len() == 6 && answers.values().all(|times| *times > 5), "{answers:?}");
}
