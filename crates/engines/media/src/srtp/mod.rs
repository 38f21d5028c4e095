//! SRTP and SRTCP: packets of one leg, protected and unprotected in place. RFC 3711, RFC 6188,
//! RFC 7714, with keys from SDES (RFC 4568).
//!
//! A leg has an [`Outbound`] and an [`Inbound`], because each side makes the key it sends by. They
//! change a datagram where it lies, allocate nothing for it, and refuse what is not authentic or
//! was there before. Nothing here reads a key out again.

mod counter_mode;
mod derive;
mod galois;
mod index;
mod suite;

use counter_mode::CounterMode;
use derive::Label;
use galois::Galois;
use index::{Index, Streams};

use crate::dropped::DropReason;
use crate::rtp;

pub use index::{STREAMS_MAX, WINDOW};
pub use suite::{Keys, MASTER_BYTES_MAX, MKI_BYTES_MAX, MasterKey, Mki, Suite};

/// Bytes that protection may add behind a packet: the tag, and for RTCP the index.
pub const TRAILER_BYTES_MAX: usize = galois::TAG_BYTES + INDEX_BYTES;

/// Bytes of an RTCP packet that stay in clear: its first header and the sender.
const RTCP_CLEAR_BYTES: usize = 8;
/// Bytes of the index behind an SRTCP packet, with the bit that says "encrypted".
const INDEX_BYTES: usize = 4;
const ENCRYPTED: u32 = 1 << 31;
/// Every counter-mode suite has a long tag for RTCP. RFC 4568 §6.2.2, RFC 6188 §4.
const RTCP_TAG_BYTES: usize = 10;
/// The longest packet that is tried twice right after a new key.
const RETRIED_BYTES_MAX: usize = 2048;

/// Session keys of one direction.
enum Transform {
    CounterMode { rtp: Box<CounterMode>, rtcp: Box<CounterMode>, rtp_tag_bytes: usize },
    Galois { rtp: Galois, rtcp: Galois },
}

/// What we send to a leg's peer.
pub struct Outbound {
    key: MasterKey,
    transform: Transform,
    rtp: Streams,
    /// The next report's index: one count for all sources, so that none can come twice.
    reports: u32,
}

/// What a leg's peer sends to us.
pub struct Inbound {
    key: MasterKey,
    mki: Option<Mki>,
    transform: Transform,
    rtp: Streams,
    rtcp: Streams,
}

impl Outbound {
    /// Protects by `key`; nothing was sent yet.
    pub fn new(key: MasterKey) -> Self {
        let transform = Transform::new(&key);
        Self { key, transform, rtp: Streams::default(), reports: 0 }
    }

    /// Protects by `key` from now on. Rollover counters and the reports' index go on, whatever the
    /// key (RFC 3711 §3.3.1); the same key changes nothing.
    pub fn rekey(&mut self, key: &MasterKey) {
        if self.key != *key {
            self.transform = Transform::new(key);
            self.rtp = self.rtp.rekeyed();
            self.key = key.clone();
        }
    }

    /// Whether this is the key that is protected by.
    pub(crate) fn is_by(&self, key: &MasterKey) -> bool {
        self.key == *key
    }

    /// Protects the RTP packet in the first `len` bytes of `buffer`, and gives its new length.
    ///
    /// # Errors
    /// [`DropReason::Replayed`] for a sequence number that was sent before: under one key it would
    /// give away what both packets say. [`DropReason::KeyExhausted`] for one source more than
    /// [`STREAMS_MAX`] under one key, for the same reason: to make room for it, how far another one has
    /// come would have to be forgotten. [`DropReason::NoRoom`] if the tag does not fit behind.
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, DropReason> {
        let packet = buffer.get(..len).ok_or(DropReason::NoRoom)?;
        let start = rtp::header_bytes(packet).ok_or(DropReason::NotRtp)?;
        let (ssrc, sequence) = rtp::source(packet).ok_or(DropReason::NotRtp)?;
        self.rtp.has_room(ssrc).map_err(|_| DropReason::KeyExhausted)?;
        let index = self.rtp.estimate(ssrc, sequence).ok_or(DropReason::Replayed)?;
        self.rtp.check(ssrc, index).map_err(|_| DropReason::Replayed)?;
        let len = self.transform.seal_rtp(buffer, start..len, ssrc, index)?;
        self.rtp.note(ssrc, index);
        Ok(len)
    }

    /// Protects the RTCP packet in the first `len` bytes of `buffer`, and gives its new length.
    ///
    /// # Errors
    /// [`DropReason::KeyExhausted`] after 2³¹ reports under one key (RFC 3711 §9.2).
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, DropReason> {
        if len < RTCP_CLEAR_BYTES {
            return Err(DropReason::NotRtcp);
        }
        if self.reports >= ENCRYPTED {
            return Err(DropReason::KeyExhausted);
        }
        let len = self.transform.seal_rtcp(buffer, len, self.reports)?;
        self.reports += 1;
        Ok(len)
    }
}

impl Inbound {
    /// Unprotects by `key`; nothing was heard yet.
    pub fn new(key: MasterKey, mki: Option<Mki>) -> Self {
        let transform = Transform::new(&key);
        Self { key, mki, transform, rtp: Streams::default(), rtcp: Streams::default() }
    }

    /// Unprotects by `key` from now on; the same key changes nothing.
    pub fn rekey(&mut self, key: &MasterKey, mki: Option<Mki>) {
        if self.key != *key {
            self.transform = Transform::new(key);
            self.rtp = self.rtp.rekeyed();
            self.rtcp = self.rtcp.rekeyed();
            self.key = key.clone();
        }
        self.mki = mki;
    }

    /// Unprotects a whole RTP datagram, and gives the packet's length in it.
    ///
    /// # Errors
    /// [`DropReason::NotAuthentic`] for a packet that the key's owner did not make,
    /// [`DropReason::Replayed`] for one that was there before or is too old to tell. Either may have
    /// been changed; it is of no use to anybody.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let start = rtp::header_bytes(packet).ok_or(DropReason::NotRtp)?;
        let (ssrc, sequence) = rtp::source(packet).ok_or(DropReason::NotRtp)?;
        let anew = self.rtp.begun_anew(ssrc, sequence);
        let estimated = self.rtp.estimate(ssrc, sequence);
        let index = estimated.or(anew).ok_or(DropReason::Replayed)?;
        self.rtp.check(ssrc, index).map_err(|_| DropReason::Replayed)?;
        let Some(anew) = anew else {
            let len = self.transform.open_rtp(packet, start, ssrc, index, self.mki)?;
            self.rtp.note(ssrc, index);
            return Ok(len);
        };
        // Right after a new key: opening destroys what is not authentic, so a copy is kept.
        let mut copy = [0; RETRIED_BYTES_MAX];
        let copy = copy.get_mut(..packet.len()).ok_or(DropReason::NotAuthentic)?;
        copy.copy_from_slice(packet);
        if let Ok(len) = self.transform.open_rtp(packet, start, ssrc, index, self.mki) {
            self.rtp.note(ssrc, index);
            return Ok(len);
        }
        packet.copy_from_slice(copy);
        let len = self.transform.open_rtp(packet, start, ssrc, anew, self.mki)?;
        self.rtp.forget(ssrc);
        self.rtp.note(ssrc, anew);
        Ok(len)
    }

    /// Unprotects a whole RTCP datagram, and gives the packet's length in it.
    ///
    /// # Errors
    /// As [`Inbound::unprotect_rtp`]. A report that is authentic and not encrypted is refused too:
    /// session parameters that allow it are not agreed on.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let parts = self.transform.rtcp_parts(packet, self.mki).ok_or(DropReason::NotRtcp)?;
        let word = &packet[parts.index.clone()];
        let word = u32::from_be_bytes([word[0], word[1], word[2], word[3]]);
        if word & ENCRYPTED == 0 {
            return Err(DropReason::NotAuthentic);
        }
        let (ssrc, index) = (sender(packet), Index::from(word & !ENCRYPTED));
        self.rtcp.check(ssrc, index).map_err(|_| DropReason::Replayed)?;
        let len = self.transform.open_rtcp(packet, &parts, ssrc, index, self.mki)?;
        self.rtcp.note(ssrc, index);
        Ok(len)
    }
}

/// Where the parts of a protected RTCP packet are.
struct RtcpParts {
    /// What is encrypted, the tag of Galois mode included.
    sealed: std::ops::Range<usize>,
    index: std::ops::Range<usize>,
    mki: std::ops::Range<usize>,
    /// The tag of counter mode.
    tag: std::ops::Range<usize>,
}

impl Transform {
    fn new(key: &MasterKey) -> Self {
        use Label as L;
        match key.suite() {
            Suite::AesGcm128 | Suite::AesGcm256 => Self::Galois {
                rtp: Galois::new(key, [L::RtpEncryption, L::RtpSalt]),
                rtcp: Galois::new(key, [L::RtcpEncryption, L::RtcpSalt]),
            },
            suite @ (Suite::AesCm128Sha1With80
            | Suite::AesCm128Sha1With32
            | Suite::AesCm192Sha1With80
            | Suite::AesCm192Sha1With32
            | Suite::AesCm256Sha1With80
            | Suite::AesCm256Sha1With32) => Self::CounterMode {
                rtp: CounterMode::boxed(key, [L::RtpEncryption, L::RtpAuthentication, L::RtpSalt]),
                rtcp: CounterMode::boxed(
                    key,
                    [L::RtcpEncryption, L::RtcpAuthentication, L::RtcpSalt],
                ),
                rtp_tag_bytes: suite.rtp_tag_bytes(),
            },
        }
    }

    /// `payload` is where the packet's payload lies in `buffer`.
    fn seal_rtp(
        &self,
        buffer: &mut [u8],
        payload: std::ops::Range<usize>,
        ssrc: u32,
        index: Index,
    ) -> Result<usize, DropReason> {
        match self {
            Self::CounterMode { rtp, rtp_tag_bytes, .. } => {
                let end = payload.end + rtp_tag_bytes;
                let packet = buffer.get_mut(..end).ok_or(DropReason::NoRoom)?;
                let (packet, written) = packet.split_at_mut(payload.end);
                rtp.apply(ssrc, index, &mut packet[payload.start..]);
                let tag = rtp.tag([packet, &rollover(index)]);
                written.copy_from_slice(&tag[..written.len()]);
                Ok(end)
            }
            Self::Galois { rtp, .. } => {
                let end = payload.end + galois::TAG_BYTES;
                let packet = buffer.get_mut(..end).ok_or(DropReason::NoRoom)?;
                let (packet, written) = packet.split_at_mut(payload.end);
                let (clear, data) = packet.split_at_mut(payload.start);
                written.copy_from_slice(&rtp.seal(rtp.rtp_nonce(ssrc, index), clear, data));
                Ok(end)
            }
        }
    }

    /// The header of `packet` ends at `start`.
    fn open_rtp(
        &self,
        packet: &mut [u8],
        start: usize,
        ssrc: u32,
        index: Index,
        mki: Option<Mki>,
    ) -> Result<usize, DropReason> {
        let mki_bytes = mki.map_or(0, Mki::len);
        let tag_behind = match self {
            Self::CounterMode { rtp_tag_bytes, .. } => *rtp_tag_bytes,
            Self::Galois { .. } => 0,
        };
        let end = packet.len().checked_sub(tag_behind + mki_bytes).filter(|end| *end >= start);
        let end = end.ok_or(DropReason::NotAuthentic)?;
        let (packet, trailer) = packet.split_at_mut(end);
        let (written_mki, written_tag) = trailer.split_at(mki_bytes);
        if mki.is_some_and(|mki| !mki.is(written_mki)) {
            return Err(DropReason::NotAuthentic);
        }
        match self {
            Self::CounterMode { rtp, .. } => {
                if !rtp.verify([packet, &rollover(index)], written_tag) {
                    return Err(DropReason::NotAuthentic);
                }
                rtp.apply(ssrc, index, &mut packet[start..]);
                Ok(end)
            }
            Self::Galois { rtp, .. } => {
                let (clear, data) = packet.split_at_mut(start);
                let opened = rtp.open(rtp.rtp_nonce(ssrc, index), clear, data);
                opened.map_err(|_| DropReason::NotAuthentic)?;
                Ok(end - galois::TAG_BYTES)
            }
        }
    }

    fn seal_rtcp(&self, buffer: &mut [u8], len: usize, number: u32) -> Result<usize, DropReason> {
        let word = (number | ENCRYPTED).to_be_bytes();
        let tag_bytes = match self {
            Self::CounterMode { .. } => RTCP_TAG_BYTES,
            Self::Galois { .. } => galois::TAG_BYTES,
        };
        let end = len + INDEX_BYTES + tag_bytes;
        let packet = buffer.get_mut(..end).ok_or(DropReason::NoRoom)?;
        let ssrc = sender(packet);
        let (packet, trailer) = packet.split_at_mut(len);
        let (clear, data) = packet.split_at_mut(RTCP_CLEAR_BYTES);
        match self {
            Self::CounterMode { rtcp, .. } => {
                rtcp.apply(ssrc, number.into(), data);
                let tag = rtcp.tag([clear, data, &word]);
                let (index, written) = trailer.split_at_mut(INDEX_BYTES);
                index.copy_from_slice(&word);
                written.copy_from_slice(&tag[..RTCP_TAG_BYTES]);
            }
            Self::Galois { rtcp, .. } => {
                let covered = covered(clear, word);
                let tag = rtcp.seal(rtcp.rtcp_nonce(ssrc, number.into()), &covered, data);
                let (written, index) = trailer.split_at_mut(galois::TAG_BYTES);
                written.copy_from_slice(&tag);
                index.copy_from_slice(&word);
            }
        }
        Ok(end)
    }

    fn rtcp_parts(&self, packet: &[u8], mki: Option<Mki>) -> Option<RtcpParts> {
        let mki_bytes = mki.map_or(0, Mki::len);
        let (tag_behind, tag_inside) = match self {
            Self::CounterMode { .. } => (RTCP_TAG_BYTES, 0),
            Self::Galois { .. } => (0, galois::TAG_BYTES),
        };
        let tag = packet.len().checked_sub(tag_behind)?..packet.len();
        let mki = tag.start.checked_sub(mki_bytes)?..tag.start;
        let index = mki.start.checked_sub(INDEX_BYTES)?..mki.start;
        let is_whole = RTCP_CLEAR_BYTES + tag_inside <= index.start;
        is_whole.then_some(RtcpParts { sealed: RTCP_CLEAR_BYTES..index.start, index, mki, tag })
    }

    fn open_rtcp(
        &self,
        packet: &mut [u8],
        parts: &RtcpParts,
        ssrc: u32,
        index: Index,
        mki: Option<Mki>,
    ) -> Result<usize, DropReason> {
        if mki.is_some_and(|mki| !mki.is(&packet[parts.mki.clone()])) {
            return Err(DropReason::NotAuthentic);
        }
        match self {
            Self::CounterMode { rtcp, .. } => {
                let covered = &packet[..parts.index.end];
                if !rtcp.verify([covered], &packet[parts.tag.clone()]) {
                    return Err(DropReason::NotAuthentic);
                }
                rtcp.apply(ssrc, index, &mut packet[parts.sealed.clone()]);
                Ok(parts.sealed.end)
            }
            Self::Galois { rtcp, .. } => {
                let word = &packet[parts.index.clone()];
                let covered = covered(packet, [word[0], word[1], word[2], word[3]]);
                let data = &mut packet[parts.sealed.clone()];
                let opened = rtcp.open(rtcp.rtcp_nonce(ssrc, index), &covered, data);
                opened.map_err(|_| DropReason::NotAuthentic)?;
                Ok(parts.sealed.end - galois::TAG_BYTES)
            }
        }
    }
}

/// What Galois mode covers of an RTCP packet without encrypting it. RFC 7714 §9.2.
fn covered(packet: &[u8], word: [u8; INDEX_BYTES]) -> [u8; RTCP_CLEAR_BYTES + INDEX_BYTES] {
    let mut covered = [0; RTCP_CLEAR_BYTES + INDEX_BYTES];
    covered[..RTCP_CLEAR_BYTES].copy_from_slice(&packet[..RTCP_CLEAR_BYTES]);
    covered[RTCP_CLEAR_BYTES..].copy_from_slice(&word);
    covered
}

/// The rollover counter, as tags cover it.
fn rollover(index: Index) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// The source of an RTCP packet that has its clear part.
fn sender(packet: &[u8]) -> u32 {
    u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]])
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("key", &self.key).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The bytes of a hexadecimal text with spaces.
#[cfg(test)]
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|it| it.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}
