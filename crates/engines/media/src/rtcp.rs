//! RTCP reports. RFC 3550 §6.

use std::time::Duration;

/// Sender report.
const SR: u8 = 200;
/// Receiver report.
const RR: u8 = 201;
/// Source description.
const SDES: u8 = 202;

/// The most report blocks one report can hold: its count has five bits.
const BLOCKS_MAX: usize = 31;

/// What a sender report says of its sender. RFC 3550 §6.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// The middle 32 bits of the NTP time, which answering reports name.
    pub ntp_middle: u32,
    /// The same time in RTP units.
    pub timestamp: u32,
    /// Packets sent so far.
    pub packets: u32,
    /// Payload bytes sent so far.
    pub octets: u32,
}

/// What a report says of one stream that its sender hears. RFC 3550 §6.4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The stream's source.
    pub ssrc: u32,
    /// Share of packets lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; 24 bits on the wire.
    pub cumulative_lost: u32,
    /// Highest sequence number heard, with its cycles.
    pub highest_sequence: u32,
    /// Interarrival jitter, in timestamp units.
    pub jitter: u32,
    /// `ntp_middle` of the last sender report heard (LSR); 0 for none.
    pub last_report: u32,
    /// Time from hearing that report to sending this one (DLSR), in 65536ths of a second.
    pub delay_since_last_report: u32,
}

impl Block {
    /// DLSR as a duration.
    pub fn delay(&self) -> Duration {
        Duration::from_micros(u64::from(self.delay_since_last_report) * 1_000_000 / 65_536)
    }
}

/// A sender or receiver report within a datagram; other packet types are stepped over.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Who reports.
    pub ssrc: u32,
    /// What it says of its own stream; `None` in a receiver report.
    pub sender: Option<SenderInfo>,
    blocks: &'a [u8],
}

impl Report<'_> {
    /// The streams it reports on.
    pub fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        self.blocks.chunks_exact(24).map(|bytes| Block {
            ssrc: word(bytes, 0),
            fraction_lost: bytes[4],
            cumulative_lost: word(bytes, 4) & 0x00ff_ffff,
            highest_sequence: word(bytes, 8),
            jitter: word(bytes, 12),
            last_report: word(bytes, 16),
            delay_since_last_report: word(bytes, 20),
        })
    }
}

/// The reports of a datagram, or `None` if it is no RTCP: lengths that do not add up, a wrong
/// version, or a first packet that is no report (RFC 3550 A.2; reduced-size RTCP of RFC 5506 begins
/// with others and is taken too).
pub fn reports(datagram: &[u8]) -> Option<impl Iterator<Item = Report<'_>>> {
    is_sound(datagram).then(|| Packets { rest: datagram }.filter_map(report))
}

/// Whether the datagram is a whole sequence of RTCP packets.
pub fn is_sound(datagram: &[u8]) -> bool {
    let mut packets = Packets { rest: datagram };
    let mut count = 0;
    for packet in packets.by_ref() {
        if !(192..=223).contains(&packet[1]) {
            return false;
        }
        count += 1;
    }
    count > 0 && packets.rest.is_empty()
}

/// Splits a datagram at the length fields; stops where they do not fit.
struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let &[first, _, high, low, ..] = self.rest else { return None };
        if first >> 6 != 2 {
            return None;
        }
        let len = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let (packet, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(packet)
    }
}

fn report(packet: &[u8]) -> Option<Report<'_>> {
    let blocks_at = match packet[1] {
        SR => 28,
        RR => 8,
        _ => return None,
    };
    let count = usize::from(packet[0] & 0x1f);
    let blocks = packet.get(blocks_at..blocks_at + 24 * count)?;
    let sender = (packet[1] == SR).then(|| SenderInfo {
        ntp_middle: word(packet, 10),
        timestamp: word(packet, 16),
        packets: word(packet, 20),
        octets: word(packet, 24),
    });
    Some(Report { ssrc: word(packet, 4), sender, blocks })
}

/// Appends a compound packet: a sender or receiver report and the source description that every
/// compound must have (RFC 3550 §6.1). `ntp` is 32 bits of seconds and 32 of their fraction.
pub fn write_report(
    out: &mut Vec<u8>,
    ssrc: u32,
    sender: Option<(u64, SenderInfo)>,
    blocks: &[Block],
    cname: &str,
) {
    let blocks = &blocks[..blocks.len().min(BLOCKS_MAX)];
    let start = out.len();
    let kind = if sender.is_some() { SR } else { RR };
    out.extend([0x80 | blocks.len() as u8, kind, 0, 0]);
    out.extend(ssrc.to_be_bytes());
    if let Some((ntp, info)) = sender {
        out.extend(ntp.to_be_bytes());
        for field in [info.timestamp, info.packets, info.octets] {
            out.extend(field.to_be_bytes());
        }
    }
    for block in blocks {
        out.extend(block.ssrc.to_be_bytes());
        let lost = block.cumulative_lost.min(0x007f_ffff);
        out.extend((u32::from(block.fraction_lost) << 24 | lost).to_be_bytes());
        let Block { highest_sequence, jitter, last_report, delay_since_last_report, .. } = *block;
        for field in [highest_sequence, jitter, last_report, delay_since_last_report] {
            out.extend(field.to_be_bytes());
        }
    }
    write_length(out, start);
    write_description(out, ssrc, cname);
}

/// One chunk with one CNAME item. RFC 3550 §6.5.
fn write_description(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    const CNAME: u8 = 1;
    let start = out.len();
    let cname = &cname.as_bytes()[..cname.len().min(255)];
    out.extend([0x81, SDES, 0, 0]);
    out.extend(ssrc.to_be_bytes());
    out.extend([CNAME, cname.len() as u8]);
    out.extend_from_slice(cname);
    // At least one zero ends the items, and zeros fill the last word.
    let filled = (out.len() - start) / 4 * 4 + 4;
    out.resize(start + filled, 0);
    write_length(out, start);
}

fn write_length(out: &mut [u8], start: usize) {
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block() -> Block {
        Block {
            ssrc: 7,
            fraction_lost: 12,
            cumulative_lost: 345,
            highest_sequence: 0x0001_0002,
            jitter: 8,
            last_report: 0xaabb_ccdd,
            delay_since_last_report: 65_536,
        }
    }

    #[test]
    fn a_written_sender_report_reads_back() {
        let info = SenderInfo { ntp_middle: 0x0304_0506, timestamp: 160, packets: 9, octets: 1440 };
        let mut bytes = Vec::new();
        write_report(&mut bytes, 42, Some((0x0102_0304_0506_0708, info)), &[block()], "x@y");
        let read: Vec<_> = reports(&bytes).unwrap().collect();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].ssrc, 42);
        assert_eq!(read[0].sender, Some(info));
        assert_eq!(read[0].blocks().collect::<Vec<_>>(), [block()]);
        assert_eq!(block().delay(), Duration::from_secs(1));
    }

    #[test]
    fn a_written_receiver_report_has_no_sender() {
        let mut bytes = Vec::new();
        write_report(&mut bytes, 42, None, &[], "trunkline");
        let read: Vec<_> = reports(&bytes).unwrap().collect();
        assert_eq!((read.len(), read[0].sender), (1, None));
    }

    #[test]
    fn a_datagram_whose_lengths_do_not_add_up_is_no_rtcp() {
        let mut bytes = Vec::new();
        write_report(&mut bytes, 42, None, &[block()], "trunkline");
        assert!(is_sound(&bytes));
        assert!(!is_sound(&bytes[..bytes.len() - 1]));
        assert!(!is_sound(&[]));
        assert!(!is_sound(&[0x80, 0, 0, 0]), "payload type 0 is RTP");
        bytes.push(0);
        assert!(!is_sound(&bytes));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..120)
        ) {
            if let Some(reports) = reports(&bytes) {
                for report in reports {
                    prop_assert!(report.blocks().count() <= BLOCKS_MAX);
                }
            }
        }

        #[test]
        fn every_name_keeps_the_compound_whole(cname in "[a-z@.]{0,40}", blocks in 0usize..4) {
            let mut bytes = Vec::new();
            write_report(&mut bytes, 1, None, &vec![block(); blocks], &cname);
            prop_assert!(is_sound(&bytes));
        }
    }
}
