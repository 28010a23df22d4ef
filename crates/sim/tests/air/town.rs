//! The stage: a platform on disk, a clock that the test moves, and cards in their holders' hands.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use air::card::{Edge, Light, Limits, SecureElement as _};
use air::platform::{DownlinkForm, seal_clock};
use air::{Factor, Frame};
use crypto::{KeyStore, Suite};
use keystore::{Environment, SealedFile};
use model::{Amount, ChannelId, ChannelKind, Currency, HolderReference, UnixMillis};
use payment::{MerchantId, OrderId, PressRule, TransferId};
use server::app::{Binding, Funding, Issued, NewCard, NewOrder, OrderRefused, Push, WhenBusy};
use server::bearer::{self, FrameLimit};
use server::fleet::Heard;
use server::{App, Chance, Clock, Fleet, Metrics, Rules};
use sim::SoftElement;
use sim::world::{Weather, World};
use store::{Store, StoredOrder};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::books::FUNDS;
use crate::hand::{Hand, Said};
use crate::keys::{make_keys, master, passphrase, transport, transport_key};

/// 2026-11-20T18:31:28Z.
const EVENING: UnixMillis = UnixMillis(1_795_199_488_000);
/// Longer than a notice stays on a card.
pub(crate) const REST: u64 = 7_000;
/// Longer than the guard after the light came on.
const GUARD: u64 = 800;

/// The platform's clock: the latest time of any world, and how wrong the platform has it.
struct TownClock {
    world: AtomicI64,
    wrong_by: AtomicI64,
}

impl Clock for TownClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.world.load(Ordering::SeqCst) + self.wrong_by.load(Ordering::SeqCst))
    }
}

/// SplitMix64, twice a draw. It goes on where it was when the platform is restarted.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn throw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.throw() % end
    }
}

impl Chance for Dice {
    fn draw(&self) -> u128 {
        u128::from(self.throw()) << 64 | u128::from(self.throw())
    }
}

struct Platform {
    fleet: Fleet,
    pushes: mpsc::Receiver<Push>,
    keys: Arc<SealedFile>,
}

/// A platform, its shop and its time.
pub(crate) struct Town {
    folder: TempDir,
    clock: Arc<TownClock>,
    chance: Arc<Dice>,
    rules: Rules,
    platform: Option<Platform>,
    /// Pushes that no card has been given yet.
    flying: Vec<Push>,
    pub(crate) shop: MerchantId,
    cards: u16,
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with(Rules::default()).await
    }

    pub(crate) async fn with(rules: Rules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_keys(&folder.path().join("keys"), EVENING);
        let clock = TownClock { world: AtomicI64::new(EVENING.0), wrong_by: AtomicI64::new(0) };
        let mut town = Self {
            folder,
            clock: Arc::new(clock),
            chance: Arc::new(Dice::new(20_261_120)),
            rules,
            platform: None,
            flying: Vec::new(),
            shop: MerchantId(0),
            cards: 0,
        };
        town.restart();
        town.shop = town.merchant("noodles").await;
        town
    }

    /// The platform's process ends, with all that it held in memory, and is started again on its files.
    pub(crate) fn restart(&mut self) {
        self.platform = None;
        let keys = SealedFile::open(&self.folder.path().join("keys"), &passphrase(), Environment::Test);
        let keys = Arc::new(keys.unwrap());
        let fleet = self.fleet_over(store::sqlite::open(&self.database()).unwrap(), &keys);
        let (bearer, pushes) = bearer::queue("cell", &FrameLimit::COAP);
        fleet.attach(Arc::new(bearer));
        self.platform = Some(Platform { fleet, pushes, keys });
    }

    fn fleet_over(&self, store: Store, keys: &Arc<SealedFile>) -> Fleet {
        Fleet::new(App::new(
            store,
            Arc::clone(keys) as Arc<dyn KeyStore>,
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            Arc::clone(&self.chance) as Arc<dyn Chance>,
            self.rules.clone(),
            Arc::new(Metrics::new()),
        ))
    }

    /// Another platform over the same store, as another node is.
    pub(crate) fn neighbour(&self) -> Fleet {
        self.fleet_over(self.app().store().clone(), &self.platform.as_ref().unwrap().keys)
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("counterfoil.db")
    }

    /// Changes a row behind the platform's back.
    pub(crate) fn tamper(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.database()).unwrap();
        assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.platform.as_ref().unwrap().fleet
    }

    pub(crate) fn app(&self) -> &App {
        self.fleet().app()
    }

    pub(crate) fn keys(&self) -> &SealedFile {
        &self.platform.as_ref().unwrap().keys
    }

    // Time.

    /// The platform's idea of the time.
    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    /// The platform's clock is wrong by so much from now on.
    pub(crate) fn clock_is_wrong_by(&self, seconds: i64) {
        self.clock.wrong_by.store(seconds * 1_000, Ordering::SeqCst);
    }

    fn world_time(&self) -> i64 {
        self.clock.world.load(Ordering::SeqCst)
    }

    /// A world got this far; the platform's time follows the foremost.
    fn reached(&self, hand: &Hand) {
        self.clock.world.fetch_max(hand.world.clock.unix().0, Ordering::SeqCst);
    }

    /// So many milliseconds pass for the platform and this card, whose world may have stood still until now.
    pub(crate) async fn wait(&mut self, hand: &mut Hand, millis: u64) {
        let behind = self.world_time() - hand.world.clock.unix().0;
        self.run_to(hand, hand.world.clock.elapsed() + u64::try_from(behind).unwrap_or(0) + millis).await;
    }

    /// So many milliseconds of one world, among others that take their turns.
    pub(crate) async fn run_for(&mut self, hand: &mut Hand, millis: u64) {
        self.run_to(hand, hand.world.clock.elapsed() + millis).await;
    }

    async fn run_to(&mut self, hand: &mut Hand, until: u64) {
        loop {
            self.carry_pushes(hand);
            let frame = hand.world.next_uplink(until);
            self.reached(hand);
            let Some(frame) = frame else { return };
            let answer = self.hear(hand, &frame).await;
            match &answer {
                Some(answer) => hand.world.downlink(answer),
                None if hand.acknowledged => hand.world.downlink(&[]),
                None => {}
            }
            hand.said.push(Said { frame, answer });
        }
    }

    fn carry_pushes(&mut self, hand: &mut Hand) {
        while let Ok(push) = self.platform.as_mut().unwrap().pushes.try_recv() {
            self.flying.push(push);
        }
        for push in self.flying.extract_if(.., |push| push.address == hand.address) {
            hand.world.downlink(&push.frame);
            hand.pushed.push(push);
        }
    }

    /// No bearer carries what was pushed so far.
    pub(crate) fn lose_pushes(&mut self) {
        while self.platform.as_mut().unwrap().pushes.try_recv().is_ok() {}
    }

    /// A frame reaches the platform from where this card is.
    pub(crate) async fn hear(&self, hand: &Hand, frame: &[u8]) -> Option<Vec<u8>> {
        let channel = (!hand.limits.channel_on_air).then_some(hand.link.channel);
        let heard = Heard { channel, ..Heard::plain(frame, &hand.address, hand.source) };
        let mut sent = None;
        // What was not kept meets silence, as over CoAP.
        let _ = self.fleet().uplink(heard, |answer| sent = Some(answer.frame)).await;
        sent
    }

    /// Time passes and what the card sends does not reach the platform: here it is.
    pub(crate) async fn intercept(&mut self, hand: &mut Hand, millis: u64) -> Vec<Vec<u8>> {
        let until = hand.world.clock.elapsed() + millis;
        let mut caught = Vec::new();
        while let Some(frame) = hand.world.next_uplink(until) {
            caught.push(frame);
        }
        self.reached(hand);
        caught
    }

    /// Time passes, and nothing that the card sends is heard.
    pub(crate) async fn wait_unheard(&mut self, hand: &mut Hand, millis: u64) {
        self.intercept(hand, millis).await;
    }

    // The holder.

    pub(crate) async fn key(&mut self, hand: &mut Hand, edge: Edge) {
        self.wait(hand, 0).await;
        hand.world.key(edge);
    }

    /// A press of 20 ms: shorter than any frame's way.
    pub(crate) async fn press(&mut self, hand: &mut Hand) {
        self.key(hand, Edge::Down).await;
        self.wait(hand, 20).await;
        hand.world.key(Edge::Up);
    }

    /// A press fetches what waits.
    pub(crate) async fn fetch(&mut self, hand: &mut Hand) {
        self.press(hand).await;
        self.wait(hand, 480).await;
    }

    /// A press whose hello does not reach the platform.
    pub(crate) async fn hello(&mut self, hand: &mut Hand) -> Vec<u8> {
        self.press(hand).await;
        let mut caught = self.intercept(hand, 480).await;
        assert_eq!(caught.len(), 1);
        caught.remove(0)
    }

    /// Presses so often once the light is on, without waiting for what follows.
    pub(crate) async fn press_only(&mut self, hand: &mut Hand, times: u8) {
        self.wait(hand, GUARD).await;
        for _ in 0..times {
            self.press(hand).await;
            self.wait(hand, 200).await;
        }
    }

    /// Presses so often once the light is on, and sees what comes of it.
    pub(crate) async fn agree(&mut self, hand: &mut Hand, times: u8) {
        self.press_only(hand, times).await;
        self.wait(hand, 1_000).await;
    }

    /// Agrees, and the result does not reach the platform.
    pub(crate) async fn agree_unheard(&mut self, hand: &mut Hand) -> Vec<u8> {
        self.press_only(hand, 1).await;
        let mut caught = self.intercept(hand, 1_000).await;
        assert_eq!(caught.len(), 1);
        caught.remove(0)
    }

    pub(crate) async fn hold(&mut self, hand: &mut Hand, millis: u64) {
        self.wait(hand, GUARD).await;
        self.key(hand, Edge::Down).await;
        self.wait(hand, millis).await;
        hand.world.key(Edge::Up);
        self.wait(hand, 500).await;
    }

    /// Fetches and agrees.
    pub(crate) async fn pay(&mut self, hand: &mut Hand) {
        self.fetch(hand).await;
        self.agree(hand, 1).await;
    }

    /// What it showed goes out.
    pub(crate) async fn rest(&mut self, hand: &mut Hand) {
        self.wait(hand, REST).await;
        assert_eq!(hand.light(), Light::Off);
    }

    // Cards.

    /// A card with a display, in the hand of a holder with 500 yuan. It has never spoken.
    pub(crate) async fn card(&mut self) -> Hand {
        self.card_with(|_, _| {}).await
    }

    /// A card without display: what costs more than a little is counted.
    pub(crate) async fn blind_card(&mut self) -> Hand {
        self.card_with(|new, _| new.has_display = false).await
    }

    /// A card that was heard before: introduced, its clock set, its light off.
    pub(crate) async fn known_card(&mut self) -> Hand {
        let mut hand = self.card().await;
        self.introduce(&mut hand).await;
        hand
    }

    /// The same for a card that listens, so that the platform may push.
    pub(crate) async fn listening_card(&mut self) -> Hand {
        let mut hand = self.card_with(|new, _| new.listens = true).await;
        self.introduce(&mut hand).await;
        hand
    }

    /// The first hello fetches the time, the second says that it is set.
    pub(crate) async fn introduce(&mut self, hand: &mut Hand) {
        for _ in 0..2 {
            self.fetch(hand).await;
            self.rest(hand).await;
        }
        assert!(self.link(hand).clock_set);
        hand.said.clear();
    }

    pub(crate) async fn card_with(&mut self, change: impl FnOnce(&mut NewCard, &mut Limits)) -> Hand {
        let (mut hand, issued) = self.unbound_card(change).await;
        let binding = Binding {
            card: hand.id,
            holder: hand.holder,
            name: "Lin Wei".into(),
            document: format!("E{:08}", self.cards),
        };
        self.app().bind_card(binding).await.unwrap();
        let funding = Funding {
            id: TransferId(u128::from(self.cards)),
            holder: hand.holder,
            amount: Amount::new(FUNDS, Currency::CNY).unwrap(),
        };
        self.app().fund(funding).await.unwrap();
        hand.information = issued.information;
        hand
    }

    pub(crate) async fn unbound_card(
        &mut self,
        change: impl FnOnce(&mut NewCard, &mut Limits),
    ) -> (Hand, Issued) {
        self.cards += 1;
        let number = self.cards;
        let mut new = NewCard {
            holder: HolderReference(0x1122_3344_5566_0000 + u64::from(number)),
            channel: channel(number),
            suite: Suite::Aes128Eax,
            has_display: true,
            listens: false,
            valid_until: self.now().plus(3 * 365 * 86_400_000),
            master: master(),
            transport: transport(),
        };
        let mut limits = Limits::default();
        change(&mut new, &mut limits);
        let issued = self.app().issue_card(new).await.unwrap();
        let mut hand = self.hand(&issued, limits, number);
        hand.holder = new.holder;
        (hand, issued)
    }

    /// The card maker's act: the key goes into the secure element. Twice is a clone.
    pub(crate) fn hand(&self, issued: &Issued, limits: Limits, number: u16) -> Hand {
        let element = SoftElement::inject(
            &issued.wrapped_key,
            &transport_key(),
            issued.check_value,
            issued.link,
            issued.information,
        )
        .unwrap();
        self.hand_with(element, limits, number)
    }

    pub(crate) fn hand_with(&self, element: SoftElement, limits: Limits, number: u16) -> Hand {
        let begin = UnixMillis(self.world_time());
        let (link, information) = (element.link(), element.information());
        Hand {
            id: information.card_id,
            holder: information.holder,
            link,
            information,
            world: World::new(element.clone(), limits.clone(), begin, Weather::CLEAR, u64::from(number)),
            element,
            limits,
            address: format!("cell:{number}"),
            source: IpAddr::V4(Ipv4Addr::new(10, 0, (number >> 8) as u8, number as u8)),
            said: Vec::new(),
            pushed: Vec::new(),
            acknowledged: true,
        }
    }

    /// Another card with the same key: what nobody should be able to make.
    pub(crate) fn clone_of(&self, hand: &Hand) -> Hand {
        let mut clone = self.hand_with(hand.element.clone(), hand.limits.clone(), 0xfff);
        // Its bearer cannot know: it stands in the other's cell.
        clone.address.clone_from(&hand.address);
        clone
    }

    /// The world of a clone whose clock is set: it heard the answer to a hello of the true card's.
    pub(crate) async fn twin(&mut self, hand: &Hand) -> World<SoftElement> {
        let mut twin = self.clone_of(hand);
        twin.world.key(Edge::Down);
        let hello = twin.world.next_uplink(twin.world.clock.elapsed() + 1_000).unwrap();
        twin.world.key(Edge::Up);
        // The clone holds the key: it makes by itself what the platform would have said.
        let a = match Frame::parse(&hello).unwrap().factor {
            Factor::Wide(a) => a,
            Factor::Narrow(_) => panic!("a card without a clock says its factor in full"),
        };
        let b = self.now().time_factor();
        let form = DownlinkForm::default();
        let clock = seal_clock(&twin.element, &twin.link, form, b, a).unwrap();
        twin.world.downlink(&clock);
        assert_eq!(twin.world.next_uplink(twin.world.clock.elapsed() + REST), None);
        assert!(twin.world.card().clock_is_set());
        self.reached(&twin);
        twin.world
    }

    // Orders.

    pub(crate) async fn merchant(&self, name: &str) -> MerchantId {
        self.app().add_merchant(name).await.unwrap().0
    }

    pub(crate) fn new_order(&self, hand: &Hand, fen: i64) -> NewOrder {
        NewOrder {
            merchant: self.shop,
            card: hand.id,
            amount: Amount::new(fen, Currency::CNY).unwrap(),
            place: "counter 1".into(),
            text: None,
            reference: None,
            return_url: None,
            lifetime_seconds: self.rules.order_seconds_default,
            when_busy: WhenBusy::Wait,
        }
    }

    pub(crate) async fn try_order(&self, new: NewOrder) -> Result<OrderId, OrderRefused> {
        let render = Arc::new(|stored: &StoredOrder| stored.order.id.to_string());
        let (created, push) = self.app().create_order(new, None, render).await?;
        if let Some(card) = push {
            self.fleet().order_made(card).await;
        }
        Ok(created.body.parse().unwrap())
    }

    pub(crate) async fn order(&self, hand: &Hand, fen: i64) -> OrderId {
        self.try_order(self.new_order(hand, fen)).await.unwrap()
    }

    pub(crate) async fn lapse(&self) -> usize {
        self.app().lapse().await.unwrap()
    }
}

/// Rules for stories that are about something else than the limits on prompts and presses.
pub(crate) fn easy_rules() -> Rules {
    Rules {
        prompts_per_hour: u32::MAX,
        press: PressRule { uncounted_minor_max: u32::MAX },
        ..Rules::default()
    }
}

pub(crate) fn channel(number: u16) -> ChannelId {
    let [high, low] = number.to_be_bytes();
    ChannelId::new(ChannelKind::DevEui, [0x70, 0xb3, 0xd5, 0, 0, 0, high, low]).unwrap()
}

pub(crate) fn with_text(order: NewOrder, text: Option<&str>) -> NewOrder {
    NewOrder { text: text.map(str::to_owned), ..order }
}
