//! Every way in which a request can fail: one table of stable codes.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use payment::AuditRefusal;
use serde::Serialize;
use store::StoreError;
use utoipa::ToSchema;

use super::schema::ProblemCodeSchema;

/// What a merchant reads when a request fails (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Always `about:blank`: the code says more.
    #[serde(rename = "type")]
    kind: &'static str,
    /// For people.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// For machines.
    #[schema(value_type = ProblemCodeSchema)]
    code: &'static str,
    /// What was wrong with this request and what to do.
    detail: String,
}

/// A failed request.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    /// In how many seconds it is worth trying again.
    retry_after: Option<u64>,
}

macro_rules! codes {
    ($($variant:ident $status:literal $code:literal $title:literal;)*) => {
        /// The stable codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What machines read.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What people read.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    NoApiKey 401 "no_api_key" "Send your API key: Authorization: Bearer cf_…";
    WrongApiKey 401 "wrong_api_key" "The API key is not known or was revoked";
    TestModeOff 401 "test_mode_off" "This is a test key, and the platform's test mode is off";
    TestKeyNeeded 403 "test_key_needed" "This endpoint is of the test mode: use your test key, cf_test_…";
    KeyMayOnlyRead 403 "key_may_only_read" "This API key may only read; ask for one with the scope `all`";
    NoSuchEndpoint 404 "no_such_endpoint" "There is nothing at this path; see /docs";
    MethodNotAllowed 405 "method_not_allowed" "This path does not take this method; see /docs";
    BodyTooLarge 413 "body_too_large" "The body is larger than 16 KiB";
    WrongMediaType 415 "wrong_media_type" "Send JSON: Content-Type: application/json";
    InvalidJson 400 "invalid_json" "The body is not the JSON that this endpoint takes";
    InvalidQuery 400 "invalid_query" "A query parameter is not one that this endpoint takes";
    AmountNegative 422 "amount_negative" "The amount is below zero";
    AmountZero 422 "amount_zero" "The amount is zero";
    AmountTooLarge 422 "amount_too_large" "The amount is above 4,294,967,295 minor units";
    AmountNotInteger 422 "amount_not_integer" "The amount must be a whole number of minor units";
    WrongExponent 422 "wrong_exponent" "The exponent is not the currency's";
    UnknownCurrency 422 "unknown_currency" "The currency is not known; give three ISO 4217 letters";
    InvalidCardId 422 "invalid_card_id" "A card id is card_ and 8 hexadecimal digits";
    InvalidOrderId 422 "invalid_order_id" "An order id is ord_ and 32 hexadecimal digits";
    InvalidHolder 422 "invalid_holder" "A holder reference is hld_ and 16 hexadecimal digits";
    InvalidPlace 422 "invalid_place" "A place is 1 to 64 characters without control characters";
    InvalidText 422 "invalid_text" "The display text is 1 to 20 bytes of UTF-8 without control characters";
    InvalidReference 422 "invalid_reference" "A reference is at most 64 characters without control characters";
    InvalidReturnUrl 422 "invalid_return_url" "A return URL begins with http:// or https:// and has at most 512 characters";
    InvalidLifetime 422 "invalid_lifetime" "The lifetime is out of range";
    InvalidIdempotencyKey 422 "invalid_idempotency_key" "An idempotency key is 1 to 128 visible ASCII characters";
    IdempotencyConflict 409 "idempotency_conflict" "This idempotency key came with another body before";
    NoSuchCard 404 "no_such_card" "There is no card with this id";
    NoSuchOrder 404 "no_such_order" "There is no order with this id";
    InsufficientFunds 402 "insufficient_funds" "The holder does not have this amount available";
    CardNotBound 409 "card_not_bound" "The card is not bound to a holder";
    CardNotActive 409 "card_not_active" "The card is not handed over yet";
    CardFrozen 409 "card_frozen" "The card is frozen";
    CardLost 409 "card_lost" "The card is reported lost";
    CardExpired 409 "card_expired" "The card is expired";
    CardClosed 409 "card_closed" "The card is closed";
    CardDiffers 409 "card_differs" "The card's record is not consistent; tell the issuer";
    CardBusy 409 "card_busy" "Another order waits for this card";
    TooManyWaiting 409 "too_many_waiting" "Too many orders wait for this card";
    OrderEnded 409 "order_ended" "The order has ended already";
    OrderNotPaid 409 "order_not_paid" "Only what was paid can be given back";
    RefundOtherCurrency 422 "refund_other_currency" "The order was paid in another currency";
    RefundNothingLeft 409 "refund_nothing_left" "The order is refunded whole: nothing is left";
    RefundAboveWhatIsLeft 409 "refund_above_what_is_left" "More is asked for than is left of the order";
    MerchantHasNotEnough 402 "merchant_has_not_enough" "You do not have this amount available";
    InvalidRefundId 422 "invalid_refund_id" "A refund id is ref_ and 32 hexadecimal digits";
    NoSuchRefund 404 "no_such_refund" "There is no refund with this id";
    InvalidDate 422 "invalid_date" "A date is year, month and day: 2026-11-21";
    NoSuchSettlement 404 "no_such_settlement" "This day is not settled, or nothing moved in it";
    CurrencyNeeded 422 "currency_needed" "This day has settlements in several currencies; give ?currency=";
    NoSuchPart 404 "no_such_part" "The statement has no such part";
    NoSuchTestCard 404 "no_such_test_card" "There is no test card of yours with this id";
    TooManyTestCards 409 "too_many_test_cards" "You have as many test cards as there may be; delete some";
    NothingWaits 409 "nothing_waits" "No order waits for this card that it has not answered";
    CardStateDiffers 409 "card_state_differs" "The card's state does not allow it";
    InvalidTestAnswer 422 "invalid_test_answer" "An answer is agree, refuse, not_me, wrong_presses, over_limit, unanswered, silent, late, repeat or fail";
    TooManyAnswers 422 "too_many_answers" "A card is told its next 100 answers at most";
    InvalidName 422 "invalid_name" "A name is at most 64 characters without control characters";
    InvalidClockStep 422 "invalid_clock_step" "The test clock is set ahead by 1 to 2,678,400 whole seconds at once";
    ClockTooFarAhead 409 "clock_too_far_ahead" "The test clock is as far ahead as it may be";
    NotAcceptable 406 "not_acceptable" "There is application/json, text/csv and application/xml";
    InvalidWebhookUrl 422 "invalid_webhook_url" "Nothing is sent to this URL";
    WebhookAddressRefused 422 "webhook_address_refused" "Nothing is sent to this address: it is not public";
    InvalidWebhookKinds 422 "invalid_webhook_kinds" "The list of kinds is not one; name some, or all by [\"*\"]";
    InvalidWebhookDescription 422 "invalid_webhook_description" "A description is at most 128 characters without control characters";
    InvalidWebhookOverlap 422 "invalid_webhook_overlap" "The overlap is 0 to 604,800 seconds";
    InvalidWebhookEndpointId 422 "invalid_webhook_endpoint_id" "A webhook endpoint's id is we_ and 32 hexadecimal digits";
    InvalidDeliveryId 422 "invalid_delivery_id" "A delivery's id is dlv_ and 32 hexadecimal digits";
    NoSuchWebhookEndpoint 404 "no_such_webhook_endpoint" "There is no webhook endpoint with this id";
    NoSuchDelivery 404 "no_such_delivery" "There is no delivery with this id";
    TooManyWebhookEndpoints 409 "too_many_webhook_endpoints" "There are 16 webhook endpoints already; delete one";
    TooManyWebhookSecrets 409 "too_many_webhook_secrets" "Four secrets sign already; wait until the earliest has ended";
    WebhookEndpointDisabled 409 "webhook_endpoint_disabled" "The endpoint is disabled; enable it first";
    DeliveryPending 409 "delivery_pending" "It is still being delivered";
    DeliveryCanceled 409 "delivery_canceled" "It was canceled with its endpoint";
    TooManyRequests 429 "too_many_requests" "Too many requests with this API key or from this address; wait as Retry-After says";
    Overloaded 503 "overloaded" "The platform has too much to do; try again with the same idempotency key";
    Unavailable 503 "unavailable" "The platform cannot keep anything now; try again with the same idempotency key";
    SecretsUnavailable 503 "secrets_unavailable" "The platform cannot seal or open secrets at the moment; try again with the same idempotency key";
    TimedOut 504 "timed_out" "No answer within 30 s; try again with the same idempotency key";
    Internal 500 "internal" "The platform failed; it is logged, and nothing was charged";
}

impl Problem {
    /// A problem that its title says whole.
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, retry_after: None }
    }

    /// A problem with what was wrong in this request.
    pub fn with(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()), retry_after: None }
    }

    /// Too many requests of one key or address.
    pub(super) fn too_many(seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(Code::TooManyRequests) }
    }

    /// Which.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.code;
        let body = ProblemBody {
            kind: "about:blank",
            title: code.title(),
            status: code.status(),
            code: code.code(),
            detail: self.detail.unwrap_or_else(|| code.title().to_owned()),
        };
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let unavailable = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        if let Some(seconds) = self.retry_after.or(unavailable) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    /// What the store says stays in the log: merchants learn only whether to try again.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::QueueFull { .. } => Self::new(Code::Overloaded),
            StoreError::Locked
            | StoreError::Full
            | StoreError::Disk(_)
            | StoreError::Closed
            | StoreError::Unreachable { .. }
            | StoreError::Away(_)
            | StoreError::Unresolved
            | StoreError::ReadOnly
            | StoreError::TooManyConnections
            | StoreError::NotLetIn(_)
            | StoreError::Untrusted(_)
            | StoreError::Contended
            | StoreError::UnfinishedCopy
            | StoreError::Moved
            | StoreError::NewerVersion { .. }
            | StoreError::Served { .. } => {
                tracing::error!(%error, "the store is not available");
                Self::new(Code::Unavailable)
            }
            StoreError::Damaged(_)
            | StoreError::Constraint(_)
            | StoreError::Malformed(_)
            | StoreError::Engine(_)
            | StoreError::Settings(_)
            | StoreError::Panicked => {
                tracing::error!(%error, "the store failed");
                Self::new(Code::Internal)
            }
        }
    }
}

impl From<AuditRefusal> for Problem {
    fn from(refusal: AuditRefusal) -> Self {
        Self::new(match refusal {
            AuditRefusal::NotBound => Code::CardNotBound,
            AuditRefusal::NotActive => Code::CardNotActive,
            AuditRefusal::Frozen => Code::CardFrozen,
            AuditRefusal::Lost => Code::CardLost,
            AuditRefusal::Expired => Code::CardExpired,
            AuditRefusal::Closed => Code::CardClosed,
            AuditRefusal::NumberDiffers
            | AuditRefusal::CardIdDiffers
            | AuditRefusal::CertificateDiffers
            | AuditRefusal::CreationTimeDiffers
            | AuditRefusal::HolderDiffers => Code::CardDiffers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..index].iter().all(|other| other.code() != code.code()), "{}", code.code());
            assert!((400..600).contains(&code.status()));
        }
    }
}
