//! A fourth industry: a signed pack and a product, and nothing is built. Its cards want a PIN of their own.

use model::{Fen, IndustryCode, OnlineCounter};
use packs::{Industries, Industry, Product, SignedPack, example_key, example_signer, sign};
use sim::wallet::{SoftWallet, Tear};
use tap::card::{StoredPin, WalletImage};
use tap::message::CardPin;
use tap::{Opening, Outcome};

use crate::counter::{Counter, Money, PIN, Plan, TERMINAL};
use crate::hand::{Disturbance, Ended, Hand};

const PACK: &str = r#"
format = 1
driver = "pboc-ep"
code = "0104"
version = 3
icon = "canteen"
[names]
en = "Canteen"
zh = "食堂"
[wallet]
aid = "A0 00 00 00 03 86 98 07 04"
load_kind = 2
key_index = 1
log_file = 24
load_log_file = 26
proof_number = "before"
card_pin = true
[limits]
per_load_max = 30000
balance_max = 50000
amounts = [3000, 10000]
"#;

const PRODUCT: &str = r#"
format = 1
code = "0104"
issuer = "1000750104000000"
[keys]
load = "canteen-load"
tac = "canteen-tac"
maintenance = "canteen-maintenance"
purchase = "canteen-purchase"
[limits]
load_min = 1000
load_max = 30000
balance_max = 50000
day_max = 60000
[card]
validity_years = 2
"#;

const CARD_PIN: [u8; 2] = [0x13, 0x57];
const AMOUNT: Fen = Fen(3_000);

fn canteen() -> IndustryCode {
    "0104".parse().unwrap()
}

/// The three examples and the fourth, as if its files had been put into the folder.
fn four() -> Industries {
    let file = sign(PACK, &example_key()).unwrap();
    let pack = SignedPack::open(file.as_bytes(), &[example_signer()]).unwrap();
    let fourth = Industry { pack: pack.into(), product: Product::parse(PRODUCT).unwrap() };
    let examples = Industries::examples().all().into_iter().map(|industry| (*industry).clone());
    Industries::of(examples.chain([fourth]))
}

struct Canteen {
    counter: Counter,
    asn: model::Asn,
    wallet: SoftWallet,
}

fn with_pin(image: &mut WalletImage) {
    image.profile.pin_for_load = true;
    image.profile.proof_number = tap::ProofNumber::Before;
    image.profile.balance_max = Fen(50_000);
    image.keys.pin = StoredPin::new(&CARD_PIN);
}

impl Canteen {
    async fn open(seed: u64) -> Self {
        let counter = Counter::open_as(Plan { industries: four(), ..Plan::of(seed) }).await;
        let (asn, wallet) = counter.active_card_of(canteen(), with_pin).await;
        Self { counter, asn, wallet }
    }

    async fn load(&mut self, amount: Fen, pin: &[u8], disturbance: Disturbance) -> Ended {
        let sms = self.counter.sms(self.asn, amount).await;
        let block = self.counter.till(TERMINAL).pin_block(self.asn, PIN, &self.counter.dice);
        let opening = Opening::load(canteen(), TERMINAL, self.asn, amount, sms, block);
        self.run(opening.with_card_pin(CardPin::new(pin).unwrap()), disturbance).await
    }

    async fn finish(&mut self, pin: &[u8]) -> Ended {
        let opening = Opening::supplementary_load(canteen(), TERMINAL).of_card(self.asn);
        let opening = opening.with_card_pin(CardPin::new(pin).unwrap());
        self.run(opening, Disturbance::default()).await
    }

    async fn run(&mut self, opening: Opening, disturbance: Disturbance) -> Ended {
        Hand::default().run(&mut self.counter, opening, &self.wallet, disturbance).await
    }
}

#[tokio::test]
async fn a_fourth_industry_works_from_its_files_alone() {
    let mut canteen_ = Canteen::open(1001).await;
    let (asn, mut image) = canteen_.counter.new_card(canteen()).await;
    with_pin(&mut image);
    (canteen_.asn, canteen_.wallet) = (asn, canteen_.counter.put_into_plastic(image));
    assert!(asn.to_string().starts_with("0104"));

    let pin = canteen_.counter.pin(asn);
    let ended =
        canteen_.run(Opening::activation(canteen(), TERMINAL, asn, pin), Disturbance::default()).await;
    assert_eq!(ended.outcome(), Outcome::Activated);
    let dates = canteen_.wallet.image().memory.public_data[20..28].to_vec();
    assert_eq!(dates, [0x20, 0x26, 0x11, 0x24, 0x20, 0x28, 0x11, 0x24]);

    let ended = canteen_.load(AMOUNT, &CARD_PIN, Disturbance::default()).await;
    assert_eq!((ended.outcome(), ended.in_field, ended.elsewhere), (Outcome::Loaded, 1, 2));
    assert_eq!(canteen_.wallet.balance(), AMOUNT);
    assert_eq!(canteen_.counter.money(), Money { debited: 3_000, set_aside: 0, on_cards: 3_000 });

    let verified = Opening::verified_balance(canteen(), TERMINAL);
    let verified = verified.with_card_pin(CardPin::new(&CARD_PIN).unwrap());
    let ended = canteen_.run(verified, Disturbance::default()).await;
    assert_eq!((ended.outcome(), ended.report.end.balance), (Outcome::BalanceRead, Some(AMOUNT)));
}

#[tokio::test]
async fn a_fourth_industrys_torn_loads_are_finished_by_its_own_proof_number() {
    for (tear, commands) in [(Tear::before(5), 7), (Tear::after(5), 6)] {
        let mut canteen = Canteen::open(1002).await;
        // SELECT, READ BINARY, VERIFY, INITIALIZE, CREDIT.
        let torn = Disturbance { tear: Some(tear), ..Disturbance::default() };
        assert_eq!(canteen.load(AMOUNT, &CARD_PIN, torn).await.outcome(), Outcome::PaidNotWritten);
        assert_eq!(canteen.counter.money(), Money { debited: 0, set_aside: 3_000, on_cards: 0 });
        let ended = canteen.finish(&CARD_PIN).await;
        assert_eq!((ended.outcome(), ended.commands), (Outcome::Loaded, commands));
        assert_eq!(canteen.wallet.balance(), AMOUNT);
        assert_eq!(canteen.wallet.image().memory.online, OnlineCounter(1));
        assert_eq!(canteen.counter.money(), Money { debited: 3_000, set_aside: 0, on_cards: 3_000 });
    }
}

#[tokio::test]
async fn a_cards_own_pin_is_counted_by_the_card_and_the_bank_hears_nothing_of_it() {
    let mut canteen = Canteen::open(1003).await;
    for (expected, left) in
        [(Outcome::CardPinWrong, Some(2)), (Outcome::CardPinWrong, Some(1)), (Outcome::CardPinBlocked, None)]
    {
        let ended = canteen.load(AMOUNT, &[0x24, 0x68], Disturbance::default()).await;
        assert_eq!((ended.outcome(), ended.report.end.tries_left), (expected, left));
        assert_eq!((ended.in_field, ended.elsewhere), (0, 1), "but for the permission");
    }
    let ended = canteen.load(AMOUNT, &CARD_PIN, Disturbance::default()).await;
    assert_eq!(ended.outcome(), Outcome::CardPinBlocked, "not even with the right one");
    assert_eq!((canteen.counter.money(), canteen.wallet.balance()), (Money::default(), Fen(0)));
    assert!(canteen.counter.unfinished(canteen.asn).is_none());
}

#[tokio::test]
async fn the_right_card_pin_gives_all_tries_back() {
    let mut canteen = Canteen::open(1004).await;
    for _ in 0..2 {
        let ended = canteen.load(AMOUNT, &[0x24, 0x68], Disturbance::default()).await;
        assert_eq!((ended.outcome(), ended.report.end.tries_left), (Outcome::CardPinWrong, Some(2)));
        let ended = canteen.load(AMOUNT, &CARD_PIN, Disturbance::default()).await;
        assert_eq!(ended.outcome(), Outcome::Loaded);
    }
    assert_eq!(canteen.counter.money(), Money { debited: 6_000, set_aside: 0, on_cards: 6_000 });
}

#[tokio::test]
async fn a_wrong_card_pin_at_a_rescue_leaves_the_load_open() {
    let mut canteen = Canteen::open(1005).await;
    let torn = Disturbance { tear: Some(Tear::before(5)), ..Disturbance::default() };
    canteen.load(AMOUNT, &CARD_PIN, torn).await;
    let ended = canteen.finish(&[0x24, 0x68]).await;
    assert_eq!((ended.outcome(), ended.report.end.tries_left), (Outcome::CardPinWrong, Some(2)));
    assert_eq!(canteen.counter.money(), Money { debited: 0, set_aside: 3_000, on_cards: 0 });
    assert_eq!(canteen.finish(&CARD_PIN).await.outcome(), Outcome::Loaded);
    assert_eq!(canteen.counter.money(), Money { debited: 3_000, set_aside: 0, on_cards: 3_000 });
}

#[tokio::test]
async fn the_fourth_industrys_own_limits_are_kept() {
    let mut canteen = Canteen::open(1006).await;
    for amount in [Fen(999), Fen(30_001)] {
        let ended = canteen.load(amount, &CARD_PIN, Disturbance::default()).await;
        assert_eq!(ended.outcome(), Outcome::AmountRefused);
    }
    assert_eq!(canteen.load(Fen(30_000), &CARD_PIN, Disturbance::default()).await.outcome(), Outcome::Loaded);
    let over = canteen.load(Fen(20_001), &CARD_PIN, Disturbance::default()).await;
    assert_eq!(over.outcome(), Outcome::BalanceOverLimit);
    assert_eq!(canteen.counter.money(), Money { debited: 30_000, set_aside: 0, on_cards: 30_000 });
}
