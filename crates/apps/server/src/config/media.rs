//! Where audio arrives.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use net::MediaBackend;

use super::key::{Key, Shape};
use super::problem::Problem;
use super::settings::Settings;

pub(super) const KEYS: &[Key] = &[
    Key::text("media.address", "127.0.0.1", "IP address that RTP and RTCP are received on."),
    Key::unset(
        "media.advertised_address",
        Shape::Text,
        "IP address written into SDP, when peers reach us by another than media.address.",
    ),
    Key::integer("media.port_min", "20000", "First port for RTP; 0 means any free ports."),
    Key::integer("media.port_max", "29999", "Last port for RTP."),
    Key::text(
        "media.backend",
        "auto",
        "How packets come and go: io_uring, epoll, or auto for the first that the kernel allows.",
    ),
];

/// The addresses and ports of audio. A value of this type has passed its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaConfig {
    /// The address that sockets are bound to.
    pub address: IpAddr,
    /// The address that peers are told.
    pub advertised_address: IpAddr,
    /// The ports to use; `None` means any free ones.
    pub ports: Option<RangeInclusive<u16>>,
    /// How packets come and go.
    pub backend: MediaBackend,
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
            ports: Self::ports(settings)?,
            backend: Self::backend(settings)?,
        })
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
