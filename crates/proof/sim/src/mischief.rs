//! Parties that do not keep to the standard: what a trunk on the open Internet hears sooner or later.
//!
//! A [`Meddler`] stands before the trunk's SIP port and spoils what comes. It leaves alone the INVITE
//! that begins a call, since the laws count those; everything after it is fair game.

use std::net::SocketAddr;

use sip_message::{Message, Method, StartLine};

use crate::customer::socket;
use crate::network::Rng;

/// Somebody who has no business here.
pub(crate) const STRANGER: &str = "233.252.0.66:5060";

/// How the parties of a world behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// As the standards have it.
    Good,
    /// As it comes: some of the tricks below, chosen by the seed.
    Rude,
}

/// One way to be rude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trick {
    /// ACKs do not arrive.
    AcksLost,
    /// A 2xx comes again from another fork: with another To tag.
    Forked,
    /// Something that came long before comes again.
    Replayed,
    /// A header is missing.
    HeaderMissing,
    /// The body is missing, and the header that tells its length is not.
    BodyMissing,
    /// One bit is wrong.
    Garbled,
    /// A stranger sends a request of a dialog whose tags it had to guess.
    Forged,
}

impl Trick {
    const ALL: [Self; 7] = [
        Self::AcksLost,
        Self::Forked,
        Self::Replayed,
        Self::HeaderMissing,
        Self::BodyMissing,
        Self::Garbled,
        Self::Forged,
    ];
}

/// Headers without which a message is still one of its dialog.
const DISPENSABLE: [&str; 9] = [
    "Contact:",
    "Content-Length:",
    "Content-Type:",
    "Max-Forwards:",
    "Record-Route:",
    "Allow:",
    "Supported:",
    "Session-Expires:",
    "RSeq:",
];

/// Of a hundred messages, how many a trick is tried on.
const CHANCE_PERCENT: u64 = 12;
/// The most messages that are remembered to be replayed.
const MEMORY_MAX: usize = 32;

/// Who spoils the messages of one world.
#[derive(Debug)]
pub(crate) struct Meddler {
    rng: Rng,
    tricks: Vec<Trick>,
    memory: Vec<(SocketAddr, Vec<u8>)>,
}

/// A message as it reaches the trunk.
pub(crate) type Arrival = (SocketAddr, Vec<u8>);

impl Meddler {
    pub(crate) fn new(manners: Manners, mut rng: Rng) -> Self {
        let tricks = match manners {
            Manners::Good => Vec::new(),
            Manners::Rude => Trick::ALL.into_iter().filter(|_| rng.percent(40)).collect(),
        };
        Self { rng, tricks, memory: Vec::new() }
    }

    /// Whether a stranger sends audio after this packet of somebody else's.
    pub(crate) fn injects(&mut self) -> bool {
        self.tricks.contains(&Trick::Forged) && self.rng.percent(2)
    }

    /// What of a message arrives, and what else does.
    pub(crate) fn meddle(&mut self, from: SocketAddr, bytes: Vec<u8>) -> Vec<Arrival> {
        let Ok(message) = Message::parse(&bytes) else { return vec![(from, bytes)] };
        let method = message.method();
        let begins = message.to().is_ok_and(|to| to.tag().is_none());
        if method.is_some() && begins {
            return vec![(from, bytes)];
        }
        let is_answer = matches!(message.start(), StartLine::Response(it) if it.status.0 / 100 == 2)
            && message.cseq().is_ok_and(|it| it.method == Method::Invite);
        let is = |wanted| method == Some(wanted);
        let (request, ack, reinvite) = (method.is_some(), is(Method::Ack), is(Method::Invite));
        let mut arrivals = vec![(from, bytes)];
        for trick in self.tricks.clone() {
            if !self.rng.percent(CHANCE_PERCENT) {
                continue;
            }
            match trick {
                Trick::AcksLost if ack => return Vec::new(),
                Trick::Forked if is_answer => {
                    let forked = tagged_anew(&arrivals[0].1);
                    arrivals.push((from, forked));
                }
                Trick::Replayed => arrivals.extend(self.recall()),
                Trick::HeaderMissing => self.drop_header(&mut arrivals[0].1),
                Trick::BodyMissing => drop_body(&mut arrivals[0].1),
                // Another bit in a re-INVITE's To could make it begin a call.
                Trick::Garbled if !reinvite => self.flip(&mut arrivals[0].1),
                Trick::Forged if request && !reinvite => {
                    let forged = tagged_anew(&arrivals[0].1);
                    arrivals.push((socket(STRANGER), forged));
                }
                Trick::AcksLost | Trick::Forked | Trick::Garbled | Trick::Forged => {}
            }
        }
        self.remember(&arrivals[0]);
        arrivals
    }

    fn remember(&mut self, arrival: &Arrival) {
        if !self.tricks.contains(&Trick::Replayed) {
            return;
        }
        if self.memory.len() == MEMORY_MAX {
            self.memory.remove(0);
        }
        self.memory.push(arrival.clone());
    }

    fn recall(&mut self) -> Option<Arrival> {
        let count = self.memory.len() as u64;
        (count > 0).then(|| self.memory[self.rng.below(count) as usize].clone())
    }

    fn drop_header(&mut self, message: &mut Vec<u8>) {
        let name = DISPENSABLE[self.rng.below(DISPENSABLE.len() as u64) as usize];
        let Some(at) = find(message, &format!("\r\n{name}")) else { return };
        let end = message[at + 2..].windows(2).position(|it| it == b"\r\n");
        if let Some(end) = end {
            message.drain(at..at + 2 + end);
        }
    }

    fn flip(&mut self, message: &mut [u8]) {
        let at = self.rng.below(message.len() as u64) as usize;
        message[at] ^= 1 << self.rng.below(8);
    }
}

/// The same message with another To tag.
fn tagged_anew(message: &[u8]) -> Vec<u8> {
    let mut forged = message.to_vec();
    if let Some(at) = find(message, "\r\nTo:")
        && let Some(end) = message[at + 2..].windows(2).position(|it| it == b"\r\n")
    {
        forged.splice(at + 2 + end..at + 2 + end, *b"x");
    }
    forged
}

fn drop_body(message: &mut Vec<u8>) {
    if let Some(at) = find(message, "\r\n\r\n") {
        message.truncate(at + 4);
    }
}

fn find(message: &[u8], text: &str) -> Option<usize> {
    message.windows(text.len()).position(|it| it == text.as_bytes())
}
