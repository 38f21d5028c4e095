//! Somebody outside every call who wants in: into its audio, or at its end.
//!
//! An [`Attacker`] has read what a listener on a carrier's network could have: Call-IDs, From tags,
//! numbers, our ports, the SSRC and number of a packet that just went by. What only the two ends of
//! a leg know, our tags and branches, it must guess. Nothing it sends may reach a party, move media,
//! or end a call, and no address is sent more than it has asked for.

use sip_message::{Message, Name};

use crate::mischief::STRANGER;
use crate::network::Rng;

/// Of a hundred packets and messages that go by, how many it answers with something of its own.
const CHANCE_PERCENT: u64 = 4;

/// How many times as long as a forged request its answer may be.
pub(crate) const AMPLIFICATION_MAX: usize = 3;

/// Packets of encrypted legs that it remembers.
const MEMORY_MAX: usize = 64;

/// What it pretends to be asking for; one in seven times it pretends to have answered.
const METHODS: [&str; 6] = ["BYE", "CANCEL", "INVITE", "INFO", "UPDATE", "ACK"];

/// An attacker of one world.
#[derive(Debug)]
pub(crate) struct Attacker {
    rng: Rng,
    chance_percent: u64,
    /// What went to encrypted ports before.
    memory: Vec<(u16, Vec<u8>)>,
}

impl Attacker {
    pub(crate) fn new(rng: Rng) -> Self {
        Self { rng, chance_percent: CHANCE_PERCENT, memory: Vec::new() }
    }

    /// From now on it answers everything.
    pub(crate) fn never_rests(&mut self) {
        self.chance_percent = 100;
    }

    /// Whether it does something about what it has just seen.
    pub(crate) fn strikes(&mut self) -> bool {
        self.rng.percent(self.chance_percent)
    }

    /// Audio for a port that `seen` went to: what seems to come next in that stream, and a stream
    /// of its own, as long as a source behind a NAT needs to be believed.
    pub(crate) fn audio(&mut self, seen: &[u8]) -> Vec<Vec<u8>> {
        let guessed = self.rng.below(1 << 32) as u32;
        let mut packets = Vec::new();
        let Some(&[high, low]) = seen.get(2..4) else { return packets };
        let sequence = u16::from_be_bytes([high, low]);
        for ahead in 1..=4_u16 {
            let mut next = seen.to_vec();
            next[2..4].copy_from_slice(&sequence.wrapping_add(ahead).to_be_bytes());
            let mut own = next.clone();
            if let Some(ssrc) = own.get_mut(8..12) {
                ssrc.copy_from_slice(&guessed.to_be_bytes());
            }
            packets.extend([next, own]);
        }
        packets
    }

    /// What somebody without keys can make of a packet that went to an encrypted port: the same once
    /// more, one of long ago, one that is cut, longer, or changed in a bit, what seems to come next
    /// under an old tag, and audio in clear. Each with its name.
    pub(crate) fn encrypted(&mut self, port: u16, seen: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let mut packets = vec![("a replayed packet", seen.to_vec())];
        packets.extend(self.recall(port).map(|it| ("an old packet", it)));
        let cut = self.rng.below(seen.len() as u64) as usize;
        packets.push(("a truncated packet", seen[..cut].to_vec()));
        packets.push(("a lengthened packet", [seen, &[self.rng.below(256) as u8]].concat()));
        let mut flipped = seen.to_vec();
        flipped[self.rng.below(seen.len() as u64) as usize] ^= 1 << self.rng.below(8);
        packets.push(("a garbled packet", flipped));
        for next in self.audio(seen) {
            let clear = next.iter().take(12).copied().chain([0xd5; 160]).collect();
            packets.extend([("a forged packet", next), ("a packet in clear", clear)]);
        }
        self.remember(port, seen);
        packets
    }

    fn recall(&mut self, port: u16) -> Option<Vec<u8>> {
        let known: Vec<_> = self.memory.iter().filter(|(to, _)| *to == port).collect();
        let at = self.rng.below(known.len().max(1) as u64) as usize;
        known.get(at).map(|(_, packet)| packet.clone())
    }

    fn remember(&mut self, port: u16, packet: &[u8]) {
        if self.memory.len() == MEMORY_MAX {
            let at = self.rng.below(MEMORY_MAX as u64) as usize;
            self.memory.swap_remove(at);
        }
        self.memory.push((port, packet.to_vec()));
    }

    /// A request or answer that names the call that `seen` belongs to.
    pub(crate) fn message(&mut self, seen: &[u8]) -> Option<Vec<u8>> {
        let seen = Message::parse(seen).ok()?;
        let call_id = seen.first(Name::CallId)?;
        let (from, to) = (seen.first(Name::From)?, seen.first(Name::To)?);
        let to = to.split(";tag=").next()?;
        let guess = self.rng.below(u64::MAX);
        let method = METHODS.get(self.rng.below(METHODS.len() as u64 + 1) as usize);
        let host = STRANGER.split(':').next()?;
        let body = format!(
            "v=0\r\no=- 9 9 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n\
             m=audio 6666 RTP/AVP 0\r\n"
        );
        let (start, via, asked) = match method {
            Some(method) => (format!("{method} sip:trunk@203.0.113.1 SIP/2.0"), STRANGER, *method),
            None => ("SIP/2.0 200 OK".into(), crate::customer::TRUNK, "INVITE"),
        };
        let body = if matches!(asked, "INVITE" | "UPDATE") { body } else { String::new() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let number = 1 + self.rng.below(20);
        let message = format!(
            "{start}\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{guess:x};rport\r\nFrom: {from}\r\n\
             To: {to};tag={guess:x}\r\nCall-ID: {call_id}\r\nCSeq: {number} {asked}\r\n\
             Contact: <sip:{STRANGER}>\r\nMax-Forwards: 70\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Some(message.into_bytes())
    }
}
