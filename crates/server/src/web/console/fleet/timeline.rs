//! A channel's timeline: frames that came, answers to them, and what was sent to the card by itself.

use fleet::{DownlinkId, DownlinkState};
use model::{ChannelId, UnixMillis};
use pages::{CardRefusal, Direction, FrameKind, FrameOutcome, FrameRow, Outcome};
use payment::AuditRefusal;
use store::{Reading, StoreError, StoredDownlink, StoredFrame};

use super::shown_state;
use crate::web::text;

/// Downlinks that are looked at for the time of one page.
const PUSHES_MAX: u32 = 100;

/// The rows of a page of frames (newest first), with the pushes of the same time. `before`: where the page begins, if it is
/// not the first; `more`: whether older frames follow.
pub(super) fn rows(
    reading: &dyn Reading,
    channel: ChannelId,
    frames: &[StoredFrame],
    before: Option<i64>,
    more: bool,
) -> Result<Vec<FrameRow>, StoreError> {
    let until = match before {
        // The frame that the page before this one ended with.
        Some(seq) => {
            let last = reading.frames_before(channel, Some(seq.saturating_add(1)), 1)?;
            last.first().map(|last| last.frame.at)
        }
        None => None,
    };
    let from = frames.last().filter(|_| more).map(|oldest| oldest.frame.at);
    let mut timed: Vec<(UnixMillis, FrameRow)> = Vec::new();
    for StoredFrame { frame, .. } in frames {
        let heard = FrameRow {
            outcome: outcome(&frame.outcome),
            signal: text::signal(&frame.reception),
            ..row(frame.at, Direction::Up, &frame.bytes, &frame.bearer)
        };
        if !frame.answer.is_empty() {
            timed.push((frame.at, row(frame.at, Direction::Down, &frame.answer, &frame.bearer)));
        }
        timed.push((frame.at, heard));
    }
    let created_before = until.map(|until| DownlinkId::from_time_and_random(until, u128::MAX));
    for downlink in reading.downlinks_before(channel, created_before, PUSHES_MAX)? {
        let at = downlink.updated_at;
        let in_time = from.is_none_or(|from| at >= from) && until.is_none_or(|until| at < until);
        if let Some(pushed) = pushed(&downlink)
            && in_time
        {
            timed.push((at, pushed));
        }
    }
    // What is of one moment stays in its order.
    timed.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    Ok(timed.into_iter().map(|(_, row)| row).collect())
}

/// A downlink that left by itself, with what became of it; `None` for an answer, and for what did not leave.
fn pushed(downlink: &StoredDownlink) -> Option<FrameRow> {
    let left = match downlink.state {
        DownlinkState::Queued | DownlinkState::Canceled | DownlinkState::Expired => false,
        DownlinkState::Handed
        | DownlinkState::Sent
        | DownlinkState::Delivered
        | DownlinkState::Acknowledged
        | DownlinkState::Failed(_) => !downlink.frame.is_empty(),
    };
    let address = downlink.address.as_deref().filter(|_| left && downlink.order.is_some())?;
    let outcome = FrameOutcome::Pushed(shown_state(downlink));
    let bearer = crate::bearer::bearer_of(address);
    Some(FrameRow { outcome, ..row(downlink.updated_at, Direction::Down, &downlink.frame, bearer) })
}

fn row(at: UnixMillis, direction: Direction, bytes: &[u8], bearer: &str) -> FrameRow {
    FrameRow {
        time: text::day_and_time(at),
        direction,
        kind: kind(bytes),
        length: bytes.len(),
        hex: hex::encode(bytes),
        bearer: bearer.to_owned(),
        outcome: FrameOutcome::Answered,
        signal: None,
    }
}

fn kind(bytes: &[u8]) -> FrameKind {
    match air::Frame::parse(bytes).map(|frame| frame.kind) {
        Ok(air::Kind::Hello) => FrameKind::Hello,
        Ok(air::Kind::Transaction) => FrameKind::Transaction,
        Ok(air::Kind::Result) => FrameKind::Result,
        Ok(air::Kind::Receipt) => FrameKind::Receipt,
        Ok(air::Kind::Retry) => FrameKind::Retry,
        Ok(air::Kind::Clock) => FrameKind::Clock,
        Ok(air::Kind::Status) => FrameKind::Status,
        Err(_) => FrameKind::Unknown,
    }
}

/// What a frame led to, by the code that the fleet noted.
fn outcome(code: &str) -> FrameOutcome {
    if let Some(refusal) = AuditRefusal::ALL.into_iter().find(|refusal| refusal.code() == code) {
        return FrameOutcome::Refused(refused(refusal));
    }
    match code {
        "asked" => FrameOutcome::Asked,
        "clock" => FrameOutcome::Clock,
        "nothing_waits" => FrameOutcome::NothingWaits,
        "status" => FrameOutcome::StatusKept,
        "repeated" => FrameOutcome::Repeated,
        "paid" => FrameOutcome::Order(Outcome::Paid),
        "declined" => FrameOutcome::Order(Outcome::Declined),
        "expired" => FrameOutcome::Order(Outcome::Expired),
        "canceled" => FrameOutcome::Order(Outcome::Canceled),
        "failed" => FrameOutcome::Order(Outcome::Failed),
        // A card that is busy, or shows nothing any more, leaves its order to be asked again.
        "awaiting_card" | "processing" => FrameOutcome::Order(Outcome::Waiting),
        "wrong_code" => FrameOutcome::WrongCode,
        "wrong_result" => FrameOutcome::WrongResult,
        "second_result" => FrameOutcome::SecondResult,
        "not_above_mark" => FrameOutcome::OldTimeFactor,
        "status_not_fresh" => FrameOutcome::StatusOld,
        "downlink_too_far_ahead" => FrameOutcome::TooFarAhead,
        "prompt_limit" => FrameOutcome::PromptLimit,
        "malformed_text" => FrameOutcome::Malformed,
        "key_unavailable" => FrameOutcome::KeyUnavailable,
        // The codes of `StoreError`.
        "database_newer"
        | "database_locked"
        | "disk_full"
        | "disk_failed"
        | "database_damaged"
        | "database_unreachable"
        | "write_queue_full"
        | "constraint"
        | "row_malformed"
        | "store_closed"
        | "work_panicked"
        | "database_failed" => FrameOutcome::NotKept,
        _ => FrameOutcome::Unknown,
    }
}

fn refused(refusal: AuditRefusal) -> CardRefusal {
    match refusal {
        AuditRefusal::NumberDiffers
        | AuditRefusal::CardIdDiffers
        | AuditRefusal::CertificateDiffers
        | AuditRefusal::CreationTimeDiffers => CardRefusal::InformationDiffers,
        AuditRefusal::HolderDiffers => CardRefusal::HolderDiffers,
        AuditRefusal::NotBound => CardRefusal::NotBound,
        AuditRefusal::NotActive => CardRefusal::NotActive,
        AuditRefusal::Frozen => CardRefusal::Frozen,
        AuditRefusal::Lost => CardRefusal::Lost,
        AuditRefusal::Expired => CardRefusal::Expired,
        AuditRefusal::Closed => CardRefusal::Closed,
    }
}

#[cfg(test)]
mod tests {
    use payment::{DeclineReason, OrderState};

    use super::*;

    #[test]
    fn every_code_that_a_frame_can_lead_to_has_words() {
        let refusals = AuditRefusal::ALL.map(AuditRefusal::code);
        let states = [
            OrderState::AwaitingCard,
            OrderState::Processing,
            OrderState::Paid,
            OrderState::Declined(DeclineReason::NotMe),
            OrderState::Expired,
            OrderState::Canceled,
            OrderState::Failed,
        ];
        let disk = StoreError::Disk(String::new());
        let stored = [StoreError::Full, disk, StoreError::Locked, StoreError::Closed, StoreError::Panicked];
        let codes = refusals.into_iter().chain(states.map(OrderState::name));
        for code in codes.chain(stored.iter().map(StoreError::code)) {
            assert_ne!(outcome(code), FrameOutcome::Unknown, "{code}");
        }
        assert_eq!(outcome("of_tomorrow"), FrameOutcome::Unknown);
    }
}
