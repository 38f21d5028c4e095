//! What all calls of an engine share, and what one step of a call is given.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::net::IpAddr;

use media::{CallMediaId, LocalPort, PortPool};
use model::{AccountId, Termination};
use rustc_hash::{FxHashMap, FxHashSet};
use sip_core::digest::{Guard, GuardConfig};
use sip_core::{ClientId, Endpoint, ServerId, Tokens};
use sip_message::{Flow, Message, Method, Status};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::calls::DialogIndex;
use crate::config::{Config, Seeds, Strangers};
use crate::counters::Counters;
use crate::directory::{Connector, Directory};
use crate::face::Faces;
use crate::health::Health;
use crate::io::{MediaCommand, Now, Output};
use crate::limit::{Exceeded, Lane, Pace, Seat, SourcePaces, Usage};
use crate::reject::Reject;
use crate::streamless::Streamless;
use crate::talking::Talking;

/// How many times as long as a stranger's request over UDP its answer may be.
const AMPLIFICATION_MAX: usize = 3;

/// What all calls of an engine share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) config: Config,
    pub(crate) faces: Faces,
    pub(crate) endpoint: Endpoint,
    pub(crate) guard: Guard,
    pub(crate) tokens: Tokens,
    /// Keys of media come out of it, and nothing that anybody sees.
    pub(crate) keys: Tokens,
    pub(crate) dialogs: DialogIndex,
    pub(crate) usage: Usage,
    pub(crate) counters: Counters,
    pub(crate) health: Health,
    pub(crate) streamless: Streamless,
    pub(crate) talking: Talking,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) service: Service,
    /// How fast strangers are answered; `None` before the first.
    strangers: Option<Pace>,
    /// How fast each source is answered.
    sources: SourcePaces,
    /// How fast their refusals are recorded, all together; `None` before the first.
    stranger_records: Option<Pace>,
    /// How fast the refusals of each source are recorded.
    source_records: SourcePaces,
    /// How fast refusals to carriers' addresses are recorded; `None` before the first.
    carrier_records: Option<Pace>,
    /// Connections that others made and that are not gone, as far as messages came on them.
    streams: FxHashSet<u64>,
    pub(crate) ports: PortPool,
    /// Which ports a call's media holds until it is closed.
    lent: FxHashMap<CallMediaId, [LocalPort; 2]>,
}

/// Whether new calls are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Open,
    Draining,
}

impl Hub {
    pub(crate) fn new(config: Config, seeds: &Seeds) -> Self {
        let guard = Guard::new(GuardConfig {
            algorithms: config.digest.algorithms.clone(),
            nonce_lifetime: config.digest.nonce_lifetime,
            nonces_tracked_max: config.digest.nonces_tracked_max,
            secret: seeds.nonce_secret,
            process: seeds.process,
        });
        Self {
            endpoint: Endpoint::new(config.sip, seeds.random),
            guard,
            tokens: Tokens::new(&derive(seeds, "call: tokens")),
            keys: Tokens::new(&derive(seeds, "call: media keys")),
            dialogs: DialogIndex::new(&derive(seeds, "call: dialogs")),
            usage: Usage::default(),
            counters: Counters::default(),
            health: Health::default(),
            streamless: Streamless::default(),
            talking: Talking::default(),
            outputs: VecDeque::new(),
            service: Service::Open,
            strangers: None,
            sources: SourcePaces::new(&derive(seeds, "call: sources")),
            stranger_records: None,
            source_records: SourcePaces::new(&derive(seeds, "call: source records")),
            carrier_records: None,
            streams: FxHashSet::default(),
            ports: PortPool::new(),
            lent: FxHashMap::default(),
            faces: Faces::new(&config.listeners, &config.advertised),
            config,
        }
    }

    /// Takes a pair of ports for each leg, or none.
    pub(crate) fn take_ports(&mut self, call: CallMediaId) -> Result<[LocalPort; 2], Reject> {
        let pairs = self.ports.free() + self.ports.taken();
        let exhausted = Reject::PortsExhausted { pairs };
        let Ok(first) = self.ports.take() else { return Err(exhausted) };
        let Ok(second) = self.ports.take() else {
            self.ports.release(first);
            return Err(exhausted);
        };
        self.lent.insert(call, [first, second]);
        Ok([first, second])
    }

    /// A call's media is closed: its ports are free again.
    pub(crate) fn release_ports(&mut self, call: CallMediaId) {
        for port in self.lent.remove(&call).into_iter().flatten() {
            self.ports.release(port);
        }
    }

    /// A message came on a flow. There are no more connections than the holder of the sockets lets
    /// in, and it tells of each that is gone.
    pub(crate) fn heard(&mut self, flow: &Flow) {
        if flow.transport.is_reliable() && flow.peer().is_none() {
            self.streams.insert(flow.connection);
        }
    }

    /// A connection is gone.
    pub(crate) fn gone(&mut self, flow: &Flow) {
        self.streams.remove(&flow.connection);
    }

    /// Whether something sent on a flow can arrive: a connection that the other end made cannot be
    /// made again from here.
    pub(crate) fn can_reach(&self, flow: &Flow) -> bool {
        let is_theirs = flow.transport.is_reliable() && flow.peer().is_none();
        !is_theirs || self.streams.contains(&flow.connection)
    }

    /// Whether one more stranger may be answered now.
    pub(crate) fn answers_stranger(&mut self, now: Now) -> bool {
        let rate = self.config.strangers.answers_per_second_max;
        let pace = self.strangers.get_or_insert(Pace::new(now.instant));
        pace.take(now.instant, rate).is_ok()
    }

    /// Whether one more refusal of a stranger at `source` may be recorded now.
    pub(crate) fn records_stranger(&mut self, now: Now, source: IpAddr) -> bool {
        let Strangers {
            source_records_per_second_max,
            records_per_second_max,
            records_ahead_max,
            ..
        } = self.config.strangers;
        let pace = self.stranger_records.get_or_insert(Pace::new(now.instant));
        // One that the source may not have takes none from the others.
        self.source_records.take(now.instant, source, source_records_per_second_max)
            && pace.take_ahead(now.instant, records_per_second_max, records_ahead_max).is_ok()
    }

    /// Whether one more refusal to a carrier's address may be recorded now.
    pub(crate) fn records_carrier(&mut self, now: Now) -> bool {
        let rate = self.config.strangers.carrier_records_per_second_max;
        let pace = self.carrier_records.get_or_insert(Pace::new(now.instant));
        pace.take(now.instant, rate).is_ok()
    }
}

/// A key of its own for each purpose, from the one seed.
fn derive(seeds: &Seeds, purpose: &str) -> [u8; 16] {
    let mut hasher = SipHasher24::new_with_key(b"trunkline derive");
    hasher.write(&seeds.random);
    hasher.write(purpose.as_bytes());
    hasher.finish128().as_bytes()
}

/// What one step is given: the time, the directory, and what is shared.
pub(crate) struct Turn<'e> {
    pub(crate) now: Now,
    pub(crate) directory: &'e Directory,
    pub(crate) hub: &'e mut Hub,
}

impl Turn<'_> {
    /// Sends a response. A transaction that has ended meanwhile does not want it any more.
    pub(crate) fn respond(&mut self, server: ServerId, status: Status, response: Vec<u8>) {
        self.hub.endpoint.respond(self.now.instant, server, status, response).ok();
    }

    /// Answers somebody who has not shown yet that it may call here.
    ///
    /// Half of the INVITEs that may wait for an answer are kept for callers: when strangers hold
    /// the other half, they are answered without being remembered, so that addresses that never
    /// acknowledge, forged ones above all, cannot lock callers out.
    ///
    /// Over UDP, where addresses can be forged, a challenge is always forgotten and a refusal is
    /// never repeated unasked; neither is much longer than what asked for it.
    pub(crate) fn respond_to_stranger(
        &mut self,
        asked: &Asked<'_>,
        server: ServerId,
        status: Status,
        response: Vec<u8>,
    ) {
        let can_be_forged = !asked.flow.transport.is_reliable();
        if can_be_forged && !self.may_answer(asked, response.len()) {
            // Nothing is sent, and nothing remembered.
            self.hub.endpoint.forget(server);
            return;
        }
        let limit = self.hub.config.sip.limits.invites_open_max / 2;
        let is_challenge = status == Status::PROXY_AUTHENTICATION_REQUIRED;
        if self.hub.endpoint.invites_open() > limit || (can_be_forged && is_challenge) {
            self.hub.endpoint.respond_and_forget(server, response).ok();
        } else if can_be_forged {
            self.hub.endpoint.respond_once(self.now.instant, server, response).ok();
        } else {
            self.respond(server, status, response);
        }
    }

    /// Whether an answer of this length may go to whoever asked: not many times as long as the
    /// question, and not too many to one source.
    fn may_answer(&mut self, asked: &Asked<'_>, bytes: usize) -> bool {
        if bytes > asked.message.bytes().len() * AMPLIFICATION_MAX {
            self.hub.counters.drop("amplification");
            return false;
        }
        let rate = self.hub.config.strangers.source_answers_per_second_max;
        let may = self.hub.sources.take(self.now.instant, asked.flow.remote.ip(), rate);
        if !may {
            self.hub.counters.drop("source-answers-max");
        }
        may
    }

    /// Answers what anybody can make up from any address, and forgets it: a transaction would linger
    /// for 64·T1, and a flood of them would take the room of calls. Asked again, it is answered
    /// again, and alike.
    pub(crate) fn respond_and_forget(&mut self, server: ServerId, response: Vec<u8>) {
        self.hub.endpoint.respond_and_forget(server, response).ok();
    }

    /// Sends a request in a transaction of its own; `None` if there are too many.
    pub(crate) fn request(
        &mut self,
        method: Method<'_>,
        request: Request,
        owner: u64,
    ) -> Option<ClientId> {
        let Request { to, branch, bytes } = request;
        let sent = self.hub.endpoint.request(self.now.instant, to, method, &branch, bytes, owner);
        if sent.is_err() {
            self.hub.counters.drop("transactions-max");
        }
        sent.ok()
    }

    /// Whether one more call may take a seat, at the pace of the connector and of the account: a
    /// token of each is spent.
    pub(crate) fn take_room(
        &mut self,
        seat: &Seat,
        lane: Lane,
        termination: Option<&Termination>,
    ) -> Result<(), Exceeded> {
        self.spend(seat.account, lane, termination)?;
        let account = self.directory.limits(seat.account);
        self.hub.usage.check_room(seat, &self.hub.config.limits.of(account))
    }

    /// The same for an INVITE that takes a seat which is taken already.
    pub(crate) fn take_pace(&mut self, connector: &Connector, lane: Lane) -> Result<(), Exceeded> {
        self.spend(connector.account(), lane, connector.termination())
    }

    fn spend(
        &mut self,
        account: AccountId,
        lane: Lane,
        termination: Option<&Termination>,
    ) -> Result<(), Exceeded> {
        let usage = &mut self.hub.usage;
        if let Some(termination) = termination {
            usage.take_token(self.now.instant, lane, termination)?;
        }
        usage.take_account_token(self.now.instant, account, self.directory.limits(account))
    }

    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.hub.outputs.push_back(Output::Media(command));
    }
}

/// A stranger's request, and where it came from.
pub(crate) struct Asked<'m> {
    pub(crate) flow: Flow,
    pub(crate) message: &'m Message<'m>,
}

/// A request ready to leave.
pub(crate) struct Request {
    pub(crate) to: Flow,
    /// The branch in its Via.
    pub(crate) branch: sip_core::Token,
    pub(crate) bytes: Vec<u8>,
}
