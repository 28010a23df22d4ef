//! One node serves on a database, and others stand by: whoever holds the lease serves.
//!
//! For: taking over within seconds where a node has died, and at once where it was stopped. A node that finds its lease with
//! another has been taken for dead, and ends.
//! Refuses: guarding money. Whatever an overtaken node still writes is a transaction like any other, which keeps every rule;
//! the lease keeps what is done by itself (messages to phones, the base station's port) from being done twice.

use model::UnixMillis;
use store::{Lease, Store, StoreError, WriteError};

/// How long a lease is good for without being renewed, in milliseconds.
pub const LEASE_MILLIS: i64 = 8_000;

/// The lease of whoever serves.
const SERVING: &str = "serving";

/// A node that would serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name, for people.
    pub name: String,
    /// 16 random bytes of this start.
    pub start: [u8; 16],
}

/// Whose the lease is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This node's, under this epoch.
    Serving {
        /// Rises with every new holder.
        epoch: u64,
    },
    /// Another's.
    By {
        /// The other's name.
        node: String,
        /// Until when, unless it renews.
        until: UnixMillis,
    },
}

impl Node {
    /// Takes the lease where it is free, renews it where it is this node's, and leaves it where it is another's.
    pub async fn stand(&self, store: &Store, now: UnixMillis) -> Result<Standing, StoreError> {
        let node = self.clone();
        let work = move |unit: &mut dyn store::Unit| {
            let held = unit.lease(SERVING)?;
            let epoch = match held {
                Some(held) if held.start == node.start => held.epoch,
                Some(held) if held.until > now => {
                    return Ok(Standing::By { node: held.node, until: held.until });
                }
                held => held.map_or(0, |held| held.epoch).saturating_add(1),
            };
            let until = now.plus(LEASE_MILLIS);
            unit.put_lease(&node.lease(epoch, until))?;
            Ok(Standing::Serving { epoch })
        };
        unrefused(store.write::<_, StoreError, _>(work).await)
    }

    /// Gives the lease up, if it is this node's: whoever stands by serves at once.
    pub async fn leave(&self, store: &Store, now: UnixMillis) -> Result<(), StoreError> {
        let node = self.clone();
        let work = move |unit: &mut dyn store::Unit| match unit.lease(SERVING)? {
            Some(held) if held.start == node.start => unit.put_lease(&node.lease(held.epoch, now)),
            Some(_) | None => Ok(()),
        };
        unrefused(store.write::<_, StoreError, _>(work).await)
    }

    fn lease(&self, epoch: u64, until: UnixMillis) -> Lease {
        Lease { name: SERVING.into(), node: self.name.clone(), start: self.start, epoch, until }
    }
}

fn unrefused<T>(written: Result<T, WriteError<StoreError>>) -> Result<T, StoreError> {
    written.map_err(|error| match error {
        WriteError::Refused(error) | WriteError::Store(error) => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_serves_the_other_stands_by_and_takes_over_when_the_first_leaves_or_is_silent() {
        let folder = tempfile::tempdir().unwrap();
        let store = store::sqlite::open(&folder.path().join("counterfoil.db")).unwrap();
        let node = |name: &str, start| Node { name: name.into(), start: [start; 16] };
        let (north, south) = (node("north", 1), node("south", 2));
        let at = |seconds: i64| UnixMillis(1_795_199_488_000 + seconds * 1_000);
        let by = |node: &str, until| Standing::By { node: node.into(), until };
        assert_eq!(north.stand(&store, at(0)).await, Ok(Standing::Serving { epoch: 1 }));
        assert_eq!(south.stand(&store, at(1)).await, Ok(by("north", at(8))));
        assert_eq!(north.stand(&store, at(6)).await, Ok(Standing::Serving { epoch: 1 }));
        assert_eq!(south.stand(&store, at(13)).await, Ok(by("north", at(14))));
        // North says nothing any more, and finds itself overtaken.
        assert_eq!(south.stand(&store, at(14)).await, Ok(Standing::Serving { epoch: 2 }));
        assert_eq!(north.stand(&store, at(15)).await, Ok(by("south", at(22))));
        north.leave(&store, at(15)).await.unwrap();
        assert_eq!(
            north.stand(&store, at(16)).await,
            Ok(by("south", at(22))),
            "it was not its own to give up"
        );
        // South is stopped, and another start of it is another node.
        south.leave(&store, at(17)).await.unwrap();
        assert_eq!(node("south", 3).stand(&store, at(17)).await, Ok(Standing::Serving { epoch: 3 }));
    }
}
