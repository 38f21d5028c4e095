//! Where SIP is spoken, under which names, and by which timers.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use super::key::{Key, Shape};
use super::problem::Problem;
use super::settings::Settings;
use super::sip_dns::DnsConfig;
use super::sip_tls::SipTlsConfig;

pub(super) const KEYS: &[Key] = &[
    Key::text("sip.listen", "127.0.0.1:5060", "Address and port of SIP over UDP and TCP."),
    Key::unset(
        "sip.advertised_address",
        Shape::Text,
        "IP address written into Via and Contact, when peers reach us by another than we listen on.",
    ),
    Key::list(
        ADVERTISED,
        "",
        "Addresses written into Via and Contact toward peers of some networks, as NETWORK=ADDRESS: \
         10.0.0.0/8=10.0.0.5. Of several networks the smallest counts.",
    ),
    Key::text(
        "sip.domain",
        "voiceconnector.localhost",
        "What follows a connector's id in its outbound host name; fixed per connector when it is made.",
    ),
    Key::list(
        "sip.digest_algorithms",
        "MD5,SHA-256",
        "Digest algorithms offered in a challenge, in this order: MD5, SHA-256, SHA-512-256.",
    ),
    Key::integer(
        "sip.t1_ms",
        "500",
        "Round-trip estimate T1 in milliseconds (RFC 3261 §17.1.1.1).",
    ),
    Key::integer("sip.t2_ms", "4000", "Longest retransmission interval T2 in milliseconds."),
    Key::integer(
        "sip.t4_ms",
        "5000",
        "How long a message stays in the network, T4, in milliseconds.",
    ),
    Key::integer(
        "sip.connections_max",
        "4096",
        "TCP and TLS connections open at once; more are closed.",
    ),
    Key::integer(
        "sip.connections_per_source_max",
        "256",
        "TCP and TLS connections from one address open at once; more are closed.",
    ),
    Key::integer(
        "sip.trace_bytes_max",
        "67108864",
        "Memory for the latest SIP messages, which `trunkline trace` shows, in bytes; 0 keeps none.",
    ),
    Key::integer(
        "sip.probe_interval_s",
        "0",
        "Seconds between OPTIONS to carriers, and to routes that calls use; 0 asks nobody, as AWS does.",
    ),
    Key::integer(
        "sip.probe_failures_max",
        "3",
        "Failures in a row after which calls avoid a place while another is left.",
    ),
    Key::integer(
        "sip.probe_rest_s",
        "30",
        "Seconds that a place which went down rests before it is tried again; doubled up to ten times.",
    ),
];

/// SIP's listeners, names and timers. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipConfig {
    /// Address and port of UDP and TCP; port 0 means any free one, the same for both.
    pub listen: SocketAddr,
    /// The address that peers reach us by, if it is not the one we listen on.
    pub advertised_address: Option<IpAddr>,
    /// The addresses that peers of some networks reach us by.
    pub advertised: Vec<AdvertisedAddress>,
    /// What follows a new connector's id in its outbound host name.
    pub domain: String,
    /// Offered in this order; any of them is accepted. Never empty.
    pub digest_algorithms: Vec<DigestAlgorithm>,
    /// Round-trip estimate. RFC 3261 §17.1.1.1.
    pub t1: Duration,
    /// Longest retransmission interval. RFC 3261 §17.1.2.2.
    pub t2: Duration,
    /// Longest life of a message in the network. RFC 3261 §17.1.2.2.
    pub t4: Duration,
    /// TCP and TLS connections open at once.
    pub connections_max: usize,
    /// TCP and TLS connections from one address open at once.
    pub connections_per_source_max: usize,
    /// SIP over TLS.
    pub tls: SipTlsConfig,
    /// Between OPTIONS to the places that calls go to; `None` asks nobody.
    pub probe_interval: Option<Duration>,
    /// Failures in a row after which a place is down.
    pub probe_failures_max: NonZeroU32,
    /// How long it rests then.
    pub probe_rest: Duration,
    /// How the hosts of carriers and routes are found.
    pub dns: DnsConfig,
    /// Memory for the latest messages, in bytes.
    pub trace_bytes_max: usize,
}

/// A digest algorithm (RFC 7616 §3.2, RFC 8760 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256.
    Sha512_256,
}

impl DigestAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    /// The name in a challenge.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }
}

impl SipConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let listen = settings.socket("sip.listen")?;
        let advertised_address = settings.ip("sip.advertised_address")?;
        if listen.ip().is_unspecified() && advertised_address.is_none() {
            return Err(settings.refuse(
                "sip.listen",
                "peers cannot answer to an address that stands for every address; listen on one \
                 of this machine's own, or say in sip.advertised_address which one peers reach",
            ));
        }
        if advertised_address.is_some_and(|it| it.is_unspecified()) {
            return Err(settings.refuse(
                "sip.advertised_address",
                "peers cannot answer to an address that stands for every address; give the one \
                 they reach",
            ));
        }
        let t1 = settings.millis("sip.t1_ms", 10..=5_000)?;
        let t2 = settings.millis("sip.t2_ms", 10..=60_000)?;
        if t2 < t1 {
            return Err(settings.refuse("sip.t2_ms", "it must not be less than sip.t1_ms"));
        }
        Ok(Self {
            listen,
            advertised_address,
            advertised: advertised(settings, ADVERTISED)?,
            domain: domain(settings)?,
            digest_algorithms: algorithms(settings)?,
            t1,
            t2,
            t4: settings.millis("sip.t4_ms", 10..=60_000)?,
            connections_max: settings.integer("sip.connections_max", 1..=1_000_000)?,
            connections_per_source_max: settings
                .integer("sip.connections_per_source_max", 1..=1_000_000)?,
            tls: SipTlsConfig::read(settings, listen)?,
            probe_interval: Some(settings.seconds("sip.probe_interval_s", 0..=3_600)?)
                .filter(|it| !it.is_zero()),
            probe_failures_max: NonZeroU32::new(
                settings.integer("sip.probe_failures_max", 1..=1_000)?,
            )
            .expect("a number from 1 on is not 0"),
            probe_rest: settings.seconds("sip.probe_rest_s", 1..=3_600)?,
            dns: DnsConfig::read(settings)?,
            trace_bytes_max: settings.integer("sip.trace_bytes_max", 0..=1 << 40)?,
        })
    }
}

const ADVERTISED: &str = "sip.advertised";

/// The address that peers of one network reach us by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdvertisedAddress {
    /// Whose peers.
    pub toward: IpNet,
    /// What they are told.
    pub address: IpAddr,
}

pub(super) fn advertised(
    settings: &Settings,
    key: &'static str,
) -> Result<Vec<AdvertisedAddress>, Problem> {
    let read = |text: &String| {
        let (network, address) = text.split_once('=')?;
        let toward = network.trim().parse().ok()?;
        let address: IpAddr = address.trim().parse().ok()?;
        (!address.is_unspecified()).then_some(AdvertisedAddress { toward, address })
    };
    let refused = |text: &String| {
        let rule = format!(
            "\"{text}\" is no NETWORK=ADDRESS; write 10.0.0.0/8=10.0.0.5, or ::/0=2001:db8::5"
        );
        settings.refuse(key, rule)
    };
    settings.list(key).iter().map(|text| read(text).ok_or_else(|| refused(text))).collect()
}

/// Reads a host name: labels of letters, digits and inner hyphens (RFC 1123 §2.1), in lower case.
fn domain(settings: &Settings) -> Result<String, Problem> {
    /// 253 characters of a name, less the 22 of a connector's id and its dot.
    const LENGTH_MAX: usize = 230;
    let text = settings.text("sip.domain").unwrap_or_default();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() > LENGTH_MAX || !text.split('.').all(label) {
        return Err(settings.refuse(
            "sip.domain",
            "it must be a host name, such as sip.example.com, of at most 230 characters",
        ));
    }
    Ok(text.to_ascii_lowercase())
}

fn algorithms(settings: &Settings) -> Result<Vec<DigestAlgorithm>, Problem> {
    const KEY: &str = "sip.digest_algorithms";
    let mut chosen: Vec<DigestAlgorithm> = Vec::new();
    for name in settings.list(KEY) {
        let found =
            DigestAlgorithm::ALL.iter().copied().find(|it| it.as_str().eq_ignore_ascii_case(name));
        match found {
            Some(algorithm) if !chosen.contains(&algorithm) => chosen.push(algorithm),
            Some(_) => return Err(settings.refuse(KEY, format!("{name} stands there twice"))),
            None => {
                let rule = format!("there is no \"{name}\"; choose from MD5, SHA-256, SHA-512-256");
                return Err(settings.refuse(KEY, rule));
            }
        }
    }
    if chosen.is_empty() {
        return Err(settings.refuse(KEY, "name at least one of MD5, SHA-256, SHA-512-256"));
    }
    Ok(chosen)
}
