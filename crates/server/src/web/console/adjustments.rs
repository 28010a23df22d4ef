//! Adjustments: the list, the form that proposes, and what a second person answers.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use model::{Amount, Currency, UnixMillis};
use pages::{
    AdjustmentAccount, AdjustmentForm, AdjustmentRefusal, AdjustmentView, ConsoleAdjustment,
    ConsoleAdjustments, Href, Page,
};
use payment::{AccountId, AdjustmentError, AdjustmentId, AdjustmentState};
use serde::Deserialize;
use store::{Reading, StoreError, StoredAdjustment};
use visit::Visitor;

use super::{Asked, Console, Older, ROWS, ROWS_LENGTH, failed, found, kind, masked_name, not_found};
use crate::App;
use crate::app::{AccountName, AdjustError, NewAdjustment};
use crate::operators::Signed;
use crate::web::caller::Caller;
use crate::web::text;

pub(super) const PATH: &str = "/console/adjustments";

fn href(id: AdjustmentId) -> Href {
    Href::new(format!("{PATH}/{id}"))
}

/// What was typed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    currency: String,
    #[serde(default)]
    reason: String,
}

impl Typed {
    /// Nothing yet.
    fn new() -> Self {
        let empty = String::new;
        Self {
            from: empty(),
            to: empty(),
            amount: empty(),
            currency: Currency::CNY.to_string(),
            reason: empty(),
        }
    }

    fn read(&self) -> Result<NewAdjustment, AdjustmentRefusal> {
        let account = |text: &str| text.trim().parse().map_err(|_| AdjustmentRefusal::Account);
        let (from, to) = (account(&self.from)?, account(&self.to)?);
        let currency = Currency::from_letters(self.currency.trim()).map_err(|_| AdjustmentRefusal::Amount)?;
        let minor = text::minor(&self.amount, currency.exponent()).ok_or(AdjustmentRefusal::Amount)?;
        let amount = Amount::new(minor.into(), currency).map_err(|_| AdjustmentRefusal::Amount)?;
        let reason = self.reason.trim().parse().map_err(|_| AdjustmentRefusal::Reason)?;
        Ok(NewAdjustment { from, to, amount, reason })
    }

    fn form(self, refused: Option<&'static str>) -> AdjustmentForm {
        let Self { from, to, amount, currency, reason } = self;
        AdjustmentForm { propose: Href::new(PATH), from, to, amount, currency, reason, refused }
    }
}

/// A page of the list; an empty form under it, or what was typed and why it was refused.
fn listed(
    rows: &dyn Reading,
    page: Page,
    before: Option<AdjustmentId>,
    form: AdjustmentForm,
    now: UnixMillis,
) -> Result<ConsoleAdjustments, StoreError> {
    let mut adjustments = rows.adjustments_before(false, before, ROWS + 1)?;
    let more = adjustments.len() > ROWS_LENGTH;
    adjustments.truncate(ROWS_LENGTH);
    let last = adjustments.last().filter(|_| more).map(|last| last.adjustment.id());
    Ok(ConsoleAdjustments {
        page,
        rows: adjustments.iter().map(|stored| view(rows, stored, now)).collect::<Result<_, _>>()?,
        older: last.map(|id| Href::new(PATH).with("before", &id.to_string())),
        form,
    })
}

pub(super) async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(older): Query<Older>,
) -> Response {
    let before = match older.before.as_deref().map(str::parse::<AdjustmentId>) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    let app = console.api.fleet.app();
    let now = app.now();
    found(app.store(), &visitor, move |rows, visitor| {
        listed(rows, visitor.page(), before, Typed::new().form(None), now).map(Some)
    })
    .await
}

pub(super) async fn propose(
    State(console): State<Console>,
    Extension(signed): Extension<Signed>,
    Extension(caller): Extension<Caller>,
    visitor: Visitor,
    Form(typed): Form<Typed>,
) -> Response {
    let app = console.api.fleet.app();
    let proposed = match typed.read() {
        Ok(new) => app.propose_adjustment(new, signed.account(&caller.to_string())).await,
        Err(refused) => return again(app, &visitor, typed, refused).await,
    };
    match proposed {
        Ok(stored) => Redirect::to(href(stored.adjustment.id()).as_str()).into_response(),
        Err(AdjustError::Store(error)) => failed(&visitor, &error),
        Err(error) => again(app, &visitor, typed, refusal(&error)).await,
    }
}

/// The list with what was typed, and why it was refused.
async fn again(app: &App, visitor: &Visitor, typed: Typed, refused: AdjustmentRefusal) -> Response {
    let (page, now) = (visitor.page(), app.now());
    let form = typed.form(Some(refused.sentence(page.language)));
    match app.store().read(move |rows| listed(rows, page, None, form, now)).await {
        Ok(list) => visit::page(StatusCode::UNPROCESSABLE_ENTITY, &list),
        Err(error) => failed(visitor, &error),
    }
}

/// What people are told. The stable code goes to the log.
fn refusal(error: &AdjustError) -> AdjustmentRefusal {
    tracing::info!(%error, "an adjustment did not go on");
    match error {
        AdjustError::NobodysAccount(_) => AdjustmentRefusal::Account,
        AdjustError::SameAccount => AdjustmentRefusal::SameAccount,
        AdjustError::SamePerson(_) | AdjustError::Refused(AdjustmentError::SamePerson(_)) => {
            AdjustmentRefusal::SamePerson
        }
        AdjustError::Refused(AdjustmentError::Ledger(_)) => AdjustmentRefusal::Ledger,
        AdjustError::Refused(
            AdjustmentError::NotApproved
            | AdjustmentError::AlreadyApproved(_)
            | AdjustmentError::TooLate
            | AdjustmentError::NotYetLapsed
            | AdjustmentError::AlreadyEnded(_)
            | AdjustmentError::StoredBySamePerson,
        )
        | AdjustError::NoSuchAdjustment(_)
        | AdjustError::NotAllowed(_)
        | AdjustError::Store(_) => AdjustmentRefusal::Ended,
    }
}

type Named = Result<Path<String>, PathRejection>;

pub(super) async fn one(State(console): State<Console>, visitor: Visitor, id: Named) -> Response {
    let Some(id) = id.ok().and_then(|Path(id)| id.parse().ok()) else { return not_found(&visitor) };
    question(console.api.fleet.app(), &visitor, id).await
}

async fn question(app: &App, visitor: &Visitor, id: AdjustmentId) -> Response {
    let now = app.now();
    found(app.store(), visitor, move |rows, visitor| {
        let Some(stored) = rows.adjustment(id)? else { return Ok(None) };
        let adjustment = view(rows, &stored, now)?;
        let open = |states: &[pages::AdjustmentState], answer| {
            states.contains(&adjustment.state).then(|| Href::new(format!("{PATH}/{id}/{answer}")))
        };
        use pages::AdjustmentState::{Approved, Proposed};
        Ok(Some(ConsoleAdjustment {
            page: visitor.page().at(href(id).as_str()),
            approve: open(&[Proposed], "approve"),
            post: open(&[Approved], "post"),
            reject: open(&[Proposed, Approved], "reject"),
            adjustment,
            back: Href::new(PATH),
        }))
    })
    .await
}

/// Where it stands. What ran out and nobody has ended yet can be answered no more.
fn shown(stored: &StoredAdjustment, now: UnixMillis) -> pages::AdjustmentState {
    let over = now >= stored.adjustment.expires_at();
    match stored.adjustment.state() {
        AdjustmentState::Proposed | AdjustmentState::Approved { .. } if over => {
            pages::AdjustmentState::Expired
        }
        AdjustmentState::Proposed => pages::AdjustmentState::Proposed,
        AdjustmentState::Approved { .. } => pages::AdjustmentState::Approved,
        AdjustmentState::Posted { .. } => pages::AdjustmentState::Posted,
        AdjustmentState::Rejected { .. } => pages::AdjustmentState::Rejected,
        AdjustmentState::Expired => pages::AdjustmentState::Expired,
    }
}

fn view(
    rows: &dyn Reading,
    stored: &StoredAdjustment,
    now: UnixMillis,
) -> Result<AdjustmentView, StoreError> {
    let adjustment = &stored.adjustment;
    let (state, legs) = (adjustment.state(), adjustment.legs());
    let name = |id| Ok::<_, StoreError>(rows.operator_name(id)?.unwrap_or_default());
    Ok(AdjustmentView {
        adjustment_id: adjustment.id().to_string(),
        href: href(adjustment.id()),
        state: shown(stored, now),
        amount: text::money(legs.amount()),
        from: account(rows, legs.from())?,
        to: account(rows, legs.to())?,
        reason: adjustment.reason().as_str().to_owned(),
        proposed_by: name(adjustment.proposed_by())?,
        proposed_at: text::day_and_time(adjustment.proposed_at()),
        until: text::day_and_time(adjustment.expires_at()),
        decided_by: state.operator().map(name).transpose()?,
        changed_at: (state != AdjustmentState::Proposed).then(|| text::day_and_time(stored.updated_at)),
        transfer: stored.transfer.map(|transfer| transfer.to_string()),
    })
}

/// An account as people name it: a merchant's with the merchant's name, a holder's with the name's first letter.
fn account(rows: &dyn Reading, id: AccountId) -> Result<AdjustmentAccount, StoreError> {
    let owner = rows.account_owner(id)?.ok_or(StoreError::Malformed("an adjustment without its account"))?;
    let name = AccountName::of(owner);
    let whose = match name {
        Some(AccountName::Merchant(merchant)) => rows.merchant(merchant)?.map(|merchant| merchant.name),
        Some(AccountName::Holder(holder)) => rows.holder(holder)?.map(|holder| masked_name(&holder.name)),
        Some(AccountName::Fee | AccountName::Settlement | AccountName::Suspense) | None => None,
    };
    let name = name.map_or_else(|| format!("account {}", id.0), |name| name.to_string());
    Ok(AdjustmentAccount { kind: kind(owner.kind), name, owner: whose })
}

pub(super) async fn answer(
    State(console): State<Console>,
    Extension(signed): Extension<Signed>,
    Extension(caller): Extension<Caller>,
    visitor: Visitor,
    path: Result<Path<(String, String)>, PathRejection>,
    Form(asked): Form<Asked>,
) -> Response {
    let Ok(Path((id, answer))) = path else { return not_found(&visitor) };
    let Ok(id) = id.parse::<AdjustmentId>() else { return not_found(&visitor) };
    let app = console.api.fleet.app();
    let account = signed.account(&caller.to_string());
    let answered = match answer.as_str() {
        // Where the ledger refuses, it stays approved, and the page says so.
        "approve" if asked.is_confirmed() => app.approve_adjustment(id, account).await.map(|it| it.stored),
        // The page asks for the tick; without it, it is asked again.
        "approve" => return question(app, &visitor, id).await,
        "post" => app.post_adjustment(id, account).await.map(|it| it.stored),
        "reject" => app.reject_adjustment(id, account).await,
        _ => return not_found(&visitor),
    };
    match answered {
        Ok(stored) => Redirect::to(href(stored.adjustment.id()).as_str()).into_response(),
        Err(AdjustError::NoSuchAdjustment(_)) => not_found(&visitor),
        Err(AdjustError::Store(error)) => failed(&visitor, &error),
        Err(error) => {
            let page = visitor.page().at(href(id).as_str());
            visit::page(StatusCode::CONFLICT, &ConsoleAdjustment::refused(page, refusal(&error), href(id)))
        }
    }
}
