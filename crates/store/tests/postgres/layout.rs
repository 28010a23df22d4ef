//! Tables in hash partitions by the column that each goes by: every rule stands there, one partition is touched where the key is
//! known, later migrations go through, and what contradicts the keys is named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use cluster::{Cluster, Database};
use payment::{AccountKind, MerchantId, TransferId};
use store::moving::{Source, copy};
use store::postgres::layout::{Fault, KEYS, Key, Partitions, TableKey, faults, for_citus, partition};
use store::{LayoutError, Lease, Registration, Store, Unit};

use crate::maker::ledger::{End, Refusal, assert_sound, end, fund, opened as account, reserve};
use crate::maker::{MORNING, card, channel, first_answer, holder, kept, order, question, yuan};
use crate::{migrated, opened, settings};

fn parts(number: u16) -> Partitions {
    Partitions::new(number).unwrap()
}

fn in_parts(number: u16) -> Database {
    let database = Cluster::shared().fresh(None).unwrap();
    partition(&settings(&database.url), parts(number)).unwrap();
    database
}

fn ask(database: &Database, sql: &str) -> String {
    Cluster::shared().ask(&database.name, sql).unwrap()
}

/// Runs a unit of work; a layout waits on its own thread, and stories of it have no runtime.
fn done<T: Send + 'static>(
    store: &Store,
    work: impl FnMut(&mut dyn Unit) -> Result<T, Refusal> + Send + 'static,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(kept(store, work))
}

fn keyed() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().filter_map(|TableKey { table, key }| match key {
        Key::By { column, .. } => Some((*table, *column)),
        Key::Everywhere => None,
    })
}

/// Every rule of every table that is no partition: unique or not, checked, referred to, triggered.
fn rules(database: &Database) -> BTreeSet<String> {
    let sql = "select string_agg(line, e'\\n') from (
        select 'index ' || replace(i.indexdef, ' ON ONLY ', ' ON ') as line from pg_indexes i
            join pg_class c on c.relname = i.tablename where not c.relispartition and i.schemaname = 'public'
        union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
            from pg_constraint where connamespace = 'public'::regnamespace and conparentid = 0
            and not (select relispartition from pg_class where oid = conrelid)
        union all select 'trigger ' || replace(pg_get_triggerdef(t.oid), 'public.', '') from pg_trigger t
            join pg_class c on c.oid = tgrelid where not c.relispartition and not tgisinternal
        union all select 'column ' || table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
            || coalesce(collation_name, '') || ' ' || is_identity || ' ' || coalesce(generation_expression, '')
            from information_schema.columns join pg_class c on c.relname = table_name
            where table_schema = 'public' and not c.relispartition
        union all select 'view ' || viewname || ' ' || definition from pg_views where schemaname = 'public') as it";
    ask(database, sql).lines().map(str::to_owned).collect()
}

#[test]
fn every_table_has_a_key_and_every_rule_keeps_to_it() {
    assert_eq!(faults(&settings(&migrated().url)), Ok(vec![]));
}

#[test]
fn what_a_later_migration_might_do_against_the_keys_is_named() {
    let database = migrated();
    for (change, fault) in [
        ("create table forgotten (id bigint primary key)", Fault::NoKey("forgotten".into())),
        (
            "create unique index one_text on orders (text)",
            Fault::AcrossKeys { table: "orders".into(), rule: "one_text".into(), key: "card".into() },
        ),
        // Not only among columns that are carried along.
        (
            "create unique index carried on frame (seq) include (channel)",
            Fault::AcrossKeys { table: "frame".into(), rule: "carried".into(), key: "channel".into() },
        ),
        (
            "alter table orders add constraint to_card foreign key (card) references link_state (card);
             alter table wallet add constraint to_bank_card foreign key (bank_card) references bank_card (number)",
            Fault::Refers { table: "wallet".into(), rule: "to_bank_card".into() },
        ),
        ("drop table outgoing_sms", Fault::NoTable("outgoing_sms".into())),
    ] {
        let database = Cluster::shared().fresh(Some(&database.name)).unwrap();
        ask(&database, change);
        assert_eq!(faults(&settings(&database.url)), Ok(vec![fault.clone()]), "{change}");
        // And nothing is laid out by keys that are wrong.
        assert_eq!(
            partition(&settings(&database.url), parts(2)),
            Err(LayoutError::Contradicted(fault)),
            "{change}"
        );
        assert_eq!(ask(&database, "select count(*) from pg_class where relispartition"), "0");
    }
}

#[test]
fn an_empty_database_is_laid_out_once_with_all_its_rules_under_their_names() {
    let database = in_parts(16);
    for (table, column) in keyed() {
        let sql = format!(
            "select pg_get_partkeydef(c.oid), (select count(*) from pg_inherits where inhparent = c.oid) \
             from pg_class c where oid = '\"{table}\"'::regclass"
        );
        assert_eq!(ask(&database, &sql), format!("HASH ({column})|16"), "{table}");
    }
    let everywhere = KEYS.iter().filter(|known| known.key == Key::Everywhere);
    for TableKey { table, .. } in everywhere {
        let sql = format!("select relkind from pg_class where oid = '{table}'::regclass");
        assert_eq!(ask(&database, &sql), "r", "{table}");
    }
    let (whole, laid) = (rules(&migrated()), rules(&database));
    assert!(whole.len() > 500, "{}", whole.len());
    assert_eq!(whole.difference(&laid).collect::<Vec<_>>(), Vec::<&String>::new(), "gone");
    assert_eq!(laid.difference(&whole).collect::<Vec<_>>(), Vec::<&String>::new(), "new");
    // How rows are stored is said of each part.
    let sql = "select count(*) from pg_class where relname like 'commit_mark\\_%' and relkind = 'r' and reloptions = '{fillfactor=50}'";
    assert_eq!(ask(&database, sql), "16");
    // It is as any other: a store opens it, and it is laid out once.
    drop(opened(&database.url));
    assert_eq!(partition(&settings(&database.url), parts(4)).unwrap().tables, Vec::<&str>::new());
}

#[test]
fn a_database_with_rows_and_one_that_is_served_are_refused_and_stay_as_they_are() {
    let database = migrated();
    let store = opened(&database.url);
    done(&store, |unit| Ok(unit.put_holder(&holder(1), MORNING)?));
    drop(store);
    let refused = partition(&settings(&database.url), parts(2));
    assert_eq!(refused, Err(LayoutError::NotEmpty("holder".into())));
    let database = migrated();
    let store = opened(&database.url);
    let until = store.peek(|rows| rows.database_clock()).unwrap().plus(60_000);
    done(&store, move |unit| {
        let (name, node) = ("expiry".to_owned(), "node-7".to_owned());
        Ok(unit.put_lease(&Lease { name, node, start: [1; 16], epoch: 1, until })?)
    });
    drop(store);
    let refused = partition(&settings(&database.url), parts(2));
    assert_eq!(refused, Err(LayoutError::Served("node-7".into())));
    assert_eq!(ask(&database, "select count(*) from pg_class where relispartition"), "0");
}

/// What the next versions will do to tables, whatever they lie like.
const LATER: &str = "
    alter table orders add column tip bigint not null default 0;
    alter table orders add column note text collate \"C\";
    create index order_by_tip on orders (tip) where tip > 0;
    create unique index one_tip on orders (card, tip) where tip > 0;
    drop index order_by_tip;
    alter table refund drop constraint refund_pkey;
    alter table refund add primary key (order_id, id);
    alter table posting drop constraint posting_pkey;
    alter table posting add primary key (transfer, account);
    alter table frame alter column bearer drop not null;
    alter table place add check (length(name) < 1000);
    alter table card drop column certificate;
    update transfer set linked = o.id from orders o where o.reservation = transfer.id;
    create function refuses() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create trigger refuses before delete on payout for each row execute function refuses();
    drop trigger refuses on payout;
    alter table load_reversal drop constraint load_reversal_load_asn_fkey;
    alter table load_reversal add foreign key (load, asn) references load (id, asn);
    create table of_a_later_version (card bigint primary key);
    drop table alarm";

#[test]
fn later_migrations_go_through_on_a_database_in_parts() {
    let database = in_parts(3);
    ask(&database, LATER);
    let sql = "select count(*) from information_schema.columns where table_name like 'orders%' and column_name = 'tip'";
    assert_eq!(ask(&database, sql), "4", "the table and its three parts");
    // And a table that came later, without rows yet, is laid out when it is asked for again.
    let added = faults(&settings(&database.url)).unwrap();
    assert_eq!(added, [Fault::NoKey("of_a_later_version".into()), Fault::NoTable("alarm".into())]);
    let whole = "create table alarm_again (like alarm_0 including all)";
    let database = in_parts(3);
    ask(&database, &format!("{whole}; drop table alarm; alter table alarm_again rename to alarm"));
    assert_eq!(partition(&settings(&database.url), parts(5)).unwrap().tables, ["alarm"]);
    assert_eq!(ask(&database, "select count(*) from pg_inherits where inhparent = 'alarm'::regclass"), "5");
}

/// A file with a card, an order that was asked, money that moved, and names that are unique across keys.
fn filled(file: &std::path::Path) {
    let store = store::sqlite::open(file).unwrap();
    done(&store, |unit| {
        unit.put_holder(&holder(1), MORNING)?;
        let mut first = card(1);
        first.record.bound_to = Some(holder(1).reference);
        unit.add_card(&first)?;
        let mut closed = card(2);
        closed.record.life_cycle = payment::LifeCycle::Closed;
        unit.add_card(&closed)?;
        unit.add_order(&order(1, 1))?;
        unit.add_authorization(&question(1, 1))?;
        let of = Registration {
            bearer: Some("lorawan".into()),
            device: Some("70b3".into()),
            ..Registration::default()
        };
        unit.register_channel(channel(1), &of, &["north"], MORNING)?;
        unit.add_idempotent(MerchantId(1), "orders", "one", &first_answer("{}", MORNING))?;
        Ok(())
    });
    for n in 0..20_i64 {
        done(&store, move |unit| {
            let holder = account(unit, AccountKind::Holder, n % 5)?.id;
            let merchant = account(unit, AccountKind::Merchant, n % 3)?.id;
            let id = u128::try_from(n).unwrap() * 2;
            fund(unit, TransferId(id), yuan(1_000), holder)?;
            reserve(unit, TransferId(id + 1), yuan(300), [holder, merchant])?;
            end(unit, TransferId(id + 1), End::Post(None))
        });
    }
}

#[test]
fn a_file_is_copied_into_parts_and_what_is_unique_across_keys_is_found_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counterfoil.db");
    filled(&file);
    let target = in_parts(4);
    let copied = copy(&file, Source::Stays, &settings(&target.url), &AtomicBool::new(false), &mut |_| ());
    assert_eq!(copied.unwrap().books.transfers, [0, 40, 0, 0]);
    let store = opened(&target.url);
    assert_sound(&store);
    let found = store.peek(|rows| rows.card_on_channel(channel(1))).unwrap().unwrap();
    assert_eq!(found.id(), card(1).id());
    assert_eq!(store.peek(|rows| rows.card_on_channel(channel(2))), Ok(None), "closed");
    let number = card(2).record.information.number.digits().to_string();
    assert_eq!(store.peek(|rows| rows.card_of_number(&number)).unwrap().unwrap().id(), card(2).id());
    assert_eq!(store.peek(|rows| rows.channel_of_device("lorawan", "70b3")), Ok(Some(channel(1))));
    let spread = "select count(distinct tableoid) from transfer";
    assert_eq!(ask(&target, spread), "4", "rows lie in every part");
    // It goes on from there: an account is found by its owner, and no second one is opened.
    let before = ask(&target, "select count(*) from account_base");
    done(&store, |unit| {
        let known = account(unit, AccountKind::Holder, 1)?.id;
        fund(unit, TransferId(1_000), yuan(5), known)
    });
    assert_eq!(ask(&target, "select count(*) from account_base"), before);
    assert_sound(&store);
}

#[test]
fn what_citus_is_told_can_be_said_of_a_database_of_this_version() {
    // Citus itself is in no package of Debian: what it would look at is looked up here.
    let database = migrated();
    let all = for_citus();
    assert_eq!(all[0], "set citus.enable_unsafe_triggers = on");
    // Each table that was told with what its key's values are.
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for statement in &all[1..] {
        let mut words = statement.split('\'').skip(1).step_by(2);
        let table = words.next().unwrap().to_owned();
        let kind = match (words.next(), words.next()) {
            (Some(column), Some(beside)) => {
                let kind = format!(
                    "select format_type(atttypid, atttypmod) || attnotnull from pg_attribute \
                     where attrelid = '{table}'::regclass and attname = '{column}' and attnum > 0"
                );
                let kind = ask(&database, &kind);
                assert!(kind.ends_with("true"), "{statement}: {kind}");
                assert!(beside == "none" || told.get(beside) == Some(&kind), "{statement}: {kind}");
                kind
            }
            _ => "everywhere".to_owned(),
        };
        // What it refers to was told before it.
        let refers = format!(
            "select coalesce(string_agg(confrelid::regclass::text, ' '), '') from pg_constraint \
             where contype = 'f' and conrelid = '{table}'::regclass"
        );
        for other in ask(&database, &refers).split_whitespace() {
            assert!(told.contains_key(other), "{statement} before {other}");
        }
        assert_eq!(told.insert(table, kind), None, "{statement}");
    }
    let tables = "select count(*) from pg_tables where schemaname = 'public' and tablename <> 'refinery_schema_history'";
    assert_eq!(ask(&database, tables), told.len().to_string());
}
