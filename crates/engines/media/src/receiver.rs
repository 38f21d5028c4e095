//! What an endpoint hears.

use std::time::{Duration, Instant};

use crate::dropped::DropReason;
use crate::dtmf::{Digit, EventTap, TelephoneEvent};
use crate::g711::Law;
use crate::rtp::{self, Header};
use crate::stream::StreamStats;
use crate::tone::{Goertzel, Sound, TONE_HZ};

/// Digits that are remembered.
const DIGITS_MAX: usize = 64;

/// Listens to one RTP stream: counts it, judges its audio, collects its digits.
#[derive(Debug)]
pub struct Receiver {
    law_of: [Option<Law>; 128],
    telephone_event: Option<u8>,
    ear: Goertzel,
    stream: StreamStats,
    events: EventTap,
    began: Instant,
    heard: Heard,
    tone_run: u64,
}

/// What has been heard so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// RTP packets taken.
    pub packets: u64,
    /// Their bytes, headers included.
    pub bytes: u64,
    /// Packets that the numbering says were sent.
    pub packets_expected: u64,
    /// Those of them that did not come.
    pub packets_lost: u64,
    /// Interarrival jitter now.
    pub jitter: Duration,
    /// The highest the jitter has been.
    pub jitter_max: Duration,
    /// Time from the beginning to the first packet.
    pub first_packet_after: Option<Duration>,
    /// Audio packets that held the 1 kHz tone.
    pub tone_packets: u64,
    /// The longest unbroken run of them.
    pub tone_run_max: u64,
    /// Audio packets that held silence.
    pub silence_packets: u64,
    /// Audio packets that held anything else.
    pub other_packets: u64,
    /// The keys pressed, in order; at most 64 are kept.
    pub digits: String,
}

impl Heard {
    /// Whether the tone was heard for at least 200 ms without a break: no chance of a passing sound.
    pub fn has_tone(&self) -> bool {
        self.tone_run_max >= 10
    }
}

/// What one packet brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Audio.
    Audio(Sound),
    /// The first packet of a digit.
    Digit(Digit),
    /// One more packet of an event.
    Event,
}

impl Receiver {
    /// Listens for PCMU as 0, PCMA as 8, and for digits as `telephone_event`.
    pub fn new(now: Instant, telephone_event: Option<u8>) -> Self {
        let mut law_of = [None; 128];
        law_of[0] = Some(Law::Mu);
        law_of[8] = Some(Law::A);
        Self {
            law_of,
            telephone_event,
            ear: Goertzel::new(TONE_HZ),
            stream: StreamStats::new(now),
            events: EventTap::default(),
            began: now,
            heard: Heard::default(),
            tone_run: 0,
        }
    }

    /// Listens for `law` under another number too; numbers above 127 are left out.
    pub fn expect(&mut self, payload_type: u8, law: Law) {
        if let Some(slot) = self.law_of.get_mut(usize::from(payload_type)) {
            *slot = Some(law);
        }
    }

    /// Listens for digits under another number: a new answer.
    pub fn expect_digits(&mut self, telephone_event: Option<u8>) {
        self.telephone_event = telephone_event;
    }

    /// Takes a packet. Order does not matter: late packets count as received, not as lost.
    pub fn hear(&mut self, now: Instant, packet: &[u8]) -> Result<Arrival, DropReason> {
        let header = Header::parse(packet).ok_or(DropReason::NotRtp)?;
        let payload = rtp::payload(packet).ok_or(DropReason::NotRtp)?;
        let is_event = self.telephone_event == Some(header.payload_type);
        let law = self.law_of[usize::from(header.payload_type)];
        if !is_event && law.is_none() {
            return Err(DropReason::UnmappedPayloadType);
        }

        self.heard.packets += 1;
        self.heard.bytes += packet.len() as u64;
        if self.heard.first_packet_after.is_none() {
            self.heard.first_packet_after = Some(now.saturating_duration_since(self.began));
        }
        match law {
            Some(law) if !is_event => {
                self.stream.hear(now, header.ssrc, header.sequence, header.timestamp);
                Ok(Arrival::Audio(self.judge(law, payload)))
            }
            Some(_) | None => {
                self.stream.hear_event(header.ssrc, header.sequence);
                Ok(self.hear_event(&header, payload))
            }
        }
    }

    /// What has been heard so far.
    pub fn heard(&self) -> Heard {
        Heard {
            packets_expected: self.stream.packets_expected(),
            packets_lost: self.stream.packets_lost(),
            jitter: self.stream.jitter(),
            jitter_max: self.stream.jitter_max(),
            ..self.heard.clone()
        }
    }

    pub(crate) fn stream(&self) -> &StreamStats {
        &self.stream
    }

    fn judge(&mut self, law: Law, payload: &[u8]) -> Sound {
        let sound = self.ear.judge(law, payload);
        match sound {
            Sound::Tone => {
                self.tone_run += 1;
                self.heard.tone_packets += 1;
                self.heard.tone_run_max = self.heard.tone_run_max.max(self.tone_run);
            }
            Sound::Silence => self.heard.silence_packets += 1,
            Sound::Other => self.heard.other_packets += 1,
        }
        if sound != Sound::Tone {
            self.tone_run = 0;
        }
        sound
    }

    fn hear_event(&mut self, header: &Header, payload: &[u8]) -> Arrival {
        let digit = TelephoneEvent::parse(payload)
            .and_then(|event| self.events.hear(header.ssrc, header.timestamp, event));
        let Some(digit) = digit else { return Arrival::Event };
        if self.heard.digits.len() < DIGITS_MAX {
            self.heard.digits.push(digit.key());
        }
        Arrival::Digit(digit)
    }
}
