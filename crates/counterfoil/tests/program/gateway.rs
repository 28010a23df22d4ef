//! The SMS gateway that a bank posts to: it takes every text and keeps it until somebody reads it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::process::PATIENCE;

/// A gateway that runs as long as the test does.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) port: u16,
    answers: bool,
    inbox: Arc<(Mutex<Vec<Text>>, Condvar)>,
}

/// A text message on its way to a phone.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Gateway {
    pub(crate) fn open() -> Self {
        Self::that(true)
    }

    /// One that takes texts and never says so.
    pub(crate) fn silent() -> Self {
        Self::that(false)
    }

    fn that(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gateway = Self { port: listener.local_addr().unwrap().port(), answers, inbox: Arc::default() };
        let inside = gateway.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let gateway = inside.clone();
                std::thread::spawn(move || gateway.take(stream));
            }
        });
        gateway
    }

    /// One request. A bank that was killed in the middle of one is no trouble.
    fn take(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while stream.read_line(&mut line).ok()? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok().filter(|()| length > 0)?;
        let body: Value = serde_json::from_slice(&body).expect("the template is JSON");
        let [to, text] = ["to", "text"].map(|name| body[name].as_str().unwrap().to_owned());
        let (inbox, came) = &*self.inbox;
        inbox.lock().unwrap().push(Text { to, text });
        came.notify_all();
        if !self.answers {
            // Whoever posted it waits, or is gone.
            let _ = stream.read(&mut [0]);
            return None;
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.get_mut().write_all(answer).ok()
    }

    /// Takes the first text about the card that ends so out of the inbox, once it is there.
    #[track_caller]
    pub(crate) fn text_about(&self, asn: &str) -> Text {
        let found = self.text_within(asn, PATIENCE);
        found.unwrap_or_else(|| panic!("no text about {asn}"))
    }

    pub(crate) fn text_within(&self, asn: &str, patience: Duration) -> Option<Text> {
        let card = format!("ending in {}.", &asn[asn.len() - 4..]);
        let (inbox, came) = &*self.inbox;
        let position = |texts: &Vec<Text>| texts.iter().position(|text| text.text.contains(&card));
        let texts = inbox.lock().unwrap();
        let (mut texts, _) =
            came.wait_timeout_while(texts, patience, |texts| position(texts).is_none()).unwrap();
        position(&texts).map(|position| texts.remove(position))
    }

    /// How many texts nobody has read.
    pub(crate) fn unread(&self) -> usize {
        self.inbox.0.lock().unwrap().len()
    }
}

impl Text {
    /// Its six digits.
    pub(crate) fn code(&self) -> String {
        let mut runs = self.text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6);
        runs.next().unwrap_or_else(|| panic!("no code in {}", self.text)).to_owned()
    }
}
