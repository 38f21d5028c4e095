//! The transaction layer of one shard: finds the transaction that a message belongs to.

mod inbound;
mod outcome;

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use sip_message::{Flow, Method, Status};

pub use outcome::{ClientId, Event, Full, Gone, Reason, Received, Refusal, ServerId};

use crate::key::{Key, KeyMap, Keys};
use crate::slab::{Place, Slab};
use crate::token::{Token, Tokens};
use crate::transaction::{
    Client, End, InviteClient, InviteClientInput, InviteServerInput, Outbox, ServerInput,
    Transaction, Transmit, Turn,
};
use crate::wheel::Wheel;
use crate::{Config, Repeats, Timing};

/// Routes messages to transactions; what happens to them there is the transactions' affair.
///
/// Four verbs: [`receive`](Self::receive), [`respond`](Self::respond), [`request`](Self::request)
/// and their like put something in, [`handle_timeout`](Self::handle_timeout) moves time,
/// [`poll_output`](Self::poll_output) and [`poll_event`](Self::poll_event) take things out, and
/// [`poll_timeout`](Self::poll_timeout) says when to come again. Drain both queues after each
/// input.
///
/// Every transaction has an `owner`: a number that its user gives it and gets back with whatever
/// concerns it, so that the user needs no table of transactions.
#[derive(Debug)]
pub struct Endpoint {
    timing: Timing,
    limits: crate::Limits,
    keys: KeysDebug,
    tokens: Tokens,
    table: KeyMap<Place>,
    merged: KeyMap<Place>,
    entries: Slab<Entry>,
    /// Transactions over streams by their flow: a connection that closes must not cost a look at
    /// every transaction, or strangers who only connect and leave could stop the service.
    on_streams: BTreeSet<(Flow, u32)>,
    wheel: Wheel,
    invites_open: usize,
    out: Outbox,
    events: VecDeque<Event>,
}

/// One transaction and where it is filed.
#[derive(Debug)]
struct Entry {
    transaction: Transaction,
    key: Key,
    /// Its key in `merged`, while a second copy of its request would be a loop.
    merged: Option<Key>,
    /// `None` for a CANCEL of ours, which has no user.
    owner: Option<u64>,
    /// Counts toward `invites_open_max`.
    open: bool,
    /// The port to connect to when a server transaction's connection is gone.
    sent_by_port: u16,
}

/// Keys without their secret in debug output.
struct KeysDebug(Keys);

impl std::fmt::Debug for KeysDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Endpoint {
    /// An endpoint without transactions. `seed` must be secret, and differ between processes and
    /// shards: table keys, branches and tags come out of it.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        let (keys, tokens) = seed.split_first_chunk::<16>().expect("32 bytes hold 16");
        let tokens = tokens.first_chunk::<16>().expect("32 bytes hold 16 twice");
        Self {
            timing: config.timing,
            limits: config.limits,
            keys: KeysDebug(Keys::new(keys)),
            tokens: Tokens::new(tokens),
            table: KeyMap::default(),
            merged: KeyMap::default(),
            entries: Slab::new(),
            on_streams: BTreeSet::new(),
            wheel: Wheel::new(),
            invites_open: 0,
            out: Outbox::default(),
            events: VecDeque::new(),
        }
    }

    /// Sends a response through its transaction: the whole message, made with
    /// [`Replies`](crate::Replies), and the status it carries.
    ///
    /// A 2xx to an INVITE is repeated until [`acknowledged`](Self::acknowledged) is called or
    /// 64·T1 have passed (RFC 3261 §13.3.1.4), over every transport.
    ///
    /// # Errors
    /// [`Gone`] if the transaction has ended or has its final response already; nothing is sent.
    pub fn respond(
        &mut self,
        now: Instant,
        server: ServerId,
        status: Status,
        response: Vec<u8>,
    ) -> Result<(), Gone> {
        let entry = self.entries.get_mut(server.0).ok_or(Gone)?;
        let turn = &mut Turn::new(now, &self.timing, &mut self.out);
        match &mut entry.transaction {
            Transaction::InviteServer(it) if it.is_proceeding() => {
                it.step(turn, InviteServerInput::response(status, response));
            }
            Transaction::Server(it) if it.is_unanswered() => {
                it.step(turn, ServerInput::response(status, response));
            }
            Transaction::InviteServer(_)
            | Transaction::Server(_)
            | Transaction::InviteClient(_)
            | Transaction::Client(_) => return Err(Gone),
        }
        self.settle(now, server.0);
        Ok(())
    }

    /// Refuses an INVITE whose sender's address may be forged: the response, a 3xx to 6xx, is sent
    /// once, and again only when the INVITE comes again, so that nobody is sent more answers than
    /// requests were sent in his name. Timer G (RFC 3261 §17.2.1) is for senders who are known.
    ///
    /// # Errors
    /// [`Gone`] if the transaction has ended or has its final response already; nothing is sent.
    pub fn respond_once(
        &mut self,
        now: Instant,
        server: ServerId,
        response: Vec<u8>,
    ) -> Result<(), Gone> {
        let entry = self.entries.get_mut(server.0).ok_or(Gone)?;
        let turn = &mut Turn::new(now, &self.timing, &mut self.out);
        match &mut entry.transaction {
            Transaction::InviteServer(it) if it.is_proceeding() => {
                it.step(turn, InviteServerInput::FailureOnce(response));
            }
            Transaction::InviteServer(_)
            | Transaction::Server(_)
            | Transaction::InviteClient(_)
            | Transaction::Client(_) => return Err(Gone),
        }
        self.settle(now, server.0);
        Ok(())
    }

    /// Answers a request and forgets it, as a stateless server does (RFC 3261 §8.2.7): nothing is
    /// kept and nothing repeated. Asked again, the request is a new one, answered alike as far as its
    /// user answers alike; an ACK for the answer is known by its tag and absorbed.
    ///
    /// For what strangers can cause at will, when there are too many of them to remember.
    ///
    /// # Errors
    /// [`Gone`] if the transaction has ended or has its final response already; nothing is sent.
    pub fn respond_and_forget(&mut self, server: ServerId, response: Vec<u8>) -> Result<(), Gone> {
        let entry = self.entries.get(server.0).ok_or(Gone)?;
        let flow = match &entry.transaction {
            Transaction::InviteServer(it) if it.is_proceeding() => it.reply,
            Transaction::Server(it) if it.is_unanswered() => it.reply,
            Transaction::InviteServer(_)
            | Transaction::Server(_)
            | Transaction::InviteClient(_)
            | Transaction::Client(_) => return Err(Gone),
        };
        if entry.open {
            self.invites_open -= 1;
        }
        self.send(flow, response);
        self.bury(server.0, End::Normally);
        Ok(())
    }

    /// Forgets a request that is left unanswered.
    pub fn forget(&mut self, server: ServerId) {
        let Some(entry) = self.entries.get(server.0) else { return };
        if entry.open {
            self.invites_open -= 1;
        }
        self.bury(server.0, End::Normally);
    }

    /// Tells an accepted INVITE that its ACK has come: the 2xx is no longer repeated.
    pub fn acknowledged(&mut self, now: Instant, server: ServerId) {
        let Some(entry) = self.entries.get_mut(server.0) else { return };
        if let Transaction::InviteServer(it) = &mut entry.transaction {
            let turn = &mut Turn::new(now, &self.timing, &mut self.out);
            it.step(turn, InviteServerInput::Acknowledged);
            self.settle(now, server.0);
        }
    }

    /// Sends a request through a new client transaction. `branch` is from
    /// [`new_branch`](Self::new_branch) and stands in the message's only Via; ACK has no
    /// transaction and goes through [`send`](Self::send).
    ///
    /// # Errors
    /// [`Full`] if `transactions_max` are open; nothing is sent.
    pub fn request(
        &mut self,
        now: Instant,
        flow: Flow,
        method: Method<'_>,
        branch: &str,
        request: Vec<u8>,
        owner: u64,
    ) -> Result<ClientId, Full> {
        if self.entries.len() >= self.limits.transactions_max {
            return Err(Full);
        }
        let key = self.keys.0.client(branch, method);
        Ok(ClientId(self.start_client(now, flow, method, key, request, Some(owner))))
    }

    fn start_client(
        &mut self,
        now: Instant,
        flow: Flow,
        method: Method<'_>,
        key: Key,
        request: Vec<u8>,
        owner: Option<u64>,
    ) -> Place {
        let turn = &mut Turn::new(now, &self.timing, &mut self.out);
        let transaction = if method == Method::Invite {
            Transaction::InviteClient(InviteClient::new(turn, flow, request))
        } else {
            Transaction::Client(Client::new(turn, flow, request))
        };
        let sent_by_port = 0;
        let entry = Entry { transaction, key, merged: None, owner, open: false, sent_by_port };
        let place = self.file(entry);
        self.settle(now, place);
        place
    }

    /// Puts a new transaction into every table that finds it.
    fn file(&mut self, entry: Entry) -> Place {
        let (key, flow) = (entry.key, *entry.transaction.flow());
        let place = self.entries.insert(entry);
        self.table.insert(key, place);
        if flow.transport.is_reliable() {
            self.on_streams.insert((flow, place.index));
        }
        place
    }

    /// Transactions that may be on a flow: exactly those of a stream, and all for a datagram flow.
    fn near(&self, flow: Flow) -> Vec<Place> {
        let place = |index| self.entries.place(index);
        if flow.transport.is_reliable() {
            let on_flow = self.on_streams.range((flow, 0)..=(flow, u32::MAX));
            on_flow.filter_map(|(_, index)| place(*index)).collect()
        } else {
            self.entries.indices().filter_map(place).collect()
        }
    }

    /// Gives up an INVITE of ours. The CANCEL leaves at once or after the first provisional
    /// response (RFC 3261 §9.1); the outcome is the INVITE's final response, usually 487, or
    /// [`Event::TimedOut`]. `reason` is the value of a Reason header (RFC 3326).
    ///
    /// Nothing happens if the INVITE has its final response, or is no INVITE.
    pub fn cancel(&mut self, now: Instant, client: ClientId, reason: Option<&str>) {
        let Some(entry) = self.entries.get_mut(client.0) else { return };
        if let Transaction::InviteClient(it) = &mut entry.transaction {
            let turn = &mut Turn::new(now, &self.timing, &mut self.out);
            it.step(turn, InviteClientInput::Cancel(reason.map(Into::into)));
            self.settle(now, client.0);
        }
    }

    /// Sends a message that belongs to no transaction: the ACK for a 2xx.
    pub fn send(&mut self, flow: Flow, message: Vec<u8>) {
        self.out.transmits.push_back(Transmit { flow, bytes: message });
    }

    /// Gives a transaction the number that comes back with whatever concerns it. A server
    /// transaction begins with 0.
    pub fn adopt(&mut self, server: ServerId, owner: u64) {
        if let Some(entry) = self.entries.get_mut(server.0) {
            entry.owner = Some(owner);
        }
    }

    /// The To tag for the responses to a request: the one that this endpoint's own answers to the
    /// request and to its CANCEL bear (RFC 3261 §9.2 wants them alike).
    #[must_use]
    pub fn tag(&self, server: ServerId) -> Option<Token> {
        self.entries.get(server.0).map(|entry| self.keys.0.tag(entry.key))
    }

    /// A branch for a request of ours.
    pub fn new_branch(&mut self) -> Token {
        self.tokens.branch()
    }

    /// A From tag for a request of ours.
    pub fn new_tag(&mut self) -> Token {
        self.tokens.tag()
    }

    /// A Call-ID for a call of ours.
    pub fn new_call_id(&mut self) -> Token {
        self.tokens.call_id()
    }

    /// Transactions that exist, the lingering ones included.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.entries.len()
    }

    /// What transactions have repeated, heard again and waited for in vain since the endpoint was
    /// made.
    #[must_use]
    pub fn repeats(&self) -> &Repeats {
        &self.out.repeats
    }

    /// How often an INVITE of ours has left; `None` if its transaction has ended.
    #[must_use]
    pub fn times_sent(&self, client: ClientId) -> Option<u32> {
        match &self.entries.get(client.0)?.transaction {
            Transaction::InviteClient(it) => Some(it.times_sent),
            Transaction::Client(_) | Transaction::InviteServer(_) | Transaction::Server(_) => None,
        }
    }

    /// INVITE server transactions that wait for a final answer or its ACK.
    #[must_use]
    pub fn invites_open(&self) -> usize {
        self.invites_open
    }

    /// A message could not be delivered on `flow`: requests that wait there fail
    /// (RFC 3261 §18.4).
    pub fn transport_failed(&mut self, now: Instant, flow: Flow) {
        for place in self.near(flow) {
            // Ending one may end another.
            let Some(entry) = self.entries.get_mut(place) else { continue };
            if *entry.transaction.flow() == flow {
                let turn = &mut Turn::new(now, &self.timing, &mut self.out);
                entry.transaction.transport_failed(turn);
                self.settle(now, place);
            }
        }
    }

    /// A connection is gone: requests that wait on it fail, and responses to what it brought ask
    /// for a new connection to the port in Via (RFC 3261 §18.2.2). Where the connection was ours to
    /// make, they ask for a new one to the same peer.
    pub fn flow_closed(&mut self, now: Instant, flow: Flow) {
        if flow.peer().is_some() {
            return self.transport_failed(now, flow);
        }
        for place in self.near(flow) {
            let entry = self.entries.get_mut(place).expect("the place was just given");
            let reply = match &mut entry.transaction {
                Transaction::InviteServer(it) => &mut it.reply,
                Transaction::Server(it) => &mut it.reply,
                Transaction::InviteClient(_) | Transaction::Client(_) => continue,
            };
            if *reply == flow {
                reply.connection = 0;
                reply.remote.set_port(entry.sent_by_port);
                self.on_streams.remove(&(flow, place.index));
                self.on_streams.insert((*reply, place.index));
            }
        }
        self.transport_failed(now, flow);
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(index) = self.wheel.pop_due(now) {
            let Some(place) = self.entries.place(index) else { continue };
            let entry = self.entries.get_mut(place).expect("the place was just given");
            let turn = &mut Turn::new(now, &self.timing, &mut self.out);
            while let Some(timer) = entry.transaction.alarms().pop_due(now) {
                entry.transaction.timer(turn, timer);
            }
            self.settle(now, place);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        let wake = self.wheel.next()?;
        let timer = wake
            .owner
            .and_then(|index| self.entries.get(self.entries.place(index)?))
            .and_then(|entry| entry.transaction.next_alarm());
        Some((wake.at, timer.map_or(Reason::Sorting, |(_, timer)| Reason::Timer(timer))))
    }

    /// Takes the next message to send.
    pub fn poll_output(&mut self) -> Option<Transmit> {
        self.out.transmits.pop_front()
    }

    /// Takes the next thing that happened without a message.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Brings the tables in line with a transaction that took a step.
    fn settle(&mut self, now: Instant, place: Place) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        let cancel = match &mut entry.transaction {
            Transaction::InviteClient(it) => it.cancel_due().map(|due| (it.flow, due)),
            Transaction::InviteServer(_) | Transaction::Server(_) | Transaction::Client(_) => None,
        };
        let (open, loops) = match &entry.transaction {
            Transaction::InviteServer(it) => (it.is_open(), it.is_proceeding() || it.is_accepted()),
            Transaction::Server(it) => (false, it.is_unanswered()),
            Transaction::InviteClient(_) | Transaction::Client(_) => (false, false),
        };
        if entry.open != open {
            entry.open = open;
            self.invites_open = if open { self.invites_open + 1 } else { self.invites_open - 1 };
        }
        if let Some(merged) = entry.merged.take_if(|_| !loops) {
            self.merged.remove(&merged);
        }
        if let Some(end) = entry.transaction.end() {
            self.bury(place, end);
        } else {
            match entry.transaction.alarms().next() {
                Some((at, _)) => self.wheel.set(now, place.index, at),
                None => self.wheel.stop(place.index),
            }
        }
        if let Some((flow, due)) = cancel {
            self.send_cancel(now, flow, due.0);
        }
    }

    fn bury(&mut self, place: Place, end: End) {
        let Some(entry) = self.entries.remove(place) else { return };
        self.wheel.stop(place.index);
        self.table.remove(&entry.key);
        self.on_streams.remove(&(*entry.transaction.flow(), place.index));
        debug_assert!(
            self.on_streams.len() <= self.entries.len(),
            "only what exists is on a stream"
        );
        if let Some(merged) = entry.merged {
            self.merged.remove(&merged);
        }
        let Some(owner) = entry.owner else { return };
        let client = ClientId(place);
        let server = ServerId(place);
        self.events.extend(match end {
            End::Normally => None,
            End::TimedOut => Some(Event::TimedOut { client, owner }),
            End::TransportFailed => Some(Event::TransportFailed { client, owner }),
            End::NoAck => Some(Event::NoAck { server, owner }),
            End::RejectionNoAck => Some(Event::RejectionNoAck { server, owner }),
        });
    }

    /// A CANCEL of ours runs in a transaction without a user: its response decides nothing
    /// (RFC 3261 §9.1).
    fn send_cancel(&mut self, now: Instant, flow: Flow, request: Vec<u8>) {
        let message = sip_message::Message::parse(&request).expect("a CANCEL is made by us");
        let via = message.via().ok();
        let branch = via.and_then(|via| via.branch).unwrap_or_default();
        let key = self.keys.0.client(branch, Method::Cancel);
        self.start_client(now, flow, Method::Cancel, key, request, None);
    }
}
