//! What happens by itself: channels fall silent, what has grown old is forgotten.

use fleet::AlertKind;
use store::StoreError;

use super::Fleet;
use super::notes::silent_millis;
use crate::nodes::Job;

/// Channels that are looked at, or rows that are forgotten, in one unit of work.
const BATCH: u32 = 256;

impl Fleet {
    /// Looks at the channels that are due, and tells of those that fell silent; how many were looked at. Call it every
    /// second or so, and until it answers zero.
    pub async fn look(&self) -> Result<usize, StoreError> {
        let Some(fence) = self.app().on_duty(Job::Fleet) else { return Ok(0) };
        let now = self.app().now();
        let due = self.app().store().read(move |rows| rows.channels_to_look_at(now, BATCH)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let (count, rules) = (due.len(), self.rules().clone());
        self.app()
            .write::<_, StoreError>(move |unit| {
                if !fence.holds(unit)? {
                    return Ok(());
                }
                for found in &due {
                    // Heard since it was found?
                    let Some(channel) = unit.channel(found.id)? else { continue };
                    let silent_from =
                        channel.heard.at.map_or(now, |at| at.plus(silent_millis(&rules, &channel)));
                    if silent_from > now {
                        unit.look_again(channel.id, Some(silent_from))?;
                    } else {
                        unit.look_again(channel.id, None)?;
                        unit.raise_alert(channel.id, AlertKind::Silent, None, now)?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok(count)
    }

    /// Forgets frames, downlinks and alerts whose time is over; how many. Call it until it answers zero.
    pub async fn forget_old(&self) -> Result<u32, StoreError> {
        let Some(fence) = self.app().on_duty(Job::Fleet) else { return Ok(0) };
        let (now, rules) = (self.app().now(), self.rules().clone());
        self.app()
            .write::<_, StoreError>(move |unit| {
                if !fence.holds(unit)? {
                    return Ok(0);
                }
                let frames = unit.forget_frames(now.plus(-rules.frames_millis), rules.frames_kept, BATCH)?;
                let downlinks = unit.forget_downlinks(now.plus(-rules.downlinks_millis), BATCH)?;
                let alerts = unit.forget_alerts(now.plus(-rules.alerts_millis), BATCH)?;
                Ok(frames + downlinks + alerts)
            })
            .await
    }
}
