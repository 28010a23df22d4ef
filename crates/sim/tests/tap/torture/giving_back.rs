//! Two persons give back what a card came to hold. What was debited and not given back is what the card may still spend, at
//! every moment, however its loads went before; and nothing brings more back than the card holds.

use model::Fen;
use operator::{Cost, OperatorName, Password, Role};
use payment::{Ground, LoadId, LoadState, ReversalError, ReversalId, ReversalWish};
use server::bank::ReverseError;
use server::operators::Account;

use super::{AMOUNT, Case, of_loads, walk};
use crate::counter::{Counter, Dice};
use crate::hand::Disturbance;

const WALKS: u64 = 100;

/// Two who may give loads back.
async fn staff(counter: &Counter) -> [Account; 2] {
    let operators = counter.bank.app().operators(Cost::Testing);
    let mut staff = Vec::new();
    for name in ["ann", "ben"] {
        let name: OperatorName = name.parse().unwrap();
        let password = Password::new("correct horse battery".into()).unwrap();
        operators.add(name.clone(), Role::Operator, &password).await.unwrap();
        let link = operators.link(&name).await.unwrap().unwrap();
        let token = operators.follow(&link, "192.0.2.1").await.unwrap();
        staff.push(operators.signed(&token).unwrap().unwrap().account("192.0.2.1"));
    }
    staff.try_into().unwrap()
}

impl Case<'_> {
    async fn ask(&self, by: &Account, load: LoadId, amount: Fen) -> Result<ReversalId, ReverseError> {
        let ground = Ground::InHand { held: self.wallet.balance() };
        let wish = ReversalWish { amount, reason: "form 7: the card is kept".parse().unwrap(), ground };
        let asked = self.counter.bank.ask_reversal(by.clone(), load, wish).await;
        asked.map(|stored| stored.reversal.id())
    }

    /// The card comes to the counter and stays there: something of each of its loads is given back. How often.
    async fn comes_back(&mut self, [ann, ben]: &[Account; 2], dice: &Dice) -> u64 {
        let (mut count, held) = (0, self.wallet.balance());
        self.counter.bank.freeze_wallet(self.asn, true).await.unwrap();
        for stored in self.counter.stored_loads(self.asn) {
            let (load, loaded) = (stored.load.id, stored.load.amount);
            if !matches!(stored.load.state, LoadState::Closed | LoadState::SettledCredited) {
                let refused = self.ask(ann, load, Fen(1)).await;
                let named = matches!(refused, Err(ReverseError::Refused(ReversalError::Load(_))));
                assert!(named, "{refused:?}: {}", self.what);
                continue;
            }
            let left = u32::try_from(i64::from(held.0) - self.returned).unwrap();
            if loaded.0 > left {
                let refused = self.ask(ann, load, loaded).await;
                let above = ReversalError::AboveWhatTheCardHolds {
                    asked: loaded,
                    held,
                    given_back: Fen(held.0 - left),
                };
                assert_eq!(refused, Err(ReverseError::Refused(above)), "{}", self.what);
            }
            let most = loaded.0.min(left);
            if most == 0 {
                continue;
            }
            let amount = Fen(1 + u32::try_from(dice.below(most.into())).unwrap());
            let id = self.ask(ann, load, amount).await.unwrap();
            self.killed_at_times(dice);
            let same = self.counter.bank.approve_reversal(ann.clone(), id).await;
            assert!(matches!(same, Err(ReverseError::SamePerson(_))), "{same:?}");
            self.agree();
            self.counter.bank.approve_reversal(ben.clone(), id).await.unwrap();
            self.returned += i64::from(amount.0);
            count += 1;
            self.killed_at_times(dice);
            let again = self.counter.bank.approve_reversal(ben.clone(), id).await;
            assert_eq!(again.err().map(|error| error.code()), Some("reversal_already_ended"));
            self.agree();
        }
        // Whatever is tapped from now on loads nothing and says nothing else.
        self.load(AMOUNT, Disturbance::default()).await;
        self.late().await;
        self.finish(Disturbance::default()).await;
        self.agree();
        count
    }

    fn killed_at_times(&mut self, dice: &Dice) {
        if dice.one_in(3) {
            self.counter.kill();
        }
    }
}

#[tokio::test]
async fn what_was_loaded_under_every_disturbance_is_given_back_once_and_no_more_than_is_held() {
    let mut counter = Counter::open(31).await;
    let (staff, dice) = (staff(&counter).await, Dice::new(31));
    let (mut cases, mut reversals) = (0, 0);
    for load in of_loads() {
        for spent in [0, 60, 100] {
            let mut case = Case::begin(&mut counter, format!("load {load:?}, spent {spent}")).await;
            case.load(AMOUNT, load).await;
            case.end().await;
            let balance = case.wallet.balance().0;
            case.spend(Fen(balance.min(spent)));
            cases += 1;
            reversals += case.comes_back(&staff, &dice).await;
        }
    }
    assert_eq!(cases, 24 * 3);
    assert!(reversals >= 24, "{reversals}");
    println!(
        "torture, given back after one load: {cases} cases, {reversals} reversals, the books agree in each"
    );
}

#[tokio::test]
async fn a_hundred_random_walks_end_at_the_counter_where_two_persons_give_back() {
    let mut counter = Counter::open(32).await;
    let (staff, dice) = (staff(&counter).await, Dice::new(32));
    let mut reversals = 0;
    for number in 0..WALKS {
        let mut case = walk::walk(&mut counter, 32_000_000 + number, true).await;
        reversals += case.comes_back(&staff, &dice).await;
    }
    assert!(reversals >= WALKS / 3, "{reversals}");
    println!(
        "torture, given back after random walks: {WALKS} walks, {reversals} reversals, the books agree in each"
    );
}
