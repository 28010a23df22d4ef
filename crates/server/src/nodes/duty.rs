//! What one node does for all, under a lease with an epoch.

use store::{StoreError, Unit};

use super::roll::Nodes;

/// What one node does for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// Ends orders whose time ran out, and forgets what is old.
    Sweep,
    /// Looks after the fleet: what is overdue, who fell silent, downlinks of nodes that are gone.
    Fleet,
    /// Sends SMS.
    Sms,
    /// Listens to ChirpStack, and tells it.
    ChirpStack,
}

impl Job {
    /// Its name: that of its lease.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Fleet => "fleet",
            Self::Sms => "sms",
            Self::ChirpStack => "chirpstack",
        }
    }

    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sweep, Self::Fleet, Self::Sms, Self::ChirpStack];
}

/// A job that is this node's, as far as it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duty {
    pub(super) job: Job,
    pub(super) start: [u8; 16],
    pub(super) epoch: u64,
}

/// What a unit of work of a job asks before it changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence(Option<Duty>);

impl Fence {
    /// The fence of a job, if it is to be done here: always, on a platform that is by itself.
    pub fn of(nodes: Option<&Nodes>, job: Job) -> Option<Self> {
        match nodes {
            None => Some(Self(None)),
            Some(nodes) => nodes.duty(job).map(|duty| Self(Some(duty))),
        }
    }

    /// Whether the job is still this node's, in the moment of the unit of work. A node that froze in between finds a higher
    /// epoch here, and leaves everything as it is.
    pub fn holds(self, unit: &dyn Unit) -> Result<bool, StoreError> {
        let Some(duty) = self.0 else { return Ok(true) };
        let lease = unit.lease(duty.job.name())?;
        Ok(lease.is_some_and(|lease| lease.start == duty.start && lease.epoch == duty.epoch))
    }
}
