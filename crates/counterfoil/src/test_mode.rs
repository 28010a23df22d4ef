//! The test mode beside a platform: opened on a database and a key store of its own.

use std::sync::Arc;

use server::test_mode::{Parts, TestMode, TestRules};
use server::{Clock as _, Rules, SystemChance, SystemClock};
use store::Store;

use crate::cli::Failure;
use crate::config::Config;
use crate::database::Database;
use crate::keys::{card_keys, open_test};
use crate::places::Places;
use crate::secrets;

/// The test mode that the configuration names, where it names one.
pub(crate) async fn of(config: &Config, places: &Places) -> Result<Option<TestMode>, Failure> {
    let Some(database) = Database::of_test_mode(config, places)? else { return Ok(None) };
    let section = &config.test_mode;
    let test_rules = TestRules {
        cards_a_merchant: section.cards_a_merchant,
        keep_days: section.keep_days,
        ..TestRules::default()
    };
    let store = database.open_when_there().await?;
    Ok(Some(on(store, places, config.rules(), test_rules).await?))
}

/// The test mode on a store.
pub(crate) async fn on(
    store: Store,
    places: &Places,
    rules: Rules,
    test_rules: TestRules,
) -> Result<TestMode, Failure> {
    let (keys, names) = (open_test(places, SystemClock.now())?, card_keys()?);
    let parts = Parts {
        store,
        keys: keys.clone(),
        master: names.master,
        transport: names.transport,
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        rules,
        test_rules,
    };
    let mode = TestMode::open(parts).await?;
    // What it lacks is said in the log: a test mode moves no money.
    secrets::ready(mode.app().secrets(), mode.app().store(), &keys).await;
    Ok(mode)
}

/// How a start says it.
pub(crate) fn said(config: &Config, mode: Option<&TestMode>) -> String {
    let Some(mode) = mode else {
        let why = if config.test_mode.enabled {
            "off: test_mode.database names no database of its own"
        } else {
            "off: test_mode.enabled is false"
        };
        return format!("  test mode                  {why}\n");
    };
    match mode.clock().ahead / 1_000 {
        0 => "  test mode                  on, for keys cf_test_…\n".to_owned(),
        ahead => {
            format!("  test mode                  on, for keys cf_test_…; its clock is {ahead} s ahead\n")
        }
    }
}
