//! What came of attempts, kept by commits whose answer is lost.

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, Database, Durability};
use server::webhooks::Settings;
use tokio::sync::Notify;

use crate::proxy::{Fate, Proxy};
use crate::receiver::{Receiver, Reply};
use crate::town::{Town, soon};
use crate::{endpoint, on_a_desk, text};

/// How long a unit of work is tried: whoever commits is told soon that nobody knows what became of it.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most often nothing else is committed in the moment in which an attempt is.
const ROUNDS: usize = 12;

/// What the database says, over a road that is never silent.
fn says(cluster: &Cluster, database: &Database, sql: &str) -> usize {
    cluster.ask(&database.name, sql).unwrap().parse().unwrap()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_was_kept_by_a_commit_of_which_nobody_heard_counts_once() {
    let cluster = Cluster::start(Durability::None, &[]).unwrap();
    let database = cluster.fresh(None).unwrap();
    let road = Proxy::to(cluster.port());
    let settings = store::postgres::Settings {
        url: road.url(&database.name),
        password: None,
        tls: None,
        writer: *b"the towns writer",
        patience: PATIENCE,
    };
    let town = Town::on(store::postgres::open(&settings).unwrap(), on_a_desk()).await;
    let answer = Arc::new(Notify::new());
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let courier = town.courier(&Settings::default());
    let kept = || says(&cluster, &database, "select count(*) from webhook_attempt");

    let mut told = 0;
    for round in 1.. {
        assert!(round <= ROUNDS, "no attempt was ever kept by a commit that was cut off");
        shop.answers(Reply::When(Arc::clone(&answer), 204));
        town.app.test_webhook(None, text(&made, "id").parse().unwrap()).await.unwrap();
        shop.hears().await;
        told += 1;
        let (cut, before) = (road.cut(), kept());
        road.decide(|| Fate::SilentAfter);
        answer.notify_one();
        until("a commit that nobody answers", || road.cut() > cut).await;
        // The courier is told that it is not known, and keeps it once more, and again.
        tokio::time::sleep(3 * PATIENCE).await;
        let was_it = kept() > before;
        road.decide(|| Fate::Passed);
        road.be_silent(false);
        // Readings would wait for a minute.
        road.part();
        until("what came of it", || kept() == told).await;
        if was_it {
            break;
        }
    }
    // Something else is told meanwhile, in units of work after those.
    town.app.test_webhook(None, text(&made, "id").parse().unwrap()).await.unwrap();
    shop.hears().await;
    told += 1;
    until("the last of them", || kept() == told).await;
    for (sql, expected) in [
        ("select count(*) from webhook_delivery where state = 'delivered' and attempts = 1", told),
        ("select count(*) from webhook_delivery", told),
        ("select count(*) from webhook_attempt where number = 1 and status = 204", told),
        ("select count(*) from webhook_endpoint where failing_since is not null", 0),
    ] {
        assert_eq!(says(&cluster, &database, sql), expected, "{sql}");
    }
    courier.stop().await;
    assert!(shop.also_heard().is_empty(), "none was sent twice");
}
