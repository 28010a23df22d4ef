//! `/v1/orders/{id}/events`: what happens to an order, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use payment::OrderId;
use serde::Serialize;
use store::StoredEvent;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::input::Named;
use super::orders::find;
use super::problem::{Problem, ProblemBody};
use super::schema::OrderIdSchema;

/// Events that wait for a slow reader; past that the stream waits too.
const BACKLOG: usize = 16;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// An event's data.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderEvent)]
pub(super) struct EventBody {
    /// `order.awaiting_card`, `order.processing`, `order.paid`, `order.declined`, `order.expired`,
    /// `order.canceled`, `order.failed` or `order.refunded`.
    kind: String,
    /// The order's id.
    #[schema(value_type = OrderIdSchema)]
    order: String,
    /// Unix time in milliseconds.
    at: i64,
}

/// A server-sent event as it stands in the stream.
#[derive(ToSchema)]
#[schema(as = StreamedOrderEvent)]
#[allow(dead_code)] // For the description: axum writes it.
struct StreamedEvent {
    /// Give it as `Last-Event-ID` to go on after this event.
    id: String,
    /// The data's `kind`.
    event: String,
    /// An `OrderEvent` as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// Follow an order. Each event's id can be given as `Last-Event-ID` to go on after it; the stream ends after
/// the order has.
#[utoipa::path(
    get, path = "/v1/orders/{id}/events", operation_id = "follow_order", tag = "orders",
    params(
        ("id" = OrderIdSchema, Path, description = "The order's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on after this event; what is no event's id begins at the beginning"),
    ),
    responses(
        (status = 200, description = "A stream of events", body = StreamedEvent, content_type = "text/event-stream"),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such order of yours", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not an order id", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn follow(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id: OrderId = id.parse()?;
    find(&api, caller, id)?;
    let after = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(feed(api, id, after.unwrap_or(0), sender));
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

async fn feed(api: Api, id: OrderId, mut after: i64, sender: mpsc::Sender<Result<Event, Infallible>>) {
    let app = api.fleet.app();
    // Follow first, then read: nothing falls between.
    let mut following = app.notices().follow(id);
    loop {
        let read = app.store().peek(|rows| {
            let ended = rows.order(id)?.is_none_or(|stored| !stored.order.state.is_open());
            Ok((rows.events_of_order(id, after)?, ended))
        });
        let Ok((events, ended)) = read else { return };
        for stored in events {
            after = stored.seq;
            if sender.send(Ok(event(id, stored))).await.is_err() {
                return;
            }
        }
        if ended {
            return;
        }
        tokio::select! {
            () = sender.closed() => return,
            more = following.changed() => if !more { return },
        }
    }
}

fn event(order: OrderId, stored: StoredEvent) -> Event {
    let body = EventBody { order: order.to_string(), at: stored.at.0, kind: stored.kind };
    let data = serde_json::to_string(&body).unwrap_or_default();
    Event::default().id(stored.seq.to_string()).event(body.kind).data(data)
}
