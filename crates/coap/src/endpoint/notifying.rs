//! The server's half of Observe (RFC 7641): who is told, and what becomes of what they are told.
//!
//! Every notification is confirmable, because for the caller each carries something that must not be lost
//! unseen; §4.5 asks for one in a while at least. One is under way to an observer at a time. A newer one
//! does not take its place, as §4.5.2 would allow, but is refused by name, so that the caller decides what
//! waits. A notification that was sent runs to its end even when its observation does not: only the peer
//! can say whether it arrived.

use crate::{
    endpoint::{Endpoint, Peer},
    error::{Failure, Refused, SendError},
    event::Event,
    exchange::{Delivery, ExchangeId, Notifying, Responder},
    message::Response,
    observation::{Ended, ObservationId},
    time::Millis,
    wire::{self, Kind, Own},
};

impl<P: Peer> Endpoint<P> {
    /// Answers a request whose `observe` is [`crate::Observe::Register`], and takes its peer on the list. If
    /// the peer is on it with the same token, it stays, under the same name (§4.1).
    ///
    /// At [`crate::Config::observations_per_peer`] the peer's oldest observation makes room, at
    /// [`crate::Config::observations_total`] the oldest of all: an [`Event::ObservationEnded`] with
    /// [`Ended::Evicted`].
    ///
    /// The answer goes out as by [`Endpoint::respond`] in any case but [`SendError::Expired`]; on an error
    /// without the option, so that the peer knows that it does not observe.
    pub fn observe(
        &mut self,
        now: Millis,
        to: Responder<P>,
        response: Response,
    ) -> Result<ObservationId, SendError> {
        let Some(serving) = self.serving.get(&to.id).filter(|serving| serving.from == to.peer) else {
            return Err(SendError::Expired);
        };
        let token = serving.token;
        if !serving.registers || !response.code.is_success() {
            self.respond(now, to, response)?;
            return Err(SendError::NotARegistration);
        }
        let known = self.observations.find(&to.peer, token);
        let number = self.observations.next_number(now, known);
        let (exchange, peer, plain) = (to.id, to.peer.clone(), serving.kind == Kind::Non);
        let format = response.content_format;
        let mid = match self.reply(now, to, response, Some(number)) {
            Ok(mid) => mid,
            Err(error) => {
                // A 5.00 went out in its place: the peer takes itself for unregistered.
                if let Some(id) = known {
                    self.observation_over(id, Ended::Declined);
                }
                return Err(error);
            }
        };
        let id = match known {
            Some(id) => {
                self.observations.renew(id);
                id
            }
            None => {
                if let Some(oldest) = self.observations.in_the_way(&peer) {
                    self.observation_over(oldest, Ended::Evicted);
                }
                let id = self.new_id();
                self.observations.add(id, peer, token);
                id
            }
        };
        self.observations.began(id, number, format, plain.then_some(mid));
        // If the answer went separately, it can still be reset.
        if let Some(serving) = self.serving.get_mut(&exchange) {
            serving.observation = Some(id);
        }
        Ok(ObservationId(id))
    }

    /// Sends a notification, confirmable, with the next number (§4.4). It ends with exactly one event,
    /// [`Event::Notified`] or [`Event::NotNotified`].
    ///
    /// One that is an error (class 4 or 5) ends the observation at once, and is itself still repeated until
    /// acknowledged (§4.2).
    ///
    /// Refused, with nothing changed, if the observation is over ([`SendError::NotObserved`]), if its last
    /// notification ([`SendError::NotificationUnderWay`]) or NSTART requests and notifications to the peer
    /// ([`SendError::PeerBusy`]) are not acknowledged, if its content format is not the first answer's
    /// ([`SendError::FormatChanged`]), if too much is open or queued, or if it is too long.
    pub fn notify(
        &mut self,
        now: Millis,
        observation: ObservationId,
        response: Response,
    ) -> Result<ExchangeId, SendError> {
        self.latest = now;
        let observer = self.observations.get(observation.0).ok_or(SendError::NotObserved)?;
        if observer.under_way.is_some() {
            return Err(SendError::NotificationUnderWay);
        }
        let ends = !response.code.is_success();
        if !ends && response.content_format != observer.format {
            return Err(SendError::FormatChanged);
        }
        let (to, token) = (observer.peer.clone(), observer.token);
        self.room_to_ask(&to)?;
        let limit = self.config.pending_events;
        if ends && self.events.len() >= limit {
            return Err(SendError::QueueFull { limit });
        }
        // §4.2: an error carries no number, for nothing follows it.
        let number = self.observations.next_number(now, Some(observation.0));
        let own = Own { observe: (!ends).then_some(number), ..Own::default() };
        let mid = self.new_mid(&to);
        let bytes = match wire::write_response(Kind::Con, response, own, mid, token, &self.config) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.peers.settle(now, &to);
                return Err(error);
            }
        };
        let id = self.new_id();
        let interval = self.chance.ack_timeout(&self.config);
        let deadline = now.plus(interval);
        let delivery = Delivery::new(bytes.clone(), interval, &self.config);
        let book = self.peers.book(&to);
        book.outstanding += 1;
        book.notifying += 1;
        self.timers.set(deadline, id);
        self.by_mid.insert((to.clone(), mid), id);
        let (to, observation) = (to, observation.0);
        self.notifying.insert(id, Notifying { to: to.clone(), mid, delivery, deadline, observation });
        self.observations.numbered(observation, number);
        if let Some(observer) = self.observations.get_mut(observation) {
            observer.under_way = Some(id);
        }
        if ends {
            self.observation_over(observation, Ended::Closed);
        }
        self.send(to, bytes);
        Ok(ExchangeId(id))
    }

    /// The peer's observation; of several, the one registered last.
    #[must_use]
    pub fn observer(&self, peer: &P) -> Option<ObservationId> {
        self.observations.latest(peer).map(ObservationId)
    }

    /// How many observations there are.
    #[must_use]
    pub fn observations(&self) -> usize {
        self.observations.len()
    }

    /// A Reset that belongs to nothing outstanding: perhaps to the non-confirmable answer that an observation
    /// began with (§4.5).
    pub(super) fn registration_reset(&mut self, from: &P, mid: u16) -> Result<(), Refused> {
        let id = self.observations.began_with(from, mid).ok_or(Refused::UnknownMessage)?;
        self.observation_over(id, Ended::Reset);
        Ok(())
    }

    /// Takes an observation from the list.
    pub(super) fn observation_over(&mut self, id: u64, reason: Ended) {
        if let Some(observer) = self.observations.remove(id) {
            let (observation, peer) = (ObservationId(id), observer.peer);
            self.events.push_back(Event::ObservationEnded { observation, peer, reason });
        }
    }

    /// The deadline of a notification: repeat it, or give up.
    pub(super) fn notifying_due(&mut self, now: Millis, id: u64) {
        let Some(notifying) = self.notifying.get_mut(&id) else {
            return;
        };
        let Some(bytes) = notifying.delivery.again() else {
            return self.notifying_failed(now, id, Failure::TimedOut, Ended::TimedOut);
        };
        notifying.deadline = now.plus(notifying.delivery.interval());
        self.timers.set(notifying.deadline, id);
        let to = notifying.to.clone();
        self.tally.retransmitted = self.tally.retransmitted.saturating_add(1);
        self.send(to, bytes);
    }

    /// The peer has the notification.
    pub(super) fn notifying_acknowledged(&mut self, now: Millis, id: u64) {
        if self.notifying_over(now, id).is_some() {
            self.events.push_back(Event::Notified { exchange: ExchangeId(id) });
        }
    }

    /// The peer does not want it or is not there: it is no observer any more (§4.5).
    pub(super) fn notifying_failed(&mut self, now: Millis, id: u64, reason: Failure, ended: Ended) {
        if let Some(observation) = self.notifying_over(now, id) {
            self.events.push_back(Event::NotNotified { exchange: ExchangeId(id), reason });
            self.observation_over(observation, ended);
        }
    }

    /// Ends a notification, and returns its observation.
    fn notifying_over(&mut self, now: Millis, id: u64) -> Option<u64> {
        let notifying = self.notifying.remove(&id)?;
        self.timers.clear(notifying.deadline, id);
        self.by_mid.remove(&(notifying.to.clone(), notifying.mid));
        let book = self.peers.book(&notifying.to);
        book.outstanding = book.outstanding.saturating_sub(1);
        book.notifying = book.notifying.saturating_sub(1);
        self.peers.settle(now, &notifying.to);
        if let Some(observer) = self.observations.get_mut(notifying.observation) {
            observer.under_way = None;
        }
        Some(notifying.observation)
    }
}
