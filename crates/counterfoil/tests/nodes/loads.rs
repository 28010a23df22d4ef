//! Wallet cards at terminals of a bank with two nodes: texts, and loads that were torn.

use crate::front::Front;
use crate::program::bank::{Bank, PIN, Wallet};
use crate::program::gateway::Gateway;
use crate::program::process::{Program, run_typed};
use crate::program::terminal::Terminal;
use crate::region::{Region, becomes, sees};

const BUS: &str = "0101-bus.pack.toml";

/// A bank with two nodes that serve; the first does what one does for all.
struct Town {
    region: Region,
    north: Bank,
    south: Bank,
    north_serves: Program,
    _south_serves: Program,
    front: Front,
}

impl Town {
    async fn open(north_gateway: Gateway, south_gateway: Gateway) -> Self {
        let mut region = Region::new();
        let north = Bank::on(region.node("north"), north_gateway, None);
        let south = north.at(region.node("south"), south_gateway);
        let north_serves = north.serve();
        let sends = |duty: &serde_json::Value| duty["job"] == "sms" && duty["node"] == "north";
        becomes(&north.platform, "its texts", |health| {
            health["duties"].as_array().unwrap().iter().any(sends)
        })
        .await;
        let _south_serves = south.serve();
        sees(&south.platform, 2).await;
        let front = Front::before(&[&north, &south]).await;
        Self { region, north, south, north_serves, _south_serves, front }
    }

    fn terminal(&self, number: &str) -> Terminal {
        let terminal = Terminal::new(number);
        let mut enrol = terminal.enrolment_at(self.front.addresses(), &self.north.authority());
        run_typed(&mut enrol, &[&self.north.register(number)]).well();
        terminal.install(&crate::program::bank::example(BUS)).well();
        terminal
    }

    fn wallets(&self, fen: u32, count: usize) -> Vec<Wallet> {
        self.north.wallets("0101", &self.north.bank_card(&self.north.holder(fen)), count)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_a_node_that_died_go_out_from_the_other_each_once_and_none_is_lost() {
    // What north posts nobody answers.
    let town = Town::open(Gateway::silent(), Gateway::open()).await;
    let terminals = ["000001000050", "000001000051", "000001000052"].map(|number| town.terminal(number));
    let wallets = town.wallets(50_000, 3);
    for wallet in &wallets {
        terminals[0].activate(wallet).with(0);
    }
    let mut loads: Vec<Program> = Vec::new();
    for (terminal, wallet) in terminals.iter().zip(&wallets).take(2) {
        loads.push(terminal.begin_load(wallet, "10", &[]));
    }
    let begun: Vec<_> =
        wallets[..2].iter().map(|wallet| town.north.gateway.text_about(&wallet.asn)).collect();
    town.north_serves.kill();
    town.front.lead_to(1);
    // Nobody knows yet that north is dead: this one waits as well.
    loads.push(terminals[2].begin_load(&wallets[2], "10", &[]));

    let mut texts = Vec::new();
    for (mut load, wallet) in loads.into_iter().zip(&wallets) {
        let text = town.south.gateway.text_about(&wallet.asn);
        load.answers(&text.code());
        load.answers(PIN);
        assert!(load.ended().with(0).contains("Loaded."));
        assert_eq!(wallet.balance(), 1_000);
        texts.push(text.text);
    }
    for (begun, sent) in begun.iter().zip(&texts) {
        assert_eq!(&begun.text, sent, "the very text");
    }
    town.region.says("select count(*) from outgoing_sms", "0").await;
    assert_eq!((town.north.gateway.unread(), town.south.gateway.unread()), (0, 0), "each went once");
    let ledger = town.south.platform.ledger();
    assert!(ledger.contains("transfers: 0 pending, 4 posted, 0 voided"), "{ledger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_was_torn_at_one_node_is_finished_at_the_other_or_given_back_there() {
    let gateway = Gateway::open();
    let town = Town::open(gateway.clone(), gateway).await;
    let (here, there) = (town.terminal("000001000050"), town.terminal("000001000051"));
    let [taken, untaken, burnt] = town.wallets(50_000, 3).try_into().unwrap();
    for wallet in [&taken, &untaken, &burnt] {
        here.activate(wallet).with(0);
    }
    // The card took it and could not say so; the other two never saw it.
    here.load(&town.north, &taken, "50", &["--tear", "after:4"]).with(4);
    here.load(&town.north, &untaken, "20", &["--tear", "before:4"]).with(4);
    here.load(&town.north, &burnt, "30", &["--tear", "before:4"]).with(4);
    assert_eq!([&taken, &untaken, &burnt].map(Wallet::balance), [5_000, 0, 0]);
    town.north_serves.kill();
    town.front.lead_to(1);

    let said = here.tap(&["finish"], &taken).with(0);
    assert!(said.contains("Loaded.") && said.contains("balance   50.00 yuan"), "{said}");
    // Another terminal, which knows nothing of it.
    let said = there.tap(&["finish"], &untaken).with(0);
    assert!(said.contains("Loaded.") && said.contains("balance   20.00 yuan"), "{said}");
    let load = town.south.loads_of(&burnt.asn)[0][0].clone();
    let settle =
        |found, note| town.south.platform.run(&["bank", "settle", &load, found, "--note", note]).well();
    assert!(settle("unreadable", "burnt, seen").contains("in doubt now"));
    assert!(settle("not-credited", "its log has no load").contains("the holder's again"));
    assert!(there.tap(&["finish"], &burnt).with(0).contains("No load of this card waits"));

    assert_eq!([&taken, &untaken, &burnt].map(Wallet::balance), [5_000, 2_000, 0]);
    assert_eq!(
        town.south.load_counts(),
        "0 open  2 closed  0 in doubt  0 settled credited  1 settled returned  0 reversed"
    );
    let ledger = town.south.platform.ledger();
    assert!(ledger.contains("transfers: 0 pending, 3 posted, 1 voided, 0 expired"), "{ledger}");
}
