//! Offers and answers of our own: the simulated carrier and the test caller.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use crate::audio::{Accepted, Audio, Codec, Profile, Rtcp};
use crate::crypto::Crypto;
use crate::refusal::Refusal;
use crate::section::{Direction, Section};
use crate::session::Session;

/// The payload type we offer for RFC 4733 events; the number most user agents use.
pub const TELEPHONE_EVENT: u8 = 101;

/// Milliseconds of audio in each of our packets.
const PTIME_MS: u16 = 20;

/// Our side of an offer or answer.
#[derive(Debug, Clone, Copy)]
pub struct Local<'a> {
    /// The address others send to.
    pub address: IpAddr,
    /// The RTP port; RTCP is on the next.
    pub port: u16,
    /// Codecs we take, most wanted first.
    pub codecs: &'a [Codec],
    /// What we are ready to do, before the other side's wish is heard.
    pub direction: Direction,
    /// Id and version of the `o=` line.
    pub session: SessionVersion,
    /// What protection we take; an offer asks for it.
    pub accepted: Accepted,
    /// Our keys, one for each suite that we take; without one nothing is encrypted.
    pub keys: &'a [Crypto],
}

/// Id and version of an `o=` line: the version rises with each new offer or answer of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionVersion {
    /// Session id.
    pub id: u64,
    /// Session version.
    pub version: u64,
}

impl Local<'_> {
    /// PCMU and PCMA, both directions, first version of session 1.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        Local {
            address,
            port,
            codecs: &[Codec::Pcmu, Codec::Pcma],
            direction: Direction::SendRecv,
            session: SessionVersion { id: 1, version: 1 },
            accepted: Accepted::Clear,
            keys: &[],
        }
    }
}

/// What offer and answer agree on, seen from us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The codec to send; the other side may send any that both listed.
    pub codec: Codec,
    /// The payload type of `codec` in packets we send.
    pub payload_type: u8,
    /// The payload type of events in packets we send; `None` if the other side takes none.
    pub telephone_event: Option<u8>,
    /// Where our RTP goes; `None` while we are held by `c=` `0.0.0.0`.
    pub rtp: Option<SocketAddr>,
    /// Where our RTCP goes.
    pub rtcp: Rtcp,
    /// Who sends, seen from us.
    pub direction: Direction,
    /// What protects the packets; `None` if they are in clear.
    pub keys: Option<AgreedKeys>,
}

/// The keys that offer and answer settle, of one suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreedKeys {
    /// What we protect by.
    pub ours: Crypto,
    /// What the other side protects by.
    pub theirs: Crypto,
}

/// Appends an offer of one audio stream to `out`. RFC 3264 §5.
pub fn build_offer(local: &Local<'_>, out: &mut Vec<u8>) {
    head(local, out);
    let numbers = local.codecs.iter().map(|codec| (*codec, codec.static_payload_type()));
    let protocol = if is_encrypted_only(local) { "RTP/SAVP" } else { "RTP/AVP" };
    audio_section(
        local,
        numbers,
        Some(TELEPHONE_EVENT),
        local.direction,
        protocol,
        local.keys,
        out,
    );
}

/// Appends our answer to `offer` to `out`, or says why there is none. RFC 3264 §6.
///
/// The offer's most wanted codec that we take is chosen, with the offer's payload type numbers;
/// every other section is rejected with port 0. Rejected sections keep their place. Of its keys the
/// first is taken whose suite we have (RFC 4568 §6.1).
pub fn build_answer(
    offer: &Session<'_>,
    local: &Local<'_>,
    out: &mut Vec<u8>,
) -> Result<Agreed, Refusal> {
    let audio = offer.audio_as(local.accepted)?;
    let (codec, payload_type) = audio
        .codecs
        .iter()
        .find(|(codec, _)| local.codecs.contains(codec))
        .ok_or(Refusal::NoCommonCodec)?;
    let direction = local.direction.and(audio.direction.reversed());
    let keys = answered_keys(&offer.sections()[audio.section], audio.profile, local)?;
    let ours: &[Crypto] = keys.as_ref().map_or(&[], |keys| std::slice::from_ref(&keys.ours));

    head(local, out);
    for section in offer.sections() {
        if section.index == audio.section {
            let numbers = [(codec, payload_type)].into_iter();
            let protocol = section.protocol.to_string();
            audio_section(local, numbers, audio.telephone_event, direction, &protocol, ours, out);
        } else {
            reject(section, out);
        }
    }
    Ok(Agreed {
        codec,
        payload_type,
        telephone_event: audio.telephone_event,
        rtp: audio.rtp,
        // Our answer has no a=rtcp-mux, so the offer's fallback counts (RFC 5761 §5.1.1).
        rtcp: Rtcp::Separate(offer.sections()[audio.section].rtcp_address()),
        direction,
        keys,
    })
}

/// The keys of our answer: the first line of the offer whose suite we have, and our key for it.
fn answered_keys(
    section: &Section<'_>,
    profile: Profile,
    local: &Local<'_>,
) -> Result<Option<AgreedKeys>, Refusal> {
    if profile == Profile::Clear {
        return Ok(None);
    }
    let keys = section.cryptos().flatten().find_map(|theirs| {
        let ours = local.keys.iter().find(|ours| ours.suite == theirs.suite)?;
        Some(AgreedKeys { ours: Crypto { tag: theirs.tag, ..ours.clone() }, theirs })
    });
    match (keys, profile, local.accepted) {
        (None, Profile::ClearWithKeys, Accepted::Clear | Accepted::Either) => Ok(None),
        (None, _, _) => Err(Refusal::NoCommonSuite),
        (keys @ Some(_), _, _) => Ok(keys),
    }
}

/// The keys that an answer to our offer settles: its line names one of ours by tag and suite.
fn confirmed_keys(
    section: &Section<'_>,
    profile: Profile,
    local: &Local<'_>,
) -> Result<Option<AgreedKeys>, Refusal> {
    if profile == Profile::Clear || local.keys.is_empty() {
        return if is_encrypted_only(local) { Err(Refusal::EncryptionRequired) } else { Ok(None) };
    }
    let keys = section.cryptos().flatten().find_map(|theirs| {
        let is_named = |ours: &&Crypto| ours.tag == theirs.tag && ours.suite == theirs.suite;
        let ours = local.keys.iter().find(is_named)?.clone();
        Some(AgreedKeys { ours, theirs })
    });
    keys.map(Some).ok_or(Refusal::NoCommonSuite)
}

fn is_encrypted_only(local: &Local<'_>) -> bool {
    local.accepted == Accepted::Encrypted
}

/// What the answer to our offer (made by [`build_offer`] from `local`) settles. RFC 3264 §7.
pub fn read_answer(local: &Local<'_>, answer: &Session<'_>) -> Result<Agreed, Refusal> {
    if answer.sections().len() != 1 {
        return Err(Refusal::SectionsDiffer);
    }
    let audio: Audio = answer.audio_as(local.accepted)?;
    let keys = confirmed_keys(&answer.sections()[audio.section], audio.profile, local)?;
    let (codec, payload_type) = audio
        .codecs
        .iter()
        .find(|(codec, _)| local.codecs.contains(codec))
        .ok_or(Refusal::NoCommonCodec)?;
    Ok(Agreed {
        codec,
        payload_type,
        telephone_event: audio.telephone_event,
        rtp: audio.rtp,
        rtcp: Rtcp::Separate(answer.sections()[audio.section].rtcp_address()),
        direction: local.direction.and(audio.direction.reversed()),
        keys,
    })
}

fn head(local: &Local<'_>, out: &mut Vec<u8>) {
    let family = if local.address.is_ipv4() { "IP4" } else { "IP6" };
    let SessionVersion { id, version } = local.session;
    let address = local.address;
    write!(
        out,
        "v=0\r\no=- {id} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
    )
    .expect("a Vec takes every byte");
}

fn audio_section(
    local: &Local<'_>,
    codecs: impl Iterator<Item = (Codec, u8)> + Clone,
    telephone_event: Option<u8>,
    direction: Direction,
    protocol: &str,
    keys: &[Crypto],
    out: &mut Vec<u8>,
) {
    let mut text = format!("m=audio {} {protocol}", local.port);
    for number in codecs.clone().map(|(_, number)| number).chain(telephone_event) {
        text.push_str(&format!(" {number}"));
    }
    text.push_str("\r\n");
    out.extend_from_slice(text.as_bytes());
    text.clear();
    for key in keys {
        key.write(out);
    }
    for (codec, number) in codecs {
        text.push_str(&format!("a=rtpmap:{number} {}/8000\r\n", codec.name()));
    }
    if let Some(number) = telephone_event {
        text.push_str(&format!(
            "a=rtpmap:{number} telephone-event/8000\r\na=fmtp:{number} 0-15\r\n"
        ));
    }
    text.push_str(&format!("a=ptime:{PTIME_MS}\r\na={}\r\n", direction.as_str()));
    out.extend_from_slice(text.as_bytes());
}

fn reject(section: &Section<'_>, out: &mut Vec<u8>) {
    let Section { media, protocol, formats, .. } = section;
    write!(out, "m={media} 0 {protocol} {formats}\r\n").expect("a Vec takes every byte");
}
