//! What hangs on a table, as its server tells it: what has to be made again when the table is.

use tokio_postgres::Row;

use crate::error::StoreError;
use crate::postgres::alone::Alone;

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) from: String,
    pub(super) to: String,
    /// Each column with the one that it is equal to.
    pub(super) columns: Vec<(String, String)>,
    /// In the server's words.
    pub(super) said: String,
}

impl Reference {
    /// The statement that makes it.
    pub(super) fn again(&self) -> String {
        format!("alter table \"{}\" add constraint \"{}\" {}", self.from, self.name, self.said)
    }
}

/// A table's rules, in the server's words.
pub(super) struct Shape {
    table: &'static str,
    /// How its rows are stored; nothing, or `with (…)`.
    options: String,
    /// Primary key and unique constraints, indexes and triggers, as statements.
    after: Vec<String>,
}

fn ask(alone: &Alone, sql: &str) -> Result<Vec<Row>, StoreError> {
    alone.run(alone.client().query(sql, &[]))
}

fn text(row: &Row, place: usize) -> Result<String, StoreError> {
    row.try_get(place).map_err(|_| StoreError::Malformed("a name in the server's catalog"))
}

fn texts(row: &Row, place: usize) -> Result<Vec<String>, StoreError> {
    row.try_get(place).map_err(|_| StoreError::Malformed("names in the server's catalog"))
}

/// The tables that are whole: neither in parts, nor a part.
pub(super) fn wholes(alone: &Alone) -> Result<Vec<String>, StoreError> {
    let sql = "select relname::text from pg_class where relnamespace = current_schema()::regnamespace \
               and relkind = 'r' and not relispartition";
    ask(alone, sql)?.iter().map(|row| text(row, 0)).collect()
}

/// Every unique rule of a table that is no part: table, index, columns.
pub(super) fn unique_rules(alone: &Alone) -> Result<Vec<(String, String, Vec<String>)>, StoreError> {
    let sql = "select t.relname::text, x.relname::text, array( \
                   select a.attname::text from pg_attribute a \
                   where a.attrelid = t.oid and a.attnum = any(i.indkey[0:i.indnkeyatts - 1])) \
               from pg_index i join pg_class t on t.oid = i.indrelid join pg_class x on x.oid = i.indexrelid \
               where i.indisunique and t.relnamespace = current_schema()::regnamespace and not t.relispartition \
               and t.relkind in ('r', 'p') order by 1, 2";
    ask(alone, sql)?.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?, texts(row, 2)?))).collect()
}

/// Every foreign key, but those that a part has from its table.
pub(super) fn references(alone: &Alone) -> Result<Vec<Reference>, StoreError> {
    let sql = "select c.conname::text, f.relname::text, t.relname::text, \
                   array(select a.attname::text from unnest(c.conkey) with ordinality as k (number, place) \
                       join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number order by k.place), \
                   array(select a.attname::text from unnest(c.confkey) with ordinality as k (number, place) \
                       join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.number order by k.place), \
                   pg_get_constraintdef(c.oid) \
               from pg_constraint c join pg_class f on f.oid = c.conrelid join pg_class t on t.oid = c.confrelid \
               where c.contype = 'f' and c.conparentid = 0 and f.relnamespace = current_schema()::regnamespace \
               order by 2, 1";
    ask(alone, sql)?
        .iter()
        .map(|row| {
            let columns = texts(row, 3)?.into_iter().zip(texts(row, 4)?).collect();
            let (name, from, to, said) = (text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 5)?);
            Ok(Reference { name, from, to, columns, said })
        })
        .collect()
}

/// Every view of ours with what it says, in the order that they were made in; an extension's stays as it is.
pub(super) fn views(alone: &Alone) -> Result<Vec<(String, String)>, StoreError> {
    let sql = "select relname::text, pg_get_viewdef(oid) from pg_class where relkind = 'v' \
               and relnamespace = current_schema()::regnamespace and not exists (select 1 from pg_depend d \
               where d.classid = 'pg_class'::regclass and d.objid = pg_class.oid and d.deptype = 'e') order by oid";
    ask(alone, sql)?.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
}

impl Shape {
    pub(super) fn of(alone: &Alone, table: &'static str) -> Result<Self, StoreError> {
        let of = format!("'\"{table}\"'::regclass");
        let options = ask(
            alone,
            &format!("select coalesce(array_to_string(reloptions, ', '), '') from pg_class where oid = {of}"),
        )?;
        let options = options.first().map_or(Ok(String::new()), |row| text(row, 0))?;
        let mut after = Vec::new();
        for made in [
            format!(
                "select format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) \
                 from pg_constraint where conrelid = {of} and contype in ('p', 'u') order by conname"
            ),
            format!(
                "select pg_get_indexdef(indexrelid) from pg_index i where indrelid = {of} \
                 and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u')) \
                 order by indexrelid"
            ),
            format!(
                "select pg_get_triggerdef(oid) from pg_trigger where tgrelid = {of} and not tgisinternal order by tgname"
            ),
        ] {
            for row in ask(alone, &made)? {
                after.push(text(&row, 0)?);
            }
        }
        let options = if options.is_empty() { options } else { format!(" with ({options})") };
        Ok(Self { table, options, after })
    }

    /// The statements that take the table away and make it again in so many parts. Names of rules stay: later migrations
    /// know them.
    pub(super) fn in_parts(&self, column: &str, parts: u16) -> Vec<String> {
        let Self { table, options, after } = self;
        let mut all = vec![
            format!("alter table \"{table}\" rename to \"{table} whole\""),
            format!(
                "create table \"{table}\" (like \"{table} whole\" including all excluding indexes) \
                 partition by hash (\"{column}\")"
            ),
            format!("drop table \"{table} whole\" cascade"),
        ];
        all.extend((0..parts).map(|part| {
            format!(
                "create table \"{table}_{part}\" partition of \"{table}\" \
                 for values with (modulus {parts}, remainder {part}){options}"
            )
        }));
        all.extend(after.iter().cloned());
        all
    }
}
