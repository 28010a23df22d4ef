//! `/pay/{order}`: the platform's page of an order, live. The number of presses is shown here and nowhere else.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use pages::{MessagePage, OrderFragment, OrderPage, Template};
use payment::OrderId;
use store::StoreError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use visit::Visitor;

use super::order_view::view;
use crate::app::CancelError;
use crate::http::{Api, Named};

/// Renderings that wait for a slow browser.
const BACKLOG: usize = 4;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn router(api: Api) -> Router {
    let base = api.pages();
    Router::new()
        .route(&format!("{base}/pay/{{id}}"), get(show))
        .route(&format!("{base}/pay/{{id}}/live"), get(live))
        .route(&format!("{base}/pay/{{id}}/cancel"), post(cancel))
        .with_state(api)
}

fn no_such_order(visitor: &Visitor) -> Response {
    visit::page(StatusCode::NOT_FOUND, &MessagePage::not_found(visitor.page(), None))
}

fn store_failed(visitor: &Visitor, error: &StoreError) -> Response {
    tracing::error!(%error, "an order's page could not be read");
    visit::page(StatusCode::SERVICE_UNAVAILABLE, &MessagePage::failed(visitor.page(), None))
}

fn read(api: &Api, id: OrderId) -> Result<Option<pages::OrderView>, StoreError> {
    let app = api.fleet.app();
    let now = app.now();
    app.store().peek(|rows| rows.order(id)?.map(|stored| view(rows, &stored, now, api.pages())).transpose())
}

async fn show(State(api): State<Api>, visitor: Visitor, Named(id): Named) -> Response {
    let Ok(id) = id.parse() else { return no_such_order(&visitor) };
    match read(&api, id) {
        Ok(Some(order)) => visit::page(StatusCode::OK, &OrderPage { page: visitor.page(), order }),
        Ok(None) => no_such_order(&visitor),
        Err(error) => store_failed(&visitor, &error),
    }
}

/// The live part again, each time the order changes, until it has ended.
async fn live(State(api): State<Api>, visitor: Visitor, Named(id): Named) -> Response {
    let Ok(id) = id.parse() else { return StatusCode::NOT_FOUND.into_response() };
    let (sender, receiver) = mpsc::channel(BACKLOG);
    tokio::spawn(feed(api, visitor, id, sender));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Sse::new(ReceiverStream::new(receiver)).keep_alive(keep_alive).into_response()
}

async fn feed(api: Api, visitor: Visitor, id: OrderId, sender: mpsc::Sender<Result<Event, Infallible>>) {
    // Follow first, then read: nothing falls between.
    let mut following = api.fleet.app().notices().follow(id);
    loop {
        let Ok(Some(order)) = read(&api, id) else { return };
        let ended = order.state.is_final();
        let Ok(html) = (OrderFragment { page: visitor.page(), order }).render() else { return };
        if sender.send(Ok(Event::default().event("order").data(html))).await.is_err() {
            return;
        }
        if ended {
            // Without this the browser would connect again, for ever.
            let _ = sender.send(Ok(Event::default().event("end").data("ended"))).await;
            return;
        }
        tokio::select! {
            () = sender.closed() => return,
            more = following.changed() => if !more { return },
        }
    }
}

async fn cancel(State(api): State<Api>, visitor: Visitor, Named(id): Named) -> Response {
    let Ok(id) = id.parse::<OrderId>() else { return no_such_order(&visitor) };
    match api.fleet.app().cancel_order(None, id).await {
        Ok(stored) => {
            // The next order may go to a card that listens.
            api.card_asked(stored.order.card).await;
            Redirect::to(&format!("{}/pay/{id}", api.pages())).into_response()
        }
        // Ended meanwhile: the page says how.
        Err(CancelError::Order(_)) => Redirect::to(&format!("{}/pay/{id}", api.pages())).into_response(),
        Err(CancelError::NoSuchOrder) => no_such_order(&visitor),
        Err(CancelError::Store(error)) => store_failed(&visitor, &error),
    }
}
