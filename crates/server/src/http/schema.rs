//! Words and ids of the published description, made from the same tables that the code reads: a client that is made from the
//! description knows every state, reason, currency and problem code by name.

use std::borrow::Cow;

use model::{CardId, Currency, HolderReference};
use payment::{
    AuditRefusal, DeclineReason, LifeCycle, OrderId, OrderState, RefundId, RefundState, TestAnswer, TestHabit,
};
use statement::EntryKind;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::problem::Code;
use crate::app::WEBHOOK_KINDS;

/// One of some words.
fn words<'a>(description: &str, words: impl IntoIterator<Item = &'a str>) -> RefOr<Schema> {
    let words: Vec<&str> = words.into_iter().collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words))
        .into()
}

/// A text of one form.
fn form(description: &str, pattern: &str, example: String) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .pattern(Some(pattern))
        .examples([example])
        .into()
}

/// Schemas with a name of their own: what stands for a text in a body's description.
macro_rules! named {
    ($($(#[$doc:meta])* $schema:ident $name:literal $made:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                $made
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    )*};
}

named! {
    /// A known currency.
    CurrencySchema "Currency" words(
        "ISO 4217 letters of a currency that is known here.",
        Currency::KNOWN.iter().map(Currency::letters),
    );
    /// Where an order stands.
    OrderStateSchema "OrderState" words(
        "Where an order stands. All but `awaiting_card` and `processing` are final.",
        order_states(),
    );
    /// Why an order was declined.
    DeclineReasonSchema "DeclineReason" words("Why an order was declined.", reasons());
    /// What came back of an order.
    RefundStateSchema "RefundState" words(
        "How much of a paid order was given back.",
        RefundState::ALL.map(RefundState::name),
    );
    /// Where a card stands.
    CardStateSchema "CardState" words(
        "Where a card stands. Only an `active` one pays.",
        LifeCycle::ALL.map(LifeCycle::name),
    );
    /// What moved.
    EntryKindSchema "EntryKind" words("What moved in your account.", EntryKind::ALL.map(EntryKind::name));
    /// Every stable code of a problem.
    ProblemCodeSchema "ProblemCode" words(
        "For machines. A code never changes its meaning; later versions may have more, of which the status says what to do.",
        Code::ALL.iter().map(|code| code.code()),
    );
    /// An order's id.
    OrderIdSchema "OrderId" form("An order's id.", "^ord_[0-9a-f]{32}$", OrderId(EXAMPLE).to_string());
    /// A refund's id.
    RefundIdSchema "RefundId" form("A refund's id.", "^ref_[0-9a-f]{32}$", RefundId(EXAMPLE).to_string());
    /// A card's id.
    CardIdSchema "CardId" form("A card's id.", "^(card_)?[0-9A-Fa-f]{8}$", CardId(0x00c0_ffee).to_string());
    /// What a test card does with an order.
    TestAnswerSchema "TestAnswer" words("What a test card does with an order.", TestAnswer::ALL.map(TestAnswer::name));
    /// What a test card does by itself.
    TestHabitSchema "TestHabit" words(
        "What a test card does when it was told no answer: as the amount says, nothing until it is pressed, or always the same.",
        habits(),
    );
    /// A webhook endpoint's id.
    EndpointIdSchema "WebhookEndpointId" form("A webhook endpoint's id.", "^we_[0-9a-f]{32}$", format!("we_{EXAMPLE:032x}"));
    /// A delivery's id.
    DeliveryIdSchema "WebhookDeliveryId" form("A delivery's id.", "^dlv_[0-9a-f]{32}$", format!("dlv_{EXAMPLE:032x}"));
    /// A message's id.
    MessageIdSchema "WebhookMessageId" form("A message's id: the same in each attempt.", "^msg_[0-9a-f]{32}$", format!("msg_{EXAMPLE:032x}"));
    /// What an endpoint wants.
    WebhookKindSchema "WebhookKind" words(
        "What an endpoint is told of: `*`, alone, is all.",
        ["*"].into_iter().chain(WEBHOOK_KINDS),
    );
    /// A settlement's id.
    SettlementIdSchema "SettlementId" form(
        "A settlement's day and currency.",
        &settlement_id(),
        "2026-11-21.CNY".into(),
    );
    /// A holder's reference.
    HolderSchema "HolderReference" form(
        "What a holder gave you, to find their cards.",
        "^(hld_)?[0-9A-Fa-f]{16}$",
        HolderReference(0x1122_3344_5566_7788).to_string(),
    );
}

/// The digits of an id with time first, as of a day in 2025.
const EXAMPLE: u128 = 0x019a_a5b0_c0ff_7000_8000_0000_0000_0000;

fn habits() -> impl Iterator<Item = &'static str> {
    let always = TestAnswer::ALL.map(TestHabit::Always);
    [TestHabit::ByAmount, TestHabit::Wait].into_iter().chain(always).map(TestHabit::name)
}

fn settlement_id() -> String {
    let currencies: Vec<&str> = Currency::KNOWN.iter().map(Currency::letters).collect();
    format!(r"^[0-9]{{4}}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\.({})$", currencies.join("|"))
}

fn order_states() -> [&'static str; 7] {
    [
        OrderState::AwaitingCard,
        OrderState::Processing,
        OrderState::Paid,
        OrderState::Declined(DeclineReason::NotMe),
        OrderState::Expired,
        OrderState::Canceled,
        OrderState::Failed,
    ]
    .map(OrderState::name)
}

fn reasons() -> impl Iterator<Item = &'static str> {
    [
        DeclineReason::RefusedByHolder,
        DeclineReason::NotMe,
        DeclineReason::OverCardLimit,
        DeclineReason::WrongPresses,
    ]
    .into_iter()
    .chain(AuditRefusal::ALL.map(DeclineReason::Audit))
    .map(DeclineReason::code)
}
