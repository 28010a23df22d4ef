//! The published description of the merchant interface, made from the handlers themselves.

use axum::Router;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::events::EventBody;
use super::schema::{
    CardIdSchema, CurrencySchema, DeliveryIdSchema, EndpointIdSchema, HolderSchema, OrderIdSchema,
    RefundIdSchema,
};
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
    // What parameters name is not collected from the handlers.
    components(schemas(EventBody, CardIdSchema, CurrencySchema, DeliveryIdSchema, EndpointIdSchema, HolderSchema, OrderIdSchema, RefundIdSchema)),
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

fn routes() -> OpenApiRouter<Api> {
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

/// The routes, and their whole description.
pub(super) fn split() -> (Router<Api>, utoipa::openapi::OpenApi) {
    let (router, mut description) = routes().split_for_parts();
    let components = description.components.get_or_insert_default();
    for everywhere in EVERYWHERE {
        components.responses.insert(everywhere.name.into(), everywhere.response().into());
    }
    for operation in description.paths.paths.values_mut().flat_map(operations) {
        for Everywhere { status, name, .. } in EVERYWHERE {
            let answer = || RefOr::Ref(Ref::from_response_name(*name));
            operation.responses.responses.entry((*status).into()).or_insert_with(answer);
        }
    }
    (router, description)
}

/// An answer that each endpoint may give, because of what stands before it.
struct Everywhere {
    status: &'static str,
    name: &'static str,
    description: &'static str,
    /// Whether it says when to try again.
    again: bool,
}

const EVERYWHERE: &[Everywhere] = &[
    Everywhere { status: "401", name: "NoKey", description: "No or wrong API key", again: false },
    Everywhere {
        status: "429",
        name: "TooMany",
        description: "Too many requests with this API key or from this address",
        again: true,
    },
    Everywhere {
        status: "500",
        name: "Failed",
        description: "The platform failed; it is logged",
        again: false,
    },
    Everywhere {
        status: "503",
        name: "Unavailable",
        description: "Try again, with the same idempotency key",
        again: true,
    },
    Everywhere {
        status: "504",
        name: "TimedOut",
        description: "No answer in time; try again, with the same idempotency key",
        again: false,
    },
];

impl Everywhere {
    fn response(&self) -> Response {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let mut response =
            ResponseBuilder::new().description(self.description).content("application/problem+json", content);
        if self.again {
            let mut header = Header::new(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)));
            header.description = Some("In how many seconds it is worth trying again".into());
            response = response.header("Retry-After", header);
        }
        response.build()
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// The description as it is committed in `openapi/merchant.json`.
pub fn merchant_json() -> String {
    let (_, description) = split();
    let mut json = description.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}
