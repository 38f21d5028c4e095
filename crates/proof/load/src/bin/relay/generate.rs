//! Both ends of every call, on one thread that never sleeps.
//!
//! Each leg sends 172 bytes every 20 ms, the legs evenly spread over that time, each packet with the
//! time in it at which it was given to the kernel. What arrives at the called leg carries the time at
//! which the kernel had it (`SO_TIMESTAMPNS`). The time between is the relay's and the two passages
//! through the kernel; when this thread comes to read does not matter.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use media::rtp::{HEADER_BYTES, Header, Marker};
use media::srtp::{MasterKey, Outbound, Suite, TRAILER_BYTES_MAX};
use net::{Interest, Reactor, Ready, Token};
use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns,
};
use nix::sys::time::TimeSpec;

use super::{CALLERS_KEY, Failure, LOOPBACK, local, pairs_of, read_legs, tell};

const PACKET_BYTES: usize = 172;
const EVERY: Duration = Duration::from_millis(20);
/// The first two seconds warm up: sources are learned, tables and caches filled.
const WARM_UP: Duration = Duration::from_secs(2);
/// What was sent last has a moment to arrive.
const AFTER: Duration = Duration::from_millis(300);

/// One leg: what it sends, and where.
struct Leg {
    socket: UdpSocket,
    port: u16,
    to: SocketAddr,
    outbound: Option<Outbound>,
}

/// Whether callers protect what they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callers {
    InClear,
    Encrypt,
}

/// Both ends of every call.
pub(super) struct Generator {
    reactor: Reactor,
    ready: Vec<Ready>,
    legs: Vec<Leg>,
    callers: Callers,
    heard: Heard,
}

/// What arrived.
#[derive(Default)]
struct Heard {
    packets: u64,
    /// How long packets to the called legs were on the way.
    micros: Vec<u32>,
}

/// When packets are due.
struct Schedule {
    began: Instant,
    step: Duration,
    /// Packets given away, and to be given away.
    sent: u64,
    total: u64,
    /// How much later than they were due packets were sent.
    late_micros: Vec<u32>,
}

#[derive(serde::Serialize)]
struct Report {
    sent: u64,
    heard: u64,
    p50_us: u32,
    p99_us: u32,
    late_p99_us: u32,
}

impl Generator {
    /// Sockets for both legs of each call, from `port` on.
    pub(super) fn bind(port: u16, calls: u16, callers: Callers) -> Result<Self, Failure> {
        let reactor = Reactor::new()?;
        let mut legs = Vec::new();
        for index in 0..calls * 2 {
            let port = port + index * 2;
            let socket = UdpSocket::bind((LOOPBACK, port))?;
            socket.set_nonblocking(true)?;
            setsockopt(&socket, ReceiveTimestampns, &true)?;
            reactor.add(&socket, Token(index.into()), Interest::Read)?;
            legs.push(Leg { socket, port, to: local(0), outbound: None });
        }
        Ok(Self { reactor, ready: Vec::new(), legs, callers, heard: Heard::default() })
    }

    pub(super) fn run(mut self, time: Duration) -> Result<(), Failure> {
        let ports: Vec<u16> = self.legs.iter().map(|leg| leg.port).collect();
        tell(&pairs_of(&ports))?;
        let relays = read_legs()?;
        for (index, to) in relays.into_iter().flatten().enumerate() {
            let key = MasterKey::parse(Suite::AesCm128Sha1With80, &CALLERS_KEY);
            let is_caller = index.is_multiple_of(2);
            self.legs[index].to = local(to);
            self.legs[index].outbound =
                key.filter(|_| is_caller && self.callers == Callers::Encrypt).map(Outbound::new);
        }
        self.send(0, WARM_UP)?;
        tell(&"begun")?;
        self.heard = Heard { packets: 0, micros: Vec::with_capacity(1 << 22) };
        let mut schedule = self.send(100, time)?;
        let micros = &mut self.heard.micros;
        tell(&Report {
            sent: schedule.total,
            heard: self.heard.packets,
            p50_us: quantile(micros, 0.5),
            p99_us: quantile(micros, 0.99),
            late_p99_us: quantile(&mut schedule.late_micros, 0.99),
        })
    }

    /// Sends every leg's packets, numbered from `first` on, and listens meanwhile.
    fn send(&mut self, first: u64, time: Duration) -> Result<Schedule, Failure> {
        let step = EVERY / self.legs.len() as u32;
        let total = (time.as_nanos() / step.as_nanos()) as u64;
        let late_micros = Vec::with_capacity(total as usize);
        let mut schedule = Schedule { began: Instant::now(), step, sent: 0, total, late_micros };
        loop {
            self.send_due(&mut schedule, first);
            if schedule.sent == total && schedule.began.elapsed() > time + AFTER {
                return Ok(schedule);
            }
            self.ready.clear();
            self.ready.extend(self.reactor.wait(Some(Duration::ZERO))?);
            for at in 0..self.ready.len() {
                self.hear(self.ready[at].token.0 as usize)?;
                self.send_due(&mut schedule, first);
            }
        }
    }

    fn send_due(&mut self, schedule: &mut Schedule, first: u64) {
        let legs = self.legs.len() as u64;
        while let Some(sent) = schedule.next_due() {
            self.legs[(sent % legs) as usize].send(first + sent / legs);
        }
    }

    fn hear(&mut self, index: usize) -> io::Result<()> {
        let mut packet = [0; PACKET_BYTES + TRAILER_BYTES_MAX];
        let mut control = cmsg_space!(TimeSpec);
        let socket = self.legs[index].socket.as_raw_fd();
        let mut parts = [IoSliceMut::new(&mut packet)];
        let message =
            match recvmsg::<()>(socket, &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT) {
                Ok(message) => message,
                Err(nix::Error::EAGAIN | nix::Error::ECONNREFUSED) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
        let arrived = message.cmsgs()?.find_map(|control| {
            let ControlMessageOwned::ScmTimestampns(time) = control else { return None };
            Some(Duration::from(time))
        });
        self.heard.packets += 1;
        // What the called legs hear is in clear, and tells when it was sent.
        if !index.is_multiple_of(2) {
            let arrived = arrived.ok_or_else(|| io::Error::other("no time from the kernel"))?;
            let stamp = packet[HEADER_BYTES..].first_chunk().copied().map(u64::from_be_bytes);
            let sent = stamp.expect("a packet has room for a time");
            self.heard
                .micros
                .push(((arrived.as_nanos() as u64).saturating_sub(sent) / 1000) as u32);
        }
        Ok(())
    }
}

impl Schedule {
    /// The number of the packet that is due, if one is.
    fn next_due(&mut self) -> Option<u64> {
        if self.sent == self.total {
            return None;
        }
        let due = self.began + Duration::from_nanos(self.step.as_nanos() as u64 * self.sent);
        let late = Instant::now().checked_duration_since(due)?;
        self.late_micros.push(late.as_micros() as u32);
        self.sent += 1;
        Some(self.sent - 1)
    }
}

impl Leg {
    fn send(&mut self, number: u64) {
        let header = Header {
            payload_type: 0,
            marker: Marker::Clear,
            sequence: number as u16,
            timestamp: number as u32 * 160,
            ssrc: self.port.into(),
        };
        let mut packet = [0xff; PACKET_BYTES + TRAILER_BYTES_MAX];
        packet[..HEADER_BYTES].copy_from_slice(&header.print());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        let stamp = (now.as_nanos() as u64).to_be_bytes();
        packet[HEADER_BYTES..HEADER_BYTES + stamp.len()].copy_from_slice(&stamp);
        let len = match &mut self.outbound {
            Some(outbound) => outbound.protect_rtp(&mut packet, PACKET_BYTES).unwrap_or(0),
            None => PACKET_BYTES,
        };
        // What the network does not take is lost, and missing at the other end.
        let _ = self.socket.send_to(&packet[..len], self.to);
    }
}

/// The value below which that part of all is.
fn quantile(values: &mut [u32], part: f64) -> u32 {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part) as usize).copied().unwrap_or_default()
}
