//! Everything a person looks at: the shop, the order that waits for a card, the card's face, the mobile terminal for
//! wallet cards, the operators' console.
//!
//! A server fills a view model (plain strings, numbers and enums of this crate), calls
//! [`Template::render`] and sends what comes back. Words in two languages, the stylesheet
//! and the scripts live here too, so that a text missing in one language does not compile and a server stays one file.
//!
//! What it refuses to do: no decisions, no storage, no network, no clock. Money arrives as text that somebody else
//! formatted; time arrives as text or as milliseconds. All text is escaped by askama; no template may carry an inline
//! style, an inline script or an address of another host, because servers send a strict content security policy.
//!
//! Where to go next: [`Page`] is what every page needs, [`order`] the page people pay on, [`card`] the card's face,
//! [`terminal`] the mobile terminal, [`words`] all that is said, [`mod@asset`] the files beside the pages.
//! `cargo run --example gallery -- FOLDER` writes every page with sample data, to be looked at.

pub mod asset;
pub mod card;
pub mod console;
pub mod desk;
pub mod field;
pub mod href;
pub mod language;
pub mod message;
pub mod money;
pub mod order;
pub mod outbox;
pub mod page;
pub mod role;
pub mod shop;
pub mod suite;
pub mod terminal;
pub mod words;

pub use askama::Template;
pub use asset::{Asset, asset};
pub use card::{
    CardFragment, CardPage, CardSummary, CardView, CardsPage, Direction, Display, FrameKind, Led, RadioFrame,
};
pub use console::{
    AccountKind, AccountRow, AdjustmentAccount, AdjustmentForm, AdjustmentRefusal, AdjustmentState,
    AdjustmentView, AlertKind, AlertRow, ApiKeyRow, AskedReversal, AttemptRow, AuditAction, AuditRow,
    BankEntryView, CardRefusal, CardRow, ChannelRow, ConsoleAdjustment, ConsoleAdjustments, ConsoleAlerts,
    ConsoleAudit, ConsoleCards, ConsoleChannel, ConsoleDelivery, ConsoleDifference, ConsoleDownlink,
    ConsoleFleet, ConsoleLedger, ConsoleLoad, ConsoleLoads, ConsoleLogin, ConsoleMerchants, ConsoleMoney,
    ConsoleQueue, ConsoleReversal, ConsoleReversals, ConsoleRevoke, ConsoleRevokeKey, ConsoleSettle,
    ConsoleTerminals, ConsoleToday, ConsoleWallets, ConsoleWebhook, ConsoleWebhooks, CurrencyLedger,
    DeliveryRow, DeliveryState, DifferenceKind, DifferenceRow, DownlinkFailure, DownlinkPriority,
    DownlinkRow, DownlinkState, EndpointRow, EndpointState, EvidenceRow, Fact, Finding, FleetSearch,
    FrameOutcome, FrameRow, Ground, GroupRow, LifeCycle, LoadCount, LoadRow, LoadState, LoadView, LoginStep,
    NoAnswer, Outcome, OutcomeCount, PaymentRow, Plot, Point, Presence, Resolution, ResolvedView,
    ReversalForm, ReversalRefusal, ReversalState, ReversalView, Settled, Settlement, SettlementRow, Tally,
    TerminalRow, TerminalState, TransferCounts, UpTo, WalletRow, WalletState, WebhookAnswer,
    WebhookAttemptRow,
};
pub use desk::{DeskCard, DeskPage};
pub use field::{FieldCard, FieldFragment, FieldPage};
pub use href::Href;
pub use language::Language;
pub use message::{MessageLink, MessagePage};
pub use money::Money;
pub use order::{OrderFragment, OrderPage, OrderState, OrderView, Reason, Step, StepName, StepState};
pub use outbox::{OutboxFragment, OutboxPage, SmsMessage};
pub use page::{LoggedIn, Page, Reach};
pub use role::Role;
pub use shop::{CheckoutPage, Good, Illustration, SavedCard, ShopOrderPage, ShopPage};
pub use suite::Suite;
pub use terminal::{
    ActivatePage, AmountChoice, BalancePage, BankRole, BankServer, CardPin, CodeSent, ConfirmPage,
    Connection, FieldError, HoldFragment, HoldPage, HoldState, HoldStep, HoldStepName, HoldView, Industry,
    IndustryCard, IndustryIcon, IndustryPage, KeyCondition, KeyView, LoadPage, Locked, LockedPage, Meaning,
    NextStep, OpenLoad, PackRow, PurseRecord, ReaderRow, RecordKind, RefusedFile, ResultPage, SettingsNotice,
    SettingsPage, Sign, Task, TerminalHome, TerminalNav, TimeLimit, Warning,
};
pub use words::Words;
