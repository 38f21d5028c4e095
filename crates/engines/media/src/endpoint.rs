//! A party of a call that is no relay: the simulated carrier, the test caller.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::dropped::DropReason;
use crate::dtmf::Digit;
use crate::guard::{Guard, Protection};
use crate::mos::mean_opinion_score;
use crate::receiver::{Heard, Receiver};
use crate::round_trip::RoundTrip;
use crate::rtcp::{self, Block, SenderInfo};
use crate::rtp::{self, Header};
use crate::sender::{Play, Seed, Sender, SenderSpec, TooManyDigits};
use crate::srtp::TRAILER_BYTES_MAX;

/// When reports are sent after the first packet: soon, so that a short call has its round trip too,
/// then every five seconds. RFC 3550 §6.2 lets a unicast session's first report go out at once.
const REPORTS_AT: [Duration; 3] =
    [Duration::from_millis(400), Duration::from_millis(800), Duration::from_millis(1600)];
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// What offer and answer settled for an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSpec {
    /// How our packets are marked.
    pub sender: SenderSpec,
    /// The payload type of digits that we hear.
    pub telephone_event: Option<u8>,
    /// Where our RTP goes; `None` while we are held.
    pub rtp: Option<SocketAddr>,
    /// Where our RTCP goes.
    pub rtcp: Option<SocketAddr>,
    /// What protects the packets, both ways.
    pub protection: Protection,
}

/// Which of an endpoint's two ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The even port.
    Rtp,
    /// The odd port.
    Rtcp,
}

/// A datagram to send: its bytes are in the buffer that was polled into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// The port it leaves by.
    pub channel: Channel,
    /// Where it goes.
    pub to: SocketAddr,
}

/// What becomes of a packet that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The packet was only listened to.
    Kept,
    /// The packet has been turned into its echo, to be sent back from the RTP port.
    Echo {
        /// Where to.
        to: SocketAddr,
        /// How many bytes of the packet are the echo.
        len: usize,
    },
}

/// What an endpoint heard and sent.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointReport {
    /// What it heard.
    pub heard: Heard,
    /// RTP packets it sent.
    pub packets_sent: u64,
    /// Round trip to the other side, from RTCP.
    pub round_trip: Option<Duration>,
    /// Mean opinion score of what it heard, 1.0–4.4; `None` if it heard nothing.
    pub mos: Option<f32>,
    /// Packets from anyone but the other side, or of no known kind.
    pub packets_refused: u64,
}

/// An RTP and RTCP party: plays, echoes, sends digits, listens, reports.
#[derive(Debug)]
pub struct Endpoint {
    spec: EndpointSpec,
    guard: Guard,
    sender: Sender,
    receiver: Receiver,
    echo: Echo,
    reports: Reports,
    round_trip: RoundTrip,
    packets_refused: u64,
}

/// Whether and how what is heard goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    Off,
    On,
}

/// When reports are due, and what the next one must answer.
#[derive(Debug)]
struct Reports {
    epoch: Instant,
    began: Option<Instant>,
    sent: usize,
    due: Option<Instant>,
    /// The other side's last sender report (LSR) and when it came.
    last_heard: Option<(u32, Instant)>,
    /// Packets expected and lost at the last report, for the share lost since.
    before: (u64, u64),
}

impl Endpoint {
    /// A party that plays nothing and listens.
    pub fn new(now: Instant, spec: EndpointSpec, seed: Seed) -> Self {
        let mut receiver = Receiver::new(now, spec.telephone_event);
        receiver.expect(spec.sender.payload_type, spec.sender.law);
        Self {
            guard: Guard::new(&spec.protection),
            sender: Sender::new(now, spec.sender, seed),
            receiver,
            echo: Echo::Off,
            reports: Reports {
                epoch: now,
                began: None,
                sent: 0,
                due: None,
                last_heard: None,
                before: (0, 0),
            },
            round_trip: RoundTrip::default(),
            packets_refused: 0,
            spec,
        }
    }

    /// Takes what a later offer or answer settled.
    pub fn agree(&mut self, spec: EndpointSpec) {
        self.guard.renew(&spec.protection);
        self.sender.agree(spec.sender);
        self.receiver.expect(spec.sender.payload_type, spec.sender.law);
        self.receiver.expect_digits(spec.telephone_event);
        self.spec = spec;
    }

    /// Plays from now on, and echoes no longer.
    pub fn play(&mut self, now: Instant, play: Play) {
        self.echo = Echo::Off;
        self.sender.play(now, play);
    }

    /// Sends back what is heard from now on, and plays no longer.
    pub fn echo(&mut self, now: Instant) {
        self.sender.play(now, Play::Nothing);
        self.echo = Echo::On;
    }

    /// Queues digits.
    pub fn send_digits(&mut self, now: Instant, digits: &[Digit]) -> Result<(), TooManyDigits> {
        self.sender.send_digits(now, digits)
    }

    /// Whether digits are still being sent.
    pub fn is_sending_digits(&self) -> bool {
        self.sender.is_sending_digits()
    }

    /// Whether packets are protected, both ways.
    pub fn is_encrypted(&self) -> bool {
        self.guard.is_srtp()
    }

    /// Takes a datagram of the other side; in echo mode it is turned into its echo in place.
    pub fn handle(
        &mut self,
        now: Instant,
        channel: Channel,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Result<Reply, DropReason> {
        let outcome = if channel == Channel::Rtcp || rtp::is_rtcp(packet) {
            self.hear_report(now, from, packet).map(|()| Reply::Kept)
        } else {
            self.hear_media(now, from, packet)
        };
        outcome.inspect_err(|_| self.packets_refused += 1)
    }

    /// When [`Endpoint::poll_output`] will have something.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let media = self.spec.rtp.and(self.sender.poll_timeout());
        let report = self.spec.rtcp.and(self.reports.due);
        media.into_iter().chain(report).min()
    }

    /// Puts the next datagram that is due into `out`, replacing what is there. Call until `None`.
    pub fn poll_output(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Outgoing> {
        if let Some(to) = self.spec.rtp
            && self.sender.poll_packet(now, out).is_some()
        {
            self.begin_reports(now);
            self.protect(Channel::Rtp, out).ok()?;
            return Some(Outgoing { channel: Channel::Rtp, to });
        }
        let to = self.spec.rtcp?;
        let due = self.reports.due.filter(|due| *due <= now)?;
        self.write_report(now, out);
        self.schedule_report(due.max(now));
        self.protect(Channel::Rtcp, out).ok()?;
        Some(Outgoing { channel: Channel::Rtcp, to })
    }

    /// Keys that are still awaited let nothing out.
    fn protect(&mut self, channel: Channel, out: &mut Vec<u8>) -> Result<(), DropReason> {
        let len = out.len();
        out.resize(len + TRAILER_BYTES_MAX, 0);
        let len = match channel {
            Channel::Rtp => self.guard.protect_rtp(out, len)?,
            Channel::Rtcp => self.guard.protect_rtcp(out, len)?,
        };
        out.truncate(len);
        Ok(())
    }

    /// What was heard and sent so far.
    pub fn report(&self) -> EndpointReport {
        let heard = self.receiver.heard();
        let round_trip = self.round_trip.last();
        let score = mean_opinion_score(
            heard.packets_expected,
            heard.packets_lost,
            heard.jitter,
            round_trip,
        );
        EndpointReport {
            mos: (heard.packets > 0).then_some(score),
            heard,
            packets_sent: self.sender.sent().0,
            round_trip,
            packets_refused: self.packets_refused,
        }
    }

    fn hear_media(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Result<Reply, DropReason> {
        if self.host() != Some(from.ip()) {
            return Err(DropReason::ForeignSource);
        }
        let len = self.guard.unprotect_rtp(packet)?;
        self.receiver.hear(now, &packet[..len])?;
        match (self.echo, self.spec.rtp) {
            (Echo::On, Some(to)) => {
                self.turn_into_echo(&mut packet[..len])?;
                self.begin_reports(now);
                // Both directions have one suite: the echo is no longer than what came.
                let len = self.guard.protect_rtp(packet, len)?;
                Ok(Reply::Echo { to, len })
            }
            (Echo::On, None) | (Echo::Off, _) => Ok(Reply::Kept),
        }
    }

    /// The echo is a stream of our own with the timestamps of what it repeats, so that it keeps the
    /// other side's rhythm and events stay one event each.
    fn turn_into_echo(&mut self, packet: &mut [u8]) -> Result<(), DropReason> {
        let header = Header::parse(packet).ok_or(DropReason::NotRtp)?;
        let spec = self.sender.spec();
        let is_event = self.spec.telephone_event == Some(header.payload_type);
        let payload_type = if is_event { spec.telephone_event } else { Some(header.payload_type) };
        let octets = rtp::payload(packet).map_or(0, <[u8]>::len);
        let payload_type = payload_type.ok_or(DropReason::UnmappedPayloadType)?;
        let (ssrc, sequence) = self.sender.number(octets);
        let echo = Header { payload_type, ssrc, sequence, ..header };
        // The first byte stays: padding, extension and sources are as they came.
        packet[1..rtp::HEADER_BYTES].copy_from_slice(&echo.print()[1..]);
        Ok(())
    }

    fn hear_report(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &mut [u8],
    ) -> Result<(), DropReason> {
        if self.host() != Some(from.ip()) {
            return Err(DropReason::ForeignSource);
        }
        let len = self.guard.unprotect_rtcp(packet)?;
        for report in rtcp::reports(&packet[..len]).ok_or(DropReason::NotRtcp)? {
            if let Some(sender) = report.sender {
                self.reports.last_heard = Some((sender.ntp_middle, now));
            }
            for block in report.blocks().filter(|block| block.ssrc == self.sender.ssrc()) {
                self.round_trip.heard(now, &block);
            }
        }
        Ok(())
    }

    fn host(&self) -> Option<IpAddr> {
        self.spec.rtp.or(self.spec.rtcp).map(|address| address.ip())
    }

    fn begin_reports(&mut self, now: Instant) {
        if self.reports.began.is_none() {
            self.reports.began = Some(now);
            self.reports.due = Some(now + REPORTS_AT[0]);
        }
    }

    fn schedule_report(&mut self, now: Instant) {
        self.reports.sent += 1;
        let began = self.reports.began.unwrap_or(now);
        self.reports.due = Some(match REPORTS_AT.get(self.reports.sent) {
            Some(after) => (began + *after).max(now + Duration::from_millis(1)),
            None => now + REPORT_EVERY,
        });
    }

    fn write_report(&mut self, now: Instant, out: &mut Vec<u8>) {
        // A clock that starts with the endpoint will do: RFC 3550 §4 asks only that it runs evenly.
        let up = now.saturating_duration_since(self.reports.epoch);
        let fraction = (u64::from(up.subsec_nanos()) << 32) / 1_000_000_000;
        // The epoch is second 1, because a zero LSR means that none was heard.
        let ntp = ((up.as_secs() + 1) << 32) | fraction;
        let (packets, octets) = self.sender.sent();
        let info = SenderInfo {
            ntp_middle: (ntp >> 16) as u32,
            timestamp: self.sender.timestamp_at(now),
            packets: packets as u32,
            octets: octets as u32,
        };
        let block = self.reception(now);
        self.round_trip.sent(now, &info);
        out.clear();
        let ssrc = self.sender.ssrc();
        // A CNAME need only be the same for one party and differ between parties. RFC 7022 §4.2.
        let cname = format!("{ssrc:08x}");
        let blocks = block.as_slice();
        rtcp::write_report(out, ssrc, Some((ntp, info)), blocks, &cname);
    }

    fn reception(&mut self, now: Instant) -> Option<Block> {
        let stream = self.receiver.stream();
        let (ssrc, highest_sequence, jitter) = stream.reception()?;
        let (expected, lost) = (stream.packets_expected(), stream.packets_lost());
        let (expected_before, lost_before) =
            std::mem::replace(&mut self.reports.before, (expected, lost));
        let expected_since = expected.saturating_sub(expected_before).max(1);
        let lost_since = lost.saturating_sub(lost_before);
        let (last_report, delay) = match self.reports.last_heard {
            Some((ntp_middle, at)) => (ntp_middle, now.saturating_duration_since(at)),
            None => (0, Duration::ZERO),
        };
        Some(Block {
            ssrc,
            fraction_lost: (lost_since * 256 / expected_since).min(255) as u8,
            cumulative_lost: lost.min(u64::from(u32::MAX)) as u32,
            highest_sequence,
            jitter,
            last_report,
            delay_since_last_report: (delay.as_micros() * 65_536 / 1_000_000) as u32,
        })
    }
}
