//! Messages as bytes (RFC 7252 §3), by way of the crate coap-lite.
//!
//! coap-lite splits the datagram into header, token, options and payload, and joins them again. What
//! it leaves to its caller is done here: version, types and codes that do not go together, Empty
//! messages with content, a payload marker without payload, and every rule about single options
//! (§5.4). An option not listed here is ignored if elective and refused if critical. Block-wise
//! transfer (RFC 7959) and proxying are refused with the codes those standards name.
//! Next: `endpoint.rs`, which decides what to do with a message that could be read.

use alloc::{collections::LinkedList, string::String, vec::Vec};

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, error::MessageError};

use crate::{
    config::Config,
    error::{Refused, SendError},
    message::{Code, ContentFormat, Method, Observe, Request, Response},
};

const URI_HOST: u16 = 3;
const OBSERVE: u16 = 6;
const URI_PORT: u16 = 7;
const URI_PATH: u16 = 11;
const CONTENT_FORMAT: u16 = 12;
const MAX_AGE: u16 = 14;
const URI_QUERY: u16 = 15;
const ACCEPT: u16 = 17;
const BLOCK2: u16 = 23;
const BLOCK1: u16 = 27;
const PROXY_URI: u16 = 35;
const PROXY_SCHEME: u16 = 39;
const SIZE1: u16 = 60;

/// The four message types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Con,
    Non,
    Ack,
    Rst,
}

/// A token of up to eight bytes, as a map key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    len: u8,
    bytes: [u8; 8],
}

impl Token {
    pub(crate) fn new(from: &[u8]) -> Self {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(from) {
            *to = *from;
        }
        Self { len: from.len().min(8) as u8, bytes }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// The first four bytes. Enough to reject a message whose rest cannot be read.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) code: u8,
    pub(crate) mid: u16,
    token_len: u8,
}

/// A datagram that keeps to the format.
pub(crate) enum Content {
    Empty,
    Request(Packet),
    Response(Packet),
}

impl Head {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let [first, code, high, low, ..] = *bytes else {
            return Err(Refused::Truncated);
        };
        let version = first >> 6;
        if version != 1 {
            return Err(Refused::WrongVersion { version });
        }
        let kind = match (first >> 4) & 3 {
            0 => Kind::Con,
            1 => Kind::Non,
            2 => Kind::Ack,
            _ => Kind::Rst,
        };
        Ok(Self { kind, code, mid: u16::from_be_bytes([high, low]), token_len: first & 0xF })
    }

    /// Whether this is a message that may be repeated to us and is remembered: a request or response
    /// of its own, neither Empty nor riding on an acknowledgement.
    pub(crate) fn is_remembered(&self) -> bool {
        self.code != 0 && matches!(self.kind, Kind::Con | Kind::Non)
    }

    /// Reads the rest of the datagram.
    pub(crate) fn content(&self, bytes: &[u8]) -> Result<Content, Refused> {
        let class = self.code >> 5;
        if matches!(class, 1 | 6 | 7) {
            return Err(Refused::ReservedCode { code: self.code });
        }
        if self.token_len > 8 {
            return Err(Refused::TokenTooLong { len: self.token_len });
        }
        if self.code == 0 && bytes.len() > 4 {
            return Err(Refused::EmptyWithContent);
        }
        let fits = match self.kind {
            Kind::Con => true,
            Kind::Non => self.code != 0,
            Kind::Ack => self.code == 0 || class != 0,
            Kind::Rst => self.code == 0,
        };
        if !fits {
            return Err(Refused::WrongType);
        }
        if self.code == 0 {
            return if self.token_len == 0 { Ok(Content::Empty) } else { Err(Refused::EmptyWithContent) };
        }
        let packet = Packet::from_bytes(bytes).map_err(|error| match error {
            MessageError::InvalidOptionDelta | MessageError::InvalidOptionLength => Refused::OptionMalformed,
            _ => Refused::Truncated,
        })?;
        // coap-lite takes a marker with nothing after it for the end of the message. An option has only
        // one way to be written, so such a message comes out one byte shorter when written again.
        if packet.payload.is_empty() && bytes.last() == Some(&0xFF) {
            let again = packet.to_bytes_unlimited().map_err(|_| Refused::OptionMalformed)?;
            if again.len() != bytes.len() {
                return Err(Refused::PayloadMissing);
            }
        }
        Ok(if class == 0 { Content::Request(packet) } else { Content::Response(packet) })
    }
}

/// A request that can be read but not granted, with what to answer.
pub(crate) struct Objection {
    pub(crate) refused: Refused,
    pub(crate) code: Code,
    /// The Size1 option to answer with (§5.10.9).
    pub(crate) size1: Option<usize>,
}

impl Objection {
    fn new(refused: Refused, code: Code) -> Self {
        Self { refused, code, size1: None }
    }

    fn option(number: u16) -> Self {
        Self::new(Refused::BadOption { number }, Code::BAD_OPTION)
    }

    /// 4.13 with the size we take.
    pub(crate) fn too_large(refused: Refused, config: &Config) -> Self {
        let size1 = Some(config.payload_limit);
        Self { size1, ..Self::new(refused, Code::REQUEST_ENTITY_TOO_LARGE) }
    }
}

type Values = LinkedList<Vec<u8>>;

/// The value of an option that may occur once, if it does and its length is in range.
fn single(values: &Values, lengths: core::ops::RangeInclusive<usize>) -> Option<&[u8]> {
    let first = values.front()?;
    (values.len() == 1 && lengths.contains(&first.len())).then_some(first.as_slice())
}

/// An option value of format uint (§3.2) of at most four bytes.
fn number(value: &[u8]) -> u32 {
    value.iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

/// The shortest form of a number as an option value (§3.2): no leading zeros, zero is empty.
fn uint(value: u32) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The value of a Content-Format or Accept option.
fn format(values: &Values) -> Option<ContentFormat> {
    single(values, 0..=2).and_then(|value| u16::try_from(number(value)).ok()).map(ContentFormat)
}

/// Block options (RFC 7959 §2.2): block number and "more".
fn block(values: &Values) -> Option<(u32, bool)> {
    let value = number(single(values, 0..=3)?);
    Some((value >> 4, value & 8 != 0))
}

/// Whether a block option announces the reserved size.
fn is_reserved_size(values: &Values) -> bool {
    single(values, 0..=3).is_some_and(|value| number(value) & 7 == 7)
}

/// What an Observe option in a request says (RFC 7641 §2). Elective, so what it does not define is ignored.
fn observe(values: &Values) -> Option<Observe> {
    match number(single(values, 0..=3)?) {
        0 => Some(Observe::Register),
        1 => Some(Observe::Deregister),
        _ => None,
    }
}

/// The text of a Uri-Path or Uri-Query option.
fn text(value: &[u8]) -> Option<&str> {
    (value.len() <= 255).then(|| core::str::from_utf8(value).ok()).flatten()
}

/// A segment that can stand in a joined path without changing its meaning.
fn is_segment(segment: &str) -> bool {
    segment != "." && segment != ".." && !segment.contains('/')
}

/// Makes a request out of a well-formed message, or says what to answer instead.
pub(crate) fn read_request(head: &Head, packet: Packet, config: &Config) -> Result<Request, Objection> {
    let Some(method) = Method::from_number(head.code) else {
        let refused = Refused::UnknownMethod { code: head.code };
        return Err(Objection::new(refused, Code::METHOD_NOT_ALLOWED));
    };
    let mut request = Request::new(method, String::new());
    request.confirmable = head.kind == Kind::Con;
    for (&option, values) in packet.options() {
        let objection = || Objection::option(option);
        match option {
            // One name and one port: which of ours was meant makes no difference.
            URI_HOST => _ = single(values, 1..=255).ok_or_else(objection)?,
            URI_PORT => _ = single(values, 0..=2).ok_or_else(objection)?,
            URI_PATH => {
                for (place, value) in values.iter().enumerate() {
                    let segment = text(value).filter(|value| is_segment(value)).ok_or_else(objection)?;
                    if place > 0 {
                        request.path.push('/');
                    }
                    request.path.push_str(segment);
                }
            }
            URI_QUERY => {
                for value in values {
                    request.query.push(text(value).ok_or_else(objection)?.into());
                }
            }
            CONTENT_FORMAT => request.content_format = format(values),
            ACCEPT => request.accept = Some(format(values).ok_or_else(objection)?),
            OBSERVE if method == Method::Get => request.observe = observe(values),
            BLOCK1 | BLOCK2 if is_reserved_size(values) => {
                return Err(Objection::new(Refused::BadOption { number: option }, Code::BAD_REQUEST));
            }
            // Block 0 of the answer is the whole answer: ours always fit one datagram.
            BLOCK2 => match block(values) {
                Some((0, false)) => {}
                _ => return Err(objection()),
            },
            BLOCK1 => match block(values) {
                Some((0, false)) => {}
                Some((0, true)) => return Err(Objection::too_large(Refused::Blockwise, config)),
                Some(_) => {
                    return Err(Objection::new(Refused::Blockwise, Code::REQUEST_ENTITY_INCOMPLETE));
                }
                None => return Err(objection()),
            },
            PROXY_URI | PROXY_SCHEME => {
                return Err(Objection::new(Refused::NotAProxy, Code::PROXYING_NOT_SUPPORTED));
            }
            // Odd numbers are critical (§5.4.6).
            unknown if unknown % 2 == 1 => return Err(objection()),
            _ => {}
        }
    }
    let (len, limit) = (packet.payload.len(), config.payload_limit);
    if len > limit {
        return Err(Objection::too_large(Refused::PayloadTooLong { len, limit }, config));
    }
    request.payload = packet.payload;
    Ok(request)
}

/// Makes a response out of a well-formed message, with its number if it is a notification.
pub(crate) fn read_response(
    head: &Head,
    packet: Packet,
    config: &Config,
) -> Result<(Response, Option<u32>), Refused> {
    let Some(code) = Code::new(head.code >> 5, head.code & 0x1F) else {
        return Err(Refused::ReservedCode { code: head.code });
    };
    let mut response = Response::new(code);
    let mut sequence = None;
    for (&number, values) in packet.options() {
        match number {
            CONTENT_FORMAT => response.content_format = format(values),
            OBSERVE => sequence = single(values, 0..=3).map(self::number),
            MAX_AGE => response.max_age = single(values, 0..=4).map(self::number),
            // With 4.13 a server may say which block size it would have liked; there is none we could use.
            BLOCK1 => {}
            BLOCK2 if block(values) == Some((0, false)) => {}
            unknown if unknown % 2 == 1 => return Err(Refused::ResponseOption { number }),
            _ => {}
        }
    }
    let (len, limit) = (packet.payload.len(), config.payload_limit);
    if len > limit {
        return Err(Refused::PayloadTooLong { len, limit });
    }
    response.payload = packet.payload;
    Ok((response, sequence))
}

/// An Empty message: an acknowledgement or a reset (§4.1). Four bytes need no codec.
pub(crate) fn empty(kind: Kind, mid: u16) -> Vec<u8> {
    let kind = match kind {
        Kind::Con => 0x40,
        Kind::Non => 0x50,
        Kind::Ack => 0x60,
        Kind::Rst => 0x70,
    };
    let [high, low] = mid.to_be_bytes();
    alloc::vec![kind, 0, high, low]
}

fn packet(kind: Kind, code: u8, mid: u16, token: Token) -> Packet {
    let mut packet = Packet::new();
    packet.header.set_version(1);
    packet.header.set_type(match kind {
        Kind::Con => MessageType::Confirmable,
        Kind::Non => MessageType::NonConfirmable,
        Kind::Ack => MessageType::Acknowledgement,
        Kind::Rst => MessageType::Reset,
    });
    packet.header.code = MessageClass::from(code);
    packet.header.message_id = mid;
    packet.set_token(token.as_slice().to_vec());
    packet
}

fn finish(packet: &Packet, config: &Config) -> Result<Vec<u8>, SendError> {
    let (len, limit) = (packet.payload.len(), config.payload_limit);
    if len > limit {
        return Err(SendError::PayloadTooLong { len, limit });
    }
    let limit = config.datagram_limit;
    let too_long = |len| SendError::TooLong { len, limit };
    let bytes = packet.to_bytes_unlimited().map_err(|_| too_long(len))?;
    if bytes.len() > limit { Err(too_long(bytes.len())) } else { Ok(bytes) }
}

/// Writes a request.
pub(crate) fn write_request(
    request: Request,
    mid: u16,
    token: Token,
    config: &Config,
) -> Result<Vec<u8>, SendError> {
    let kind = if request.confirmable { Kind::Con } else { Kind::Non };
    let mut packet = packet(kind, request.method.number(), mid, token);
    match (request.observe, request.method) {
        (None, _) => {}
        (Some(Observe::Register), Method::Get) => packet.add_option(CoapOption::Observe, uint(0)),
        (Some(_), _) => return Err(SendError::ObserveUnfit),
    }
    let path = request.path.strip_prefix('/').unwrap_or(&request.path);
    // The root has no segments (§6.4), though splitting an empty string yields one.
    for segment in path.split('/').filter(|_| !path.is_empty()) {
        if segment.len() > 255 || !is_segment(segment) {
            return Err(SendError::PathUnfit);
        }
        packet.add_option(CoapOption::UriPath, segment.as_bytes().to_vec());
    }
    for query in request.query {
        if query.len() > 255 {
            return Err(SendError::PathUnfit);
        }
        packet.add_option(CoapOption::UriQuery, query.into_bytes());
    }
    if let Some(ContentFormat(format)) = request.content_format {
        packet.add_option(CoapOption::ContentFormat, uint(format.into()));
    }
    if let Some(ContentFormat(format)) = request.accept {
        packet.add_option(CoapOption::Accept, uint(format.into()));
    }
    packet.payload = request.payload;
    finish(&packet, config)
}

/// What a response says on the endpoint's own account.
#[derive(Clone, Copy, Default)]
pub(crate) struct Own {
    /// Size1 (§5.10.9).
    pub(crate) size1: Option<usize>,
    /// The number of a notification.
    pub(crate) observe: Option<u32>,
}

/// Writes a response.
pub(crate) fn write_response(
    kind: Kind,
    response: Response,
    own: Own,
    mid: u16,
    token: Token,
    config: &Config,
) -> Result<Vec<u8>, SendError> {
    let mut packet = packet(kind, response.code.number(), mid, token);
    if let Some(number) = own.observe {
        packet.add_option(CoapOption::Observe, uint(number));
    }
    if let Some(seconds) = response.max_age {
        packet.add_option(CoapOption::MaxAge, uint(seconds));
    }
    if let Some(ContentFormat(format)) = response.content_format {
        packet.add_option(CoapOption::ContentFormat, uint(format.into()));
    }
    if let Some(size1) = own.size1 {
        packet.add_option(CoapOption::from(SIZE1), uint(u32::try_from(size1).unwrap_or(u32::MAX)));
    }
    packet.payload = response.payload;
    finish(&packet, config)
}
