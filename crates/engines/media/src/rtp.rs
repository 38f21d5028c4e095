//! The RTP header. RFC 3550 §5.1.

/// Bytes of a header without contributing sources and extension.
pub const HEADER_BYTES: usize = 12;

/// The fields of a header that a relay or an endpoint reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Payload type, 0–127.
    pub payload_type: u8,
    /// First packet of a talkspurt (RFC 3551 §4.1) or of an event (RFC 4733 §2.2.2).
    pub marker: Marker,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in units of the clock rate.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// The marker bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// The bit is set.
    Set,
    /// The bit is clear.
    Clear,
}

impl Header {
    /// Reads the header of a whole packet, checking that its contributing sources, extension and
    /// padding fit into it.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        payload_range(packet)?;
        Some(Self {
            payload_type: packet[1] & 0x7f,
            marker: if packet[1] & 0x80 == 0 { Marker::Clear } else { Marker::Set },
            sequence: u16::from_be_bytes([packet[2], packet[3]]),
            timestamp: u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]),
            ssrc: u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]),
        })
    }

    /// The header's bytes: version 2, no padding, no extension, no contributing sources.
    pub fn print(&self) -> [u8; HEADER_BYTES] {
        let marker = match self.marker {
            Marker::Set => 0x80,
            Marker::Clear => 0,
        };
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = 0x80;
        bytes[1] = marker | (self.payload_type & 0x7f);
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }
}

/// The payload of a packet, without padding; `None` if the bytes are no RTP packet.
pub fn payload(packet: &[u8]) -> Option<&[u8]> {
    packet.get(payload_range(packet)?)
}

/// The same, to change in place.
pub fn payload_mut(packet: &mut [u8]) -> Option<&mut [u8]> {
    let range = payload_range(packet)?;
    packet.get_mut(range)
}

/// Synchronisation source and sequence number, which stay in clear when a packet is encrypted;
/// `None` if the bytes have no RTP header.
pub fn source(packet: &[u8]) -> Option<(u32, u16)> {
    header_bytes(packet)?;
    let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
    Some((ssrc, u16::from_be_bytes([packet[2], packet[3]])))
}

/// Changes the payload type and leaves the marker alone. The packet must have a header.
pub fn set_payload_type(packet: &mut [u8], payload_type: u8) {
    packet[1] = (packet[1] & 0x80) | (payload_type & 0x7f);
}

/// Whether a packet on an RTP port is RTCP: packet types 192–223. RFC 5761 §4.
pub fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [first, 192..=223, ..] if first >> 6 == 2)
}

/// Bytes of the header with its contributing sources and extension: what stays in clear when the
/// packet is encrypted. `None` if they do not fit into the packet.
pub fn header_bytes(packet: &[u8]) -> Option<usize> {
    if packet.len() < HEADER_BYTES || packet[0] >> 6 != 2 {
        return None;
    }
    let mut bytes = HEADER_BYTES + 4 * usize::from(packet[0] & 0x0f);
    if packet[0] & 0x10 != 0 {
        let words = packet.get(bytes + 2..bytes + 4)?;
        bytes += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (bytes <= packet.len()).then_some(bytes)
}

fn payload_range(packet: &[u8]) -> Option<std::ops::Range<usize>> {
    let start = header_bytes(packet)?;
    let mut end = packet.len();
    if packet[0] & 0x20 != 0 {
        let padding = usize::from(*packet.last()?);
        if padding == 0 {
            return None;
        }
        end = end.checked_sub(padding)?;
    }
    (start <= end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_is_read_field_by_field() {
        let packet = [0x80, 0x80 | 101, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, 7];
        let header = Header::parse(&packet).unwrap();
        assert_eq!(
            header,
            Header {
                payload_type: 101,
                marker: Marker::Set,
                sequence: 0x1234,
                timestamp: 160,
                ssrc: 0xdead_beef
            }
        );
        assert_eq!(payload(&packet), Some(&[7][..]));
    }

    #[test]
    fn sources_extension_and_padding_are_stepped_over() {
        let mut packet = vec![0x80 | 0x20 | 0x10 | 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        packet.extend([9, 9, 9, 9]); // one contributing source
        packet.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]); // an extension of one word
        packet.extend([42, 43]); // payload
        packet.extend([0, 0, 3]); // padding
        assert_eq!(payload(&packet), Some(&[42, 43][..]));
    }

    #[test]
    fn parts_that_do_not_fit_make_it_no_packet() {
        let whole = [0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        let with_first = |first: u8| {
            let mut packet = whole;
            packet[0] = first;
            packet
        };
        assert!(Header::parse(&whole).is_some());
        assert!(Header::parse(&whole[..11]).is_none(), "short");
        assert!(Header::parse(&with_first(0x40)).is_none(), "version 1");
        assert!(Header::parse(&with_first(0x81)).is_none(), "a source that is not there");
        assert!(Header::parse(&with_first(0x90)).is_none(), "an extension that is not there");
        assert!(Header::parse(&with_first(0xa0)).is_none(), "padding that would eat the header");
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_its_packet_type() {
        assert!(is_rtcp(&[0x80, 200, 0, 6]));
        assert!(is_rtcp(&[0x81, 201, 0, 7]));
        assert!(!is_rtcp(&[0x80, 0x80 | 101, 0, 6]), "a marked event is RTP");
        assert!(!is_rtcp(&[0x80, 0]));
        assert!(!is_rtcp(&[]));
    }

    proptest! {
        #[test]
        fn a_printed_header_reads_as_itself(
            payload_type in 0..128u8, set: bool, sequence: u16, timestamp: u32, ssrc: u32
        ) {
            let marker = if set { Marker::Set } else { Marker::Clear };
            let header = Header { payload_type, marker, sequence, timestamp, ssrc };
            prop_assert_eq!(Header::parse(&header.print()), Some(header));
        }

        #[test]
        fn any_bytes_are_refused_or_have_a_payload_inside(
            bytes in proptest::collection::vec(any::<u8>(), 0..64)
        ) {
            match Header::parse(&bytes) {
                Some(_) => prop_assert!(payload(&bytes).unwrap().len() + HEADER_BYTES <= bytes.len()),
                None => prop_assert!(payload(&bytes).is_none()),
            }
        }
    }
}
