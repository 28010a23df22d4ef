//! The live part of a card's page: server-sent events named `card`.
//!
//! For: one event at once, one with every change, and one each second while a prompt is lit, so that the
//! seconds left are right after a laptop slept. `end` says that the card is off for good. Refuses: events
//! faster than eyes: what changes within [`PACE`] is one event.

use std::convert::Infallible;
use std::time::Duration;

use air::card::Light;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use pages::{CardFragment, Page, Template};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::reader::Reader;
use super::{CardHost, not_found, view};
use crate::{CardState, SoftwareCard};

const SECOND: Duration = Duration::from_secs(1);
const PACE: Duration = Duration::from_millis(20);
/// A proxy takes a line that is silent for a minute for a dead one.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What one open page follows.
struct Follower {
    id: String,
    card: SoftwareCard,
    state: watch::Receiver<CardState>,
    bearer: &'static str,
    page: Page,
    turn: Turn,
}

enum Turn {
    First,
    Next,
    Over,
}

pub(super) async fn live(State(host): State<CardHost>, Path(id): Path<String>, reader: Reader) -> Response {
    let Some(card) = host.card(&id) else {
        return not_found(&reader);
    };
    let follower =
        Follower { id, state: card.watch(), card, bearer: host.bearer, page: reader.page, turn: Turn::First };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        match self.turn {
            Turn::First => self.turn = Turn::Next,
            Turn::Next => {
                if self.change().await.is_err() {
                    self.turn = Turn::Over;
                    return Some(Event::default().event("end").data("off"));
                }
            }
            Turn::Over => return None,
        }
        self.state.mark_unchanged();
        let fragment = CardFragment {
            card: view::card(&self.id, &self.card, self.bearer, self.page.language),
            page: self.page.clone(),
        };
        match fragment.render() {
            // A carriage return would end a field in the middle of a page.
            Ok(html) => Some(Event::default().event("card").data(html.replace('\r', ""))),
            Err(failure) => {
                tracing::error!("a card cannot be rendered: {failure}");
                None
            }
        }
    }

    /// Returns when there is something new to show.
    async fn change(&mut self) -> Result<(), watch::error::RecvError> {
        let counting_down = self.state.borrow().light == Light::Prompt;
        if counting_down {
            match timeout(SECOND, self.state.changed()).await {
                Err(_) => return Ok(()),
                Ok(changed) => changed?,
            }
        } else {
            self.state.changed().await?;
        }
        sleep(PACE).await;
        Ok(())
    }
}
