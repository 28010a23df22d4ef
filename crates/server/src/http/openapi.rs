//! The published description of the merchant interface, made from the handlers themselves.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    Api, balances, cards, events, orders, refunds, settlements, test_mode, webhook_deliveries,
    webhook_endpoints,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Counterfoil merchant interface",
        description = "An order is paid when the holder presses the key of their payment card. Amounts are \
            integer minor units; times are Unix milliseconds; failures are application/problem+json with a \
            stable `code`.",
    ),
    modifiers(&ApiKey),
    tags(
        (name = "orders", description = "What you ask a holder to pay"),
        (name = "refunds", description = "What you give back of what was paid"),
        (name = "settlements", description = "Your days, closed"),
        (name = "webhooks", description = "What your server is told, signed by Standard Webhooks 1.0"),
        (name = "cards", description = "What a holder can pay with"),
        (name = "balances", description = "What you are owed"),
        (name = "test mode", description = "With a test key only: software cards, and a clock that can be set ahead"),
    ),
)]
struct Description;

struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("api_key", scheme);
    }
}

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(orders::create, orders::list))
        .routes(routes!(orders::read))
        .routes(routes!(orders::cancel))
        .routes(routes!(events::follow))
        .routes(routes!(refunds::create, refunds::list))
        .routes(routes!(refunds::read))
        .routes(routes!(cards::of_holder))
        .routes(routes!(balances::list))
        .routes(routes!(settlements::balance))
        .routes(routes!(settlements::list))
        .routes(routes!(settlements::read))
        .routes(routes!(webhook_endpoints::create, webhook_endpoints::list))
        .routes(routes!(webhook_endpoints::read, webhook_endpoints::change, webhook_endpoints::delete))
        .routes(routes!(webhook_endpoints::rotate))
        .routes(routes!(webhook_endpoints::test))
        .routes(routes!(webhook_endpoints::resend))
        .routes(routes!(webhook_deliveries::list))
        .routes(routes!(webhook_deliveries::read))
        .routes(routes!(webhook_deliveries::resend))
        .merge(test_mode::routes())
}

/// The description as it is committed in `openapi/merchant.json`.
pub fn merchant_json() -> String {
    let (_, description) = routes().split_for_parts();
    let mut json = description.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}
