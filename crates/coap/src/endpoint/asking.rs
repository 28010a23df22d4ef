//! The client's half: requests of ours and the answers to them.
//!
//! A request ends with exactly one event, `Response` or `Failed`, or silently when it is cancelled. It
//! is never sent again under a new message id: whether to ask once more is the caller's decision. One that
//! observes (RFC 7641 §3) is answered any number of times before it ends; it has no deadline then, and is
//! not registered again by itself.

use coap_lite::Packet;

use crate::{
    endpoint::{Endpoint, Peer},
    error::{Failure, Refused, SendError},
    event::Event,
    exchange::{Asking, Delivery, ExchangeId},
    message::Request,
    observation::is_newer,
    time::Millis,
    wire::{self, Head, Kind, Token},
};

impl<P: Peer> Endpoint<P> {
    /// Asks a peer. Refused by name if too much is open already; nothing is queued to be sent later.
    pub fn request(&mut self, now: Millis, to: P, request: Request) -> Result<ExchangeId, SendError> {
        self.latest = now;
        self.room_to_ask(&to)?;
        let limit = self.config.exchanges_per_peer;
        if self.peers.look(&to).is_some_and(|book| book.asking >= limit) {
            return Err(SendError::PeerFull { limit });
        }
        let (confirmable, registers) = (request.confirmable, request.observe.is_some());
        let (mid, token) = (self.new_mid(&to), self.new_token(&to));
        let bytes = match wire::write_request(request, mid, token, &self.config) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.peers.settle(now, &to);
                return Err(error);
            }
        };
        let id = self.new_id();
        let delivery = confirmable.then(|| {
            let interval = self.chance.ack_timeout(&self.config);
            Delivery::new(bytes.clone(), interval, &self.config)
        });
        let wait =
            delivery.as_ref().map_or_else(|| self.config.plain_wait_ms(bytes.len()), Delivery::interval);
        let deadline = now.plus(wait);
        let book = self.peers.book(&to);
        book.outstanding += 1;
        book.asking += 1;
        self.timers.set(deadline, id);
        self.by_token.insert((to.clone(), token), id);
        self.by_mid.insert((to.clone(), mid), id);
        let asking = Asking {
            to: to.clone(),
            token,
            mid: Some(mid),
            delivery,
            outstanding: true,
            deadline,
            registers,
            newest: None,
        };
        self.asking.insert(id, asking);
        self.send(to, bytes);
        Ok(ExchangeId(id))
    }

    /// Whether one more message may be sent that the peer has to acknowledge or answer.
    pub(super) fn room_to_ask(&self, to: &P) -> Result<(), SendError> {
        let limit = self.config.exchanges_total;
        if self.asking.len() + self.notifying.len() >= limit {
            return Err(SendError::ExchangesFull { limit });
        }
        let limit = self.config.nstart;
        if self.peers.look(to).is_some_and(|book| book.outstanding >= limit) {
            return Err(SendError::PeerBusy { limit });
        }
        let limit = self.config.pending_transmits;
        if self.transmits.len() >= limit {
            return Err(SendError::QueueFull { limit });
        }
        Ok(())
    }

    /// Forgets a request of ours; no event will come of it. An answer that still arrives is reset if
    /// confirmable (§4.2), which also ends an observation (RFC 7641 §3.6). Events already waiting are not
    /// taken back.
    pub fn cancel(&mut self, exchange: ExchangeId) {
        self.asking_over(self.latest, exchange.0);
    }

    /// A token no open request to this peer has.
    fn new_token(&mut self, to: &P) -> Token {
        loop {
            let token = Token::new(&self.chance.word().to_be_bytes());
            if !self.by_token.contains_key(&(to.clone(), token)) {
                return token;
            }
        }
    }

    /// A response in an acknowledgement (§5.2.1): message id and token must both be the request's.
    pub(super) fn answered_at_once(
        &mut self,
        now: Millis,
        from: P,
        head: &Head,
        packet: Packet,
    ) -> Result<(), Refused> {
        let id = *self.by_mid.get(&(from.clone(), head.mid)).ok_or(Refused::UnknownMessage)?;
        let asking = self.asking.get(&id).ok_or(Refused::UnknownMessage)?;
        if asking.token != Token::new(packet.get_token()) {
            return Err(Refused::TokenMismatch);
        }
        self.answered(now, id, from, head, packet)
    }

    /// A response in a message of its own (§5.2.2, §5.2.3), whether or not the request has been
    /// acknowledged: the acknowledgement may have been lost, or overtaken.
    pub(super) fn answered_separately(
        &mut self,
        now: Millis,
        from: P,
        head: &Head,
        packet: Packet,
        fingerprint: u64,
    ) -> Result<(), Refused> {
        let token = Token::new(packet.get_token());
        let Some(&id) = self.by_token.get(&(from.clone(), token)) else {
            self.reject(head, from);
            return Err(Refused::UnknownResponse);
        };
        let outcome = self.answered(now, id, from.clone(), head, packet);
        if outcome.is_err_and(|refused| refused != Refused::StaleNotification) {
            self.reject(head, from);
            return outcome;
        }
        let confirmable = head.kind == Kind::Con;
        let answer = confirmable.then(|| wire::empty(Kind::Ack, head.mid));
        self.memory.remember(now, (from.clone(), head.mid), fingerprint, confirmable, answer.clone());
        if let Some(bytes) = answer {
            self.send(from, bytes);
        }
        outcome
    }

    fn answered(
        &mut self,
        now: Millis,
        id: u64,
        from: P,
        head: &Head,
        packet: Packet,
    ) -> Result<(), Refused> {
        match wire::read_response(head, packet, &self.config) {
            Ok((response, number)) => {
                let number = number.filter(|_| response.code.is_success());
                let observing = self.observed(now, id, number)?;
                if !observing {
                    self.asking_over(now, id);
                }
                let exchange = ExchangeId(id);
                self.events.push_back(Event::Response { exchange, from, response, observing });
                Ok(())
            }
            Err(refused) => {
                self.asking_failed(now, id, Failure::Unusable);
                Err(refused)
            }
        }
    }

    /// Whether a request of ours stays open after this answer, because it observes.
    fn observed(&mut self, now: Millis, id: u64, number: Option<u32>) -> Result<bool, Refused> {
        let Some(asking) = self.asking.get_mut(&id).filter(|asking| asking.registers) else {
            return Ok(false);
        };
        let Some(number) = number else {
            return Ok(false);
        };
        if let Some((newest, at)) = asking.newest
            && !is_newer(number, newest, now.since(at))
        {
            return Err(Refused::StaleNotification);
        }
        asking.newest = Some((number, now));
        // From here on it waits without end, and its message id is free.
        asking.delivery = None;
        self.timers.clear(asking.deadline, id);
        if let Some(mid) = asking.mid.take() {
            self.by_mid.remove(&(asking.to.clone(), mid));
        }
        if core::mem::take(&mut asking.outstanding) {
            let book = self.peers.book(&asking.to);
            book.outstanding = book.outstanding.saturating_sub(1);
        }
        Ok(true)
    }

    /// The request has arrived; nothing more is repeated, and the answer is waited for.
    pub(super) fn asking_acknowledged(&mut self, now: Millis, id: u64) {
        let Some(asking) = self.asking.get_mut(&id) else {
            return;
        };
        if asking.delivery.take().is_none() {
            return; // A second acknowledgement, or one of a message that asked for none.
        }
        self.timers.clear(asking.deadline, id);
        asking.deadline = now.plus(self.config.answer_wait_ms);
        self.timers.set(asking.deadline, id);
        if core::mem::take(&mut asking.outstanding) {
            let book = self.peers.book(&asking.to);
            book.outstanding = book.outstanding.saturating_sub(1);
        }
        self.events.push_back(Event::Acknowledged { exchange: ExchangeId(id) });
    }

    /// The deadline of a request: repeat it, or give up.
    pub(super) fn asking_due(&mut self, now: Millis, id: u64) {
        let Some(asking) = self.asking.get_mut(&id) else {
            return;
        };
        let Some(delivery) = &mut asking.delivery else {
            return self.asking_failed(now, id, Failure::NoAnswer);
        };
        let Some(bytes) = delivery.again() else {
            return self.asking_failed(now, id, Failure::TimedOut);
        };
        asking.deadline = now.plus(delivery.interval());
        self.timers.set(asking.deadline, id);
        let to = asking.to.clone();
        self.tally.retransmitted = self.tally.retransmitted.saturating_add(1);
        self.send(to, bytes);
    }

    pub(super) fn asking_failed(&mut self, now: Millis, id: u64, reason: Failure) {
        self.asking_over(now, id);
        self.events.push_back(Event::Failed { exchange: ExchangeId(id), reason });
    }

    fn asking_over(&mut self, now: Millis, id: u64) {
        let Some(asking) = self.asking.remove(&id) else {
            return;
        };
        self.timers.clear(asking.deadline, id);
        let book = self.peers.book(&asking.to);
        book.asking = book.asking.saturating_sub(1);
        if asking.outstanding {
            book.outstanding = book.outstanding.saturating_sub(1);
        }
        self.peers.settle(now, &asking.to);
        self.by_token.remove(&(asking.to.clone(), asking.token));
        if let Some(mid) = asking.mid {
            self.by_mid.remove(&(asking.to, mid));
        }
    }
}
