//! What merchants' servers were told, as the console shows it.

use pages::*;

use super::{Sample, by, page};

fn endpoint(language: Language, state: EndpointState, address: &str) -> EndpointRow {
    EndpointRow {
        href: Href::new("/console/webhooks/we_01a201d0c0ff70008000000000000001"),
        id: "we_01a201d0c0ff70008000000000000001".into(),
        merchant: by(language, "Morning Market", "早市"),
        address: address.into(),
        kinds: "order.paid, order.refunded".into(),
        state,
        since: "2026-11-19 08:02:11".into(),
    }
}

fn delivery(kind: &str, state: DeliveryState, attempts: u64) -> DeliveryRow {
    DeliveryRow {
        href: Href::new(
            "/console/webhooks/we_01a201d0c0ff70008000000000000001/dlv_01a201d1c0ff70008000000000000001",
        ),
        id: "dlv_01a201d1c0ff70008000000000000001".into(),
        message: "msg_01a201d1b2c37f0085e3a1b2c3d4e5f6".into(),
        kind: kind.into(),
        order: Some("ord_019aa2f07c1b700064e0824c78853c82".into()),
        state,
        attempts,
        due: (state == DeliveryState::Pending).then(|| "2026-11-20 18:36:28".into()),
        changed: "2026-11-20 18:31:28".into(),
    }
}

pub(super) fn all(language: Language) -> Vec<Sample> {
    let plain = || Page::new(language);
    let url = "https://shop.example";
    let attempt = |number, took_ms, answer, taken, excerpt: &str| WebhookAttemptRow {
        number,
        at: "2026-11-20 18:31:28".into(),
        took_ms,
        answer,
        taken,
        excerpt: excerpt.into(),
    };
    let body = "{\"type\":\"order.paid\",\"timestamp\":\"2026-11-20T18:31:28.000Z\",\"sequence\":3,\"data\":{\"id\":\"ord_019aa2f07c1b700064e0824c78853c82\",\"state\":\"paid\",\"amount\":2000}}";
    vec![
        page(
            "console-webhooks",
            &ConsoleWebhooks {
                page: plain(),
                rows: vec![
                    endpoint(language, EndpointState::Enabled, url),
                    endpoint(
                        language,
                        EndpointState::Failing,
                        "https://a-rather-long-name.of-a-till.shop.example:8443",
                    ),
                    endpoint(language, EndpointState::DisabledByMerchant, url),
                    endpoint(language, EndpointState::DisabledByGone, url),
                    endpoint(language, EndpointState::DisabledByFailing, url),
                ],
                older: Some(Href::new("/console/webhooks?before=we_01a201d0c0ff70008000000000000001")),
            },
        ),
        page("console-webhooks-empty", &ConsoleWebhooks { page: plain(), rows: Vec::new(), older: None }),
        page(
            "console-webhook",
            &ConsoleWebhook {
                page: plain(),
                endpoint: endpoint(language, EndpointState::Failing, url),
                rows: vec![
                    delivery("order.paid", DeliveryState::Pending, 2),
                    delivery("order.processing", DeliveryState::Delivered, 1),
                    delivery("order.awaiting_card", DeliveryState::Redirected, 1),
                    delivery("order.refunded", DeliveryState::Failed, 10),
                    delivery("webhook.test", DeliveryState::Canceled, 0),
                ],
                older: None,
                back: Href::new("/console/webhooks"),
            },
        ),
        page(
            "console-webhook-empty",
            &ConsoleWebhook {
                page: plain(),
                endpoint: endpoint(language, EndpointState::Enabled, url),
                rows: Vec::new(),
                older: None,
                back: Href::new("/console/webhooks"),
            },
        ),
        page(
            "console-delivery",
            &ConsoleDelivery {
                page: plain(),
                endpoint: endpoint(language, EndpointState::Failing, url),
                delivery: delivery("order.paid", DeliveryState::Failed, 3),
                body: body.into(),
                attempts: vec![
                    attempt(3, 12, WebhookAnswer::Status(204), true, ""),
                    attempt(2, 15_000, WebhookAnswer::None(NoAnswer::TimedOut, "timed_out"), false, ""),
                    attempt(1, 48, WebhookAnswer::Status(500), false, "<h1>Internal Server Error</h1>"),
                ],
                resend: Some(Href::new("/console/webhooks/we_1/dlv_1")),
            },
        ),
        page(
            "console-delivery-new",
            &ConsoleDelivery {
                page: plain(),
                endpoint: endpoint(language, EndpointState::Enabled, url),
                delivery: delivery("webhook.test", DeliveryState::Pending, 0),
                body: body.into(),
                attempts: Vec::new(),
                resend: None,
            },
        ),
    ]
}
