//! Every limit and default of the fleet, in one place.

use fleet::AlertRules;

/// Limits and defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRules {
    /// When somebody is told.
    pub alerts: AlertRules,
    /// Frames that are kept, over all channels; the oldest go first. Zero keeps none.
    pub frames_kept: u64,
    /// How long a frame is kept, in milliseconds.
    pub frames_millis: i64,
    /// How long an ended downlink is kept, in milliseconds.
    pub downlinks_millis: i64,
    /// How long an alert is kept once it is over, in milliseconds.
    pub alerts_millis: i64,
    /// How long an answer other than a transaction is worth sending, in milliseconds: cards wait 15 s.
    pub answer_millis: i64,
    /// Refused frames that are kept in a minute, over all channels: junk must not push out what was real.
    pub refused_frames_a_minute: u32,
}

impl Default for FleetRules {
    fn default() -> Self {
        const DAY_MILLIS: i64 = 86_400_000;
        Self {
            alerts: AlertRules::default(),
            frames_kept: 1_000_000,
            frames_millis: 30 * DAY_MILLIS,
            downlinks_millis: 30 * DAY_MILLIS,
            alerts_millis: 400 * DAY_MILLIS,
            answer_millis: 30_000,
            refused_frames_a_minute: 60,
        }
    }
}
