//! Where next: by priority, then at random by weight, each address once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use model::{CarrierCredential, E164Number, Route};
use sip_core::Tokens;
use sip_message::{Status, Transport};

use crate::abilities::Toward;
use crate::directory::{self, Connector, Directory, Hop, HopOrder, Resolved, ResolvedCarrier};
use crate::health::Standing;
use crate::leg::uri_host;

/// The most gateways one call considers; those with the best priorities.
pub(crate) const GATEWAYS_MAX: usize = 64;

/// The most attempts one call makes, over all gateways and addresses.
pub(crate) const ATTEMPTS_MAX: u8 = 8;

/// Whom a call may be offered to.
#[derive(Debug, Clone)]
pub(crate) enum Gateway {
    /// A carrier: the call leaves for the PSTN.
    Carrier(Arc<ResolvedCarrier>),
    /// One of a connector's origination routes, by its place in the list: the call comes in.
    Route(Arc<Connector>, usize),
}

impl Gateway {
    /// The host as its owner wrote it.
    pub(crate) fn host(&self) -> &str {
        match self {
            Self::Carrier(it) => &it.carrier.host,
            Self::Route(connector, at) => &route(connector, *at).host,
        }
    }

    /// The port there.
    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Carrier(it) => it.carrier.port,
            Self::Route(connector, at) => connector.place(route(connector, *at)).port(),
        }
    }

    /// The Request-URI that a called number has there. A customer reads it as AWS writes it
    /// (facts §4.3), with port and transport.
    pub(crate) fn uri(&self, called: impl fmt::Display, transport: Transport) -> String {
        match self {
            Self::Carrier(_) => {
                let host = uri_host(self.host(), self.port(), transport.default_port());
                match transport {
                    Transport::Udp => format!("sip:{called}@{host}"),
                    Transport::Tcp | Transport::Tls => {
                        format!("sip:{called}@{host};transport={}", transport.as_param())
                    }
                }
            }
            Self::Route(..) => {
                let host = uri_host(self.host(), self.port(), 0);
                format!("sip:{called}@{host};transport={}", transport.as_str())
            }
        }
    }

    /// What its challenges are answered with.
    pub(crate) fn credential(&self) -> Option<&CarrierCredential> {
        self.carrier()?.carrier.credential.as_ref()
    }

    /// The carrier, if it is one.
    pub(crate) fn carrier(&self) -> Option<&Arc<ResolvedCarrier>> {
        match self {
            Self::Carrier(carrier) => Some(carrier),
            Self::Route(..) => None,
        }
    }

    /// The connector whose route it is, if it is one.
    pub(crate) fn connector(&self) -> Option<&Arc<Connector>> {
        match self {
            Self::Carrier(_) => None,
            Self::Route(connector, _) => Some(connector),
        }
    }

    /// Whom a leg to it leads to.
    pub(crate) fn toward(&self) -> Toward {
        match self {
            Self::Carrier(_) => Toward::Carrier,
            Self::Route(..) => Toward::Customer,
        }
    }

    fn share(&self) -> Share {
        let (priority, weight) = match self {
            Self::Carrier(it) => (it.carrier.priority, it.carrier.weight),
            Self::Route(connector, at) => {
                let route = route(connector, *at);
                (route.priority, route.weight)
            }
        };
        Share { priority, weight: u64::from(weight.max(1)) }
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carrier(it) => write!(f, "carrier {}", it.carrier.name),
            Self::Route(connector, _) => {
                write!(f, "route {} of connector {}", self.host(), connector.connector.id)
            }
        }
    }
}

fn route(connector: &Connector, at: usize) -> &Route {
    let origination = connector.origination().expect("a plan takes routes that are there");
    &origination.routes[at]
}

/// One place to send the call to.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) gateway: Gateway,
    pub(crate) hop: Hop,
    /// The number to call there, if a redirection named another one.
    pub(crate) dial: Option<E164Number>,
    /// The datagrams that this stream stands for, because the INVITE is too large for them.
    pub(crate) datagram: Option<Hop>,
}

/// What a plan wants to be done.
#[derive(Debug, Clone)]
pub(crate) enum Next {
    /// Try this.
    Now(Attempt),
    /// Nothing yet: this place is down and is left for the end.
    Later(Attempt),
}

/// A gateway's standing among the others.
#[derive(Debug, Clone, Copy)]
struct Share {
    priority: u8,
    weight: u64,
}

/// A gateway that may be tried.
#[derive(Debug)]
struct Candidate {
    gateway: Gateway,
    resolved: Resolved,
    /// The place of its connector in a group; gateways of the first are all tried before those of
    /// the second.
    tier: usize,
    share: Share,
}

impl Candidate {
    fn new(gateway: Gateway, resolved: Resolved, tier: usize) -> Self {
        let share = gateway.share();
        Self { gateway, resolved, tier, share }
    }

    fn rank(&self) -> (usize, u8) {
        (self.tier, self.share.priority)
    }
}

/// The gateways a call has not yet tried, as they were when it came.
#[derive(Debug)]
pub(crate) struct Plan {
    candidates: Vec<Candidate>,
    /// One bit per candidate that has had its turn.
    tried: u64,
    /// Attempts at places that are down, for when nothing else is left; the last one first.
    postponed: Vec<Attempt>,
    /// Attempts that come before all others: where a carrier sent the call.
    detours: VecDeque<Attempt>,
    /// The candidate whose turn it is, and the ways to it that are open yet.
    current: Option<(usize, HopOrder)>,
    attempts: u8,
}

impl Plan {
    /// To the PSTN, by these carriers.
    pub(crate) fn to_carriers(carriers: &[Arc<ResolvedCarrier>]) -> Self {
        Self::new(carriers.iter().map(|carrier| {
            Candidate::new(Gateway::Carrier(Arc::clone(carrier)), carrier.resolved.clone(), 0)
        }))
    }

    /// Into these connectors, by their origination routes: every route of the first before any of
    /// the second.
    pub(crate) fn to_connectors(connectors: &[Arc<Connector>], directory: &Directory) -> Self {
        let candidates = connectors.iter().enumerate().flat_map(|(tier, connector)| {
            let routes = connector.origination().map_or(&[][..], |it| &it.routes);
            let usable = routes.iter().enumerate().filter(|(_, it)| connector.may_use(it));
            usable.map(move |(at, route)| {
                let resolved = directory.resolved(&connector.place(route));
                let resolved = connector.of_its_families(resolved);
                Candidate::new(Gateway::Route(Arc::clone(connector), at), resolved, tier)
            })
        });
        Self::new(candidates)
    }

    /// Gives up every gateway of the connector whose turn it is: it has no room for the call.
    pub(crate) fn skip_connector(&mut self) {
        let Some((at, _)) = self.current.take() else { return };
        let tier = self.candidates[at].tier;
        for (at, _) in self.candidates.iter().enumerate().filter(|(_, it)| it.tier == tier) {
            self.tried |= 1 << at;
        }
        self.attempts -= 1;
    }

    fn new(candidates: impl Iterator<Item = Candidate>) -> Self {
        let candidates = candidates.take(GATEWAYS_MAX).collect();
        Self {
            candidates,
            tried: 0,
            current: None,
            attempts: 0,
            postponed: Vec::new(),
            detours: VecDeque::new(),
        }
    }

    /// Puts these before every gateway that has not been tried yet.
    pub(crate) fn detour(&mut self, attempts: Vec<Attempt>) {
        for attempt in attempts.into_iter().rev() {
            self.detours.push_front(attempt);
        }
    }

    /// Whether there is no address at all to try.
    pub(crate) fn leads_nowhere(&self) -> bool {
        self.candidates.iter().all(|it| it.resolved.is_empty())
    }

    /// What comes next, or none: every gateway has been tried, or [`ATTEMPTS_MAX`] is reached.
    /// `standing` says whether a place answers.
    pub(crate) fn next(
        &mut self,
        random: &mut Tokens,
        mut standing: impl FnMut(&Hop) -> Standing,
    ) -> Option<Next> {
        if self.attempts >= ATTEMPTS_MAX {
            return None;
        }
        if let Some(attempt) = self.detours.pop_front() {
            if standing(&attempt.hop) == Standing::Shut {
                self.postponed.insert(0, attempt.clone());
                return Some(Next::Later(attempt));
            }
            self.attempts += 1;
            return Some(Next::Now(attempt));
        }
        loop {
            if let Some((at, open)) = &mut self.current
                && let Some(next) = open.pop()
            {
                let candidate = &self.candidates[*at];
                let hop = candidate.resolved.hops()[usize::from(next)];
                let gateway = candidate.gateway.clone();
                let attempt = Attempt { gateway, hop, dial: None, datagram: None };
                if standing(&hop) == Standing::Shut {
                    self.postponed.insert(0, attempt.clone());
                    return Some(Next::Later(attempt));
                }
                self.attempts += 1;
                return Some(Next::Now(attempt));
            }
            let Some(at) = self.draw(random) else {
                self.current = None;
                self.attempts += 1;
                return self.postponed.pop().map(Next::Now);
            };
            let open = directory::order(self.candidates[at].resolved.hops(), random);
            self.current = Some((at, open));
        }
    }

    /// Draws among the untried gateways of the best rank, each with a chance as large as its
    /// weight's share. Facts: equal weights halve, 1 and 9 make 10 % and 90 %.
    fn draw(&mut self, random: &mut Tokens) -> Option<usize> {
        let open = || {
            let tried = self.tried;
            self.candidates.iter().enumerate().filter(move |(at, _)| tried & 1 << at == 0)
        };
        let best = open().map(|(_, it)| it.rank()).min()?;
        let peers = || {
            open().filter(move |(_, it)| it.rank() == best).map(|(at, it)| (at, it.share.weight))
        };
        let mut ticket = below(random, peers().map(|(_, weight)| weight).sum());
        let drawn = peers().find(|(_, weight)| {
            let won = ticket < *weight;
            ticket = ticket.saturating_sub(*weight);
            won
        });
        let (at, _) = drawn.expect("a ticket below the sum of weights wins one of them");
        self.tried |= 1 << at;
        Some(at)
    }
}

/// A random number below `bound`, which is not zero. The bias is below `bound` / 2⁶⁴.
pub(crate) fn below(random: &mut Tokens, bound: u64) -> u64 {
    let wide = (random.bits() & u128::from(u64::MAX)) * u128::from(bound);
    u64::try_from(wide >> 64).expect("a product of two 64-bit numbers, shifted by 64, fits")
}

/// What a carrier's final answer means for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It speaks of the route: another one may do better.
    TryNext,
    /// It speaks of the called party: it is the call's answer.
    Final,
}

/// Sorts a carrier's final failure.
///
/// The route failed: 408, 430, and 5xx but 501, 505, 513, 580, which say that the *request* cannot
/// be served; a redirection that is not followed; 401, 407 and 422 that could not be answered. Everything else, 486, 603 and 404 first, is
/// the called party's answer.
pub(crate) fn judge(status: Status) -> Answer {
    match status.0 {
        401 | 407 | 408 | 422 | 430 => Answer::TryNext,
        501 | 505 | 513 | 580 => Answer::Final,
        300..=399 | 500..=599 => Answer::TryNext,
        _ => Answer::Final,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::{Carrier, CarrierName, UnixMillis};

    use super::*;

    fn carrier(name: &str, priority: u8, weight: u8, addresses: &[&str]) -> Arc<ResolvedCarrier> {
        let name = CarrierName::parse(name).unwrap();
        let host = "carrier.example".into();
        let carrier = Carrier { priority, weight, ..Carrier::new(name, host, 5060, UnixMillis(0)) };
        Arc::new(ResolvedCarrier::new(carrier, addresses.iter().map(|it| it.parse().unwrap())))
    }

    fn attempt(plan: &mut Plan, random: &mut Tokens) -> Option<Attempt> {
        match plan.next(random, |_| Standing::Open)? {
            Next::Now(attempt) => Some(attempt),
            Next::Later(attempt) => panic!("every place is open: {attempt:?}"),
        }
    }

    fn names(plan: &mut Plan, random: &mut Tokens) -> Vec<String> {
        std::iter::from_fn(|| attempt(plan, random))
            .map(|it| it.gateway.carrier().unwrap().carrier.name.to_string())
            .collect()
    }

    #[test]
    fn a_better_priority_comes_first_and_each_address_has_one_turn() {
        let carriers: Arc<[_]> = Arc::new([
            carrier("a", 1, 1, &["192.0.2.1:5060", "192.0.2.2:5060"]),
            carrier("b", 2, 100, &["192.0.2.3:5060"]),
        ]);
        let mut random = Tokens::new(&[1; 16]);
        let mut plan = Plan::to_carriers(&carriers);
        let addresses: Vec<String> = std::iter::from_fn(|| attempt(&mut plan, &mut random))
            .map(|it| it.hop.address.to_string())
            .collect();
        assert_eq!(addresses, ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"]);
    }

    #[test]
    fn a_carrier_that_does_not_resolve_is_passed_over() {
        let carriers: Arc<[_]> =
            Arc::new([carrier("a", 1, 1, &[]), carrier("b", 1, 1, &["192.0.2.3:5060"])]);
        for seed in 0..20 {
            let mut random = Tokens::new(&[seed; 16]);
            assert_eq!(names(&mut Plan::to_carriers(&carriers), &mut random), ["b"]);
        }
    }

    #[test]
    fn weights_share_the_first_attempt_one_to_nine() {
        let carriers: Arc<[_]> = Arc::new([
            carrier("a", 1, 10, &["192.0.2.1:5060"]),
            carrier("b", 1, 90, &["192.0.2.2:5060"]),
        ]);
        let mut random = Tokens::new(&[3; 16]);
        let mut firsts: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..10_000 {
            let order = names(&mut Plan::to_carriers(&carriers), &mut random);
            assert_eq!(order.len(), 2);
            *firsts.entry(order[0].clone()).or_default() += 1;
        }
        assert!((850..1150).contains(&firsts["a"]), "{firsts:?}");
    }

    #[test]
    fn attempts_are_bounded() {
        let addresses = ["192.0.2.1:5060"; 20];
        let carriers: Arc<[_]> = Arc::new([carrier("a", 1, 1, &addresses)]);
        let mut random = Tokens::new(&[4; 16]);
        let order = names(&mut Plan::to_carriers(&carriers), &mut random);
        assert_eq!(order.len(), usize::from(ATTEMPTS_MAX));
    }

    #[test]
    fn no_carrier_means_no_attempt() {
        let carriers: Arc<[Arc<ResolvedCarrier>]> = Arc::new([]);
        assert!(attempt(&mut Plan::to_carriers(&carriers), &mut Tokens::new(&[5; 16])).is_none());
    }

    #[test]
    fn the_called_partys_answer_is_final_and_the_routes_is_not() {
        for status in [404, 486, 480, 603, 600, 604, 403, 484, 488, 501] {
            assert_eq!(judge(Status(status)), Answer::Final, "{status}");
        }
        for status in [503, 500, 502, 504, 408, 407, 401, 302] {
            assert_eq!(judge(Status(status)), Answer::TryNext, "{status}");
        }
    }
}
