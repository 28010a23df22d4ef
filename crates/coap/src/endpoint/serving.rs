//! The server's half: requests of peers and our answers to them.
//!
//! A request becomes an event at most once. Requests that cannot be granted by any application (unknown
//! critical options, blocks, proxying, too long) are answered here, without keeping any state: the same
//! message gets the same answer when it is repeated.

use alloc::{string::ToString, vec::Vec};

use coap_lite::Packet;

use crate::{
    endpoint::{Endpoint, Peer},
    error::{Refused, SendError},
    event::Event,
    exchange::{Delivery, Responder, Serving, Stage},
    message::{Code, Observe, Response},
    observation::Ended,
    time::Millis,
    wire::{self, Head, Kind, Objection, Own, Token},
};

impl<P: Peer> Endpoint<P> {
    /// Answers a request. In the acknowledgement, if that has not gone out yet; else in a message of its
    /// own, confirmable if the request was (§5.2).
    ///
    /// Never refused for want of room, since there can be no more answers than there are open requests.
    /// An answer that is too long goes out as 5.00 and is reported to the caller. To a request that asks to
    /// observe, this answer says no, and takes its peer from the list if it is on it with the same token;
    /// see [`Endpoint::observe`].
    pub fn respond(&mut self, now: Millis, to: Responder<P>, response: Response) -> Result<(), SendError> {
        if let Some(serving) = self.serving.get(&to.id)
            && serving.registers
            && serving.from == to.peer
            && let Some(id) = self.observations.find(&to.peer, serving.token)
        {
            self.observation_over(id, Ended::Declined);
        }
        self.reply(now, to, response, None).map(drop)
    }

    /// Answers a request, with the number of a notification if it begins an observation. Returns the id of the
    /// message the answer is in.
    pub(super) fn reply(
        &mut self,
        now: Millis,
        to: Responder<P>,
        response: Response,
        number: Option<u32>,
    ) -> Result<u16, SendError> {
        let own = Own { observe: number, ..Own::default() };
        let Some(serving) = self.serving.get(&to.id).filter(|serving| serving.from == to.peer) else {
            return Err(SendError::Expired);
        };
        let (token, deadline) = (serving.token, serving.deadline);
        let (key, stamp) = ((to.peer.clone(), serving.mid), serving.stamp);
        match (serving.kind, &serving.stage) {
            (_, Stage::Answered(..)) => Err(SendError::Expired),
            (Kind::Con, Stage::Unacknowledged) => {
                let (bytes, outcome) = self.write(Kind::Ack, response, own, key.1, token);
                self.memory.answered(&key, stamp, &bytes);
                self.serving_over(now, to.id);
                self.send(to.peer, bytes);
                outcome.map(|()| key.1)
            }
            (Kind::Con, Stage::Waiting) => {
                let mid = self.new_mid(&to.peer);
                let (bytes, outcome) = self.write(Kind::Con, response, own, mid, token);
                let interval = self.chance.ack_timeout(&self.config);
                let delivery = Delivery::new(bytes.clone(), interval, &self.config);
                self.timers.clear(deadline, to.id);
                if let Some(serving) = self.serving.get_mut(&to.id) {
                    serving.stage = Stage::Answered(mid, delivery);
                    serving.deadline = now.plus(interval);
                    self.timers.set(serving.deadline, to.id);
                }
                self.by_mid.insert((to.peer.clone(), mid), to.id);
                self.send(to.peer, bytes);
                outcome.map(|()| mid)
            }
            _ => {
                let mid = self.new_mid(&to.peer);
                let (bytes, outcome) = self.write(Kind::Non, response, own, mid, token);
                self.serving_over(now, to.id);
                self.send(to.peer, bytes);
                outcome.map(|()| mid)
            }
        }
    }

    /// Closes a request without an answer, for good: the peer is told at once that it arrived (if it was
    /// confirmable), and nothing more. For requests whose effect is all that was wanted.
    pub fn dismiss(&mut self, now: Millis, responder: Responder<P>) {
        let Some(serving) = self.serving.get(&responder.id).filter(|serving| serving.from == responder.peer)
        else {
            return;
        };
        if matches!(serving.stage, Stage::Unacknowledged) {
            self.acknowledge(responder.id);
        }
        self.serving_over(now, responder.id);
    }

    /// The bytes of an answer; if it is too long, those of a 5.00 and the reason.
    fn write(
        &self,
        kind: Kind,
        response: Response,
        own: Own,
        mid: u16,
        token: Token,
    ) -> (Vec<u8>, Result<(), SendError>) {
        match wire::write_response(kind, response, own, mid, token, &self.config) {
            Ok(bytes) => (bytes, Ok(())),
            Err(error) => {
                let response = Response::new(Code::INTERNAL_SERVER_ERROR);
                (self.write_short(kind, response, None, mid, token), Err(error))
            }
        }
    }

    /// The bytes of a no of ours: with its text, if any, where that fits, else without. A bare code fits any
    /// limit worth setting; should it not, a Reset is the shortest way to say no.
    fn write_short(
        &self,
        kind: Kind,
        response: Response,
        size1: Option<usize>,
        mid: u16,
        token: Token,
    ) -> Vec<u8> {
        let own = Own { size1, ..Own::default() };
        let bare = Response::new(response.code);
        wire::write_response(kind, response, own, mid, token, &self.config)
            .or_else(|_| wire::write_response(kind, bare, own, mid, token, &self.config))
            .unwrap_or_else(|_| wire::empty(Kind::Rst, mid))
    }

    /// A request that is not a repetition.
    pub(super) fn requested(
        &mut self,
        now: Millis,
        from: P,
        head: &Head,
        packet: Packet,
        fingerprint: u64,
    ) -> Result<(), Refused> {
        let limit = self.config.exchanges_per_peer;
        if self.peers.look(&from).is_some_and(|book| book.serving >= limit) {
            return Err(Refused::PeerFlood { limit });
        }
        let limit = self.config.exchanges_total;
        if self.serving.len() >= limit {
            return Err(Refused::ExchangesFull { limit });
        }
        let token = Token::new(packet.get_token());
        let request = match wire::read_request(head, packet, &self.config) {
            Ok(request) => request,
            Err(objection) => return Err(self.object(now, from, head, token, &objection)),
        };
        let confirmable = head.kind == Kind::Con;
        let expires = now.plus(self.config.exchange_lifetime_ms());
        let (stage, deadline) = if confirmable {
            (Stage::Unacknowledged, now.plus(self.config.ack_delay_ms))
        } else {
            (Stage::Waiting, expires)
        };
        let stamp = self.memory.remember(now, (from.clone(), head.mid), fingerprint, confirmable, None);
        let id = self.new_id();
        self.timers.set(deadline, id);
        self.peers.book(&from).serving += 1;
        let (mid, kind) = (head.mid, head.kind);
        // Whatever the caller answers, the peer wants no more of these (RFC 7641 §4.1).
        if request.observe == Some(Observe::Deregister)
            && let Some(id) = self.observations.find(&from, token)
        {
            self.observation_over(id, Ended::Deregistered);
        }
        let serving = Serving {
            from: from.clone(),
            token,
            mid,
            kind,
            stamp,
            stage,
            expires,
            deadline,
            registers: request.observe == Some(Observe::Register),
            observation: None,
        };
        self.serving.insert(id, serving);
        let responder = Responder { id, peer: from.clone() };
        self.events.push_back(Event::Request { from, request, responder });
        Ok(())
    }

    /// Says no to a request on the application's behalf.
    fn object(&mut self, now: Millis, from: P, head: &Head, token: Token, objection: &Objection) -> Refused {
        let (code, size1) = (objection.code, objection.size1);
        let mut response = Response::new(code);
        // §5.4.1: the answer should say which option it was. The text holds its number, and nothing of the peer's.
        if matches!(objection.refused, Refused::BadOption { .. }) {
            response.payload = objection.refused.to_string().into_bytes();
        }
        if head.kind == Kind::Con {
            let bytes = self.write_short(Kind::Ack, response, size1, head.mid, token);
            self.send(from, bytes);
        } else if code != Code::BAD_OPTION {
            // §5.4.1: a bad option in a non-confirmable message is passed over in silence.
            let mid = self.new_mid(&from);
            self.peers.settle(now, &from);
            let bytes = self.write_short(Kind::Non, response, size1, mid, token);
            self.send(from, bytes);
        }
        objection.refused
    }

    /// Sends the empty acknowledgement of a request and remembers it for repetitions.
    fn acknowledge(&mut self, id: u64) {
        let Some(serving) = self.serving.get_mut(&id) else {
            return;
        };
        serving.stage = Stage::Waiting;
        let bytes = wire::empty(Kind::Ack, serving.mid);
        let to = serving.from.clone();
        self.memory.answered(&(to.clone(), serving.mid), serving.stamp, &bytes);
        self.send(to, bytes);
    }

    /// The deadline of a peer's request: acknowledge it, repeat the separate answer, or let it go.
    pub(super) fn serving_due(&mut self, now: Millis, id: u64) {
        let Some(serving) = self.serving.get_mut(&id) else {
            return;
        };
        match &mut serving.stage {
            Stage::Unacknowledged => {
                serving.deadline = serving.expires;
                self.timers.set(serving.deadline, id);
                self.acknowledge(id);
            }
            Stage::Waiting => {
                self.tally.unanswered = self.tally.unanswered.saturating_add(1);
                self.serving_over(now, id);
            }
            Stage::Answered(_, delivery) => match delivery.again() {
                Some(bytes) => {
                    serving.deadline = now.plus(delivery.interval());
                    self.timers.set(serving.deadline, id);
                    let to = serving.from.clone();
                    self.tally.retransmitted = self.tally.retransmitted.saturating_add(1);
                    self.send(to, bytes);
                }
                None => self.serving_undelivered(now, id, Ended::TimedOut),
            },
        }
    }

    /// A separate answer did not arrive. If it began an observation, that is over (RFC 7641 §4.5).
    pub(super) fn serving_undelivered(&mut self, now: Millis, id: u64, reason: Ended) {
        self.tally.undelivered = self.tally.undelivered.saturating_add(1);
        let observation = self.serving.get(&id).and_then(|serving| serving.observation);
        if let Some(observation) = observation {
            self.observation_over(observation, reason);
        }
        self.serving_over(now, id);
    }

    pub(super) fn serving_over(&mut self, now: Millis, id: u64) {
        let Some(serving) = self.serving.remove(&id) else {
            return;
        };
        self.timers.clear(serving.deadline, id);
        if let Stage::Answered(mid, _) = serving.stage {
            self.by_mid.remove(&(serving.from.clone(), mid));
        }
        let book = self.peers.book(&serving.from);
        book.serving = book.serving.saturating_sub(1);
        self.peers.settle(now, &serving.from);
    }
}
