//! The order's page, state by state.

use pages::*;

use super::{NOW_MS, Sample, by, fragment, page, yuan};

fn steps(done: usize, next: StepState) -> Vec<Step> {
    let details = [
        "time factor A 217362688, AES-128-EAX, key version 3",
        "hello, brief, 12 bytes, time factor 217362688",
        "code right, mark moved to 217362688, life cycle active",
        "transaction, 23 bytes, time factor 217362690",
        "limits kept, number and holder match",
        "agreed, 3 presses, battery 86 %",
        "receipt, 13 bytes, settled",
    ];
    StepName::ALL
        .into_iter()
        .enumerate()
        .map(|(place, name)| {
            let state = match place {
                place if place < done => StepState::Done,
                place if place == done => next,
                _ => StepState::Waiting,
            };
            Step {
                detail: (place < done).then(|| details[place].into()),
                at: (place < done).then(|| format!("18:31:{:02}", 28 + place)),
                ..Step::new(name, state)
            }
        })
        .collect()
}

/// An order in some state, as many presses as said, that many steps done.
pub(crate) fn order(
    language: Language,
    state: OrderState,
    presses: Option<u8>,
    steps: Vec<Step>,
) -> OrderView {
    OrderView {
        base: "",
        test: false,
        id: "ord_019aa2f07c1b7c4d8e1f20a3b4c5d6e7".into(),
        merchant: by(language, "Morning Market", "早市"),
        amount: yuan("¥20.00"),
        place: by(language, "Stall 12, East Gate", "东门 12 号摊"),
        text: by(language, "Breakfast for two", "双人早餐"),
        masked_card: "6231 •••• •••• 4417".into(),
        can_cancel: !state.is_final(),
        state,
        presses,
        opened_at_ms: NOW_MS - 33_000,
        expires_at_ms: NOW_MS + 87_000,
        now_ms: NOW_MS,
        steps,
        back: Some(Href::new("/orders/ord_019aa2f07c1b7c4d8e1f20a3b4c5d6e7")),
    }
}

pub(super) fn orders(language: Language) -> Vec<Sample> {
    let setting = Page::new(language);
    let show = |name, state, presses, steps| {
        page(name, &OrderPage { page: setting.clone(), order: order(language, state, presses, steps) })
    };
    use StepState::{Active, Failed, Waiting};
    let of_test_mode = OrderView {
        base: "/test",
        test: true,
        ..order(language, OrderState::AwaitingCard, Some(3), steps(0, Waiting))
    };
    vec![
        page("order-test-mode", &OrderPage { page: setting.clone(), order: of_test_mode }),
        show("order-awaiting", OrderState::AwaitingCard, Some(3), steps(0, Waiting)),
        show("order-awaiting-once", OrderState::AwaitingCard, None, steps(0, Active)),
        show("order-on-card", OrderState::OnCard, Some(3), steps(5, Active)),
        show("order-on-card-once", OrderState::OnCard, None, steps(5, Active)),
        show("order-paid", OrderState::Paid, Some(3), steps(7, Waiting)),
        show("order-declined", OrderState::Declined(Reason::WrongPresses), Some(3), steps(6, Failed)),
        show("order-expired", OrderState::Expired, None, steps(5, Failed)),
        show("order-failed", OrderState::Failed, None, steps(6, Failed)),
        show("order-canceled", OrderState::Canceled, None, steps(0, Waiting)),
        fragment(
            "order-fragment",
            &OrderFragment {
                page: setting.clone(),
                order: order(language, OrderState::OnCard, Some(5), steps(5, Active)),
            },
        ),
    ]
}
