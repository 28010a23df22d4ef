//! A file out of a form (RFC 7578), in memory.
//!
//! Refuses: forms of more than [`BODY_MAX`] bytes, which no driver pack's is; anything that is not a file under the
//! name that was asked for.

use packs::PACK_LENGTH_MAX;

/// The largest form: the largest pack, one byte more so that the pack itself is named as too large, and its headers.
pub(super) const BODY_MAX: usize = PACK_LENGTH_MAX + 1 + 4_096;
/// The longest boundary (RFC 2046, section 5.1.1).
const BOUNDARY_MAX: usize = 70;

/// The content of the field of this name.
pub(super) fn file<'a>(content_type: &str, body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let boundary = boundary(content_type)?;
    let (first, next) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut rest = match body.strip_prefix(first.as_bytes()) {
        Some(rest) => rest,
        None => split(body, next.as_bytes())?.1,
    };
    let wanted = format!("name=\"{name}\"");
    // Behind the last boundary stand two hyphens.
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let (content, after) = split(part, next.as_bytes())?;
        // A part without headers begins with its empty line.
        let (headers, content) = match content.strip_prefix(b"\r\n") {
            Some(content) => (&b""[..], content),
            None => split(content, b"\r\n\r\n")?,
        };
        if is_field(headers, &wanted) {
            return Some(content);
        }
        rest = after;
    }
    None
}

fn boundary(content_type: &str) -> Option<&str> {
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    })?;
    (1..=BOUNDARY_MAX).contains(&value.len()).then_some(value)
}

fn is_field(headers: &[u8], wanted: &str) -> bool {
    let Ok(headers) = std::str::from_utf8(headers) else { return false };
    let disposition = headers.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    disposition.is_some_and(|value| value.split(';').any(|part| part.trim() == wanted))
}

/// What stands before the first of these, and behind it.
fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..place)?, bytes.get(place + at.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=----x7";

    #[test]
    fn a_file_is_found_whatever_stands_around_it() {
        let one = "------x7\r\nContent-Disposition: form-data; name=\"pack\"; filename=\"a;b.toml\"\r\n\
                   Content-Type: application/toml\r\n\r\n# one\r\n--\r\n----x\n\r\n------x7--\r\n";
        assert_eq!(file(TYPE, one.as_bytes(), "pack").unwrap(), b"# one\r\n--\r\n----x\n");
        let second =
            format!("preamble\r\n------x7\r\ncontent-disposition:form-data;name=\"lang\"\r\n\r\nzh\r\n{one}");
        assert_eq!(file(TYPE, second.as_bytes(), "lang").unwrap(), b"zh");
        assert!(file(TYPE, second.as_bytes(), "pack").unwrap().starts_with(b"# one"));
        assert_eq!(
            file("Multipart/Form-Data; Boundary=\"----x7\"", one.as_bytes(), "pack").map(<[u8]>::len),
            Some(17)
        );
        let empty = "------x7\r\nContent-Disposition: form-data; name=\"pack\"; filename=\"\"\r\n\r\n\r\n------x7--\r\n";
        assert_eq!(file(TYPE, empty.as_bytes(), "pack"), Some(&b""[..]));
    }

    #[test]
    fn what_is_no_such_form_has_no_file() {
        let good = "------x7\r\nContent-Disposition: form-data; name=\"pack\"\r\n\r\na\r\n------x7--\r\n";
        assert!(file(TYPE, good.as_bytes(), "pack").is_some());
        for length in 0..good.len() - "--\r\n".len() {
            assert_eq!(file(TYPE, &good.as_bytes()[..length], "pack"), None, "{length}");
        }
        for content_type in
            ["", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary="]
        {
            assert_eq!(file(content_type, good.as_bytes(), "pack"), None, "{content_type}");
        }
        assert_eq!(file(TYPE, good.as_bytes(), "other"), None);
        assert_eq!(file(TYPE, b"------x7\r\n\r\nno headers\r\n------x7--", "pack"), None);
        assert_eq!(file(TYPE, b"------x7--\r\n", "pack"), None);
    }
}
