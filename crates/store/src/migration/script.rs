//! A migration's text as its statements.

/// The statements of a script, without comments and what is between them.
///
/// Knows what migrations use: quoted text and names, comments to the end of a line, bodies between `$$`, and triggers whose body
/// ends with `end;`.
pub(super) fn statements(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut statement = String::new();
    let mut rest = script.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '-' if rest.peek() == Some(&'-') => while rest.next_if(|letter| *letter != '\n').is_some() {},
            '\'' | '"' => {
                statement.push(letter);
                for inner in rest.by_ref() {
                    statement.push(inner);
                    if inner == letter {
                        break;
                    }
                }
            }
            '$' if rest.peek() == Some(&'$') => {
                statement.push_str("$$");
                rest.next();
                while let Some(inner) = rest.next() {
                    statement.push(inner);
                    if inner == '$' && rest.next_if_eq(&'$').is_some() {
                        statement.push('$');
                        break;
                    }
                }
            }
            ';' if is_open_body(&statement) => statement.push(';'),
            ';' => take(&mut statement, &mut found),
            _ => statement.push(letter),
        }
    }
    take(&mut statement, &mut found);
    found
}

fn take(statement: &mut String, found: &mut Vec<String>) {
    let words: Vec<&str> = statement.split_whitespace().collect();
    if !words.is_empty() {
        found.push(words.join(" "));
    }
    statement.clear();
}

/// Whether this is a trigger of SQLite's in the middle of its body.
fn is_open_body(statement: &str) -> bool {
    let mut words = statement.split_whitespace().map(str::to_ascii_lowercase);
    if words.next().as_deref() != Some("create") || words.next().as_deref() != Some("trigger") {
        return false;
    }
    let words: Vec<String> = words.collect();
    words.iter().any(|word| word == "begin") && words.last().is_none_or(|word| word != "end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_its_statements_whatever_stands_in_texts_comments_and_bodies() {
        let script = "-- one; two\ncreate table a (b text default 'x;y'); -- more;\n
            create function f() returns trigger language plpgsql as $$\nbegin raise exception 'no; never'; end $$;
            create trigger t before update on a begin select 1; select 2; end;
            insert into \"a;b\" values ('it''s; so')";
        let found = statements(script);
        assert_eq!(found.len(), 4, "{found:#?}");
        assert_eq!(found[0], "create table a (b text default 'x;y')");
        assert!(found[1].ends_with("end $$"), "{}", found[1]);
        assert!(found[2].ends_with("select 2; end"), "{}", found[2]);
        assert_eq!(found[3], "insert into \"a;b\" values ('it''s; so')");
    }
}
