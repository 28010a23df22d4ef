//! The console's pages of merchants' endpoints, and of what was sent to them.

use askama::Template;

use super::Tab;
use crate::href::Href;
use crate::language::Language;
use crate::page::Page;

/// Whether an endpoint is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Enabled,
    /// It is, and no attempt succeeds.
    Failing,
    /// The merchant disabled it.
    DisabledByMerchant,
    /// It answered 410.
    DisabledByGone,
    /// For five days no attempt succeeded.
    DisabledByFailing,
}

impl EndpointState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Enabled => "is-paid",
            Self::Failing => "is-awaiting",
            Self::DisabledByMerchant => "is-canceled",
            Self::DisabledByGone | Self::DisabledByFailing => "is-declined",
        }
    }

    /// What it is called.
    pub fn title(self, language: Language) -> &'static str {
        let words = &language.words().webhooks;
        match self {
            Self::Enabled => words.enabled,
            Self::Failing => words.failing,
            Self::DisabledByMerchant => words.disabled_by_merchant,
            Self::DisabledByGone => words.disabled_by_gone,
            Self::DisabledByFailing => words.disabled_by_failing,
        }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// The next attempt is due.
    Pending,
    /// The server took it.
    Delivered,
    /// Every attempt was made.
    Failed,
    /// The server sent it elsewhere.
    Redirected,
    /// Its endpoint was disabled or deleted.
    Canceled,
}

impl DeliveryState {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            Self::Pending => "is-awaiting",
            Self::Delivered => "is-paid",
            Self::Failed | Self::Redirected => "is-declined",
            Self::Canceled => "is-canceled",
        }
    }

    /// What it is called.
    pub fn title(self, language: Language) -> &'static str {
        let words = &language.words().webhooks;
        match self {
            Self::Pending => words.pending,
            Self::Delivered => words.delivered,
            Self::Failed => words.failed,
            Self::Redirected => words.redirected,
            Self::Canceled => words.canceled,
        }
    }
}

/// An endpoint.
#[derive(Debug, Clone)]
pub struct EndpointRow {
    /// Its page.
    pub href: Href,
    /// Its id.
    pub id: String,
    /// The merchant's name.
    pub merchant: String,
    /// Scheme and host: what follows may be the merchant's secret.
    pub address: String,
    /// What it is told of.
    pub kinds: String,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// When it was made, as text.
    pub since: String,
}

/// A message for an endpoint.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Its page.
    pub href: Href,
    /// Its id.
    pub id: String,
    /// What receivers know the message by.
    pub message: String,
    /// What it tells.
    pub kind: String,
    /// The order's id, if it is about one.
    pub order: Option<String>,
    /// What became of it.
    pub state: DeliveryState,
    /// Attempts of all time.
    pub attempts: u64,
    /// When the next is due, as text.
    pub due: Option<String>,
    /// When it last changed, as text.
    pub changed: String,
}

/// Why an attempt got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// No connection, or it broke.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// TLS was not agreed.
    Tls,
    /// The certificate's time is over.
    CertificateExpired,
    /// The certificate is for another name.
    CertificateOtherName,
    /// Nobody trusted has signed the certificate.
    CertificateUntrusted,
    /// The certificate is not good for another reason.
    CertificateBad,
    /// The name leads to an address that nothing may be sent to.
    PrivateAddress,
    /// The answer was longer than what is read.
    AnswerTooLong,
    /// The name has no address.
    NameNotFound,
}

impl NoAnswer {
    /// What it is called.
    pub fn title(self, language: Language) -> &'static str {
        let words = &language.words().webhooks;
        match self {
            Self::Unreachable => words.unreachable,
            Self::TimedOut => words.timed_out,
            Self::Tls => words.tls_refused,
            Self::CertificateExpired => words.certificate_expired,
            Self::CertificateOtherName => words.certificate_other_name,
            Self::CertificateUntrusted => words.certificate_untrusted,
            Self::CertificateBad => words.certificate_bad,
            Self::PrivateAddress => words.private_address,
            Self::AnswerTooLong => words.answer_too_long,
            Self::NameNotFound => words.name_not_found,
        }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// The server's status.
    Status(u16),
    /// None, and the code under which merchants read why.
    None(NoAnswer, &'static str),
}

/// An attempt of a delivery.
#[derive(Debug, Clone)]
pub struct WebhookAttemptRow {
    /// From 1.
    pub number: u32,
    /// When it began, as text.
    pub at: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The status, or why there was none.
    pub answer: WebhookAnswer,
    /// Whether the server took the message.
    pub taken: bool,
    /// The answer's beginning: somebody else's words.
    pub excerpt: String,
}

/// `GET /console/webhooks`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/webhooks.html")]
pub struct ConsoleWebhooks {
    /// Language and place.
    pub page: Page,
    /// The newest endpoints.
    pub rows: Vec<EndpointRow>,
    /// Older ones.
    pub older: Option<Href>,
}

impl ConsoleWebhooks {
    fn tab(&self) -> Tab {
        Tab::Money
    }
}

/// `GET /console/webhooks/{endpoint}`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/webhook.html")]
pub struct ConsoleWebhook {
    /// Language and place.
    pub page: Page,
    /// The endpoint.
    pub endpoint: EndpointRow,
    /// Its newest deliveries.
    pub rows: Vec<DeliveryRow>,
    /// Older ones.
    pub older: Option<Href>,
    /// All endpoints.
    pub back: Href,
}

impl ConsoleWebhook {
    fn tab(&self) -> Tab {
        Tab::Money
    }
}

/// `GET /console/webhooks/{endpoint}/{delivery}`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/webhook_delivery.html")]
pub struct ConsoleDelivery {
    /// Language and place.
    pub page: Page,
    /// Its endpoint.
    pub endpoint: EndpointRow,
    /// The delivery.
    pub delivery: DeliveryRow,
    /// What is sent.
    pub body: String,
    /// The newest first.
    pub attempts: Vec<WebhookAttemptRow>,
    /// Where to have it sent again, if this operator may and it can be.
    pub resend: Option<Href>,
}

impl ConsoleDelivery {
    fn tab(&self) -> Tab {
        Tab::Money
    }
}
