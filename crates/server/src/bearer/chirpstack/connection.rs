//! The connection to the broker: kept, and begun again when it breaks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rumqttc::{ConnectReturnCode, ConnectionError, Event, EventLoop, Incoming, Outgoing, QoS};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::event::{self, Waiting};

/// How long after a failure it is tried again: doubled each time, up to the second figure.
const AGAIN_FIRST: Duration = Duration::from_millis(250);
const AGAIN_LAST: Duration = Duration::from_secs(30);
/// How long a graceful stop waits for what is in hand.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Runs until it is stopped.
pub(super) async fn run(
    shared: Arc<Shared>,
    mut connection: EventLoop,
    waiting: mpsc::Sender<Waiting>,
    acknowledging: JoinHandle<()>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut again = AGAIN_FIRST;
    loop {
        let polled = tokio::select! {
            polled = connection.poll() => polled,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        match polled {
            Ok(happened) => {
                // Not before: two platforms under one client id put each other out as soon as they are let in.
                if let Event::Incoming(Incoming::SubAck(_)) = happened {
                    again = AGAIN_FIRST;
                }
                handle(&shared, happened, &waiting).await;
            }
            Err(error) => {
                shared.connected.store(false, Ordering::Relaxed);
                shared.subscribed.store(false, Ordering::Relaxed);
                // What came before the break and was not looked at yet belongs to the connection that is gone.
                while let Some(happened) = connection.state.events.pop_front() {
                    handle(&shared, happened, &waiting).await;
                }
                shared.connection.fetch_add(1, Ordering::SeqCst);
                shared.fleet.app().metrics().bearer_failed(code_of(&error));
                tracing::warn!(
                    bearer = shared.settings.name,
                    code = code_of(&error),
                    reason = why(&error),
                    "the broker is away; trying again in {again:?}"
                );
                tokio::select! {
                    () = tokio::time::sleep(again) => {}
                    _ = stopped.wait_for(|stop| *stop) => break,
                }
                again = (again * 2).min(AGAIN_LAST);
            }
        }
    }
    // Ends when the last event is done.
    drop(waiting);
    finish(&shared, connection, acknowledging).await;
}

async fn handle(shared: &Arc<Shared>, happened: Event, waiting: &mpsc::Sender<Waiting>) {
    match happened {
        Event::Incoming(Incoming::ConnAck(welcome)) => {
            if !welcome.session_present {
                shared.forgotten();
            }
            // What the session kept comes at once: it can be answered before the subscriptions are confirmed.
            shared.connected.store(true, Ordering::Relaxed);
            // A session that is kept has its subscriptions; saying them again changes nothing.
            let topics = shared.settings.subscriptions();
            shared.unsubscribed.store(topics.len(), Ordering::Relaxed);
            for topic in topics {
                if shared.client.try_subscribe(topic, QoS::AtLeastOnce).is_err() {
                    tracing::error!("a subscription found no room among waiting requests");
                }
            }
        }
        Event::Incoming(Incoming::SubAck(answer)) => {
            let refused =
                answer.return_codes.iter().any(|code| matches!(code, rumqttc::SubscribeReasonCode::Failure));
            if refused {
                shared.fleet.app().metrics().bearer_failed("subscription_refused");
                tracing::error!(
                    bearer = shared.settings.name,
                    "the broker refuses a subscription: let this user read the application's topics"
                );
            } else if shared.unsubscribed.fetch_sub(1, Ordering::Relaxed) == 1 {
                shared.subscribed.store(true, Ordering::Relaxed);
                tracing::info!(bearer = shared.settings.name, "connected to the broker");
                let fleet = shared.fleet.clone();
                tokio::spawn(async move {
                    if let Err(error) = fleet.hand_waiting().await {
                        tracing::error!(%error, "what waits could not be handed over");
                    }
                });
            }
        }
        Event::Incoming(Incoming::Publish(publish)) => {
            if publish.qos == QoS::AtMostOnce {
                // It would be lost while we are away: the guide says how ChirpStack is told.
                shared.fleet.app().metrics().bearer_event("qos_0");
                if !shared.warned.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        bearer = shared.settings.name,
                        "ChirpStack publishes with QoS 0: what it tells while this platform is away is lost; set \
                         `qos=1` under its [integration.mqtt]"
                    );
                }
            }
            let done = event::begin(Arc::clone(shared), &publish);
            // Full: nothing more is read until an event is done. The broker waits.
            let connection = shared.connection.load(Ordering::SeqCst);
            let _ = waiting.send(Waiting { publish, done, connection }).await;
        }
        Event::Incoming(Incoming::PubAck(confirmed)) => shared.confirmed(confirmed.pkid),
        Event::Outgoing(Outgoing::Publish(packet)) => shared.on_the_wire(packet),
        Event::Incoming(_) | Event::Outgoing(_) => {}
    }
}

/// After the stop: what is in hand is answered and confirmed, then the connection is closed.
async fn finish(shared: &Arc<Shared>, mut connection: EventLoop, acknowledging: JoinHandle<()>) {
    let until = Instant::now() + STOP_WAIT;
    if !shared.connected.load(Ordering::Relaxed) {
        return;
    }
    let done = async {
        let _ = acknowledging.await;
        let _ = shared.client.disconnect().await;
        std::future::pending::<()>().await;
    };
    let closing = async {
        // Ends by the disconnection, as an error.
        while let Ok(happened) = connection.poll().await {
            match happened {
                Event::Incoming(Incoming::PubAck(confirmed)) => shared.confirmed(confirmed.pkid),
                Event::Outgoing(Outgoing::Publish(packet)) => shared.on_the_wire(packet),
                Event::Outgoing(Outgoing::Disconnect) => return,
                // What comes now is not confirmed, and comes again.
                Event::Incoming(_) | Event::Outgoing(_) => {}
            }
        }
    };
    let _ = timeout_at(until, async {
        tokio::select! {
            () = done => {}
            () = closing => {}
        }
    })
    .await;
    shared.connected.store(false, Ordering::Relaxed);
    shared.subscribed.store(false, Ordering::Relaxed);
}

/// A failure's code, for metrics.
fn code_of(error: &ConnectionError) -> &'static str {
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
        ) => "wrong_credentials",
        ConnectionError::ConnectionRefused(_) => "refused_by_broker",
        ConnectionError::Tls(_) => "tls",
        ConnectionError::Io(_) | ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            "unreachable"
        }
        ConnectionError::MqttState(_) | ConnectionError::NotConnAck(_) | ConnectionError::RequestsDone => {
            "connection_lost"
        }
    }
}

fn why(error: &ConnectionError) -> String {
    match code_of(error) {
        "wrong_credentials" => "the broker knows no such user and password".into(),
        _ => error.to_string(),
    }
}
