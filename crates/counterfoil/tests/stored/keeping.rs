//! A platform's life in small, and what is kept of it.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cluster::Cluster;
use serde::{Deserialize, Serialize};

use crate::engine::{Engine, Kept, versions_in};
use crate::program::buyer::Buyers;
use crate::program::platform::{Issued, Platform};

/// What was given back in the life of the newest version, which earlier ones did not know.
const GIVEN_BACK: u32 = 120;

/// What whoever opens a state again must know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The merchant's API key: of a platform that is not there any more.
    pub(crate) key: String,
    /// Cards and holder.
    cards: Vec<String>,
    holder: String,
    /// Orders that were paid.
    pub(crate) orders: BTreeSet<String>,
    /// The versions before this one have payments and nothing else.
    whole: u32,
    /// Posted transfers and what the merchant has, of the payments, and at the end.
    posted: [u32; 2],
    earned: [i64; 2],
}

impl Notes {
    pub(crate) fn read(folder: &Path) -> Self {
        serde_json::from_str(&std::fs::read_to_string(folder.join("notes.json")).unwrap()).unwrap()
    }

    pub(crate) fn posted(&self, version: u32) -> u32 {
        self.posted[usize::from(version >= self.whole)]
    }

    pub(crate) fn earned(&self, version: u32) -> i64 {
        self.earned[usize::from(version >= self.whole)]
    }

    /// The cards, where their files are now.
    pub(crate) fn cards(&self, data: &Path) -> Vec<Issued> {
        let card = |id: &String| Issued {
            image: data.join("cards").join(format!("{id}.json")),
            id: id.clone(),
            holder: self.holder.clone(),
        };
        self.cards.iter().map(card).collect()
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
            // A checkout keeps no such modes, and what holds keys is refused where others may read it.
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}

/// How many transfers are posted, as `ledger check` says.
fn posted(platform: &Platform) -> u32 {
    let ledger = platform.ledger();
    let counted = ledger.lines().find(|line| line.starts_with("transfers:")).unwrap();
    let word = counted.split(", ").find(|part| part.ends_with(" posted")).unwrap();
    word.trim_end_matches(" posted").parse().unwrap()
}

/// Lives, keeps a script for each version of the schema, and says which is the newest.
pub(crate) async fn keep(engine: Engine, place: &Path) -> u32 {
    let platform = Platform::bare();
    let database = match engine {
        Engine::File => Kept::File(platform.database()),
        Engine::Server => {
            let database = Cluster::shared().fresh(None).unwrap();
            let section = format!("\n[database]\nurl = \"{}\"\n", database.url);
            let config = std::fs::read_to_string(&platform.config).unwrap() + &section;
            std::fs::write(&platform.config, config).unwrap();
            Kept::Server(database)
        }
    };
    platform.run(&["keys", "init"]).well();
    let merchant = platform.merchant("Morning Market 早市");
    let cards = platform.cards(2);
    platform.fund(&cards[0].holder, 1_000_000);
    let serving = platform.serve();
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(4).await;
    buyers.finish().await;
    serving.signal("TERM");
    serving.ended().well();
    // Whoever opens them in ten years has cards that have not run out.
    database.change("update card set valid_until = 4102444800000");
    let (first_posted, mut scripts) = (posted(&platform), Vec::new());
    let newest = engine.migrations().len();
    for version in 1..newest {
        scripts.push(database.as_of(version));
    }
    let earlier = kept_by_others(place);

    // What the newest has beside.
    platform.operator("li.wei", "administrator");
    platform.run(&["operator", "list"]).well();
    let serving = platform.serve();
    // No server of anybody's: nothing is sent while it lives.
    let hooks = serde_json::json!({ "url": "https://shop.example/hooks", "kinds": ["order.declined"] });
    assert_eq!(merchant.asks("POST", "/v1/webhook_endpoints", Some(hooks)).await.status(), 201);
    let (orders, earned) = (merchant.paid().await, merchant.balance().await);
    let first = orders.first().unwrap();
    assert_eq!(merchant.refund(first, GIVEN_BACK).await, 201);
    // Taken back: one that is open would lapse, sooner or later.
    let open = merchant.order(&cards[0].id, 700).await;
    assert_eq!(merchant.cancel(&open.id).await.unwrap().status(), 200);
    let last = merchant.balance().await;
    serving.signal("TERM");
    serving.ended().well();
    let last_posted = posted(&platform);
    scripts.push(database.script());

    std::fs::create_dir_all(place.join("data/cards")).unwrap();
    for (version, script) in (1..).zip(&scripts) {
        if version == newest || !earlier.contains(&u32::try_from(version).unwrap()) {
            std::fs::write(place.join(format!("schema-{version}.sql")), script).unwrap();
        }
    }
    std::fs::copy(platform.data.join("keys.cfks"), place.join("data/keys.cfks")).unwrap();
    clear(&place.join("data/cards"));
    copy_folder(&platform.data.join("cards"), &place.join("data/cards"));
    let newest = u32::try_from(newest).unwrap();
    let notes = Notes {
        key: merchant.key().to_owned(),
        cards: cards.iter().map(|card| card.id.clone()).collect(),
        holder: cards[0].holder.clone(),
        orders,
        whole: newest,
        posted: [first_posted, last_posted],
        earned: [earned, last],
    };
    let text = serde_json::to_string_pretty(&notes).unwrap() + "\n";
    std::fs::write(place.join("notes.json"), text).unwrap();
    newest
}

/// The schemas that other releases have left beside this place.
fn kept_by_others(place: &Path) -> BTreeSet<u32> {
    let Ok(releases) = std::fs::read_dir(place.parent().unwrap()) else { return BTreeSet::new() };
    let folders = releases.map(|entry| entry.unwrap().path()).filter(|folder| folder != place);
    folders.flat_map(|folder| versions_in(&folder)).collect()
}

/// Cards of an earlier making are no cards of this one.
fn clear(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
}
