//! One message in a segment: a head of fixed size, then its bytes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use sip_message::{Flow, Transport};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It came.
    Received,
    /// It left.
    Sent,
}

/// A message that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Microseconds since 1970.
    pub(crate) at_us: u64,
    /// Which way it went.
    pub(crate) way: Way,
    /// Between whom. The connection's number is not kept.
    pub(crate) flow: Flow,
    /// The whole message.
    pub(crate) bytes: Vec<u8>,
}

/// A message as it lies in its segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept<'s> {
    /// Microseconds since 1970.
    pub(crate) at_us: u64,
    way: Way,
    flow: Flow,
    /// The whole message.
    pub(crate) bytes: &'s [u8],
}

impl Kept<'_> {
    /// A copy that outlives the segment.
    pub(crate) fn to_owned(self) -> Entry {
        let Self { at_us, way, flow, bytes } = self;
        Entry { at_us, way, flow, bytes: bytes.to_vec() }
    }
}

/// An address and a port: sixteen bytes (IPv4 mapped into IPv6), two bytes.
const ADDRESS_BYTES: usize = 18;
/// Length, time, way, transport, and two addresses.
const HEAD_BYTES: usize = 4 + 8 + 1 + 1 + 2 * ADDRESS_BYTES;

/// What a message takes, in bytes.
pub(super) const fn size(bytes: &[u8]) -> usize {
    HEAD_BYTES + bytes.len()
}

/// Appends a message. It fits: the caller has made sure of it.
pub(super) fn write(segment: &mut Vec<u8>, at_us: u64, way: Way, flow: &Flow, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("a SIP message is shorter than 64 KiB");
    segment.extend_from_slice(&length.to_le_bytes());
    segment.extend_from_slice(&at_us.to_le_bytes());
    segment.push(match way {
        Way::Received => 0,
        Way::Sent => 1,
    });
    segment.push(match flow.transport {
        Transport::Udp => 0,
        Transport::Tcp => 1,
        Transport::Tls => 2,
    });
    for address in [flow.local, flow.remote] {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        segment.extend_from_slice(&ip.octets());
        segment.extend_from_slice(&address.port().to_le_bytes());
    }
    segment.extend_from_slice(bytes);
}

/// The messages of a segment, in the order they were kept.
pub(crate) fn entries(segment: &[u8]) -> impl Iterator<Item = Kept<'_>> {
    let mut rest = segment;
    std::iter::from_fn(move || {
        let (kept, after) = read(rest)?;
        rest = after;
        Some(kept)
    })
}

fn read(segment: &[u8]) -> Option<(Kept<'_>, &[u8])> {
    let (length, rest) = segment.split_first_chunk()?;
    let (at_us, rest) = rest.split_first_chunk()?;
    let (&[way, transport], rest) = rest.split_first_chunk()?;
    let (local, rest) = address(rest)?;
    let (remote, rest) = address(rest)?;
    let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let transport = match transport {
        0 => Transport::Udp,
        1 => Transport::Tcp,
        _ => Transport::Tls,
    };
    let way = if way == 0 { Way::Received } else { Way::Sent };
    let flow = Flow { transport, local, remote, connection: 0 };
    Some((Kept { at_us: u64::from_le_bytes(*at_us), way, flow, bytes }, rest))
}

fn address(bytes: &[u8]) -> Option<(SocketAddr, &[u8])> {
    let (ip, rest) = bytes.split_first_chunk::<16>()?;
    let (port, rest) = rest.split_first_chunk()?;
    let ip = Ipv6Addr::from(*ip).to_canonical();
    Some((SocketAddr::new(ip, u16::from_le_bytes(*port)), rest))
}
