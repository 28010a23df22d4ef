//! The bytes of a bank's file as text: UTF-8, US-ASCII or ISO-8859-1, as the file says of itself.

use std::borrow::Cow;

use super::BYTES_MAX;
use crate::error::{CamtReason, CamtRefused, excerpt};

/// In how many bytes the declaration must end.
const DECLARATION_MAX: usize = 256;

pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, CamtRefused> {
    let refused = |line, reason| CamtRefused { line, entry: None, reason };
    if bytes.len() > BYTES_MAX {
        return Err(refused(0, CamtReason::TooLong(bytes.len())));
    }
    let wide = [b"\xff\xfe".as_slice(), b"\xfe\xff", b"<\0", b"\0<"];
    if wide.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(refused(0, CamtReason::Encoding("UTF-16 or UTF-32".to_owned())));
    }
    let (marked, bytes) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let declared = declared(bytes);
    let known = declared.as_deref().unwrap_or("UTF-8").to_ascii_uppercase();
    let (name, ascii_only) = match known.as_str() {
        "UTF-8" | "UTF8" => ("UTF-8", false),
        "US-ASCII" | "ASCII" => ("US-ASCII", true),
        "ISO-8859-1" | "ISO8859-1" | "LATIN1" if !marked => {
            return Ok(Cow::Owned(bytes.iter().copied().map(char::from).collect()));
        }
        _ => return Err(refused(1, CamtReason::Encoding(excerpt(declared.as_deref().unwrap_or_default())))),
    };
    let valid_up_to = match std::str::from_utf8(bytes) {
        Ok(text) if !ascii_only || text.is_ascii() => return Ok(Cow::Borrowed(text)),
        Ok(text) => text.bytes().position(|byte| !byte.is_ascii()).unwrap_or(0),
        Err(error) => error.valid_up_to(),
    };
    let before = bytes.get(..valid_up_to).unwrap_or_default();
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    Err(refused(line, CamtReason::NotInItsEncoding(name)))
}

/// The encoding that the XML declaration names (XML 1.0, production 23).
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(DECLARATION_MAX))?;
    let head: String = head.iter().copied().map(char::from).collect();
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(name, _)| name.to_owned())
}
