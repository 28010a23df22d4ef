//! A card's radio, byte by byte: CoAP written and read by hand, so that two mistakes cannot agree.
#![allow(dead_code)] // Each test binary uses its own part.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

use crate::town::soon;

pub(crate) const CON: u8 = 0;
pub(crate) const NON: u8 = 1;
pub(crate) const ACK: u8 = 2;
pub(crate) const RST: u8 = 3;

pub(crate) const EMPTY: u8 = 0;
pub(crate) const POST: u8 = 0x02;
/// 2.04
pub(crate) const CHANGED: u8 = 0x44;

/// `cf` as a Uri-Path option, and octet-stream as the Content-Format.
const PATH_AND_FORMAT: &[u8] = b"\xb2cf\x11\x2a";

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) mid: u16,
    pub(crate) token: Vec<u8>,
    /// Number and value.
    pub(crate) options: Vec<(u16, Vec<u8>)>,
    pub(crate) payload: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    fn read(bytes: &[u8]) -> Self {
        let (head, rest) = bytes.split_first_chunk::<4>().unwrap();
        assert_eq!(head[0] >> 6, 1, "version");
        let (token, mut rest) = rest.split_at(usize::from(head[0] & 0xf));
        let (mut options, mut number, mut payload) = (Vec::new(), 0, Vec::new());
        while let Some((&first, after)) = rest.split_first() {
            if first == 0xff {
                payload = after.to_vec();
                break;
            }
            // Nothing that the platform sends needs the longer forms.
            assert!(first >> 4 < 14 && first & 0xf < 13, "{bytes:02x?}");
            let (delta, after) = match first >> 4 {
                13 => (u16::from(after[0]) + 13, &after[1..]),
                short => (u16::from(short), after),
            };
            number += delta;
            let (value, after) = after.split_at(usize::from(first & 0xf));
            options.push((number, value.to_vec()));
            rest = after;
        }
        Self {
            kind: head[0] >> 4 & 3,
            code: head[1],
            mid: u16::from_be_bytes([head[2], head[3]]),
            token: token.to_vec(),
            options,
            payload,
            bytes: bytes.to_vec(),
        }
    }

    /// `4.05` as the standard writes it.
    pub(crate) fn code_text(&self) -> String {
        format!("{}.{:02}", self.code >> 5, self.code & 0x1f)
    }
}

/// Writes a message whose options are written already.
pub(crate) fn message(kind: u8, code: u8, mid: u16, token: &[u8], options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1 << 6 | kind << 4 | token.len() as u8, code];
    bytes.extend(mid.to_be_bytes());
    bytes.extend(token);
    bytes.extend(options);
    if !payload.is_empty() {
        bytes.push(0xff);
        bytes.extend(payload);
    }
    bytes
}

/// One card's socket.
pub(crate) struct Radio {
    socket: UdpSocket,
    station: SocketAddr,
    mid: u16,
}

impl Radio {
    pub(crate) async fn on(ip: &str, station: SocketAddr) -> Self {
        Self { socket: UdpSocket::bind((ip, 0)).await.unwrap(), station, mid: 0x1000 }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(crate) async fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.station).await.unwrap();
    }

    pub(crate) async fn receive(&self) -> Message {
        let mut buffer = [0; 2048];
        let (length, from) = soon("a datagram", self.socket.recv_from(&mut buffer)).await.unwrap();
        assert_eq!(from, self.station);
        Message::read(&buffer[..length])
    }

    /// What has arrived already, if anything.
    pub(crate) fn arrived(&self) -> Option<Message> {
        let mut buffer = [0; 2048];
        match self.socket.try_recv_from(&mut buffer) {
            Ok((length, _)) => Some(Message::read(&buffer[..length])),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                None
            }
        }
    }

    /// A message id and token that were not used before.
    pub(crate) fn fresh(&mut self) -> (u16, [u8; 2]) {
        self.mid += 1;
        (self.mid, self.mid.to_be_bytes())
    }

    /// A frame as a card posts it.
    pub(crate) fn posted(&mut self, frame: &[u8]) -> Vec<u8> {
        let (mid, token) = self.fresh();
        message(CON, POST, mid, &token, PATH_AND_FORMAT, frame)
    }

    /// Posts a frame and waits for what the platform says, at once or later.
    pub(crate) async fn say(&mut self, frame: &[u8]) -> Vec<u8> {
        let request = self.posted(frame);
        self.send(&request).await;
        let answer = self.answer().await;
        assert_eq!((answer.code_text().as_str(), &answer.token[..]), ("2.04", &request[4..6]));
        let format: &[(u16, Vec<u8>)] = if answer.payload.is_empty() { &[] } else { &[(12, vec![42])] };
        assert_eq!(answer.options, format);
        answer.payload
    }

    /// The answer to what was posted last: in its acknowledgement, or in a message of its own, which is
    /// acknowledged.
    pub(crate) async fn answer(&self) -> Message {
        loop {
            let message = self.receive().await;
            match (message.kind, message.code) {
                (ACK, EMPTY) => assert_eq!(message.mid, self.mid),
                (ACK, _) => {
                    assert_eq!(message.mid, self.mid);
                    return message;
                }
                (CON, _) => {
                    self.acknowledge(&message).await;
                    return message;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn acknowledge(&self, message: &Message) {
        self.send(&[0x60, EMPTY, (message.mid >> 8) as u8, message.mid as u8]).await;
    }

    /// Answers a request of the platform's: taken.
    pub(crate) async fn take(&self, request: &Message) {
        let taken = crate::radio::message(ACK, CHANGED, request.mid, &request.token, &[], &[]);
        self.send(&taken).await;
    }

    /// Waits until the station has dealt with all that was sent from here before: a ping comes back.
    pub(crate) async fn settled(&mut self) {
        let (mid, _) = self.fresh();
        self.send(&message(CON, EMPTY, mid, &[], &[], &[])).await;
        let pong = self.receive().await;
        assert_eq!((pong.kind, pong.code, pong.mid), (RST, EMPTY, mid));
    }
}
