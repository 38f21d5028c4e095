//! What an engine is told when it is made.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use sip_core::digest::{Algorithm, GuardConfig};
use sip_core::session;
use sip_message::Transport;

use crate::caller_id::CallerIdPolicy;
use crate::dtmf::DtmfPolicy;
use crate::headers::HeaderPolicy;
use crate::limit::Limits;

/// Laps of a call through a PBX unless said otherwise: more phones than ring one number of their own
/// house at one moment, and few enough to leave room for others.
const LAPS_MAX: u32 = 20;

/// Settings of one engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where we are reached, at least one per transport that carriers use.
    pub listeners: Vec<Listener>,
    /// Addresses for peers of some networks, where the listeners' own are not what these reach. Of
    /// several networks that a peer is in, the smallest counts.
    pub advertised: Vec<Advertised>,
    /// The address put into SDP: where peers send their media.
    pub media_address: IpAddr,
    /// The same for peers of some networks: of one address family, say, or of one side of a NAT. Of
    /// several networks that a peer is in, the smallest counts.
    pub media_advertised: Vec<Advertised>,
    /// Which callers' numbers are believed.
    pub caller_id: CallerIdPolicy,
    /// How many calls at once.
    pub limits: Limits,
    /// Calls of one connector's to a number that rings at the same connector, from the same caller and
    /// all unanswered: as many laps a call may make through a PBX that sends it back.
    pub laps_max: u32,
    /// How long things may take.
    pub patience: Patience,
    /// What becomes of an answered call whose media falls silent.
    pub on_silence: OnSilence,
    /// What becomes of digits between sides that tell them differently.
    pub dtmf: DtmfPolicy,
    /// Session timers, negotiated on each leg by itself; `None` for none.
    pub session: Option<session::Policy>,
    /// Provisional responses that are acknowledged, on each leg by itself.
    pub reliable: ReliableProgress,
    /// What becomes of an INVITE that wants to take the place of a leg.
    pub replaces: ReplacesPolicy,
    /// Which headers cross from one leg to the other.
    pub headers: HeaderPolicy,
    /// How it is found out whether places that calls go to are there.
    pub probing: Probing,
    /// How strangers are treated.
    pub strangers: Strangers,
    /// Transaction timers and limits.
    pub sip: sip_core::Config,
    /// How callers are challenged.
    pub digest: DigestConfig,
}

/// One socket that SIP comes in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// What it carries messages by.
    pub transport: Transport,
    /// The address it is bound to, as it stands in [`Flow::local`](sip_message::Flow::local).
    pub local: SocketAddr,
    /// The address that others reach it by: goes into Via and Contact.
    pub advertised: SocketAddr,
}

/// The address that peers of one network reach us by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertised {
    /// Whose peers.
    pub toward: IpNet,
    /// Goes into Via and Contact, with the listener's port.
    pub address: IpAddr,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From sending an INVITE to its first response of any kind; then the next carrier is tried.
    pub progress: Duration,
    /// From the caller's INVITE to an answer, over all carriers.
    pub ring: Duration,
    /// From answer to end.
    pub duration: Duration,
    /// From closing a call's media to its report; then the record is written without one.
    pub report: Duration,
}

impl Default for Patience {
    /// 4 s, 3 min, 4 h, 2 s.
    fn default() -> Self {
        Self {
            progress: Duration::from_secs(4),
            ring: Duration::from_secs(180),
            duration: Duration::from_secs(4 * 60 * 60),
            report: Duration::from_secs(2),
        }
    }
}

/// How it is found out whether places that calls go to are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probing {
    /// How often places are asked with OPTIONS; `None`: never, as AWS does not either, and only
    /// calls tell.
    pub interval: Option<Duration>,
    /// A place is down after so many failures in a row.
    pub failures_max: NonZeroU32,
    /// How long a place that went down rests before it is tried again.
    pub rest: Duration,
    /// The longest such rest: each further failure doubles it.
    pub rest_max: Duration,
}

impl Default for Probing {
    /// Never asked; down after 3 failures; 30 s to 5 min.
    fn default() -> Self {
        Self {
            interval: None,
            failures_max: NonZeroU32::new(3).expect("the number is not 0"),
            rest: Duration::from_secs(30),
            rest_max: Duration::from_secs(300),
        }
    }
}

/// What becomes of an answered call whose media falls silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnSilence {
    /// It is hung up on both sides.
    #[default]
    HangUp,
    /// Nothing; silence is only seen in the quality figures.
    Ignore,
}

/// Whether provisional responses are acknowledged (RFC 3262).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReliableProgress {
    /// Never: the extension is not known here, and an INVITE that requires it is refused.
    Never,
    /// To callers that support it; and it is offered to the called side when the caller does.
    #[default]
    AsAsked,
    /// To callers that support it; and it is offered to the called side with every offer.
    Always,
}

/// What becomes of an INVITE with `Replaces` (RFC 3891), by which a connector's user takes the place
/// of a leg of the same connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplacesPolicy {
    /// It is carried out.
    #[default]
    CarryOut,
    /// It is answered 603.
    Decline,
}

/// How strangers are treated: those who name no connector, and those who name one and have not
/// shown that they may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strangers {
    /// Answers per second to requests that name no connector, all senders together. A mistyped host
    /// name deserves its 404; a scanner's flood deserves no bandwidth.
    pub answers_per_second_max: NonZeroU32,
    /// Records per second, in the long run, of INVITEs refused before their sender was known. Who has
    /// learned a host name could fill a disk with them; beyond this they are only counted.
    pub records_per_second_max: NonZeroU32,
    /// How many of them may come at once after a quiet time.
    pub records_ahead_max: NonZeroU32,
    /// How many of them in a second one source may have, so that it leaves room for others.
    pub source_records_per_second_max: NonZeroU32,
    /// Records per second of INVITEs refused that a carrier's address stands on and nothing else
    /// shows to be the carrier's: over UDP anybody can write it.
    pub carrier_records_per_second_max: NonZeroU32,
    /// Challenges and refusals per second to one address over UDP, which may be forged. Above what
    /// any customer's calls need.
    pub source_answers_per_second_max: NonZeroU32,
}

impl Default for Strangers {
    /// 100 answers a second; one record a second, 86,400 a day, and 1,000 ahead, 10 a second of one
    /// source; 100 records a second at carriers' addresses; 5,000 answers a second to one source.
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).expect("the number is not 0");
        Self {
            answers_per_second_max: number(100),
            records_per_second_max: number(1),
            records_ahead_max: number(1000),
            source_records_per_second_max: number(10),
            carrier_records_per_second_max: number(100),
            source_answers_per_second_max: number(5000),
        }
    }
}

/// How callers are challenged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestConfig {
    /// What is offered, one challenge header each, in this order; anything listed is accepted.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce may be used.
    pub nonce_lifetime: Duration,
    /// Nonces whose counts are remembered at once; beyond it the oldest become stale.
    pub nonces_tracked_max: usize,
}

impl Default for DigestConfig {
    /// What [`GuardConfig::new`] has: MD5 then SHA-256, five minutes, 131,072 nonces.
    fn default() -> Self {
        let GuardConfig { algorithms, nonce_lifetime, nonces_tracked_max, .. } =
            GuardConfig::new([0; 16], 0);
        Self { algorithms, nonce_lifetime, nonces_tracked_max }
    }
}

/// What must not be guessed. Each shard has its own.
pub struct Seeds {
    /// Tags, branches, Call-IDs and table keys come out of it. Fresh for every process.
    pub random: [u8; 32],
    /// Signs nonces. Kept over restarts, so that a nonce from before one is known as ours.
    pub nonce_secret: [u8; 16],
    /// This process: nonces of another one are stale. Must never repeat.
    pub process: u64,
}

impl std::fmt::Debug for Seeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seeds(…)")
    }
}

impl Config {
    /// The address put into SDP for a peer.
    pub(crate) fn media_address_for(&self, peer: IpAddr) -> IpAddr {
        let named = self.media_advertised.iter().rev().filter(|it| it.toward.contains(&peer));
        named.max_by_key(|it| it.toward.prefix_len()).map_or(self.media_address, |it| it.address)
    }

    /// Defaults for a server that is reached at `listeners` and takes media at `media_address`.
    pub fn new(listeners: Vec<Listener>, media_address: IpAddr) -> Self {
        Self {
            listeners,
            advertised: Vec::new(),
            media_address,
            media_advertised: Vec::new(),
            caller_id: CallerIdPolicy::default(),
            limits: Limits::default(),
            laps_max: LAPS_MAX,
            patience: Patience::default(),
            on_silence: OnSilence::default(),
            dtmf: DtmfPolicy::default(),
            session: Some(session::Policy::default()),
            reliable: ReliableProgress::default(),
            replaces: ReplacesPolicy::default(),
            headers: HeaderPolicy::default(),
            probing: Probing::default(),
            strangers: Strangers::default(),
            sip: sip_core::Config::default(),
            digest: DigestConfig::default(),
        }
    }
}
