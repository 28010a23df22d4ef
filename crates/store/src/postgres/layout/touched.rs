//! What of tables in parts the store's statements touch: where they know the key, one part.

use std::collections::BTreeSet;

use cluster::Cluster;

use super::{Partitions, partition};
use crate::postgres::statement::words;
use crate::postgres::{PATIENCE, Settings};
use crate::sql::ahead;

/// Statements that a payment makes: the arguments, in the server's words, and how many parts of tables each touches at most. Those
/// of two or three go by a small table to what is looked for, or read an account's base and its parts.
fn asked() -> [(&'static str, &'static str, usize); 14] {
    [
        (ahead::card(), "1", 1),
        (ahead::card_on_channel(), "'\\x01'", 2),
        (ahead::link(), "1", 1),
        (ahead::waiting(), "1", 1),
        (ahead::order_of(), "'\\x01', 1", 1),
        ("update orders set state = ?, updated_at = ? where id = ? and card = ?", "'paid', 1, '\\x01', 1", 1),
        (ahead::question(), "1", 1),
        (ahead::question_of_b(), "1, 1, 2", 1),
        (ahead::transfer(), "'\\x01'", 1),
        (ahead::fee_rule(), "1, 156", 1),
        (ahead::queued_downlink(), "'\\x01', 1", 1),
        (ahead::account(), "1", 2),
        (ahead::account_of(), "'holder', 1, 156", 3),
        (
            "update transfer set state = 1, posted_amount = ?, ended_at = ? where id = ? and state = 0",
            "1, 1, '\\x01'",
            1,
        ),
    ]
}

#[test]
fn where_the_key_is_known_one_part_of_a_table_is_touched() {
    let cluster = Cluster::shared();
    let database = cluster.fresh(None).unwrap();
    let settings = Settings {
        url: database.url.clone(),
        password: None,
        tls: None,
        writer: [1; 16],
        patience: PATIENCE,
    };
    partition(&settings, Partitions::new(8).unwrap()).unwrap();
    // Something is found where one look leads to the next.
    let rows = "insert into card_channel values ('\\x01', 1); insert into account_owner values ('holder', 1, 156, 1)";
    cluster.ask(&database.name, rows).unwrap();
    for (sql, arguments, most) in asked() {
        // Planned without a look at the arguments, as a statement that is prepared once and asked again and again.
        let explain = format!(
            "set plan_cache_mode = force_generic_plan; prepare asked as {}; \
             explain (analyze, costs off, timing off, summary off) execute asked({arguments})",
            words(sql).one
        );
        let plan = cluster.ask(&database.name, &explain).unwrap();
        let parts: BTreeSet<&str> = plan
            .lines()
            .filter(|line| line.contains("Scan") && !line.contains("never executed"))
            .filter_map(|line| line.split(" on ").nth(1)?.split(' ').next())
            .filter(|table| table.ends_with(|last: char| last.is_ascii_digit()))
            .collect();
        assert!(!parts.is_empty() && parts.len() <= most, "{sql}: {parts:?} of\n{plan}");
    }
}
