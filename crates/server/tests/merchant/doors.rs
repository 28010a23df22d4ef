//! Every path that the platform answers at, and what whoever asks there must show: none is added without standing here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::town::Town;

/// What a path wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// Nothing: what it answers is for everybody who reaches the listener.
    Nothing,
    /// To know the order's id, 74 random bits.
    OrderId,
    /// The platform's secret, in the path or as a signature: `server/tests/bearers/doors.rs`.
    PlatformsSecret,
    /// A terminal's key, or its activation code: `server/tests/security`, `sim/tests/tap`.
    TerminalsKey,
}

/// The paths that are written in the sources, but for `/v1` (which the description names, see `description.rs`) and the console
/// (whose table is `console_routes`, see the console's tests).
const DOORS: [(&str, Wants); 18] = [
    ("/", Wants::Nothing),
    ("/activate", Wants::TerminalsKey),
    ("/ask", Wants::TerminalsKey),
    ("/assets/{name}", Wants::Nothing),
    ("/health", Wants::Nothing),
    ("/healthz", Wants::Nothing),
    ("/metrics", Wants::Nothing),
    ("/openapi.json", Wants::Nothing),
    ("/pay/{id}", Wants::OrderId),
    ("/pay/{id}/cancel", Wants::OrderId),
    ("/pay/{id}/live", Wants::OrderId),
    ("/push/ctwing/{secret}", Wants::PlatformsSecret),
    ("/push/oceanconnect/{secret}", Wants::PlatformsSecret),
    ("/push/onenet", Wants::PlatformsSecret),
    ("/push/sigfox/{secret}", Wants::PlatformsSecret),
    ("/readyz", Wants::Nothing),
    ("/tap", Wants::TerminalsKey),
    ("/v1", Wants::Nothing),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_path_of_the_sources_stands_in_a_table_that_says_what_it_wants() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for name in ["server", "visit"] {
        sources(&crates.join(name).join("src"), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        // A test's own router is not the platform's.
        let text = text.split("#[cfg(test)]").next().unwrap();
        // The pages of orders stand at `/pay` and, for the test mode, below `/test`.
        let begun = |rest: &str| {
            let rest = rest.trim_start();
            let path = rest.strip_prefix('"').or_else(|| rest.strip_prefix("&format!(\"{base}"));
            let path =
                path.unwrap_or_else(|| panic!("{}: a path that is no text: {rest:.40}", file.display()));
            path.split('"').next().unwrap().replace("{{", "{").replace("}}", "}")
        };
        let table = file.ends_with("console/routes.rs");
        found.extend(text.split(".route(").skip(1).filter(|_| !table).map(begun));
        for way in [".route_service(", ".nest(", ".nest_service("] {
            assert!(!text.contains(way), "{}: {way} hides paths from this test", file.display());
        }
        // Merchants' endpoints are those of the description, each behind its key.
        let inside = file.ends_with("http/openapi.rs") || file.ends_with("http/test_mode.rs");
        assert!(inside || !text.contains("routes!("), "{}: a merchant endpoint elsewhere", file.display());
    }
    let stated: BTreeSet<String> =
        DOORS.iter().map(|(path, _)| (*path).to_owned()).filter(|path| path != "/v1").collect();
    assert_eq!(found, stated, "say in DOORS what a new path wants, and test that it does");
}

#[tokio::test]
async fn each_listener_answers_its_own_paths_and_no_other() {
    let town = Town::open().await;
    for (path, wants) in DOORS {
        let path = path.replace("{name}", "app.css").replace("{id}", "ord_00000000000070008000000000000000");
        let (public, operations) = (town.public.get(&path).await, town.operations.get(&path).await);
        let reached = |answer: &crate::town::customer::Answer| answer.status < 400;
        match (path.as_str(), wants) {
            ("/", _) => assert_eq!((public.status, operations.status), (303, 303)),
            ("/metrics" | "/health", _) => assert!(!reached(&public) && reached(&operations)),
            ("/openapi.json", _) => assert!(reached(&public) && !reached(&operations)),
            ("/healthz" | "/readyz" | "/assets/app.css", _) => {
                assert!(reached(&public) && reached(&operations), "{path}");
            }
            // An order's pages are where buyers are.
            (_, Wants::OrderId) => assert!(!reached(&operations), "{path}"),
            // What other listeners have.
            (_, Wants::PlatformsSecret | Wants::TerminalsKey) | ("/v1", _) => {
                assert!(!reached(&public) && !reached(&operations), "{path}");
            }
            (_, Wants::Nothing) => panic!("say here which listener answers {path}"),
        }
    }
    // The console is not where merchants are, and merchants' endpoints not where the console is.
    for route in server::web::console_routes().into_iter().filter(|route| route.path != "/") {
        let path = route.path.replace(['{', '}'], "");
        assert_eq!(town.public.get(&path).await.status, 404, "{path}");
    }
    let asked = town.operations.with_key(&town.bakery.key).get("/v1/orders").await;
    assert_eq!(asked.status, 404);
}
