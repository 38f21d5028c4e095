//! Messages from the network: matched, absorbed, answered or handed on.

use std::time::Instant;

use sip_message::{CSeq, Flow, Message, Method, Name, StartLine, Status, Via, Violation};

use super::{Endpoint, Entry, Received, Refusal, ServerId};
use crate::key::Key;
use crate::reply;
use crate::respond::Replies;
use crate::slab::Place;
use crate::transaction::{
    ClientInput, Delivery, InviteClientInput, InviteServer, InviteServerInput, Server, ServerInput,
    Transaction, Turn,
};

/// Seconds a client is asked to wait when a limit was hit (RFC 3261 §20.33).
const RETRY_AFTER_SECONDS: u32 = 5;

impl Endpoint {
    /// Takes one message that came by `flow`.
    pub fn receive(&mut self, now: Instant, flow: Flow, message: &Message<'_>) -> Received {
        match message.start() {
            StartLine::Request(line) => {
                let via = match message.via() {
                    Ok(via) => via,
                    Err(error) => return Received::Refused(Refusal::Unanswerable(error)),
                };
                self.receive_request(now, &Inbound { flow, message, via, method: line.method })
            }
            StartLine::Response(line) => self.receive_response(now, message, line.status),
        }
    }

    fn receive_request(&mut self, now: Instant, inbound: &Inbound<'_>) -> Received {
        let Inbound { message, via, method, .. } = *inbound;
        let key = self.keys.0.server(message, &via, method);
        if let Some(&place) = self.table.get(&key) {
            return self.receive_again(now, place, method);
        }
        if let Err(violation) = message.check() {
            return self.refuse(inbound, key, Refusal::Malformed(violation));
        }
        if method == Method::Ack {
            // The tag of an answer that was given and forgotten says whose ACK this is.
            let tag = self.keys.0.tag(key);
            let is_ours = message.to().is_ok_and(|to| to.tag() == Some(&*tag));
            return if is_ours { Received::Absorbed } else { Received::Ack };
        }
        if method == Method::Cancel {
            return self.receive_cancel(now, inbound, key);
        }
        if method == Method::Invite && self.invites_open >= self.limits.invites_open_max {
            return self.refuse(inbound, key, Refusal::InvitesOpen);
        }
        if self.entries.len() >= self.limits.transactions_max {
            return self.refuse(inbound, key, Refusal::Transactions);
        }
        self.receive_new(now, inbound, key)
    }

    /// The request of a transaction that exists, or its ACK.
    fn receive_again(&mut self, now: Instant, place: Place, method: Method<'_>) -> Received {
        let entry = self.entries.get_mut(place).expect("the table names only what exists");
        let turn = &mut Turn::new(now, &self.timing, &mut self.out);
        let delivery = match &mut entry.transaction {
            Transaction::InviteServer(it) if method == Method::Ack => {
                it.step(turn, InviteServerInput::Ack)
            }
            Transaction::InviteServer(it) => it.step(turn, InviteServerInput::Invite),
            Transaction::Server(it) => it.step(turn, ServerInput::Request),
            Transaction::InviteClient(_) | Transaction::Client(_) => {
                unreachable!("keys of server transactions are of a domain of their own")
            }
        };
        self.settle(now, place);
        match delivery {
            Delivery::Absorb => Received::Absorbed,
            Delivery::Deliver => Received::Ack,
        }
    }

    fn receive_new(&mut self, now: Instant, inbound: &Inbound<'_>, key: Key) -> Received {
        let in_dialog = inbound.message.to().is_ok_and(|to| to.tag().is_some());
        let merged = (!in_dialog).then(|| self.keys.0.merged(inbound.message, inbound.method));
        if merged.is_some_and(|it| self.merged.contains_key(&it)) {
            return self.refuse(inbound, key, Refusal::Merged);
        }
        let place = self.start_server(now, inbound, key, Some(0));
        if let Some(merged) = merged {
            self.merged.insert(merged, place);
            let entry = self.entries.get_mut(place).expect("the entry was just made");
            entry.merged = Some(merged);
        }
        Received::Request { server: ServerId(place) }
    }

    fn start_server(
        &mut self,
        now: Instant,
        inbound: &Inbound<'_>,
        key: Key,
        owner: Option<u64>,
    ) -> Place {
        let reply = reply::reply_flow(inbound.flow, &inbound.via);
        let turn = &Turn::new(now, &self.timing, &mut self.out);
        let transaction = if inbound.method == Method::Invite {
            Transaction::InviteServer(InviteServer::new(reply))
        } else {
            Transaction::Server(Server::new(turn, reply))
        };
        let sent_by_port = reply::sent_by(inbound.flow, &inbound.via).port();
        let entry = Entry { transaction, key, merged: None, owner, open: false, sent_by_port };
        let place = self.file(entry);
        self.settle(now, place);
        place
    }

    /// RFC 3261 §9.2: the CANCEL is answered 200 if its INVITE is known, whatever its state.
    fn receive_cancel(&mut self, now: Instant, inbound: &Inbound<'_>, key: Key) -> Received {
        let target = self.keys.0.cancelled(inbound.message, &inbound.via);
        let Some(&invite) = self.table.get(&target) else {
            return self.refuse(inbound, key, Refusal::NothingToCancel);
        };
        let replies = match Replies::new(inbound.message, &inbound.flow) {
            Ok(replies) => replies,
            Err(error) => return Received::Refused(Refusal::Unanswerable(error)),
        };
        let ok = replies.bare(Status::OK, Status::OK.reason(), &self.keys.0.tag(target));
        let place = self.start_server(now, inbound, key, None);
        self.respond(now, ServerId(place), Status::OK, ok)
            .expect("a transaction that was just made is unanswered");

        let entry = self.entries.get(invite).expect("the table names only what exists");
        match &entry.transaction {
            Transaction::InviteServer(it) if it.is_proceeding() => {
                Received::Cancel { invite: ServerId(invite), owner: entry.owner.unwrap_or(0) }
            }
            Transaction::InviteServer(_)
            | Transaction::InviteClient(_)
            | Transaction::Server(_)
            | Transaction::Client(_) => Received::Absorbed,
        }
    }

    /// Answers a request without a transaction; asked again, it is answered again, and alike.
    fn refuse(&mut self, inbound: &Inbound<'_>, key: Key, refusal: Refusal) -> Received {
        let Some(status) = refusal.status().filter(|_| inbound.method != Method::Ack) else {
            return Received::Refused(refusal);
        };
        let replies = match Replies::new(inbound.message, &inbound.flow) {
            Ok(replies) => replies,
            Err(error) => return Received::Refused(Refusal::Unanswerable(error)),
        };
        let phrase = match refusal {
            Refusal::Malformed(violation) => violation.to_string(),
            Refusal::Unanswerable(_)
            | Refusal::Merged
            | Refusal::InvitesOpen
            | Refusal::Transactions
            | Refusal::NothingToCancel
            | Refusal::MalformedResponse(_)
            | Refusal::ForeignResponse => status.reason().to_owned(),
        };
        let mut bytes = Vec::new();
        let mut writer = replies.start(&mut bytes, status, &phrase, &self.keys.0.tag(key));
        if status == Status::SERVICE_UNAVAILABLE {
            writer.header(Name::RetryAfter, RETRY_AFTER_SECONDS);
        }
        if status == Status::BAD_EXTENSION {
            for name in [Name::Require, Name::ProxyRequire] {
                for value in inbound.message.all(name) {
                    writer.header(Name::Unsupported, value);
                }
            }
        }
        writer.finish();
        self.send(reply::reply_flow(inbound.flow, &inbound.via), bytes);
        Received::Refused(refusal)
    }

    fn receive_response(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        status: Status,
    ) -> Received {
        let (via, cseq) = match readable(message) {
            Ok(read) => read,
            Err(violation) => return Received::Refused(Refusal::MalformedResponse(violation)),
        };
        if message.has_more_vias() {
            return Received::Refused(Refusal::ForeignResponse);
        }
        let key = self.keys.0.client(via.branch.unwrap_or_default(), cseq.method);
        let Some(&place) = self.table.get(&key) else { return Received::StrayResponse };
        let entry = self.entries.get_mut(place).expect("the table names only what exists");
        let turn = &mut Turn::new(now, &self.timing, &mut self.out);
        let delivery = match &mut entry.transaction {
            Transaction::InviteClient(it) => {
                it.step(turn, InviteClientInput::Response(status, message))
            }
            Transaction::Client(it) => it.step(turn, ClientInput::Response(status)),
            Transaction::InviteServer(_) | Transaction::Server(_) => {
                unreachable!("keys of client transactions are of a domain of their own")
            }
        };
        let owner = entry.owner;
        self.settle(now, place);
        match (delivery, owner) {
            (Delivery::Deliver, Some(owner)) => {
                Received::Response { client: super::ClientId(place), owner }
            }
            (Delivery::Absorb, _) | (Delivery::Deliver, None) => Received::Absorbed,
        }
    }
}

/// Reads what a response is matched by. The rest of it is for its user to judge: a response to
/// none of our requests goes no further, and need not be read to the end for that.
fn readable<'m>(response: &Message<'m>) -> Result<(Via<'m>, CSeq<'m>), Violation> {
    if let Some(fault) = response.fault() {
        return Err(Violation::Fault(fault));
    }
    let missing =
        [Name::From, Name::To, Name::CallId].into_iter().find(|&it| !response.contains(it));
    if let Some(name) = missing {
        return Err(Violation::Missing(name));
    }
    let via = response.via().map_err(Violation::Header)?;
    Ok((via, response.cseq().map_err(Violation::Header)?))
}

/// A request on its way in.
struct Inbound<'m> {
    flow: Flow,
    message: &'m Message<'m>,
    via: Via<'m>,
    method: Method<'m>,
}
