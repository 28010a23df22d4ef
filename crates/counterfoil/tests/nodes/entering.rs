//! Who may enter, under which name and with which clock; what each is there for.

use cluster::Cluster;
use reqwest::StatusCode;

use crate::program::platform::Platform;
use crate::program::process::Program;
use crate::region::{Region, becomes, health, refused, sees};

async fn asked(port: u16, path: &str) -> reqwest::Result<StatusCode> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("http://127.0.0.1:{port}{path}")).send().await?;
    let (status, said) = (answer.status(), answer.text().await?);
    assert!(path != "/readyz" || status == StatusCode::OK, "{said}");
    Ok(status)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_living_nodes_of_one_name_are_one_too_many_and_a_dead_one_s_name_is_free() {
    let mut region = Region::new();
    let (first, second) = (region.node("north"), region.node("north"));
    let serving = first.serve();
    let why = refused(&second, &[]);
    assert!(
        why.contains("a node named north serves on this database already (operations=127.0.0.1:"),
        "{why}"
    );
    assert!(why.contains("set `node` in [database]"), "{why}");
    assert_eq!(health(&first).await["epoch"], 1);
    serving.kill();
    // It is not known at once that it is dead.
    let serving = second.serve();
    assert_eq!(health(&second).await["epoch"], 2);
    serving.signal("TERM");
    serving.ended().well();
    // One that was stopped leaves its name at once.
    let third = Program::start(&mut first.command(&["serve"]));
    let said = third.says("Ctrl-C stops it");
    assert!(!said.contains("Waiting"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_split_over_nodes_and_a_wrong_one_is_refused_by_the_right_ones() {
    let mut region = Region::new();
    let (radio, desk) = (region.node("radio"), region.node("desk"));
    for (roles, wrong) in [("air,merchants", "merchants"), ("air,", "")] {
        let why = refused(&radio, &["--roles", roles]);
        assert!(why.contains(&format!("there is no role {wrong:?}")), "{why}");
        assert!(why.contains("air, merchant, console, tap, jobs"), "{why}");
    }
    let why = refused(&Platform::new(), &["--roles", "air"]);
    assert!(why.contains("database.url names none"), "{why}");

    let serve = |node: &Platform, roles: &str| {
        let program = Program::start(&mut node.command(&["serve", "--roles", roles]));
        let said = program.says("Ctrl-C stops it");
        (program, said)
    };
    let (_radio_serves, radio_said) = serve(&radio, "air, tap");
    let (_desk_serves, desk_said) = serve(&desk, "merchant,console,jobs");
    assert!(radio_said.contains("cards ") && !radio_said.contains("merchants "), "{radio_said}");
    assert!(!desk_said.contains("cards ") && desk_said.contains("/console"), "{desk_said}");
    sees(&radio, 2).await;
    let told = becomes(&desk, "its jobs", |health| {
        let duties = health["duties"].as_array().unwrap();
        ["sweep", "fleet", "sms"].iter().all(|job| duties.iter().any(|duty| duty["job"] == *job))
    })
    .await;
    assert_eq!(told["roles"], serde_json::json!(["merchant", "console", "jobs"]));
    let duties = told["duties"].as_array().unwrap();
    assert!(duties.iter().all(|duty| duty["node"] == "desk"), "{told}");
    assert_eq!(health(&radio).await["roles"], serde_json::json!(["air", "tap"]));
    assert!(asked(radio.http, "/healthz").await.unwrap_err().is_connect());
    assert_eq!(asked(radio.operations, "/console/login").await.unwrap(), StatusCode::NOT_FOUND);
    assert_eq!(asked(radio.operations, "/readyz").await.unwrap(), StatusCode::OK);
    // It says that no operator was added yet.
    assert_ne!(asked(desk.operations, "/console/login").await.unwrap(), StatusCode::NOT_FOUND);
    assert_eq!(asked(desk.http, "/healthz").await.unwrap(), StatusCode::OK);
}

/// The database's clock goes ahead of the machine's by so many milliseconds.
fn set_ahead(region: &Region, millis: i64) {
    let sql = format!(
        "create or replace view database_clock as \
         select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) + {millis} as at"
    );
    Cluster::shared().ask(&region.database.name, &sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_apart_is_told_of_and_one_that_is_too_far_is_refused() {
    let mut region = Region::new();
    let north = region.node("north");
    set_ahead(&region, 60_000);
    let why = refused(&north, &[]);
    assert!(why.contains("s behind the database's, and more than 5 s is refused"), "{why}");
    assert!(why.contains("chrony"), "{why}");
    set_ahead(&region, 3_000);
    let serving = north.serve();
    let told = becomes(&north, "a warning", |health| health["warnings"][0].is_string()).await;
    assert!(told["warnings"][0].as_str().unwrap().contains("s behind the database's"), "{told}");
    assert!(told["clock_apart_ms"].as_i64().unwrap() < -1_000, "{told}");
    // One that goes astray while it serves, beside none that does not, goes on: it may be the database's that is wrong.
    set_ahead(&region, 60_000);
    becomes(&north, "a wide gap", |health| health["clock_apart_ms"].as_i64().unwrap() < -50_000).await;
    assert_eq!(asked(north.operations, "/readyz").await.unwrap(), StatusCode::OK);
    set_ahead(&region, 0);
    becomes(&north, "no warning", |health| health["warnings"].as_array().unwrap().is_empty()).await;
    serving.signal("TERM");
    serving.ended().well();
}
