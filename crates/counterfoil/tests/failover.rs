//! The database's primary is killed while cards pay, and a standby takes its place: every payment that was acknowledged is there
//! once, and cards pay on by themselves.
//!
//! By itself it runs on two clusters of its own and promotes the standby at once. `scripts/failover-patroni` runs it on three
//! servers that Patroni looks after, where nobody but Patroni promotes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // Tests.

mod program;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use air::card::{Light, Shown};
use cluster::{Cluster, Durability};
use program::buyer::{Buyers, Count, switched_on};
use program::merchant::{Merchant, Order, SMALL};
use program::platform::Platform;
use sim::{OwnedScreen, SoftwareCard};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const CARDS: usize = 6;
/// How long it may take until somebody has paid once there is a primary again.
const OUTAGE_MAX: Duration = Duration::from_secs(30);

/// Servers of which one takes changes, and a way to end it.
enum Servers {
    /// Ours, and promoted by us.
    Pair { primary: Box<Cluster>, standby: Box<Cluster>, url: String },
    /// Somebody's, and promoted by their manager: a command that says `killed` and `promoted`, each when it is so.
    Managed { url: String, kill: String },
}

impl Servers {
    fn begin() -> Self {
        if let (Ok(url), Ok(kill)) =
            (std::env::var("COUNTERFOIL_FAILOVER_URL"), std::env::var("COUNTERFOIL_FAILOVER_KILL"))
        {
            return Self::Managed { url, kill };
        }
        let primary = Cluster::start(Durability::Full, &["synchronous_commit = on"]).unwrap();
        let database = primary.fresh(None).unwrap();
        let standby =
            primary.standby("s1", &["hot_standby = on", "wal_retrieve_retry_interval = '100ms'"]).unwrap();
        primary.ask("postgres", "alter system set synchronous_standby_names = 'ANY 1 (s1)'").unwrap();
        primary.ask("postgres", "select pg_reload_conf()").unwrap();
        let follows =
            "select count(*) from pg_stat_replication where sync_state = 'quorum' and state = 'streaming'";
        let until = Instant::now() + program::process::PATIENCE;
        while primary.ask("postgres", follows).unwrap() != "1" {
            assert!(Instant::now() < until, "no standby follows");
            std::thread::sleep(Duration::from_millis(20));
        }
        let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
        let url = format!("postgres://postgres@{hosts}/{}?target_session_attrs=read-write", database.name);
        Self::Pair { primary: Box::new(primary), standby: Box::new(standby), url }
    }

    fn url(&self) -> &str {
        match self {
            Self::Pair { url, .. } | Self::Managed { url, .. } => url,
        }
    }

    /// Kills the primary and everything that works for it; when that was, and when there was another.
    fn kill(mut self) -> (Self, UnboundedReceiver<Instant>) {
        let (tell, told) = unbounded_channel();
        match &mut self {
            Self::Pair { primary, standby, .. } => {
                primary.kill().unwrap();
                tell.send(Instant::now()).unwrap();
                standby.promote().unwrap();
                tell.send(Instant::now()).unwrap();
            }
            Self::Managed { kill, .. } => {
                let mut command = Command::new("sh");
                let mut child = command.args(["-c", kill]).stdout(Stdio::piped()).spawn().unwrap();
                let out = BufReader::new(child.stdout.take().unwrap());
                std::thread::spawn(move || {
                    for line in out.lines().map_while(Result::ok) {
                        if line == "killed" || line == "promoted" {
                            let _ = tell.send(Instant::now());
                        }
                    }
                    let _ = child.wait();
                });
            }
        }
        (self, told)
    }
}

/// When each payment was settled, by its card.
fn times_of(settled: &Count) -> Arc<Mutex<Vec<Instant>>> {
    let times = Arc::new(Mutex::new(Vec::new()));
    let (kept, settled) = (Arc::clone(&times), settled.clone());
    tokio::spawn(async move {
        let mut known = settled.now();
        loop {
            settled.passes(known).await;
            known = settled.now();
            kept.lock().unwrap().push(Instant::now());
        }
    });
    times
}

/// A till beside the buyers: an order after the other, taken back at once; when each was acknowledged. It knows what cards, which wait for
/// an answer before their holder presses again, learn later.
fn till(merchant: &Merchant, card: &str) -> Arc<Mutex<Vec<Instant>>> {
    let times = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..2 {
        let (kept, merchant, card) = (Arc::clone(&times), merchant.clone(), card.to_owned());
        tokio::spawn(async move {
            loop {
                if let Ok(answer) = merchant.ask(&card, SMALL, None).await
                    && answer.status() == 201
                {
                    kept.lock().unwrap().push(Instant::now());
                    let order: Order = answer.json().await.unwrap();
                    let _ = merchant.cancel(&order.id).await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
    }
    times
}

/// A card whose holder asks again and again whether anything waits; when each answer came.
fn asker(card: SoftwareCard) -> Arc<Mutex<Vec<Instant>>> {
    let times = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&times);
    tokio::spawn(async move {
        loop {
            let before = card.view().frames;
            card.press(1).await.unwrap();
            let said = card.until(|state| state.frames > before && state.light != Light::Working).await;
            if said.unwrap().screen == OwnedScreen::Notice(Shown::NothingWaits) {
                kept.lock().unwrap().push(Instant::now());
            }
        }
    });
    times
}

/// The first of these moments after another, and how much later it is, in seconds.
fn first_after(times: &Mutex<Vec<Instant>>, moment: Instant) -> f64 {
    let times = times.lock().unwrap();
    let first = times.iter().find(|at| **at > moment).expect("it goes on");
    (*first - moment).as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_payment_is_there_once_after_the_primary_was_killed_under_load() {
    let servers = Servers::begin();
    let platform = Platform::bare();
    let section = format!("\n[database]\nurl = \"{}\"\n", servers.url());
    let config = std::fs::read_to_string(&platform.config).unwrap() + &section;
    std::fs::write(&platform.config, config).unwrap();
    platform.run(&["keys", "init"]).well();
    let merchant = platform.merchant("Morning Market");
    let mut cards = platform.cards(CARDS + 3);
    let (idle, asking) = (cards.pop().unwrap(), cards.pop().unwrap());
    let newcomers = [cards.pop().unwrap()];
    let (other, late) = (platform.merchant("Evening Market"), platform.merchant("Night Market"));
    platform.fund(&cards[0].holder, 1_000_000);
    let _serving = platform.serve();
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    let times = times_of(&buyers.settled);
    let orders = till(&other, &idle.id);
    let answers = asker(switched_on(&asking, platform.air).await);
    buyers.settled.reaches(4 * CARDS).await;

    let (_servers, mut told) = servers.kill();
    let killed = told.recv().await.expect("the primary is killed");
    let promoted = told.recv().await.expect("another is promoted");
    let before = buyers.settled.now();
    // Whoever had agreed at the kill waits as long as the card does before it says so again: 4 s, 8 s, 16 s. A holder who comes now
    // waits for nothing but the platform.
    let newcomers = Buyers::begin(&platform, &late, &newcomers).await;
    newcomers.settled.reaches(1).await;
    let paid = Instant::now();
    assert!(paid - promoted < OUTAGE_MAX, "{:?}", paid - promoted);
    buyers.settled.reaches(before + 4 * CARDS).await;
    let (bought, bought_late) = (buyers.finish().await, newcomers.finish().await);

    // Acknowledged to the merchant, settled at the card: paid, and each once.
    let bought_orders: BTreeSet<String> = bought.iter().map(|bought| bought.order.clone()).collect();
    assert_eq!(bought_orders.len(), bought.len());
    assert_eq!(merchant.paid().await, bought_orders);
    assert_eq!(merchant.all().await, bought_orders);
    assert_eq!(merchant.balance().await, i64::from(SMALL) * i64::try_from(bought.len()).unwrap());
    let late_orders: BTreeSet<String> = bought_late.into_iter().map(|bought| bought.order).collect();
    assert_eq!(late.paid().await, late_orders);
    let ledger = platform.ledger();
    assert!(ledger.contains("CNY sums to 0"), "{ledger}");
    let under_way = first_after(&times, promoted);
    let times = times.lock().unwrap();
    let pause = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    eprintln!(
        "failover: promoted {:.2} s after the kill; after the promotion an order was taken {:.2} s, a card answered {:.2} s, a payment begun then settled {:.2} s, the first that was under way {:.2} s; longest pause between two payments {:.2} s; \
         {} payments, each there once, and the ledger sums to zero",
        (promoted - killed).as_secs_f64(),
        first_after(&orders, promoted),
        first_after(&answers, promoted),
        (paid - promoted).as_secs_f64(),
        under_way,
        pause.as_secs_f64(),
        bought.len()
    );
}
