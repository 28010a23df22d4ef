//! Everything at once: five cards, a radio that loses, doubles, delays and reorders, holders who press, refuse
//! or go away, and a platform that is restarted now and then. Whatever happens, the books say what the holders did.

use std::collections::HashSet;

use air::Outcome;
use air::card::{Edge, Light, Shown};
use model::Decision;
use payment::{AuthorizationState, OrderId, OrderState};
use sim::world::Weather;

use crate::books::FUNDS;
use crate::hand::Hand;
use crate::town::{Dice, Town, easy_rules};

const WEATHER: Weather =
    Weather { drop_percent: 20, duplicate_percent: 20, reorder_percent: 20, delay_min: 50, delay_max: 900 };
const CARDS: usize = 5;
const ORDERS_A_CARD: usize = 44;
/// How finely time passes.
const TICK: u64 = 100;

/// What the holder does with an order when the light comes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Agree,
    Miscount,
    Refuse,
    Leave,
}

/// One holder, one order at a time.
struct Holder {
    hand: Hand,
    order: Option<(OrderId, Mood)>,
    all: Vec<OrderId>,
    /// Key edges to come, in ticks from the moment that the light was seen.
    fingers: Vec<(u64, Edge)>,
    patience: u64,
    tick: u64,
    /// Orders whose amount was lit when the holder began to press, and for how many presses.
    pressed_for: HashSet<(u32, u8)>,
    settled_shown: HashSet<OrderId>,
}

impl Holder {
    /// What the card shows, before its power can go.
    fn look(&mut self, town: &Town) {
        if self.hand.shown() == Some(Shown::Receipt(Outcome::Settled))
            && let Some((order, _)) = self.order
        {
            assert_eq!(town.state(order), OrderState::Paid, "what a card shows as settled is paid");
            self.settled_shown.insert(order);
        }
    }

    /// A tenth of a second of a holder's evening.
    async fn live(&mut self, town: &Town, dice: &Dice) {
        self.tick += 1;
        let tick = self.tick;
        while let Some(place) = self.fingers.iter().position(|(due, _)| *due <= tick) {
            let (_, edge) = self.fingers.remove(place);
            self.hand.world.key(edge);
        }
        if !self.fingers.is_empty() || tick < self.patience {
            return;
        }
        match self.order {
            None if self.all.len() < ORDERS_A_CARD => {
                // Amounts tell orders apart: no two are the same.
                let fen = 10 + self.all.len() as i64;
                let order = town.order(&self.hand, fen).await;
                let mood = match dice.below(10) {
                    0 => Mood::Miscount,
                    1 => Mood::Refuse,
                    2 => Mood::Leave,
                    _ => Mood::Agree,
                };
                self.order = Some((order, mood));
                self.all.push(order);
                self.patience = tick + 10;
            }
            None => {}
            Some((order, mood)) => self.attend(town, order, mood),
        }
    }

    fn attend(&mut self, town: &Town, order: OrderId, mood: Mood) {
        let tick = self.tick;
        match self.hand.light() {
            Light::Prompt if mood == Mood::Leave => self.patience = tick + 50,
            Light::Prompt => {
                // A second after the light, so that the guard is over.
                let begin = tick + 10;
                let lit = self.hand.prompt().unwrap().amount.minor();
                let count = town.presses(order);
                match mood {
                    Mood::Refuse => self.fingers = vec![(begin, Edge::Down), (begin + 16, Edge::Up)],
                    Mood::Agree | Mood::Miscount => {
                        let presses = if mood == Mood::Agree { count } else { count + 1 };
                        self.pressed_for.insert((lit, presses));
                        self.fingers = (0..u64::from(presses))
                            .flat_map(|i| {
                                let at = begin + 3 * i;
                                [(at, Edge::Down), (at + 1, Edge::Up)]
                            })
                            .collect();
                    }
                    Mood::Leave => {}
                }
                self.patience = begin + 40;
            }
            Light::Working => {}
            Light::Off | Light::Green | Light::Amber | Light::Red => {
                let done = self.hand.world.flash().latched.is_none();
                if !town.state(order).is_open() && done {
                    // The next order waits until the light of this one is out.
                    self.order = None;
                    self.patience = tick + 70;
                } else {
                    self.fingers = vec![(tick + 1, Edge::Down), (tick + 2, Edge::Up)];
                    self.patience = tick + 40;
                }
            }
        }
    }
}

#[tokio::test]
async fn in_the_worst_of_weather_the_books_say_what_the_holders_did() {
    for seed in [1, 2] {
        storm(seed).await;
    }
}

async fn storm(seed: u64) {
    let rules = server::Rules { press: payment::PressRule { uncounted_minor_max: 30 }, ..easy_rules() };
    let mut town = Town::with(rules).await;
    let dice = Dice::new(seed);
    let mut holders = Vec::new();
    for card in 0..CARDS {
        // Some listen, some have a display, some have neither.
        let mut hand = town
            .card_with(|new, limits| {
                new.listens = card % 2 == 0;
                new.has_display = card < 2;
                limits.answer_millis = 6_000;
            })
            .await;
        hand.acknowledged = false;
        hand.world.radio = sim::world::LossyRadio::new(WEATHER, dice.throw());
        holders.push(Holder {
            hand,
            order: None,
            all: Vec::new(),
            fingers: Vec::new(),
            patience: 0,
            tick: 0,
            pressed_for: HashSet::new(),
            settled_shown: HashSet::new(),
        });
    }
    let mut ticks = 0_u64;
    while holders.iter().any(|holder| holder.all.len() < ORDERS_A_CARD || holder.order.is_some()) {
        for holder in &mut holders {
            holder.live(&town, &dice).await;
            town.run_for(&mut holder.hand, TICK).await;
            holder.look(&town);
        }
        ticks += 1;
        if ticks.is_multiple_of(10) {
            town.lapse().await;
        }
        if dice.below(3_000) == 0 {
            town.restart();
        }
        if dice.below(1_500) == 0 {
            let unlucky = dice.below(CARDS as u64) as usize;
            holders[unlucky].hand.reset();
        }
        assert!(ticks < 400_000, "seed {seed}: some order never ends");
    }
    let mut paid = 0;
    for holder in &holders {
        paid += settle_accounts(&town, holder);
    }
    town.audit_the_books();
    let all = CARDS * ORDERS_A_CARD;
    assert!(paid * 2 > all, "seed {seed}: a bad radio, and still a radio: {paid} of {all} were paid");
    let [pending, posted, voided, expired] = town.transfers();
    assert_eq!((pending, posted), (0, (paid + CARDS) as u64));
    assert_eq!(voided + expired, (all - paid) as u64);
}

/// Holds a holder's orders against what they pressed and what their card showed; how many were paid.
fn settle_accounts(town: &Town, holder: &Holder) -> usize {
    let hand = &holder.hand;
    let (mut paid, mut spent) = (0, 0);
    for order in &holder.all {
        let state = town.state(*order);
        assert!(!state.is_open(), "{order} is still {state:?}");
        let shown = holder.settled_shown.contains(order);
        assert_eq!(shown, state == OrderState::Paid, "{order} is {state:?}, and settled was shown: {shown}");
        if state != OrderState::Paid {
            continue;
        }
        paid += 1;
        let stored = town.stored(*order);
        spent += stored.order.amount.ledger_units();
        let settled = town.authorization(*order);
        assert_eq!(settled.authorization.state, AuthorizationState::Answered(Outcome::Settled));
        let presses = town.presses(*order);
        assert_eq!(settled.evidence.decision, Some(Decision::Agreed { presses }));
        assert_eq!(settled.shown.amount, stored.order.amount);
        let lit = stored.order.amount.minor();
        assert!(holder.pressed_for.contains(&(lit, presses)), "{order} was settled without its press");
        crate::payment::replay(town, *order);
    }
    let money = town.money(hand);
    assert_eq!((money.available, money.set_aside), (FUNDS - spent, 0));
    // A hello that its successor overtook cannot be told from a clone's: nothing else may be suspected.
    assert!(town.alarms(hand).iter().all(|kind| kind == "possible_clone"));
    paid
}
