//! A delivery's life, and what an attempt leaves behind.
#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

use model::UnixMillis;
use webhook::{
    CancelReason, DeliveryEvent, DeliveryState, End, EndpointEvent, Excerpt, GiveUp, NoAnswer, ResendRefused,
    RetryAfter, Status, schedule,
};

use DeliveryEvent as E;
use DeliveryState as S;

const NOW: UnixMillis = UnixMillis(1_795_199_488_000);
const HOUR: i64 = 3_600_000;

fn answered(number: u16) -> E {
    E::Answered { status: Status::new(number).unwrap(), retry_after: None, at: NOW, random: 0 }
}

fn asked(number: u16, retry_after: &str) -> E {
    let retry_after = RetryAfter::parse(retry_after, NOW);
    E::Answered { status: Status::new(number).unwrap(), retry_after, at: NOW, random: 0 }
}

const NOT_ANSWERED: E = E::NotAnswered { reason: NoAnswer::TimedOut, at: NOW, random: 0 };

#[test]
fn a_delivery_lives_by_the_table() {
    let pending = S::Pending { made: 2, due: UnixMillis(5) };
    let again = Some(S::Pending { made: 3, due: NOW.plus(30 * 60_000) });
    let taken = |made| Some(S::Delivered { made });
    let canceled = |made, why| S::Canceled { made, why };
    let events = [
        answered(200),
        answered(302),
        answered(410),
        answered(503),
        answered(404),
        NOT_ANSWERED,
        E::Resent { at: NOW },
        E::EndpointDisabled,
        E::EndpointDeleted,
    ];
    let anew = Some(S::Pending { made: 0, due: NOW });
    let only_taken = [taken(5), None, None, None, None, None, None, None, None];
    for (state, ends) in [
        (
            pending,
            [
                taken(3),
                Some(S::Failed { made: 3, why: GiveUp::Redirected }),
                Some(canceled(3, CancelReason::Disabled)),
                again,
                again,
                again,
                None,
                Some(canceled(2, CancelReason::Disabled)),
                Some(canceled(2, CancelReason::Deleted)),
            ],
        ),
        (S::Delivered { made: 4 }, [None, None, None, None, None, None, anew, None, None]),
        (
            S::Failed { made: 4, why: GiveUp::Exhausted },
            [taken(5), None, None, None, None, None, anew, None, None],
        ),
        (
            S::Failed { made: 4, why: GiveUp::Redirected },
            [taken(5), None, None, None, None, None, anew, None, None],
        ),
        (canceled(4, CancelReason::Disabled), only_taken),
        (canceled(4, CancelReason::Deleted), only_taken),
    ] {
        for (event, end) in events.into_iter().zip(ends) {
            assert_eq!(state.apply(event), end, "{state:?} {event:?}");
        }
        assert_eq!(state.resend(NOW).ok(), state.apply(E::Resent { at: NOW }), "{state:?}");
        let stored = S::from_stored(state.name(), state.reason(), state.made(), state.due());
        assert_eq!(stored, Some(state));
    }
    assert_eq!(pending.resend(NOW), Err(ResendRefused::Pending));
    assert_eq!(canceled(1, CancelReason::Deleted).resend(NOW), Err(ResendRefused::Canceled));
    assert_eq!(S::from_stored("failed", None, 1, None), None);
    assert_eq!(S::from_stored("pending", None, 1, None), None);
}

#[test]
fn a_server_that_never_answers_gets_ten_attempts_over_three_days() {
    let mut state = S::new(NOW);
    let mut attempts = 0;
    let mut last = NOW;
    while let Some(due) = state.due() {
        attempts += 1;
        last = due;
        state = state.apply(E::NotAnswered { reason: NoAnswer::Unreachable, at: due, random: 0 }).unwrap();
    }
    assert_eq!(state, S::Failed { made: 10, why: GiveUp::Exhausted });
    assert_eq!(attempts, 10);
    assert_eq!(last.since(NOW), (75 * 3600 + 35 * 60 + 5) * 1000);
    // Sent again, it has as many attempts again.
    assert_eq!(state.resend(last), Ok(S::Pending { made: 0, due: last }));
}

#[test]
fn every_status_has_its_meaning() {
    for number in 100..=599 {
        let end = S::new(NOW).apply(answered(number)).unwrap();
        let name = match number {
            200..=299 => "delivered",
            300..=399 => "failed",
            410 => "canceled",
            _ => "pending",
        };
        assert_eq!(end.name(), name, "{number}");
        let told = End::Answered(Status::new(number).unwrap()).tells();
        let expected = match number {
            200..=299 => EndpointEvent::Succeeded,
            410 => EndpointEvent::Gone,
            _ => EndpointEvent::AttemptFailed,
        };
        assert_eq!(told, expected, "{number}");
    }
    assert_eq!((Status::new(99), Status::new(600)), (None, None));
    for reason in NoAnswer::ALL {
        assert_eq!(NoAnswer::from_code(reason.code()), Some(reason));
        assert_eq!(End::NotAnswered(reason).tells(), EndpointEvent::AttemptFailed);
    }
}

#[test]
fn a_server_that_asks_for_more_time_has_it_up_to_a_day() {
    let pending = S::Pending { made: 1, due: NOW };
    let scheduled = i64::try_from(schedule::WAITS_MS[2]).unwrap();
    for (event, wait) in [
        (asked(429, "3600"), HOUR),
        (asked(503, "3600"), HOUR),
        (asked(503, "Fri, 20 Nov 2026 20:31:28 GMT"), 2 * HOUR),
        // Earlier than the schedule: the schedule.
        (asked(503, "1"), scheduled),
        (asked(503, "Fri, 20 Nov 2026 18:00:00 GMT"), scheduled),
        (asked(503, "soon"), scheduled),
        // Capped.
        (asked(429, "86400"), 24 * HOUR),
        (asked(429, "86401"), 24 * HOUR),
        (asked(429, "99999999999999999999999"), 24 * HOUR),
        (asked(429, "Fri, 20 Nov 2099 18:00:00 GMT"), 24 * HOUR),
        // Asked with another status, it is not heard.
        (asked(500, "3600"), scheduled),
    ] {
        assert_eq!(pending.apply(event), Some(S::Pending { made: 2, due: NOW.plus(wait) }), "{event:?}");
    }
    // After the last attempt no wait helps.
    let last = S::Pending { made: 9, due: NOW };
    assert_eq!(last.apply(asked(503, "60")), Some(S::Failed { made: 10, why: GiveUp::Exhausted }));
    for wrong in ["", "-1", "1.5", "+1"] {
        assert_eq!(RetryAfter::parse(wrong, NOW), None, "{wrong}");
    }
}

#[test]
fn the_first_1024_bytes_of_an_answer_are_kept_as_text() {
    assert_eq!(Excerpt::of(b"ok\n").as_str(), "ok\n");
    assert_eq!(Excerpt::of(&[b'a'; 1024]).as_str().len(), 1024);
    assert_eq!(Excerpt::of(&[b'a'; 1025]).as_str().len(), 1024);
    // A character that the cut goes through is left out; a broken one stands as such.
    let mut cut = vec![b'a'; 1023];
    cut.extend("é".as_bytes());
    assert_eq!(Excerpt::of(&cut).as_str(), "a".repeat(1023));
    assert_eq!(Excerpt::of(b"a\xffb\0\x1b\tc\xc3").as_str(), "a\u{fffd}b\u{fffd}\u{fffd}\tc\u{fffd}");
    assert_eq!(Excerpt::of(&[0xff; 2000]).as_str().len(), 3 * 1023);
}
