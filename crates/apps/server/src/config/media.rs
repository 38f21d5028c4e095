//! Where audio arrives.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use media::UnverifiedLimit;
use net::MediaBackend;

use super::AdvertisedAddress;
use super::key::{Key, Shape};
use super::problem::Problem;
use super::settings::Settings;

const ADVERTISED: &str = "media.advertised";

/// The longest that packets are let wait for others: two relays in a row stay below 2 ms.
const GATHER_US_MAX: u64 = 1_000;

pub(super) const KEYS: &[Key] = &[
    Key::text("media.address", "127.0.0.1", "IP address that RTP and RTCP are received on."),
    Key::unset(
        "media.advertised_address",
        Shape::Text,
        "IP address written into SDP, when peers reach us by another than media.address.",
    ),
    Key::list(
        ADVERTISED,
        "",
        "Addresses written into SDP instead for peers of some networks, each as NETWORK=ADDRESS, such \
         as ::/0=2001:db8::5; the smallest network counts. media.address \"::\" takes audio of both \
         address families.",
    ),
    Key::integer("media.port_min", "20000", "First port for RTP; 0 means any free ports."),
    Key::integer("media.port_max", "29999", "Last port for RTP."),
    Key::text(
        "media.backend",
        "auto",
        "How packets come and go: io_uring, epoll, or auto for the first that the kernel allows.",
    ),
    Key::integer(
        "media.gather_us",
        "400",
        "Microseconds that a packet may wait for others, so that they share the cost of waking the \
         media thread; 0 to handle each as it comes.",
    ),
    Key::integer(
        "media.packets_per_second_max",
        "250",
        "Packets that the peer of one leg may send in a second, RTP and RTCP together; more are \
         dropped.",
    ),
    Key::integer(
        "media.unheard_max_s",
        "60",
        "Seconds that media is sent to an address of which nothing was heard: anybody can write it \
         into an offer.",
    ),
    Key::integer(
        "media.unheard_packets_max",
        "6000",
        "Packets that are sent to an address of which nothing was heard.",
    ),
    Key::integer(
        "media.first_packet_max_s",
        "30",
        "Seconds that an answered side may stay without its first packet before the call is ended.",
    ),
    Key::integer(
        "media.one_way_after_s",
        "10",
        "Seconds that one side may talk while nothing is heard of the other, before the call is \
         marked as one-way audio; 0 for never.",
    ),
];

/// The addresses and ports of audio. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// The address that sockets are bound to.
    pub address: IpAddr,
    /// The address that peers are told.
    pub advertised_address: IpAddr,
    /// Addresses that peers of some networks are told instead.
    pub advertised: Vec<AdvertisedAddress>,
    /// The ports to use; `None` means any free ones.
    pub ports: Option<RangeInclusive<u16>>,
    /// How packets come and go.
    pub backend: MediaBackend,
    /// How long a packet may wait for others.
    pub gather: Duration,
    /// Packets that the peer of one leg may send in a second.
    pub packets_per_second_max: NonZeroU32,
    /// What an address is sent of which nothing was heard.
    pub unheard: UnverifiedLimit,
    /// How long an answered side may stay without its first packet.
    pub first_packet_max: Duration,
    /// How long audio may go one way; `None` for ever.
    pub one_way_after: Option<Duration>,
}

impl MediaConfig {
    pub(super) fn read(settings: &Settings) -> Result<Self, Problem> {
        let address = settings
            .ip("media.address")?
            .ok_or_else(|| settings.refuse("media.address", "it must be an IP address"))?;
        let advertised = settings.ip("media.advertised_address")?;
        if address.is_unspecified() && advertised.is_none() {
            return Err(settings.refuse(
                "media.address",
                "peers cannot send audio to an address that stands for every address; give one of \
                 this machine's own, or say in media.advertised_address which one peers reach",
            ));
        }
        Ok(Self {
            address,
            advertised_address: advertised.unwrap_or(address),
            advertised: Self::advertised(settings, address)?,
            ports: Self::ports(settings)?,
            backend: Self::backend(settings)?,
            gather: Duration::from_micros(settings.integer("media.gather_us", 0..=GATHER_US_MAX)?),
            packets_per_second_max: settings
                .integer("media.packets_per_second_max", 25..=10_000)
                .map(|packets: u32| {
                NonZeroU32::new(packets).expect("the range begins above 0")
            })?,
            unheard: UnverifiedLimit {
                time: settings.seconds("media.unheard_max_s", 1..=3_600)?,
                packets: settings.integer("media.unheard_packets_max", 1..=1_000_000)?,
            },
            first_packet_max: settings.seconds("media.first_packet_max_s", 1..=86_400)?,
            one_way_after: match settings.integer("media.one_way_after_s", 0..=86_400)? {
                0 => None,
                seconds => Some(Duration::from_secs(seconds)),
            },
        })
    }

    /// The sockets must take what peers are told to send there.
    fn advertised(settings: &Settings, address: IpAddr) -> Result<Vec<AdvertisedAddress>, Problem> {
        let advertised = super::sip::advertised(settings, ADVERTISED)?;
        let takes_both = address.is_ipv6() && address.is_unspecified();
        let foreign = |it: &&AdvertisedAddress| it.address.is_ipv4() != address.is_ipv4();
        match advertised.iter().find(foreign) {
            Some(it) if !takes_both => {
                let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                let rule = format!(
                    "{} is told to peers, and media.address {address} takes {family} alone; set \
                     media.address to \"::\", which takes both",
                    it.address
                );
                Err(settings.refuse(ADVERTISED, rule))
            }
            Some(_) | None => Ok(advertised),
        }
    }

    fn backend(settings: &Settings) -> Result<MediaBackend, Problem> {
        match settings.text("media.backend") {
            Some("auto") | None => Ok(MediaBackend::Auto),
            Some("io_uring") => Ok(MediaBackend::IoUring),
            Some("epoll") => Ok(MediaBackend::Epoll),
            Some(_) => Err(settings.refuse("media.backend", "it must be auto, io_uring or epoll")),
        }
    }

    fn ports(settings: &Settings) -> Result<Option<RangeInclusive<u16>>, Problem> {
        let min: u16 = settings.integer("media.port_min", 0..=65_534)?;
        if min == 0 {
            return Ok(None);
        }
        if min < 1024 {
            return Err(settings.refuse("media.port_min", "it must be 0, or from 1024 to 65534"));
        }
        let max: u16 = settings.integer("media.port_max", 1024..=65_535)?;
        // A call takes two pairs of ports, RTP even and RTCP odd, one pair per side.
        let first_even = min + min % 2;
        if max < first_even.saturating_add(3) {
            return Err(settings.refuse(
                "media.port_max",
                format!("one call takes four ports, so it must be at least {}", first_even + 3),
            ));
        }
        Ok(Some(min..=max))
    }
}
