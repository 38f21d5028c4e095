//! A capture file of messages: the classic pcap format, each message in an IP packet of its own.
//!
//! The service keeps messages, not packets, so the packets here are made anew: UDP as it was; a
//! stream's messages, those inside TLS included, as TCP segments whose sequence numbers go on, so
//! that a reader puts them together. pcap: IETF draft-ietf-opsawg-pcap §4; packets begin with their
//! IP header (link type 101).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use api::operator::dto::{TraceMessage, Way};

use crate::failure::Failure;

/// Times are in microseconds.
const MAGIC: u32 = 0xA1B2_C3D4;
/// Packets begin with an IP header, whose first four bits say which.
const LINK_TYPE_RAW: u32 = 101;
/// The longest packet there can be.
const SNAP_LENGTH: u32 = 65_535;
/// The longest piece of a stream in one segment, in bytes.
const SEGMENT_MAX: usize = 32_768;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The file.
///
/// # Errors
/// A message that the service tells in a way this release does not know.
pub(super) fn capture(messages: &[TraceMessage]) -> Result<Vec<u8>, Failure> {
    let mut file = Vec::new();
    file.extend_from_slice(&MAGIC.to_le_bytes());
    // Version 2.4, no correction of time.
    file.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend_from_slice(&SNAP_LENGTH.to_le_bytes());
    file.extend_from_slice(&LINK_TYPE_RAW.to_le_bytes());
    let mut streams: BTreeMap<(SocketAddr, SocketAddr), u32> = BTreeMap::new();
    for message in messages {
        let (from, to) = ends(message)?;
        let bytes = bytes(message)?;
        if message.transport == "UDP" {
            packet(&mut file, message.at_us, from, to, UDP, udp(from, to, &bytes));
            continue;
        }
        for piece in bytes.chunks(SEGMENT_MAX) {
            let heard = *streams.entry((to, from)).or_insert(1);
            let sequence = streams.entry((from, to)).or_insert(1);
            let segment = tcp(from, to, *sequence, heard, piece);
            *sequence =
                sequence.wrapping_add(u32::try_from(piece.len()).expect("a piece is short"));
            packet(&mut file, message.at_us, from, to, TCP, segment);
        }
    }
    Ok(file)
}

fn ends(message: &TraceMessage) -> Result<(SocketAddr, SocketAddr), Failure> {
    let address = |text: &str| text.parse().map_err(|_| strange("an address", text));
    let (local, remote) = (address(&message.local)?, address(&message.remote)?);
    Ok(match message.way {
        Way::Received => (remote, local),
        Way::Sent => (local, remote),
    })
}

fn bytes(message: &TraceMessage) -> Result<Vec<u8>, Failure> {
    match (&message.text, &message.hex) {
        (Some(text), _) => Ok(text.as_bytes().to_vec()),
        (None, Some(hex)) => {
            let digit =
                |at: usize| hex.get(at..at + 2).and_then(|it| u8::from_str_radix(it, 16).ok());
            (0..hex.len())
                .step_by(2)
                .map(|at| digit(at).ok_or_else(|| strange("hexadecimal", hex)))
                .collect()
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn strange(wanted: &str, found: &str) -> Failure {
    let found: String = found.chars().take(40).collect();
    Failure::Failed(format!(
        "the service told '{found}' where {wanted} was expected; is it of this release?"
    ))
}

/// One record of the file: its head, an IP header, and what is inside.
fn packet(
    file: &mut Vec<u8>,
    at_us: u64,
    from: SocketAddr,
    to: SocketAddr,
    protocol: u8,
    inside: Vec<u8>,
) {
    let mut packet = ip_header(from.ip(), to.ip(), protocol, inside.len());
    packet.extend_from_slice(&inside);
    let length = u32::try_from(packet.len()).expect("a packet is shorter than 4 GiB");
    let seconds = u32::try_from(at_us / 1_000_000).unwrap_or(u32::MAX);
    let micros = u32::try_from(at_us % 1_000_000).expect("a remainder of a million fits");
    for field in [seconds, micros, length, length] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    file.extend_from_slice(&packet);
}

/// RFC 791 §3.1, RFC 8200 §3. Two addresses of different families cannot be ends of one packet; then
/// both are written as IPv6.
fn ip_header(from: IpAddr, to: IpAddr, protocol: u8, inside: usize) -> Vec<u8> {
    let length = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    if let (IpAddr::V4(from), IpAddr::V4(to)) = (from, to) {
        let mut header = vec![0x45, 0];
        header.extend_from_slice(&length(20 + inside));
        header.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
        header.extend_from_slice(&from.octets());
        header.extend_from_slice(&to.octets());
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum);
        return header;
    }
    let mut header = vec![0x60, 0, 0, 0];
    header.extend_from_slice(&length(inside));
    header.extend_from_slice(&[protocol, 64]);
    header.extend_from_slice(&wide(from));
    header.extend_from_slice(&wide(to));
    header
}

fn wide(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// RFC 768.
fn udp(from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + bytes.len()).unwrap_or(u16::MAX);
    let mut datagram = Vec::with_capacity(8 + bytes.len());
    for field in [from.port(), to.port(), length, 0] {
        datagram.extend_from_slice(&field.to_be_bytes());
    }
    datagram.extend_from_slice(bytes);
    let sum = inside_checksum(from.ip(), to.ip(), UDP, &datagram);
    // Zero would mean that there is no checksum.
    let sum = if sum == [0, 0] { [0xFF, 0xFF] } else { sum };
    datagram[6..8].copy_from_slice(&sum);
    datagram
}

/// RFC 9293 §3.1, with PSH and ACK.
fn tcp(from: SocketAddr, to: SocketAddr, sequence: u32, heard: u32, bytes: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(20 + bytes.len());
    segment.extend_from_slice(&from.port().to_be_bytes());
    segment.extend_from_slice(&to.port().to_be_bytes());
    segment.extend_from_slice(&sequence.to_be_bytes());
    segment.extend_from_slice(&heard.to_be_bytes());
    segment.extend_from_slice(&[0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0]);
    segment.extend_from_slice(bytes);
    let sum = inside_checksum(from.ip(), to.ip(), TCP, &segment);
    segment[16..18].copy_from_slice(&sum);
    segment
}

/// The checksum over what is inside an IP packet and the pseudo header (RFC 768, RFC 8200 §8.1).
fn inside_checksum(from: IpAddr, to: IpAddr, protocol: u8, inside: &[u8]) -> [u8; 2] {
    let mut summed = Vec::with_capacity(40 + inside.len());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            summed.extend_from_slice(&from.octets());
            summed.extend_from_slice(&to.octets());
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => {
            summed.extend_from_slice(&wide(from));
            summed.extend_from_slice(&wide(to));
        }
    }
    let length = u32::try_from(inside.len()).expect("a packet is shorter than 4 GiB");
    summed.extend_from_slice(&length.to_be_bytes());
    summed.extend_from_slice(&[0, 0, 0, protocol]);
    summed.extend_from_slice(inside);
    checksum(&summed)
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u64 = bytes.chunks(2).map(word).map(u64::from).sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    (!u16::try_from(sum).expect("the carries have been added")).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(transport: &str, way: &str, local: &str, remote: &str) -> TraceMessage {
        serde_json::from_value(serde_json::json!({
            "at": "2026-11-23T10:00:00.000Z", "at_us": 1_764_000_000_000_123_u64, "way": way,
            "transport": transport, "local": local, "remote": remote, "call_id": "a", "text": "SIP/2.0 200 OK\r\n\r\n",
        }))
        .unwrap()
    }

    /// The packets of a file.
    fn packets(file: &[u8]) -> Vec<&[u8]> {
        let mut rest = &file[24..];
        let mut packets = Vec::new();
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
            packets.push(&rest[16..16 + length]);
            rest = &rest[16 + length..];
        }
        packets
    }

    #[test]
    fn a_datagram_has_its_addresses_and_checksums_that_add_up() {
        let file =
            capture(&[message("UDP", "received", "127.0.0.1:5060", "192.0.2.7:5071")]).unwrap();
        assert_eq!(file[..4], MAGIC.to_le_bytes());
        let packet = packets(&file)[0];
        assert_eq!((packet[0], packet[9]), (0x45, UDP));
        assert_eq!(&packet[12..20], &[192, 0, 2, 7, 127, 0, 0, 1]);
        assert_eq!(checksum(&packet[..20]), [0, 0]);
        assert_eq!(&packet[20..24], &[0x13, 0xCF, 0x13, 0xC4]);
        let (from, to) = ("192.0.2.7".parse().unwrap(), "127.0.0.1".parse().unwrap());
        assert_eq!(inside_checksum(from, to, UDP, &packet[20..]), [0, 0]);
        assert!(packet.ends_with(b"SIP/2.0 200 OK\r\n\r\n"));
    }

    #[test]
    fn a_streams_messages_follow_one_another_in_both_directions() {
        let (here, there) = ("[::1]:5061", "[2001:db8::7]:5071");
        let file = capture(&[
            message("TLS", "received", here, there),
            message("TLS", "received", here, there),
            message("TLS", "sent", here, there),
        ])
        .unwrap();
        let packets = packets(&file);
        let sequence = |it: &[u8]| u32::from_be_bytes(it[44..48].try_into().unwrap());
        let heard = |it: &[u8]| u32::from_be_bytes(it[48..52].try_into().unwrap());
        assert!(packets.iter().all(|it| it[0] == 0x60 && it[6] == TCP));
        assert_eq!(packets.iter().map(|it| sequence(it)).collect::<Vec<_>>(), [1, 19, 1]);
        assert_eq!(heard(packets[2]), 37);
        let (from, to) = ("2001:db8::7".parse().unwrap(), "::1".parse().unwrap());
        assert_eq!(inside_checksum(from, to, TCP, &packets[0][40..]), [0, 0]);
    }

    #[test]
    fn a_message_that_is_no_text_is_written_as_it_was() {
        let mut binary = message("UDP", "sent", "127.0.0.1:1", "127.0.0.1:2");
        (binary.text, binary.hex) = (None, Some("00ff10".into()));
        let file = capture(&[binary]).unwrap();
        assert!(packets(&file)[0].ends_with(&[0x00, 0xFF, 0x10]));
    }
}
