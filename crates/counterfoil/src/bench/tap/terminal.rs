//! A terminal as small as it can be: its keys, one kept connection, and the loop of `tap::application`.
//!
//! Refuses: everything that makes `counterfoil-terminal` fit for people: renewing keys, sending again, reports.
//! Nothing of it is done while nothing fails, and what it would cost stands beside the bank on the same cores.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::{Direction, MessageKey, PinKey, TerminalSuite};
use model::TerminalId;
use server::{Chance as _, SystemChance};
use tap::application::{Application, Step};
use tap::card::WalletCard;
use tap::{CardNeed, Driver, DriverPack, Header, Opening, Outcome, Reader, ReaderError, Report};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ProtocolVersion;
use tokio_rustls::rustls::pki_types::ServerName;

/// The only suite that is measured.
pub(super) const SUITE: TerminalSuite = TerminalSuite::Aes128Gcm;
/// How long a reader may take to find the card that is held to it.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// How long one load took.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoadTimes {
    /// From its opening to its end.
    pub(super) whole: Duration,
    /// The round trips that the card waited for in the field.
    pub(super) field_round_trip: Duration,
    /// From SELECT to the answer of CREDIT FOR LOAD, without these round trips: card and reader.
    pub(super) card_and_reader: Duration,
    /// How many round trips the card waited for.
    pub(super) round_trips_in_field: u32,
}

/// A terminal with its working key.
pub(super) struct Terminal {
    pub(super) id: TerminalId,
    pub(super) key_id: u32,
    pub(super) message_key: MessageKey,
    pub(super) pin_key: PinKey,
    sequence: u64,
    line: Option<Line>,
}

impl Terminal {
    pub(super) fn new(id: TerminalId, key_id: u32, message_key: MessageKey, pin_key: PinKey) -> Self {
        Self { id, key_id, message_key, pin_key, sequence: 0, line: None }
    }

    pub(super) async fn connect(&mut self, bank: SocketAddr, tls: TlsConnector) -> Result<(), String> {
        self.line = Some(Line::open(bank, tls).await?);
        Ok(())
    }

    /// One load from its opening to its end.
    pub(super) async fn load(
        &mut self,
        reader: &mut (impl Reader + Send),
        pack: &Arc<DriverPack>,
        opening: Opening,
    ) -> Result<LoadTimes, String> {
        let began = Instant::now();
        let (mut in_field, mut round_trips_in_field) = (Duration::ZERO, 0);
        let (mut first_command, mut last_answer) = (None, began);
        let mut application = Application::new(Driver::new(Arc::clone(pack)));
        application.open(&opening.to_text());
        loop {
            match application.step() {
                Step::PresentCard => {
                    present(reader).await.map_err(|error| error.to_string())?;
                    application.card_presented();
                }
                Step::Transmit(apdu) => {
                    first_command.get_or_insert_with(Instant::now);
                    let answer = reader.transmit(&apdu).map_err(|error| error.to_string())?;
                    last_answer = Instant::now();
                    application.answered(&answer);
                }
                Step::Exchange { message, card } => {
                    let sent = Instant::now();
                    let answer = self.exchange(&message).await?;
                    match card {
                        CardNeed::Waits => {
                            in_field += sent.elapsed();
                            round_trips_in_field += 1;
                        }
                        CardNeed::NotYet | CardNeed::Done => {}
                    }
                    application.received(&answer);
                }
                Step::End(text) => {
                    reader.disconnect();
                    let report = Report::read(&text).map_err(|error| error.to_string())?;
                    if report.outcome() != Some(Outcome::Loaded) {
                        return Err(format!("it ended {:?}", report.outcome().map(Outcome::name)));
                    }
                    let field = last_answer.duration_since(first_command.unwrap_or(began));
                    return Ok(LoadTimes {
                        whole: began.elapsed(),
                        field_round_trip: in_field,
                        card_and_reader: field.saturating_sub(in_field),
                        round_trips_in_field,
                    });
                }
            }
        }
    }

    /// One message to the bank, sealed, and its answer, opened.
    async fn exchange(&mut self, message: &str) -> Result<String, String> {
        self.sequence += 1;
        let header = Header { suite: SUITE, terminal: self.id, key_id: self.key_id, sequence: self.sequence };
        let random = SystemChance.draw().to_be_bytes();
        let nonce = &random[..SUITE.nonce_length()];
        let sealed =
            tap::envelope::seal(&self.message_key, Direction::ToBank, &header, nonce, message.as_bytes())
                .map_err(|error| error.to_string())?;
        let line = self.line.as_mut().ok_or("the terminal has no connection")?;
        let answer = line.post(&sealed).await?;
        let text = tap::envelope::open_answer(&self.message_key, &header, answer)
            .map_err(|error| error.to_string())?;
        String::from_utf8(text).map_err(|error| error.to_string())
    }
}

/// A real service notices a card after a while.
async fn present(reader: &mut (impl Reader + Send)) -> Result<(), ReaderError> {
    let until = Instant::now() + CONNECT_WAIT;
    loop {
        match reader.connect() {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A kept connection that speaks as much HTTP as the bank's answers need: a status line and a length.
struct Line {
    stream: TlsStream<TcpStream>,
    host: String,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Line {
    async fn open(bank: SocketAddr, tls: TlsConnector) -> Result<Self, String> {
        let stream = TcpStream::connect(bank).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let name = ServerName::from(bank.ip());
        let stream = tls.connect(name, stream).await.map_err(|error| error.to_string())?;
        if stream.get_ref().1.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
            return Err("the bank does not speak TLS 1.3".into());
        }
        Ok(Self { stream, host: bank.to_string(), request: Vec::new(), answer: Vec::new() })
    }

    async fn post(&mut self, body: &[u8]) -> Result<&[u8], String> {
        self.request.clear();
        let head = write!(
            self.request,
            "POST /tap HTTP/1.1\r\nhost: {}\r\ncontent-type: application/octet-stream\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len(),
        );
        head.map_err(|error| error.to_string())?;
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await.map_err(|error| error.to_string())?;
        self.stream.flush().await.map_err(|error| error.to_string())?;
        self.answer.clear();
        let body = loop {
            let read = self.stream.read_buf(&mut self.answer).await.map_err(|error| error.to_string())?;
            if read == 0 {
                return Err("the bank closed the connection".into());
            }
            if let Some(body) = body_of(&self.answer)? {
                break body;
            }
        };
        Ok(&self.answer[body])
    }
}

/// Where the body is of an answer that is there as a whole.
fn body_of(answer: &[u8]) -> Result<Option<std::ops::Range<usize>>, String> {
    const GAP: &[u8] = b"\r\n\r\n";
    let Some(gap) = answer.windows(GAP.len()).position(|bytes| bytes == GAP) else { return Ok(None) };
    let head = String::from_utf8_lossy(&answer[..gap]);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let begin = gap + GAP.len();
    let end = begin + length.ok_or("an answer without its length")?;
    if answer.len() < end {
        return Ok(None);
    }
    if !head.starts_with("HTTP/1.1 200") {
        let body = String::from_utf8_lossy(&answer[begin..end]);
        return Err(format!("the bank refused: {} {body}", head.lines().next().unwrap_or_default()));
    }
    Ok(Some(begin..end))
}

/// A card in memory as its own reader.
pub(super) struct InMemory<'c>(pub(super) &'c mut WalletCard);

impl Reader for InMemory<'_> {
    fn connect(&mut self) -> Result<(), ReaderError> {
        self.0.reset();
        Ok(())
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let mut drawn = true;
        let step = self.0.process(apdu, &mut |bytes| drawn &= getrandom::fill(bytes).is_ok());
        if drawn { Ok(step.answer) } else { Err(ReaderError::Failed("no randomness".into())) }
    }

    fn disconnect(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_once_its_body_is_there_as_a_whole() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        for end in 0..answer.len() {
            assert_eq!(body_of(&answer[..end]), Ok(None), "{end}");
        }
        assert_eq!(body_of(answer), Ok(Some(38..41)));
    }

    #[test]
    fn a_refusal_and_an_answer_without_its_length_are_no_answers() {
        let refused = b"HTTP/1.1 409 Conflict\r\ncontent-length: 4\r\n\r\nseen";
        assert_eq!(body_of(refused), Err("the bank refused: HTTP/1.1 409 Conflict seen".into()));
        assert!(body_of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
