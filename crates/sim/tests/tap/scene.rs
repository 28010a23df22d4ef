//! One card at one counter, message by message: what no driver would send can be sent here.

use crypto::PurseKind;
use model::{Asn, Fen, IndustryCode, TerminalId};
use server::bank::Refused;
use sim::wallet::{SoftReader, SoftWallet};
use tap::apdu::{self, CardAnswer, StatusWord};
use tap::card::WalletImage;
use tap::message::{Authorize, CardReading};
use tap::reader::Reader as _;
use tap::{
    Body, CommandList, End, InitializeAnswer, ListEnding, Message, Outcome, Outputs, Reference, SmsAnswer,
    Transaction,
};

use crate::counter::{Counter, Money, Plan, TERMINAL, bus};
use crate::elsewhere::{connect, say};
use crate::hand::{Disturbance, Ended, Hand};

pub(crate) const AMOUNT: Fen = Fen(5_000);
pub(crate) const LOADED: Money = Money { debited: 5_000, set_aside: 0, on_cards: 5_000 };
pub(crate) const SET_ASIDE: Money = Money { debited: 0, set_aside: 5_000, on_cards: 0 };

pub(crate) struct Scene {
    pub(crate) counter: Counter,
    pub(crate) asn: Asn,
    pub(crate) wallet: SoftWallet,
}

/// A card in the field, selected, its file 0015 read.
pub(crate) struct Held {
    reader: SoftReader,
    reading: CardReading,
}

impl Scene {
    pub(crate) async fn begin(seed: u64) -> Self {
        Self::begin_as(Plan::of(seed), |_| {}).await
    }

    pub(crate) async fn begin_as(plan: Plan, edit: impl FnOnce(&mut WalletImage)) -> Self {
        let counter = Counter::open_as(plan).await;
        let (asn, wallet) = counter.active_card_made(edit).await;
        Self { counter, asn, wallet }
    }

    /// With a card as its maker hands it out.
    pub(crate) async fn begin_before_activation(seed: u64) -> Self {
        let counter = Counter::open(seed).await;
        let (asn, image) = counter.new_card(bus()).await;
        let wallet = counter.put_into_plastic(image);
        Self { counter, asn, wallet }
    }

    /// Makes the card another than it was.
    pub(crate) fn forge(&mut self, edit: impl FnOnce(&mut WalletImage)) {
        let mut image = self.wallet.image();
        edit(&mut image);
        self.wallet = self.counter.put_into_plastic(image);
    }

    /// The card whose load was given back is stopped; somebody looks at it and lets it go on.
    pub(crate) async fn is_frozen_until_somebody_has_seen_it(&self) {
        let asn = self.asn;
        let wallet = self.counter.bank.app().store().peek(|rows| rows.wallet(asn)).unwrap().unwrap();
        assert_eq!(wallet.state, store::WalletState::Frozen);
        self.counter.bank.freeze_wallet(asn, false).await.unwrap();
    }

    /// One message and what the bank answered to it.
    pub(crate) async fn ask(&self, transaction: Transaction, body: Body) -> Body {
        self.ask_at(TERMINAL, bus(), transaction, body).await.unwrap()
    }

    pub(crate) async fn ask_at(
        &self,
        terminal: TerminalId,
        industry: IndustryCode,
        transaction: Transaction,
        body: Body,
    ) -> Result<Body, Refused> {
        let text = Message { industry, transaction, body }.to_text();
        let answer = self.counter.exchange_at(terminal, &text).await?;
        Ok(Message::parse(&answer).unwrap().body)
    }

    pub(crate) fn authorize(&self, amount: Fen, sms: SmsAnswer) -> Authorize {
        let pin = self.counter.pin(self.asn);
        Authorize { asn: self.asn, amount: Some(amount), sms: Some(sms), pin, pack_version: 1 }
    }

    /// Asks for an authorization of a load with what is right, but for what is edited.
    pub(crate) async fn authorize_but(&self, amount: Fen, edit: impl FnOnce(&mut Authorize)) -> Body {
        let mut request = self.authorize(amount, self.counter.sms(self.asn, amount).await);
        edit(&mut request);
        self.ask(Transaction::Load, Body::Authorize(request)).await
    }

    pub(crate) async fn authorized(&self, amount: Fen) -> Reference {
        reference_of(&self.authorize_but(amount, |_| {}).await)
    }

    pub(crate) async fn authorized_activation(&self) -> Reference {
        reference_of(&self.ask(Transaction::Activation, Body::Authorize(self.activation())).await)
    }

    /// What asks for the permission to activate.
    pub(crate) fn activation(&self) -> Authorize {
        let pin = self.counter.pin(self.asn);
        Authorize { asn: self.asn, amount: None, sms: None, pin, pack_version: 1 }
    }

    pub(crate) fn hold(&self) -> Held {
        let mut reader = connect(&self.wallet);
        let (file, status) = say(&mut reader, &apdu::read_binary(0x15, 0, 30));
        assert_eq!(status, StatusWord::DONE);
        let reading = CardReading {
            authorization: None,
            asn: self.asn,
            public_data: file.try_into().unwrap(),
            amount: None,
            terminal: TERMINAL,
            initialized: None,
            challenge: None,
            pack_version: 1,
        };
        Held { reader, reading }
    }

    pub(crate) async fn card(&self, transaction: Transaction, reading: &CardReading) -> Body {
        self.ask(transaction, Body::Card(reading.clone())).await
    }

    pub(crate) async fn load_card(&self, reading: &CardReading) -> Body {
        self.card(Transaction::Load, reading).await
    }

    pub(crate) async fn outputs(&self, outputs: &Outputs) -> Body {
        self.ask(Transaction::SupplementaryLoad, Body::Outputs(outputs.clone())).await
    }

    /// A load up to the bank's list: money is set aside, and the card waits for its MAC2.
    pub(crate) async fn begin_load(&self) -> (Held, CommandList) {
        let reference = self.authorized(AMOUNT).await;
        let mut held = self.hold();
        let reading = held.initialized(Some(reference), AMOUNT);
        let list = list_of(self.load_card(&reading).await);
        (held, list)
    }

    /// A whole load by driver and application, in peace.
    pub(crate) async fn load(&mut self, amount: Fen) -> Outcome {
        let hand = Hand::default();
        let opening = hand.load(&self.counter, self.asn, amount).await;
        self.tap(opening).await.outcome()
    }

    /// A whole supplementary load.
    pub(crate) async fn finish(&mut self) -> Outcome {
        self.tap(Hand::default().finish(self.asn)).await.outcome()
    }

    pub(crate) async fn tap(&mut self, opening: tap::Opening) -> Ended {
        self.disturbed(opening, Disturbance::default()).await
    }

    pub(crate) async fn disturbed(&mut self, opening: tap::Opening, disturbance: Disturbance) -> Ended {
        Hand::default().run(&mut self.counter, opening, &self.wallet, disturbance).await
    }

    /// The first list of a supplementary load.
    pub(crate) async fn probe(&self) -> (Held, CommandList) {
        let held = self.hold();
        let list = list_of(self.card(Transaction::SupplementaryLoad, &held.reading).await);
        (held, list)
    }

    /// No money was lost or made, and the card can be loaded.
    pub(crate) fn nothing_moved(&self) {
        assert_eq!(self.counter.money(), Money::default());
        assert!(self.counter.unfinished(self.asn).is_none(), "a load is open");
    }
}

impl Held {
    /// What the card says of itself.
    pub(crate) fn reading(&self) -> CardReading {
        self.reading.clone()
    }

    /// INITIALIZE FOR LOAD, and `card` about it.
    pub(crate) fn initialized(&mut self, authorization: Option<Reference>, amount: Fen) -> CardReading {
        self.initialized_for(TERMINAL, authorization, amount)
    }

    pub(crate) fn initialized_for(
        &mut self,
        terminal: TerminalId,
        authorization: Option<Reference>,
        amount: Fen,
    ) -> CardReading {
        let command = apdu::initialize_for_load(1, amount, terminal, PurseKind::PurseLoad);
        let (answer, status) = say(&mut self.reader, &command);
        assert_eq!(status, StatusWord::DONE);
        let initialized = Some(InitializeAnswer::parse(&answer.try_into().unwrap()));
        CardReading { authorization, amount: Some(amount), terminal, initialized, ..self.reading() }
    }

    /// GET CHALLENGE, and `card` about it.
    pub(crate) fn challenged(&mut self, authorization: Reference) -> CardReading {
        let (challenge, _) = say(&mut self.reader, &apdu::get_challenge(4));
        CardReading {
            authorization: Some(authorization),
            challenge: Some(challenge.try_into().unwrap()),
            ..self.reading()
        }
    }

    /// Runs a list as a driver does.
    pub(crate) fn run(&mut self, list: &CommandList) -> Outputs {
        let mut outputs = Outputs {
            reference: list.reference,
            list: list.list,
            outputs: Vec::new(),
            ending: ListEnding::Done,
        };
        for command in &list.commands {
            let answer = CardAnswer::from_bytes(&self.reader.transmit(&command.apdu).unwrap());
            let allowed = answer.status().is_some_and(|status| command.allowed.contains(&status));
            outputs.outputs.push(answer);
            if !allowed {
                outputs.ending = ListEnding::Mismatch;
                break;
            }
        }
        outputs
    }
}

/// The bank's list.
pub(crate) fn list_of(body: Body) -> CommandList {
    match body {
        Body::Commands(list) => list,
        other => panic!("no list: {other:?}"),
    }
}

pub(crate) fn end_of(body: Body) -> End {
    match body {
        Body::End(end) => end,
        other => panic!("no end: {other:?}"),
    }
}

pub(crate) fn outcome_of(body: Body) -> Outcome {
    end_of(body).known().unwrap()
}

pub(crate) fn tries_of(body: Body) -> (Outcome, Option<u8>) {
    let end = end_of(body);
    (end.known().unwrap(), end.tries_left)
}

fn reference_of(body: &Body) -> Reference {
    match body {
        Body::Authorized(authorized) => authorized.reference,
        other => panic!("not authorized: {other:?}"),
    }
}

/// One bit of the last byte is another.
pub(crate) fn spoil(bytes: &mut [u8]) {
    *bytes.last_mut().unwrap() ^= 1;
}
