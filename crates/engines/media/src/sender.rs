//! What an endpoint says: audio in packets of 20 ms, and digits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::dtmf::{Digit, EventPhase, TelephoneEvent};
use crate::g711::Law;
use crate::rtp::{HEADER_BYTES, Header, Marker};
use crate::tone::fill_tone;

/// Digits that may wait to be sent.
pub const DIGITS_MAX: usize = 64;

/// Audio in each packet.
const PACKET: Duration = Duration::from_millis(20);
const PACKET_SAMPLES: u32 = 160;

/// Packets of one digit: 100 ms of tone, then the last packet twice more (RFC 4733 §2.5.1.4), then
/// 60 ms without one, so that two equal digits are two.
const DIGIT_TONE_PACKETS: u32 = 5;
const DIGIT_PACKETS: u32 = DIGIT_TONE_PACKETS + 2;
const DIGIT_AND_PAUSE_PACKETS: u32 = DIGIT_PACKETS + 3;

/// Loudness written into digits: −10 dBm0, what gateways expect.
const DIGIT_VOLUME: u8 = 10;

/// How late a packet may be before the time is counted as lost instead of caught up.
const LATE_MAX: Duration = Duration::from_millis(200);

/// Randomness for one stream; RFC 3550 §5.1 wants its numbers unpredictable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// Synchronisation source.
    pub ssrc: u32,
    /// First sequence number.
    pub sequence: u16,
    /// First timestamp.
    pub timestamp: u32,
}

impl Seed {
    /// Spreads 64 random bits over a stream's numbers.
    pub const fn of(random: u64) -> Self {
        // The finaliser of SplitMix64, so that weak high or low bits still reach every field.
        let mut mixed = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        Self {
            ssrc: (mixed >> 32) as u32,
            sequence: (random ^ mixed) as u16,
            timestamp: mixed as u32,
        }
    }
}

/// What a sender plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Play {
    /// Nothing: no packets but those of digits.
    Nothing,
    /// Silence, in packets.
    Silence,
    /// The 1 kHz test tone.
    Tone,
}

/// How a sender's packets are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderSpec {
    /// The companding law of the audio.
    pub law: Law,
    /// The audio's payload type.
    pub payload_type: u8,
    /// The payload type of digits; `None` if the other side takes none.
    pub telephone_event: Option<u8>,
}

/// More digits than may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {DIGITS_MAX} digits may wait to be sent")]
pub struct TooManyDigits;

/// One RTP stream going out, paced by the time it is given.
#[derive(Debug)]
pub struct Sender {
    spec: SenderSpec,
    play: Play,
    ssrc: u32,
    sequence: u16,
    /// Timestamp of the packet that is due at `due`.
    timestamp: u32,
    due: Instant,
    marker: Marker,
    digits: VecDeque<Digit>,
    digit: Option<DigitAtWork>,
    packets: u64,
    octets: u64,
}

/// A digit being sent.
#[derive(Debug, Clone, Copy)]
struct DigitAtWork {
    digit: Digit,
    /// Timestamp of the event: that of its first packet, on all of them.
    began: u32,
    packets_done: u32,
}

impl Sender {
    /// A sender that plays nothing yet.
    pub fn new(now: Instant, spec: SenderSpec, seed: Seed) -> Self {
        Self {
            spec,
            play: Play::Nothing,
            ssrc: seed.ssrc,
            sequence: seed.sequence,
            timestamp: seed.timestamp,
            due: now,
            marker: Marker::Set,
            digits: VecDeque::new(),
            digit: None,
            packets: 0,
            octets: 0,
        }
    }

    /// Changes what is played from the next packet on.
    pub fn play(&mut self, now: Instant, play: Play) {
        if !self.is_busy() {
            self.wake(now);
        }
        self.play = play;
    }

    /// Changes how packets are marked: a new answer.
    pub fn agree(&mut self, spec: SenderSpec) {
        self.spec = spec;
    }

    /// Queues digits; they take the place of the audio, 200 ms each. Without an agreed payload type
    /// they are sent by nobody and wait.
    pub fn send_digits(&mut self, now: Instant, digits: &[Digit]) -> Result<(), TooManyDigits> {
        if self.digits.len() + digits.len() > DIGITS_MAX {
            return Err(TooManyDigits);
        }
        if !self.is_busy() {
            self.wake(now);
        }
        self.digits.extend(digits);
        Ok(())
    }

    /// Whether digits are still being sent.
    pub fn is_sending_digits(&self) -> bool {
        self.digit.is_some() || (self.spec.telephone_event.is_some() && !self.digits.is_empty())
    }

    /// When the next packet is due; `None` if there is nothing to send.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.is_busy().then_some(self.due)
    }

    /// Puts the next packet into `out` if one is due. Call again until there is none.
    pub fn poll_packet(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<()> {
        while self.is_busy() && self.due <= now {
            if now.saturating_duration_since(self.due) > LATE_MAX {
                self.skip_to(now);
            }
            let was_written = self.step(out);
            self.due += PACKET;
            self.timestamp = self.timestamp.wrapping_add(PACKET_SAMPLES);
            if was_written.is_some() {
                return Some(());
            }
        }
        None
    }

    /// Packets and payload bytes sent so far.
    pub fn sent(&self) -> (u64, u64) {
        (self.packets, self.octets)
    }

    /// The stream's synchronisation source.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The RTP time at `now`, for a sender report.
    pub fn timestamp_at(&self, now: Instant) -> u32 {
        let ahead = samples(self.due.saturating_duration_since(now));
        let behind = samples(now.saturating_duration_since(self.due));
        self.timestamp.wrapping_add(behind).wrapping_sub(ahead)
    }

    /// The numbers that a packet of our own making outside the pace needs: SSRC and next sequence.
    pub(crate) fn number(&mut self, octets: usize) -> (u32, u16) {
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += octets as u64;
        (self.ssrc, sequence)
    }

    pub(crate) fn spec(&self) -> SenderSpec {
        self.spec
    }

    fn is_busy(&self) -> bool {
        self.play != Play::Nothing || self.is_sending_digits()
    }

    /// Starts the pace again after a pause: the timestamp moves on by the time that has passed.
    fn wake(&mut self, now: Instant) {
        self.timestamp = self.timestamp_at(now);
        self.due = now;
        self.marker = Marker::Set;
    }

    fn skip_to(&mut self, now: Instant) {
        let late = now.saturating_duration_since(self.due);
        let packets = (late.as_millis() / PACKET.as_millis()) as u32;
        self.due += PACKET * packets;
        self.timestamp = self.timestamp.wrapping_add(PACKET_SAMPLES * packets);
        self.marker = Marker::Set;
    }

    /// One tick of 20 ms: a packet of a digit, of audio, or none.
    fn step(&mut self, out: &mut Vec<u8>) -> Option<()> {
        if let Some(payload_type) = self.spec.telephone_event {
            if self.digit.is_none() {
                let began = self.timestamp;
                self.digit = self.digits.pop_front().map(|digit| DigitAtWork {
                    digit,
                    began,
                    packets_done: 0,
                });
            }
            if let Some(work) = self.digit {
                let packets_done = work.packets_done + 1;
                let is_over = packets_done >= DIGIT_AND_PAUSE_PACKETS;
                self.digit = (!is_over).then_some(DigitAtWork { packets_done, ..work });
                if work.packets_done < DIGIT_PACKETS {
                    self.write_digit(payload_type, work, out);
                    return Some(());
                }
            }
        }
        let mut payload = [self.spec.law.silence(); PACKET_SAMPLES as usize];
        match self.play {
            Play::Nothing => return None,
            Play::Silence => {}
            Play::Tone => fill_tone(self.spec.law, &mut payload),
        }
        let marker = std::mem::replace(&mut self.marker, Marker::Clear);
        self.write(self.spec.payload_type, marker, self.timestamp, &payload, out);
        Some(())
    }

    fn write_digit(&mut self, payload_type: u8, work: DigitAtWork, out: &mut Vec<u8>) {
        let marker = if work.packets_done == 0 { Marker::Set } else { Marker::Clear };
        let tone_packets = (work.packets_done + 1).min(DIGIT_TONE_PACKETS);
        let is_last = work.packets_done + 1 >= DIGIT_TONE_PACKETS;
        let event = TelephoneEvent {
            code: work.digit.event(),
            phase: if is_last { EventPhase::Ended } else { EventPhase::Ongoing },
            volume: DIGIT_VOLUME,
            duration: (tone_packets * PACKET_SAMPLES) as u16,
        };
        self.write(payload_type, marker, work.began, &event.print(), out);
        // Audio after a digit is a new talkspurt.
        self.marker = Marker::Set;
    }

    fn write(
        &mut self,
        payload_type: u8,
        marker: Marker,
        timestamp: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) {
        let (ssrc, sequence) = self.number(payload.len());
        let header = Header { payload_type, marker, sequence, timestamp, ssrc };
        out.clear();
        out.reserve(HEADER_BYTES + payload.len());
        out.extend_from_slice(&header.print());
        out.extend_from_slice(payload);
    }
}

fn samples(time: Duration) -> u32 {
    (time.as_micros() * 8 / 1000) as u32
}
