//! A bank of the test's own: keys, sequences and envelopes as the protocol says, and what it answers as the test
//! says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use crypto::{ActivationSecret, Direction, MessageKey, PinKey, TerminalRootKey, TerminalSuite};
use serde_json::{Value, json};
use tap::message::{Body, Message};
use tap::{Envelope, RefusalCode, SequenceMark, envelope};

use crate::TERMINAL;
use crate::stand::Reply;

const HOUR: i64 = 3_600_000;

/// What the bank does with one message.
pub(crate) enum Act {
    /// Answers it.
    Say(Box<dyn FnOnce(&Message) -> Body + Send>),
    Refuse(RefusalCode),
    /// Does nothing, or has done all and its answer is lost.
    Close,
    /// Under another key than the terminal's.
    Forge,
}

pub(crate) fn say(body: impl FnOnce(&Message) -> Body + Send + 'static) -> Act {
    Act::Say(Box::new(body))
}

pub(crate) struct Bank {
    root: TerminalRootKey,
    code: ActivationSecret,
    inner: Mutex<Inner>,
}

struct Inner {
    suite: TerminalSuite,
    key_id: u32,
    /// How long the next working key lives.
    key_millis: i64,
    /// When each working key ends.
    ends: BTreeMap<u32, i64>,
    marks: BTreeMap<u32, SequenceMark>,
    /// How far the bank's clock is from the system's.
    ahead: i64,
    acts: VecDeque<Act>,
    heard: Vec<Message>,
    asked: Vec<String>,
    sms: Value,
    ask_acts: VecDeque<Reply>,
}

impl Bank {
    pub(crate) fn new() -> Self {
        let inner = Inner {
            suite: TerminalSuite::Aes128Gcm,
            key_id: 0,
            key_millis: 12 * HOUR,
            ends: BTreeMap::new(),
            marks: BTreeMap::new(),
            ahead: 0,
            acts: VecDeque::new(),
            heard: Vec::new(),
            asked: Vec::new(),
            sms: Value::Null,
            ask_acts: VecDeque::new(),
        };
        Self {
            root: TerminalRootKey::from_bytes([0x41; 16]),
            code: ActivationSecret::from_bytes([0x42; 16]),
            inner: Mutex::new(inner),
        }
    }

    pub(crate) fn code(&self) -> &ActivationSecret {
        &self.code
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn set_suite(&self, suite: TerminalSuite) {
        self.lock().suite = suite;
    }

    pub(crate) fn set_key_millis(&self, millis: i64) {
        self.lock().key_millis = millis;
    }

    pub(crate) fn set_ahead(&self, millis: i64) {
        self.lock().ahead = millis;
    }

    pub(crate) fn set_sms(&self, answer: Value) {
        self.lock().sms = answer;
    }

    /// Ends a working key now.
    pub(crate) fn end_key(&self, id: u32) {
        self.lock().ends.insert(id, 0);
    }

    /// The next messages are treated so.
    pub(crate) fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.lock().acts.extend(acts);
    }

    /// The next things asked of the security server end so.
    pub(crate) fn will_at_ask(&self, replies: impl IntoIterator<Item = Reply>) {
        self.lock().ask_acts.extend(replies);
    }

    /// Every message that was opened and acted on, first to last.
    pub(crate) fn heard(&self) -> Vec<Message> {
        self.lock().heard.clone()
    }

    /// What was asked of the security server: the word of each.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.lock().asked.clone()
    }

    /// The highest sequence under a key.
    pub(crate) fn highest(&self, key_id: u32) -> u64 {
        self.lock().marks.get(&key_id).map_or(0, |mark| mark.highest)
    }

    pub(crate) fn key_id(&self) -> u32 {
        self.lock().key_id
    }

    pub(crate) fn pin_key(&self, key_id: u32) -> PinKey {
        self.root.working_keys(TERMINAL, key_id).pin_key()
    }

    pub(crate) fn activated(&self) -> Value {
        let master = self.root.master_key(TERMINAL, 1);
        let inner = self.lock();
        json!({
            "wrapped_master": hex::encode(self.code.wrap(TERMINAL, &master).unwrap().0),
            "check_value": master.check_value().to_string(),
            "suite": inner.suite.number(),
            "pack_signers": [hex::encode(packs::example_signer().to_bytes())],
            "now": now(&inner),
        })
    }

    pub(crate) fn answer(&self, path: &str, body: &[u8]) -> Reply {
        match path {
            "/activate" => {
                let request: Value = serde_json::from_slice(body).unwrap();
                assert_eq!(request["terminal"], TERMINAL.to_string());
                let code: ActivationSecret = request["code"].as_str().unwrap().parse().unwrap();
                if code == self.code {
                    Reply::json(200, self.activated())
                } else {
                    Reply::refusal(403, "wrong_code")
                }
            }
            "/ask" => self.ask(body),
            "/tap" => self.tap(body),
            other => panic!("nothing is at {other}"),
        }
    }

    fn key(&self, id: u32, suite: TerminalSuite) -> MessageKey {
        match id {
            0 => self.root.master_key(TERMINAL, 1).message_key(),
            id => self.root.working_keys(TERMINAL, id).message_key(suite),
        }
    }

    fn open<'a>(&self, inner: &mut Inner, body: &'a [u8]) -> Result<(Envelope<'a>, Vec<u8>), Reply> {
        let refuse = |code: RefusalCode| Reply::refusal(code.status(), code.code());
        let envelope = Envelope::parse(body).map_err(|_| refuse(RefusalCode::MalformedEnvelope))?;
        let header = envelope.header;
        assert_eq!(header.terminal, TERMINAL);
        if header.key_id != 0 {
            match inner.ends.get(&header.key_id) {
                None => return Err(refuse(RefusalCode::UnknownKey)),
                Some(end) if now(inner) >= *end => return Err(refuse(RefusalCode::KeyExpired)),
                Some(_) => {}
            }
        }
        let key = self.key(header.key_id, inner.suite);
        let text =
            envelope::open(&key, Direction::ToBank, &envelope).map_err(|_| refuse(RefusalCode::WrongCode))?;
        let mark = inner.marks.entry(header.key_id).or_default();
        mark.accept(header.sequence).map_err(|_| refuse(RefusalCode::Replayed))?;
        Ok((envelope, text))
    }

    fn sealed(&self, request: &Envelope<'_>, key: &MessageKey, text: &[u8]) -> Reply {
        let mut nonce = vec![0; key.suite().nonce_length()];
        getrandom::fill(&mut nonce).unwrap();
        let answer = envelope::seal(key, Direction::ToTerminal, &request.header, &nonce, text);
        Reply::Answer(200, answer.unwrap())
    }

    fn ask(&self, body: &[u8]) -> Reply {
        let mut inner = self.lock();
        let (request, text) = match self.open(&mut inner, body) {
            Ok(opened) => opened,
            Err(refusal) => return refusal,
        };
        let ask: Value = serde_json::from_slice(&text).unwrap();
        inner.asked.push(ask["ask"].as_str().unwrap().into());
        if let Some(reply) = inner.ask_acts.pop_front() {
            return reply;
        }
        let answer = match ask["ask"].as_str().unwrap() {
            "working_key" => {
                inner.key_id += 1;
                let id = inner.key_id;
                let keys = self.root.working_keys(TERMINAL, id);
                let wrapped = self.root.master_key(TERMINAL, 1).wrapping().wrap_keys(&keys).unwrap();
                let end = now(&inner) + inner.key_millis;
                inner.ends.insert(id, end);
                json!({
                    "key_id": id,
                    "wrapped": hex::encode(wrapped.0),
                    "check_value": keys.check_value().to_string(),
                    "expires_at": end,
                    "renew_before_seconds": 900,
                    "now": now(&inner),
                })
            }
            "key_state" => {
                let id = u32::try_from(ask["key_id"].as_u64().unwrap()).unwrap();
                let (end, now) = (inner.ends.get(&id).copied(), now(&inner));
                json!({
                    "good": end.is_some_and(|end| now < end),
                    "expires_at": end,
                    "must_renew": end.is_none_or(|end| now + 900_000 > end),
                    "now": now,
                })
            }
            "sms_code" => {
                assert_eq!((&ask["industry"], &ask["transaction"]), (&json!("0101"), &json!("load")));
                inner.sms.clone()
            }
            other => panic!("nobody asks {other}"),
        };
        self.sealed(&request, &self.key(0, inner.suite), answer.to_string().as_bytes())
    }

    fn tap(&self, body: &[u8]) -> Reply {
        let mut inner = self.lock();
        let (request, text) = match self.open(&mut inner, body) {
            Ok(opened) => opened,
            Err(refusal) => return refusal,
        };
        let message = Message::parse(std::str::from_utf8(&text).unwrap()).unwrap();
        inner.heard.push(message.clone());
        let key = self.key(request.header.key_id, inner.suite);
        match inner.acts.pop_front().expect("the test says what the bank does") {
            Act::Refuse(code) => Reply::refusal(code.status(), code.code()),
            Act::Close => Reply::Close,
            Act::Forge => {
                let other = self.key(u32::MAX, inner.suite);
                self.sealed(&request, &other, b"A01010101090000")
            }
            Act::Say(body) => {
                let Message { industry, transaction, .. } = message;
                let answer = Message { industry, transaction, body: body(&message) };
                self.sealed(&request, &key, answer.to_text().as_bytes())
            }
        }
    }
}

fn now(inner: &Inner) -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap() + inner.ahead
}
