//! Which node reaches an address, and how it hears that something waits there.
//!
//! An address of a socket (CoAP) names the node whose socket it is: `coap:192.0.2.7:40000@north`. Addresses of networks name
//! nobody: whoever carries for the network sends. A downlink's address always names the node that is to hand it over, and that
//! node alone does.

use std::sync::Arc;

use fleet::{DownlinkEvent, DownlinkId, DownlinkState, FailReason};
use model::CardId;
use store::{StoreError, StoredDownlink};

use super::Fleet;
use crate::app::{Pushed, Reached};
use crate::bearer::{bearer_of, coap};
use crate::nodes::{Hint, Job, NodeName, Nodes, Way, untagged};

/// Downlinks that are looked at in one unit of work.
const BATCH: u32 = 256;
/// Downlinks without a frame that are looked at when a bearer or its node came back.
const RETURNED_MAX: usize = 10_000;

/// A card's address without its node, and that node: only a socket has one.
fn of_card(address: &str) -> (&str, Option<NodeName>) {
    if bearer_of(address) == coap::NAME { untagged(address) } else { (address, None) }
}

impl Fleet {
    /// An address of a socket of this node, as it is kept.
    pub(crate) fn own_address(&self, address: String) -> String {
        match self.app().nodes() {
            Some(nodes) => nodes.name().tagged(&address),
            None => address,
        }
    }

    /// Asks a card for its next order, if it can be reached from anywhere.
    pub(super) async fn push(&self, card: CardId) -> Result<Pushed, StoreError> {
        let pushed = self.push_once(card).await?;
        let (Some(nodes), Pushed::Waits(_)) = (self.app().nodes(), &pushed) else { return Ok(pushed) };
        // Its node may be so new that this one has not heard of it.
        let link = self.app().store().peek(|rows| rows.link_state(card))?;
        let node = link.address.as_deref().and_then(|address| of_card(address).1);
        if node.is_none_or(|node| nodes.has_heard_of(&node)) {
            return Ok(pushed);
        }
        nodes.look().await?;
        match self.push_once(card).await? {
            Pushed::Now(push) => Ok(Pushed::Now(push)),
            Pushed::Waits(_) | Pushed::Nothing => Ok(pushed),
        }
    }

    async fn push_once(&self, card: CardId) -> Result<Pushed, StoreError> {
        let fleet = self.clone();
        self.app().push(card, Arc::new(move |address: &str| fleet.reach(address))).await
    }

    fn reach(&self, address: &str) -> Option<Reached> {
        let room_here =
            |address: &str| self.bearer_at(address).map_or(usize::MAX, |bearer| bearer.room_at(address));
        let Some(nodes) = self.app().nodes() else {
            return Some(Reached { room: room_here(address), address: address.to_owned() });
        };
        let (bare, node) = of_card(address);
        match nodes.way(bearer_of(bare), node.as_ref()) {
            Way::Here => Some(Reached { room: room_here(bare), address: nodes.name().tagged(bare) }),
            Way::At(other, room) => Some(Reached { room, address: other.tagged(bare) }),
            Way::Nowhere => None,
        }
    }

    /// The address for a bearer of this node; or the node that it is for.
    pub(super) fn for_whom(&self, address: &str) -> Result<String, (NodeName, &Nodes)> {
        let Some(nodes) = self.app().nodes() else { return Ok(address.to_owned()) };
        match untagged(address) {
            (_, Some(other)) if other != *nodes.name() => Err((other, nodes)),
            (bare, _) => Ok(bare.to_owned()),
        }
    }

    /// Whether this node hands a downlink over that waits.
    pub(super) fn is_mine(&self, downlink: &StoredDownlink) -> bool {
        let (Some(nodes), Some(address)) = (self.app().nodes(), downlink.address.as_deref()) else {
            return true;
        };
        match untagged(address).1 {
            Some(node) => node == *nodes.name(),
            // Kept by a platform that was by itself.
            None => nodes.duty(Job::Fleet).is_some(),
        }
    }

    /// Another node says that a downlink waits for this one.
    pub async fn hand_told(&self, id: DownlinkId) -> Result<(), StoreError> {
        let downlink = self.app().store().read(move |rows| rows.downlink(id)).await?;
        let waits = |downlink: &StoredDownlink| {
            downlink.state == DownlinkState::Queued && downlink.address.is_some() && self.is_mine(downlink)
        };
        self.hand_batch(downlink.into_iter().filter(waits).collect()).await
    }

    /// A bearer of this node is there, or is there again: cards that it reaches are asked what waited for them.
    pub async fn returned(&self) -> Result<(), StoreError> {
        let mut after = None;
        let mut cards = Vec::new();
        while cards.len() < RETURNED_MAX {
            let waiting = self.app().store().read(move |rows| rows.waiting_downlinks(after, BATCH)).await?;
            after = waiting.last().map(|last| last.id);
            let last = waiting.len() < BATCH as usize;
            let frameless = |downlink: &StoredDownlink| {
                downlink.state == DownlinkState::Queued
                    && downlink.frame.is_empty()
                    && downlink.order.is_some()
            };
            cards.extend(waiting.iter().filter(|downlink| frameless(downlink)).map(|downlink| downlink.card));
            if last {
                break;
            }
        }
        cards.dedup();
        for card in cards {
            let link = self.app().store().peek(|rows| rows.link_state(card))?;
            if link.address.is_some_and(|address| self.is_reached_here(&address)) {
                self.order_made(card).await;
            }
        }
        Ok(())
    }

    fn is_reached_here(&self, address: &str) -> bool {
        let (bare, node) = of_card(address);
        self.app().nodes().is_some_and(|nodes| nodes.way(bearer_of(bare), node.as_ref()) == Way::Here)
    }

    /// What waits for a node that is gone: for a network, another node hands it over; for a socket, nobody can, and it is given
    /// up, so that the card gets it where it is heard next. Of a node that may come back it waits a little.
    pub async fn rescue(&self) -> Result<(), StoreError> {
        let Some(nodes) = self.app().nodes() else { return Ok(()) };
        let mut after = None;
        while self.app().on_duty(Job::Fleet).is_some() {
            let waiting = self.app().store().read(move |rows| rows.downlinks_to_hand(after, BATCH)).await?;
            after = waiting.last().map(|last| (last.priority, last.id));
            let more = waiting.len() >= BATCH as usize;
            for downlink in waiting {
                let Some((bare, Some(node))) = downlink.address.as_deref().map(untagged) else { continue };
                if nodes.way(bearer_of(bare), Some(&node)) != Way::Nowhere {
                    continue;
                }
                if bearer_of(bare) == coap::NAME {
                    if !nodes.may_return(&node) {
                        self.report(downlink.id, DownlinkEvent::Failed(FailReason::NotAcknowledged), None);
                    }
                    continue;
                }
                self.readdress(nodes, &downlink, bare).await?;
            }
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Another node that carries for the same network hands it over.
    async fn readdress(
        &self,
        nodes: &Nodes,
        downlink: &StoredDownlink,
        bare: &str,
    ) -> Result<(), StoreError> {
        let node = match nodes.way(bearer_of(bare), None) {
            Way::Here => nodes.name().clone(),
            Way::At(other, _) => other,
            Way::Nowhere => return Ok(()),
        };
        let Some(fence) = self.app().on_duty(Job::Fleet) else { return Ok(()) };
        let (id, before, address) = (downlink.id, downlink.address.clone(), node.tagged(bare));
        let moved = self.app().write::<_, StoreError>(move |unit| {
            let Some(mut downlink) = unit.downlink(id)? else { return Ok(false) };
            if !fence.holds(unit)? || downlink.state != DownlinkState::Queued || downlink.address != before {
                return Ok(false);
            }
            downlink.address = Some(address.clone());
            unit.put_downlink(&downlink)?;
            Ok(true)
        });
        if moved.await? {
            nodes.tell(&Hint::Downlink { node, id });
        }
        Ok(())
    }
}
