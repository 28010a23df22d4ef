//! What is remembered of channels: heard when, how well, by whom; and the frames themselves, for a while.
//!
//! Notes are gathered and written together, a few times a second: they move no money, and must not slow what does. A
//! process that is killed loses those of its last fraction of a second, and no more; when more come than can be
//! written, they are counted and dropped.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::{AlertKind, BatteryVerdict, Presence, Reception};
use model::{ChannelId, UnixMillis};
use store::{HeardState, NewFrame, StoreError, StoredChannel, Unit};

use super::heard::Told;
use super::{Answer, Fleet, FleetRules, Heard};

/// Notes that wait to be written; one more is dropped.
const NOTES_MAX: usize = 16_384;
/// Notes in one unit of work: no payment waits for more than these.
const BATCH: usize = 64;
/// Channels whose wrong codes are counted at once; past that all begin anew.
const COUNTED_MAX: usize = 65_536;
const HOUR_MILLIS: u64 = 3_600_000;
const MINUTE_MILLIS: u64 = 60_000;

/// A frame came, or the network told of a radio.
#[derive(Clone)]
pub(super) struct Note {
    channel: ChannelId,
    by: String,
    reception: Reception,
    /// What the card told; `None` where its code was not right, or nothing is new.
    told: Option<Told>,
    /// The frame to be kept, where there is one.
    frame: Option<Bytes>,
}

#[derive(Clone)]
struct Bytes {
    bearer: String,
    bytes: Vec<u8>,
    answer: Vec<u8>,
    downlink: Option<fleet::DownlinkId>,
    outcome: &'static str,
}

impl Note {
    pub(super) fn heard(
        channel: ChannelId,
        heard: &Heard<'_>,
        outcome: &'static str,
        told: Option<Told>,
        answer: Option<&Answer>,
    ) -> Self {
        let frame = Bytes {
            bearer: crate::bearer::bearer_of(heard.address).to_owned(),
            bytes: heard.bytes.to_vec(),
            answer: answer.map(|answer| answer.frame.clone()).unwrap_or_default(),
            downlink: answer.and_then(|answer| answer.id),
            outcome,
        };
        let by = heard.by.to_owned();
        Self { channel, by, reception: heard.reception, told, frame: Some(frame) }
    }
}

/// Notes that wait, and what is counted in memory.
pub(super) struct Notes {
    rules: FleetRules,
    waiting: Mutex<Vec<(UnixMillis, Note)>>,
    wrong: Mutex<HashMap<ChannelId, (UnixMillis, u32)>>,
    refused: Mutex<(UnixMillis, u32)>,
}

impl Notes {
    pub(super) fn new(rules: FleetRules) -> Self {
        Self {
            rules,
            waiting: Mutex::default(),
            wrong: Mutex::default(),
            refused: Mutex::new((UnixMillis(0), 0)),
        }
    }

    /// Counts a wrong code of a channel; whether an alert is due.
    pub(super) fn wrong_code(&self, channel: ChannelId, now: UnixMillis) -> bool {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= COUNTED_MAX && !wrong.contains_key(&channel) {
            wrong.clear();
        }
        let (since, count) = wrong.entry(channel).or_insert((now, 0));
        if now < *since || now.since(*since) >= HOUR_MILLIS {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count == self.rules.alerts.wrong_codes_an_hour
    }

    /// Whether one more refused frame is kept this minute.
    fn keeps_refused(&self, now: UnixMillis) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = &mut *refused;
        if now < *since || now.since(*since) >= MINUTE_MILLIS {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= self.rules.refused_frames_a_minute
    }

    /// Whether there was room.
    fn add(&self, now: UnixMillis, note: Note) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= NOTES_MAX {
            return false;
        }
        waiting.push((now, note));
        true
    }

    /// Puts what was not kept before what has come since; how many find no room.
    fn put_back(&self, notes: impl Iterator<Item = (UnixMillis, Note)>) -> usize {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let since = std::mem::take(&mut *waiting);
        waiting.extend(notes.chain(since));
        let lost = waiting.len().saturating_sub(NOTES_MAX);
        waiting.truncate(NOTES_MAX);
        lost
    }

    fn take(&self) -> Vec<(UnixMillis, Note)> {
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Fleet {
    pub(super) fn note(&self, mut note: Note) {
        let now = self.app().now();
        let keeps =
            self.rules().frames_kept > 0 && (note.told.is_some() || self.inner.notes.keeps_refused(now));
        if !keeps {
            note.frame = None;
        }
        if note.told.is_none() && note.frame.is_none() {
            return;
        }
        if !self.inner.notes.add(now, note) {
            self.app().metrics().frame_refused("note_lost");
        }
    }

    /// The network told of a radio by itself: how it is received, its battery.
    pub fn radio_told(&self, channel: ChannelId, by: &str, reception: Reception) {
        // Networks tell of every radio they have. Only cards' are ours: no other becomes a channel.
        let ours = self
            .app()
            .store()
            .peek(|rows| Ok(rows.channel(channel)?.is_some() || rows.card_on_channel(channel)?.is_some()));
        match ours {
            Ok(true) => {}
            Ok(false) => return self.app().metrics().frame_refused("unknown_channel"),
            Err(error) => return self.app().metrics().frame_refused(error.code()),
        }
        let told = Told { battery: reception.battery, firmware: None };
        self.note(Note { channel, by: by.to_owned(), reception, told: Some(told), frame: None });
    }

    /// Writes what was noted; how many. Call it a few times a second.
    pub async fn keep_notes(&self) -> Result<usize, StoreError> {
        let mut notes = self.inner.notes.take();
        let count = notes.len();
        while !notes.is_empty() {
            let rest = notes.split_off(notes.len().min(BATCH));
            let (batch, rules) = (Arc::new(std::mem::replace(&mut notes, rest)), self.rules().clone());
            let kept = Arc::clone(&batch);
            let written = self.app().write::<_, StoreError>(move |unit| keep_all(unit, &rules, &kept));
            if let Err(error) = written.await {
                // They wait for the next turn, with what was noted since behind them.
                let batch = Arc::try_unwrap(batch).unwrap_or_else(|batch| (*batch).clone());
                let lost = self.inner.notes.put_back(batch.into_iter().chain(notes));
                (0..lost).for_each(|_| self.app().metrics().frame_refused("note_lost"));
                return Err(error);
            }
        }
        Ok(count)
    }
}

/// A channel as it was read, and as the notes so far leave it.
struct Standing {
    channel: StoredChannel,
    look_at: Option<UnixMillis>,
}

/// Each channel is read once and written once, however many notes there are of it, in the order of their ids: two nodes that
/// write the same ones wait for each other, and do not run again.
fn keep_all(unit: &mut dyn Unit, rules: &FleetRules, notes: &[(UnixMillis, Note)]) -> Result<(), StoreError> {
    let mut standing = BTreeMap::new();
    notes.iter().try_for_each(|(at, note)| keep(unit, rules, *at, note, &mut standing))?;
    standing
        .into_iter()
        .try_for_each(|(id, Standing { channel, look_at })| unit.put_heard(id, &channel.heard, look_at))
}

fn keep(
    unit: &mut dyn Unit,
    rules: &FleetRules,
    at: UnixMillis,
    note: &Note,
    standing: &mut BTreeMap<ChannelId, Standing>,
) -> Result<(), StoreError> {
    if let Some(told) = &note.told {
        keep_heard(unit, rules, at, note, told, standing)?;
    }
    let Some(frame) = &note.frame else { return Ok(()) };
    unit.add_frame(&NewFrame {
        channel: note.channel,
        at,
        bearer: frame.bearer.clone(),
        upward: true,
        bytes: frame.bytes.clone(),
        answer: frame.answer.clone(),
        downlink: frame.downlink,
        outcome: frame.outcome.to_owned(),
        reception: note.reception,
        battery: note.told.and_then(|told| told.battery),
    })
}

fn keep_heard(
    unit: &mut dyn Unit,
    rules: &FleetRules,
    at: UnixMillis,
    note: &Note,
    told: &Told,
    standing: &mut BTreeMap<ChannelId, Standing>,
) -> Result<(), StoreError> {
    let standing = match standing.entry(note.channel) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => {
            if unit.channel(note.channel)?.is_none() {
                unit.know_channel(note.channel, at)?;
            }
            let Some(channel) = unit.channel(note.channel)? else { return Ok(()) };
            place.insert(Standing { channel, look_at: None })
        }
    };
    let channel = &standing.channel;
    let before = &channel.heard;
    let came_back = before.presence != Presence::Present;
    let new = &note.reception;
    let heard = HeardState {
        presence: Presence::Present,
        at: Some(at),
        by: Some(note.by.clone()),
        reception: Reception {
            rssi_dbm: new.rssi_dbm.or(before.reception.rssi_dbm),
            snr_tenths: new.snr_tenths.or(before.reception.snr_tenths),
            data_rate: new.data_rate.or(before.reception.data_rate),
            battery: None,
        },
        battery: told.battery.or(before.battery),
        firmware: told.firmware.or(before.firmware),
    };
    let look_at = came_back.then(|| at.plus(silent_millis(rules, channel)));
    if before.presence == Presence::Silent {
        unit.clear_alert(note.channel, AlertKind::Silent, at)?;
    }
    if let Some(moved) = moved(channel, &note.by) {
        unit.raise_alert(note.channel, AlertKind::ChannelMoved, Some(&moved), at)?;
    }
    match told.battery.map(|battery| (battery, rules.alerts.battery(battery))) {
        Some((battery, BatteryVerdict::Low)) => {
            let detail = format!("{}%", u32::from(battery) / 2);
            unit.raise_alert(note.channel, AlertKind::BatteryLow, Some(&detail), at)?;
        }
        Some((_, BatteryVerdict::Well))
            if before.battery.is_some_and(|b| b < rules.alerts.battery_well_from) =>
        {
            unit.clear_alert(note.channel, AlertKind::BatteryLow, at)?;
        }
        Some((_, BatteryVerdict::Well | BatteryVerdict::Between)) | None => {}
    }
    standing.channel.heard = heard;
    standing.look_at = look_at.or(standing.look_at);
    Ok(())
}

/// How long a channel may be silent, in milliseconds.
pub(super) fn silent_millis(rules: &FleetRules, channel: &StoredChannel) -> i64 {
    i64::from(channel.registration.silent_seconds.unwrap_or(rules.alerts.silent_seconds)) * 1_000
}

/// From where to where a channel has moved, if it has: heard by another network or application than it was
/// registered for, or, where that is not said, than it was heard by last.
fn moved(channel: &StoredChannel, by: &str) -> Option<String> {
    let registration = &channel.registration;
    let (bearer, application) = by.split_once('/').map_or((by, None), |(bearer, rest)| (bearer, Some(rest)));
    let wrong_bearer = registration.bearer.as_deref().is_some_and(|expected| expected != bearer);
    let wrong_application = registration
        .application
        .as_deref()
        .is_some_and(|expected| application.is_some_and(|application| application != expected));
    if wrong_bearer || wrong_application {
        let expected = [registration.bearer.as_deref(), registration.application.as_deref()];
        let expected: Vec<&str> = expected.into_iter().flatten().collect();
        return Some(format!("{} → {by}", expected.join("/")));
    }
    if registration.bearer.is_some() {
        return None;
    }
    channel.heard.by.as_deref().filter(|before| *before != by).map(|before| format!("{before} → {by}"))
}
