//! Whose turn a card is: it does one thing at a time, whichever node has it act.
//!
//! For: a lock in this process, and among nodes a lease by the database's clock. The lease is taken and given back in the units
//! of work that choose what a card does, and renewed with its memory. What a card stores is durable before a frame of it goes: so
//! whoever has lost the lease sends nothing more.
//! Refuses: waiting for a lease (the caller does that).

use model::CardId;
use store::{Lease, StoreError, Unit};
use tokio::sync::{Mutex, MutexGuard};

/// Cards that act at once, at most: each waits for its own turn, and shares one with others.
const TURNS: usize = 64;
/// How long a turn is a node's without being renewed, in milliseconds: a node that died holds its cards up for so long.
pub const TURN_MILLIS: i64 = 5_000;

/// The turns of a node.
pub(super) struct Turns {
    /// 16 random bytes of this start.
    start: [u8; 16],
    here: [Mutex<()>; TURNS],
}

/// A card's turn at this node. Whether it is this node's the database says.
pub(super) struct Turn<'t> {
    _here: MutexGuard<'t, ()>,
    name: Name,
}

/// A turn's name, for units of work.
#[derive(Clone, Copy)]
pub(super) struct Name {
    start: [u8; 16],
    place: usize,
}

impl Turns {
    pub(super) fn new(start: [u8; 16]) -> Self {
        Self { start, here: std::array::from_fn(|_| Mutex::new(())) }
    }

    /// Waits until the card does nothing at this node.
    pub(super) async fn of(&self, card: CardId) -> Turn<'_> {
        let place = usize::try_from(card.0).unwrap_or(0) % TURNS;
        // The place is below the length.
        Turn { _here: self.here[place].lock().await, name: Name { start: self.start, place } }
    }
}

impl Turn<'_> {
    pub(super) const fn name(&self) -> Name {
        self.name
    }
}

impl Name {
    fn lease(self) -> String {
        format!("test-cards/{}", self.place)
    }

    /// Takes the turn, or renews it; `false` where it is another node's.
    pub(super) fn take(self, unit: &mut dyn Unit) -> Result<bool, StoreError> {
        let now = unit.database_clock()?;
        let epoch = match unit.lease(&self.lease())? {
            Some(held) if held.start == self.start => held.epoch,
            Some(held) if held.until > now => return Ok(false),
            held => held.map_or(0, |held| held.epoch).saturating_add(1),
        };
        self.put(unit, epoch, now.plus(TURN_MILLIS))?;
        Ok(true)
    }

    /// Renews it; `false` where another node has taken it since, even if that one has left again.
    pub(super) fn renew(self, unit: &mut dyn Unit) -> Result<bool, StoreError> {
        let Some(held) = self.held(unit)? else { return Ok(false) };
        let now = unit.database_clock()?;
        self.put(unit, held.epoch, now.plus(TURN_MILLIS))?;
        Ok(true)
    }

    /// Gives it back: another node takes it at once.
    pub(super) fn leave(self, unit: &mut dyn Unit) -> Result<(), StoreError> {
        let Some(held) = self.held(unit)? else { return Ok(()) };
        let now = unit.database_clock()?;
        self.put(unit, held.epoch, now)
    }

    fn held(self, unit: &dyn Unit) -> Result<Option<Lease>, StoreError> {
        Ok(unit.lease(&self.lease())?.filter(|held| held.start == self.start))
    }

    fn put(self, unit: &mut dyn Unit, epoch: u64, until: model::UnixMillis) -> Result<(), StoreError> {
        let (name, node, start) = (self.lease(), "test-mode".to_owned(), self.start);
        unit.put_lease(&Lease { name, node, start, epoch, until })
    }
}
