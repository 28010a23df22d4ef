//! Requests and responses as the caller sees them: method or code, path, format, payload.
//!
//! Everything else of a CoAP message (type, message id, token, the block, proxy and precondition
//! options) is the endpoint's own business and is refused or answered there. Next: `wire.rs`, which
//! turns these into bytes and back, and [`crate::Endpoint::request`] and [`crate::Endpoint::respond`].

use alloc::{string::String, vec::Vec};
use core::fmt;

/// What a request asks for (RFC 7252 §5.8). Any other method is answered 4.05 by the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// 0.01
    Get,
    /// 0.02
    Post,
    /// 0.03
    Put,
    /// 0.04
    Delete,
}

impl Method {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Get => 1,
            Self::Post => 2,
            Self::Put => 3,
            Self::Delete => 4,
        }
    }

    pub(crate) const fn from_number(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Get),
            2 => Some(Self::Post),
            3 => Some(Self::Put),
            4 => Some(Self::Delete),
            _ => None,
        }
    }
}

/// A response code, class 2 to 5 (§5.9). Shown as `2.05`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u8);

impl Code {
    /// 2.01
    pub const CREATED: Self = Self(0x41);
    /// 2.02
    pub const DELETED: Self = Self(0x42);
    /// 2.03
    pub const VALID: Self = Self(0x43);
    /// 2.04
    pub const CHANGED: Self = Self(0x44);
    /// 2.05
    pub const CONTENT: Self = Self(0x45);
    /// 4.00
    pub const BAD_REQUEST: Self = Self(0x80);
    /// 4.01
    pub const UNAUTHORIZED: Self = Self(0x81);
    /// 4.02
    pub const BAD_OPTION: Self = Self(0x82);
    /// 4.03
    pub const FORBIDDEN: Self = Self(0x83);
    /// 4.04
    pub const NOT_FOUND: Self = Self(0x84);
    /// 4.05
    pub const METHOD_NOT_ALLOWED: Self = Self(0x85);
    /// 4.06
    pub const NOT_ACCEPTABLE: Self = Self(0x86);
    /// 4.08 (RFC 7959)
    pub const REQUEST_ENTITY_INCOMPLETE: Self = Self(0x88);
    /// 4.09 (RFC 8132)
    pub const CONFLICT: Self = Self(0x89);
    /// 4.13
    pub const REQUEST_ENTITY_TOO_LARGE: Self = Self(0x8D);
    /// 4.15
    pub const UNSUPPORTED_CONTENT_FORMAT: Self = Self(0x8F);
    /// 4.29 (RFC 8516)
    pub const TOO_MANY_REQUESTS: Self = Self(0x9D);
    /// 5.00
    pub const INTERNAL_SERVER_ERROR: Self = Self(0xA0);
    /// 5.01
    pub const NOT_IMPLEMENTED: Self = Self(0xA1);
    /// 5.03
    pub const SERVICE_UNAVAILABLE: Self = Self(0xA3);
    /// 5.04
    pub const GATEWAY_TIMEOUT: Self = Self(0xA4);
    /// 5.05
    pub const PROXYING_NOT_SUPPORTED: Self = Self(0xA5);

    /// The code `class.detail`, if that is a response code.
    #[must_use]
    pub const fn new(class: u8, detail: u8) -> Option<Self> {
        if class >= 2 && class <= 5 && detail <= 31 { Some(Self((class << 5) | detail)) } else { None }
    }

    /// 2 for success, 4 for the client's fault, 5 for the server's.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// The digits after the dot.
    #[must_use]
    pub const fn detail(self) -> u8 {
        self.0 & 0x1F
    }

    /// Whether the class is 2.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }

    pub(crate) const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.detail())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A content format by its registered number (§12.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentFormat(pub u16);

impl ContentFormat {
    /// text/plain; charset=utf-8
    pub const TEXT: Self = Self(0);
    /// application/octet-stream
    pub const OCTET_STREAM: Self = Self(42);
    /// application/json
    pub const JSON: Self = Self(50);
    /// application/cbor
    pub const CBOR: Self = Self(60);
}

/// What a GET says of observing (RFC 7641 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Observe {
    /// 0: the peer asks to be told of changes. Agree by [`crate::Endpoint::observe`]; an answer by
    /// [`crate::Endpoint::respond`] declines.
    Register,
    /// 1: the peer wants no more. Its observation is over already; answer as if nothing had been said.
    Deregister,
}

/// A request, to be sent or as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// The Uri-Path segments joined by `/`, without one in front: `push/7`. A received segment never
    /// holds a `/` itself and is never `.` or `..`: such requests are answered 4.02, so that a path
    /// can be matched as a string.
    pub path: String,
    /// The Uri-Query options in order: `a=1`.
    pub query: Vec<String>,
    /// The format of the payload.
    pub content_format: Option<ContentFormat>,
    /// The format wanted back. If it cannot be had, the answer is 4.06 (§5.10.4).
    pub accept: Option<ContentFormat>,
    /// The payload.
    pub payload: Vec<u8>,
    /// Whether it is repeated until acknowledged (CON) or sent once (NON).
    pub confirmable: bool,
    /// Whether it asks to observe. Only a GET can.
    pub observe: Option<Observe>,
}

impl Request {
    /// A confirmable request without payload.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            content_format: None,
            accept: None,
            payload: Vec::new(),
            confirmable: true,
            observe: None,
        }
    }

    /// A confirmable GET.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// A confirmable POST.
    #[must_use]
    pub fn post(path: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), ..Self::new(Method::Post, path) }
    }

    /// The same with a content format.
    #[must_use]
    pub fn with_format(self, format: ContentFormat) -> Self {
        Self { content_format: Some(format), ..self }
    }

    /// The same, asking to observe. It can be answered many times, until it is cancelled.
    #[must_use]
    pub fn observing(self) -> Self {
        Self { observe: Some(Observe::Register), ..self }
    }

    /// The same, sent once and not acknowledged.
    #[must_use]
    pub fn non_confirmable(self) -> Self {
        Self { confirmable: false, ..self }
    }
}

/// The answer to a request, to be sent or as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How it went.
    pub code: Code,
    /// The format of the payload.
    pub content_format: Option<ContentFormat>,
    /// For how many seconds it is fresh (§5.10.5). `None` means 60. An observer may register again when
    /// this has passed without a notification.
    pub max_age: Option<u32>,
    /// The payload; with an error code, a diagnostic text (§5.5.2).
    pub payload: Vec<u8>,
}

impl Response {
    /// A response without payload.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, content_format: None, max_age: None, payload: Vec::new() }
    }

    /// The same with a payload.
    #[must_use]
    pub fn with_payload(self, payload: impl Into<Vec<u8>>) -> Self {
        Self { payload: payload.into(), ..self }
    }

    /// The same with a content format.
    #[must_use]
    pub fn with_format(self, format: ContentFormat) -> Self {
        Self { content_format: Some(format), ..self }
    }
    /// The same, fresh for this many seconds.
    #[must_use]
    pub fn with_max_age(self, seconds: u32) -> Self {
        Self { max_age: Some(seconds), ..self }
    }
}
