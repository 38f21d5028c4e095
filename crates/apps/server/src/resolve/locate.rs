//! From a host to its places: RFC 3263 §4, and nothing that touches the world.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use call::directory::{HOPS_MAX, Hop, Place};
use model::CarrierLookup;
use sip_message::{PeerId, Transport};

/// Targets of SRV records, and rules of NAPTR records, that are followed for one host.
const RECORDS_MAX: usize = 16;

/// What a name server says of itself or of others.
pub(super) type Answer<T> = Result<Found<T>, Fault>;

/// Records, and until when they are good. No records is an answer too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<T> {
    pub(super) records: Vec<T>,
    pub(super) until: Instant,
}

/// No answer could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Fault(pub(super) String);

/// A NAPTR record (RFC 3403 §4.1), as far as SIP cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Naptr {
    pub(super) order: u16,
    pub(super) preference: u16,
    pub(super) flags: String,
    pub(super) services: String,
    /// Absolute, with its last dot.
    pub(super) replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Srv {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    /// Absolute, with its last dot; `.` alone means that the service is not offered.
    pub(super) target: String,
}

/// Whoever answers questions about names. A name that does not exist has no records.
pub(super) trait NameService {
    async fn naptr(&self, name: &str) -> Answer<Naptr>;
    async fn srv(&self, name: &str) -> Answer<Srv>;
    /// A and AAAA records.
    async fn addresses(&self, name: &str) -> Answer<IpAddr>;
}

/// Where a host is, and until when that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    /// None if the name has no addresses of a family that we speak.
    pub(super) hops: Vec<Hop>,
    pub(super) until: Instant,
}

/// The families of addresses that we can send from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Families {
    pub(crate) v4: Spoken,
    pub(crate) v6: Spoken,
}

/// Whether something is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl Families {
    /// The families of these addresses of ours.
    pub(crate) fn of(ours: &[SocketAddr]) -> Self {
        let spoken = |found| if found { Spoken::Yes } else { Spoken::No };
        Self {
            // An IPv6 socket on every address takes IPv4 too.
            v4: spoken(ours.iter().any(|it| it.is_ipv4() || it.ip().is_unspecified())),
            v6: spoken(ours.iter().any(SocketAddr::is_ipv6)),
        }
    }

    fn speak(self, ip: IpAddr) -> bool {
        let family = if ip.is_ipv4() { self.v4 } else { self.v6 };
        family == Spoken::Yes
    }
}

/// A place on the way to becoming a hop. The order of rank is the order of trying.
struct Candidate {
    /// Which NAPTR rule, which SRV priority, and IPv6 before IPv4.
    rank: (usize, u16, u8),
    hop: Hop,
}

/// One question under way, and what it has brought.
struct Search<'a, N> {
    names: &'a N,
    families: Families,
    until: Instant,
    candidates: Vec<Candidate>,
}

/// Finds a host. An answer is believed for a day at the longest.
pub(super) async fn locate<N: NameService>(
    names: &N,
    now: Instant,
    place: &Place,
    families: Families,
) -> Result<Located, Fault> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let mut search = Search { names, families, until: now + LONGEST, candidates: Vec::new() };
    let found = match place.lookup() {
        CarrierLookup::Address => false,
        CarrierLookup::Services => {
            search.services(0, place.transport(), &service(place.transport(), place.host())).await?
        }
        CarrierLookup::Everything => search.everything(place).await?,
    };
    if !found {
        search.host(place).await?;
    }
    Ok(Located { until: search.until, hops: ranked(search.candidates) })
}

/// The name under which a host's servers for a transport are listed (RFC 3263 §4.2).
fn service(transport: Transport, host: &str) -> String {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    };
    format!("{prefix}.{host}.")
}

impl<N: NameService> Search<'_, N> {
    fn note(&mut self, until: Instant) {
        self.until = self.until.min(until);
    }

    /// NAPTR, then SRV (RFC 3263 §4.1). Says whether there is any record to go by. A place that is to
    /// be reached over TLS is reached in no other way, whatever the records prefer.
    async fn everything(&mut self, place: &Place) -> Result<bool, Fault> {
        let found = self.names.naptr(&format!("{}.", place.host())).await?;
        self.note(found.until);
        let mut rules: Vec<(Transport, Naptr)> =
            found.records.into_iter().filter_map(|it| Some((spoken(&it)?, it))).collect();
        let is_wanted = |it: Transport| place.transport() != Transport::Tls || it == Transport::Tls;
        rules.retain(|(transport, _)| is_wanted(*transport));
        rules.sort_by_key(|(_, it)| (it.order, it.preference));
        let mut any = !rules.is_empty();
        for (rank, (transport, rule)) in rules.into_iter().take(RECORDS_MAX).enumerate() {
            self.services(rank, transport, &rule.replacement).await?;
        }
        if !any {
            // Without NAPTR, what such a URI may be carried by is looked for in turn.
            let carried: &[Transport] = match place.transport() {
                Transport::Tls => &[Transport::Tls],
                Transport::Udp | Transport::Tcp => &[Transport::Udp, Transport::Tcp],
            };
            for (rank, transport) in carried.iter().copied().enumerate() {
                any |= self.services(rank, transport, &service(transport, place.host())).await?;
            }
        }
        Ok(any)
    }

    /// The servers that SRV records list under a name. Says whether there is any record.
    async fn services(
        &mut self,
        rank: usize,
        transport: Transport,
        name: &str,
    ) -> Result<bool, Fault> {
        let found = self.names.srv(name).await?;
        self.note(found.until);
        let mut servers = found.records;
        let any = !servers.is_empty();
        servers.sort_by_key(|it| it.priority);
        for server in servers.into_iter().filter(|it| it.target != ".").take(RECORDS_MAX) {
            let found = self.names.addresses(&server.target).await?;
            self.note(found.until);
            let spoken: Vec<IpAddr> =
                found.records.into_iter().filter(|it| self.families.speak(*it)).collect();
            // The addresses of one server share its weight.
            let least = u16::from(server.weight > 0);
            let weight = server.weight.checked_div(spoken.len() as u16).unwrap_or(0).max(least);
            for ip in spoken {
                let address = SocketAddr::new(ip, server.port);
                self.add((rank, server.priority), Hop { weight, ..Hop::new(transport, address) });
            }
        }
        Ok(any)
    }

    /// The host's own addresses, at its port.
    async fn host(&mut self, place: &Place) -> Result<(), Fault> {
        let found = self.names.addresses(place.host()).await?;
        self.note(found.until);
        let families = self.families;
        for ip in found.records.into_iter().filter(|it| families.speak(*it)) {
            let address = SocketAddr::new(ip, place.port());
            self.add((0, 0), Hop::new(place.transport(), address));
        }
        Ok(())
    }

    fn add(&mut self, (rule, priority): (usize, u16), hop: Hop) {
        let family = u8::from(hop.address.is_ipv4());
        self.candidates.push(Candidate { rank: (rule, priority, family), hop });
    }
}

/// What a NAPTR record leads to, if it leads to something that we speak.
fn spoken(rule: &Naptr) -> Option<Transport> {
    if !rule.flags.eq_ignore_ascii_case("s") {
        return None;
    }
    [("SIP+D2U", Transport::Udp), ("SIP+D2T", Transport::Tcp), ("SIPS+D2T", Transport::Tls)]
        .into_iter()
        .find(|(service, _)| rule.services.eq_ignore_ascii_case(service))
        .map(|(_, transport)| transport)
}

/// Each place once, with its rank as a priority, in a stable order: a shuffled answer is no change.
fn ranked(mut candidates: Vec<Candidate>) -> Vec<Hop> {
    candidates.sort_by_key(|it| (it.rank, it.hop));
    let mut hops: Vec<Hop> = Vec::new();
    let mut priority = 0;
    let mut before = None;
    for Candidate { rank, hop } in candidates {
        if before.replace(rank).is_some_and(|it| it != rank) {
            priority += 1;
        }
        let known = |it: &Hop| (it.transport, it.address) == (hop.transport, hop.address);
        if hops.len() < HOPS_MAX && !hops.iter().any(known) {
            hops.push(Hop { priority, peer: PeerId::ANYBODY, ..hop });
        }
    }
    hops
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
