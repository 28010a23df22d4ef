//! The store's statements in PostgreSQL's words.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use hashbrown::HashMap;
use tokio_postgres::types::Type;

use super::grouped;

/// A statement in PostgreSQL's words.
pub(super) struct Words {
    /// For one row of arguments.
    pub(super) one: String,
    many: OnceLock<Option<String>>,
}

impl Words {
    /// For many rows of arguments, of the types that the statement for one has; nothing where it has no such form.
    pub(super) fn many(&self, types: &[Type]) -> Option<&str> {
        self.many.get_or_init(|| grouped::many(&self.one, types)).as_deref()
    }
}

/// Where a text stands, and how long it is.
type Place = (usize, usize);

/// A statement's words, put so once for each place that it stands at.
pub(super) fn words(sql: &'static str) -> Arc<Words> {
    static KNOWN: OnceLock<RwLock<HashMap<Place, Arc<Words>>>> = OnceLock::new();
    let (known, place) = (KNOWN.get_or_init(RwLock::default), (sql.as_ptr().addr(), sql.len()));
    if let Some(words) = known.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
        return Arc::clone(words);
    }
    let words = Arc::new(Words { one: translated(sql), many: OnceLock::new() });
    known.write().unwrap_or_else(PoisonError::into_inner).insert(place, Arc::clone(&words));
    words
}

/// `?` and `?1` become `$1`; a hint for SQLite is left out; a table whose name PostgreSQL keeps for itself is quoted.
fn translated(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut counted = 0_u32;
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            // A text is left as it is.
            '\'' => rest.get(1..).and_then(|text| text.find('\'')).map_or(rest.len(), |at| at + 2),
            '?' => {
                let digits = length_of(&rest[1..], |c| c.is_ascii_digit());
                if digits == 0 {
                    counted += 1;
                    out.push_str(&format!("${counted}"));
                } else {
                    out.push('$');
                    out.push_str(&rest[1..1 + digits]);
                }
                rest = &rest[1 + digits..];
                continue;
            }
            c if is_of_a_word(c) => length_of(rest, is_of_a_word),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        match token {
            "authorization" => out.push_str("\"authorization\""),
            "indexed" => {
                // `indexed by NAME `
                let name = after.trim_start().trim_start_matches("by").trim_start();
                rest = name[length_of(name, is_of_a_word)..].trim_start();
                continue;
            }
            token => out.push_str(token),
        }
        rest = after;
    }
    out
}

fn is_of_a_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn length_of(text: &str, of: impl Fn(char) -> bool) -> usize {
    text.find(|c| !of(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_numbered_hints_left_out_and_reserved_names_quoted() {
        for (sql, expected) in [
            (
                "select a from t where b = ? and c in ('?', 'é') limit ?",
                "select a from t where b = $1 and c in ('?', 'é') limit $2",
            ),
            ("update t set a = ?2 where id = ?1", "update t set a = $2 where id = $1"),
            (
                "from channel indexed by channel_by_group where group_id = ?4",
                "from channel where group_id = $4",
            ),
            (
                "from authorization where tap_authorization = ?",
                "from \"authorization\" where tap_authorization = $1",
            ),
            ("select 'unfinished", "select 'unfinished"),
        ] {
            assert_eq!(translated(sql), expected);
        }
    }
}
