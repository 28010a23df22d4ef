//! One statement for many rows of arguments: what is asked of a server once instead of a hundred times.
//!
//! A statement in PostgreSQL's words, `select … $1`, `insert … values ($1, …)` or `update … where …`, becomes one over
//! `unnest`. Whatever has another form is not grouped, and sent as it is.

use tokio_postgres::types::{ToSql, Type};

use crate::sql::Owned;

/// Columns of arguments.
pub(super) type Columns<'a> = Vec<Box<dyn ToSql + Sync + Send + 'a>>;

/// `unnest($1::bigint[], …)`, and the names of its columns; nothing for types that the store does not have.
fn unnest(types: &[Type]) -> Option<(String, String)> {
    let mut arrays = Vec::with_capacity(types.len());
    for (place, ty) in types.iter().enumerate() {
        let name = match *ty {
            Type::INT8 => "bigint",
            Type::TEXT | Type::VARCHAR => "text",
            Type::BYTEA => "bytea",
            _ => return None,
        };
        arrays.push(format!("${}::{name}[]", place + 1));
    }
    let names: Vec<String> = (1..=types.len()).map(|place| format!("a{place}")).collect();
    (!arrays.is_empty()).then(|| (format!("unnest({})", arrays.join(", ")), names.join(", ")))
}

/// `$1` becomes `u.a1`; texts stay as they are.
fn renamed(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 32);
    let mut quoted = false;
    for c in sql.chars() {
        quoted ^= c == '\'';
        if c == '$' && !quoted { out.push_str("u.a") } else { out.push(c) }
    }
    out
}

/// A statement for many; nothing where it has no form that is known.
pub(super) fn many(sql: &str, types: &[Type]) -> Option<String> {
    if sql.starts_with("select ") { selection(sql, types) } else { change(sql, types) }
}

/// A `select` for many: its columns as they were, then the place of the arguments that a row is for, from 1. Each is looked up
/// as it would be alone: `offset 0` keeps the planner from joining the table instead.
fn selection(sql: &str, types: &[Type]) -> Option<String> {
    let (unnest, names) = unnest(types)?;
    sql.starts_with("select ").then(|| {
        let one = renamed(sql);
        format!(
            "select r.*, u.place from {unnest} with ordinality as u({names}, place), lateral ({one} offset 0) as r"
        )
    })
}

/// An `insert` or an `update` for many.
fn change(sql: &str, types: &[Type]) -> Option<String> {
    let (unnest, names) = unnest(types)?;
    let from = format!("from {unnest} as u({names})");
    if sql.starts_with("insert into ") {
        let (head, rest) = sql.split_once(" values (")?;
        let end = closing(rest)?;
        let (values, after) = (renamed(rest.get(..end)?), rest.get(end + 1..)?);
        // What follows may only name what was to be inserted.
        return (!after.contains('$') && !after.contains("returning"))
            .then(|| format!("{head} select {values} {from}{after}"));
    }
    let (head, condition) = sql.split_once(" where ")?;
    (sql.starts_with("update ") && !condition.contains("returning"))
        .then(|| format!("{} {from} where {}", renamed(head), renamed(condition)))
}

/// Where the bracket closes that was opened before.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1_u32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

/// Rows of arguments as columns; nothing where a value is not of its column's type.
pub(super) fn columns<'a>(types: &[Type], rows: &[&'a [Owned]]) -> Option<Columns<'a>> {
    let mut columns: Columns<'a> = Vec::with_capacity(types.len());
    for (place, ty) in types.iter().enumerate() {
        let values = rows.iter().map(|row| row.get(place));
        columns.push(match *ty {
            Type::INT8 => Box::new(values.map(number).collect::<Option<Vec<_>>>()?),
            Type::TEXT | Type::VARCHAR => Box::new(values.map(text).collect::<Option<Vec<_>>>()?),
            Type::BYTEA => Box::new(values.map(bytes).collect::<Option<Vec<_>>>()?),
            _ => return None,
        });
    }
    Some(columns)
}

fn number(value: Option<&Owned>) -> Option<Option<i64>> {
    match value? {
        Owned::Null => Some(None),
        Owned::Int(number) => Some(Some(*number)),
        Owned::Text(_) | Owned::Blob(_) => None,
    }
}

fn text(value: Option<&Owned>) -> Option<Option<&str>> {
    match value? {
        Owned::Null => Some(None),
        Owned::Text(text) => Some(Some(text)),
        Owned::Int(_) | Owned::Blob(_) => None,
    }
}

fn bytes(value: Option<&Owned>) -> Option<Option<&[u8]>> {
    match value? {
        Owned::Null => Some(None),
        Owned::Blob(bytes) => Some(Some(bytes)),
        Owned::Int(_) | Owned::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_of_each_form_is_said_for_many() {
        let select =
            selection("select a from t where b = $1 and c = '$2' limit $2", &[Type::BYTEA, Type::INT8]);
        assert_eq!(
            select.as_deref(),
            Some(
                "select r.*, u.place from unnest($1::bytea[], $2::bigint[]) with ordinality as u(a1, a2, place), \
                 lateral (select a from t where b = u.a1 and c = '$2' limit u.a2 offset 0) as r"
            )
        );
        for (sql, expected) in [
            (
                "insert into t (a, b, c) values ($1, coalesce($2, 0), $2)",
                Some(
                    "insert into t (a, b, c) select u.a1, coalesce(u.a2, 0), u.a2 \
                     from unnest($1::bigint[], $2::bigint[]) as u(a1, a2)",
                ),
            ),
            (
                "insert into t (a, b) values ($1, $2) on conflict (a) do update set b = excluded.b",
                Some(
                    "insert into t (a, b) select u.a1, u.a2 from unnest($1::bigint[], $2::bigint[]) as u(a1, a2) \
                     on conflict (a) do update set b = excluded.b",
                ),
            ),
            (
                "update t set a = $1 where b = $2 and c = 0",
                Some(
                    "update t set a = u.a1 from unnest($1::bigint[], $2::bigint[]) as u(a1, a2) \
                     where b = u.a2 and c = 0",
                ),
            ),
            ("insert into t (a, b) values ($1, $2) on conflict (a) do update set b = $2", None),
            ("insert into t (a) values ($1) returning b", None),
            ("delete from t where a = $1 and b = $2", None),
        ] {
            assert_eq!(change(sql, &[Type::INT8, Type::INT8]).as_deref(), expected, "{sql}");
        }
        assert_eq!(change("update t set a = 1 where b = $1", &[Type::BOOL]), None);
    }

    #[test]
    fn arguments_of_another_type_are_not_made_columns() {
        let (one, two) = ([Owned::Int(1), Owned::Null], [Owned::Int(2), Owned::Text("b".into())]);
        let types = [Type::INT8, Type::TEXT];
        assert_eq!(columns(&types, &[&one, &two]).map(|columns| columns.len()), Some(2));
        assert!(columns(&[Type::BYTEA, Type::TEXT], &[&one]).is_none());
        assert!(columns(&types, &[&one[..1]]).is_none());
    }
}
