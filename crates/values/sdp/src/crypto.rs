//! SDES: keys in `a=crypto` lines. RFC 4568.

use std::fmt::{self, Write as _};

use crate::line::{digits, word};

/// The most `a=crypto` lines of one section that are looked at; user agents send up to eight.
pub const CRYPTOS_MAX: usize = 16;

/// Bytes of the longest key with its salt: AES-256 in counter mode.
pub const KEY_BYTES_MAX: usize = 46;

/// Digits of a tag. RFC 4568 §9.1.
const TAG_DIGITS_MAX: usize = 9;
/// Bytes of the longest master key identifier. RFC 4568 §6.1.
const MKI_BYTES_MAX: u16 = 128;
/// The most packets any suite protects by one key. RFC 3711 §9.2.
const LIFETIME_BITS_MAX: u32 = 48;

/// A crypto suite. RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CryptoSuite {
    /// `AES_CM_128_HMAC_SHA1_80`, which every user agent has.
    AesCm128Sha1With80,
    /// `AES_CM_128_HMAC_SHA1_32`.
    AesCm128Sha1With32,
    /// `AES_192_CM_HMAC_SHA1_80`.
    AesCm192Sha1With80,
    /// `AES_192_CM_HMAC_SHA1_32`.
    AesCm192Sha1With32,
    /// `AES_256_CM_HMAC_SHA1_80`.
    AesCm256Sha1With80,
    /// `AES_256_CM_HMAC_SHA1_32`.
    AesCm256Sha1With32,
    /// `AEAD_AES_128_GCM`.
    AesGcm128,
    /// `AEAD_AES_256_GCM`.
    AesGcm256,
}

impl CryptoSuite {
    /// Every suite, in the order in which they are offered: AES in counter mode with HMAC-SHA1
    /// first, as the service that this one stands in for does, the 80-bit tag before the 32-bit one
    /// and the short key before the long ones; then Galois mode.
    pub const ALL: [Self; 8] = [
        Self::AesCm128Sha1With80,
        Self::AesCm192Sha1With80,
        Self::AesCm256Sha1With80,
        Self::AesCm128Sha1With32,
        Self::AesCm192Sha1With32,
        Self::AesCm256Sha1With32,
        Self::AesGcm128,
        Self::AesGcm256,
    ];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128Sha1With80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128Sha1With32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm192Sha1With80 => "AES_192_CM_HMAC_SHA1_80",
            Self::AesCm192Sha1With32 => "AES_192_CM_HMAC_SHA1_32",
            Self::AesCm256Sha1With80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256Sha1With32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AesGcm128 => "AEAD_AES_128_GCM",
            Self::AesGcm256 => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of the master key and its salt together.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AesCm128Sha1With80 | Self::AesCm128Sha1With32 => 16 + 14,
            Self::AesCm192Sha1With80 | Self::AesCm192Sha1With32 => 24 + 14,
            Self::AesCm256Sha1With80 | Self::AesCm256Sha1With32 => 32 + 14,
            Self::AesGcm128 => 16 + 12,
            Self::AesGcm256 => 32 + 12,
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }
}

/// A master key and its salt, as they stand behind `inline:`. RFC 4568 §6.1.
///
/// Shown nowhere but on the wire, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct CryptoKey {
    bytes: [u8; KEY_BYTES_MAX],
    len: u8,
}

impl CryptoKey {
    /// The key's bytes; `None` if there are more than any suite has.
    pub fn new(key_and_salt: &[u8]) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES_MAX];
        bytes.get_mut(..key_and_salt.len())?.copy_from_slice(key_and_salt);
        Some(Self { bytes, len: key_and_salt.len() as u8 })
    }

    /// The key, then its salt.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len.into()]
    }
}

impl Drop for CryptoKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.bytes);
    }
}

impl fmt::Debug for CryptoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CryptoKey(…)")
    }
}

/// The master key identifier that a sender puts into each packet. RFC 4568 §6.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptoMki {
    /// Its value.
    pub value: u128,
    /// How many bytes of each packet it takes, 1–128.
    pub bytes: u16,
}

/// One `a=crypto` line that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto {
    /// What the answer names the line by.
    pub tag: u32,
    /// The suite.
    pub suite: CryptoSuite,
    /// The key that the line's writer sends by.
    pub key: CryptoKey,
    /// What the line's writer puts beside its tags.
    pub mki: Option<CryptoMki>,
}

/// Why an `a=crypto` line cannot be used. The next one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoFault {
    /// The line is not tag, suite and key.
    #[error("expected a=crypto:<tag> <suite> inline:<key>")]
    Grammar,
    /// The suite is none of [`CryptoSuite::ALL`].
    #[error("the crypto suite is not known")]
    Suite,
    /// More than one key for one line.
    #[error("more than one key in a line")]
    SeveralKeys,
    /// The key is not Base64, or not as long as the suite wants it.
    #[error("the key is not Base64 of the suite's length")]
    Key,
    /// The lifetime is 0, or more than 2^48.
    #[error("the key's lifetime is not between 1 and 2^48 packets")]
    Lifetime,
    /// The identifier does not fit into its bytes, or has none.
    #[error("the master key identifier is not <value>:<bytes>")]
    Mki,
    /// A session parameter that takes protection away, or that we do not have. RFC 4568 §6.3.
    #[error("a session parameter that is not supported, such as UNENCRYPTED_SRTP")]
    SessionParameter,
}

impl Crypto {
    /// Reads the value of an `a=crypto` attribute. RFC 4568 §9.1.
    ///
    /// # Errors
    /// What keeps the line from being used. Window hints and parameters that begin with a minus are
    /// passed over, as the standard allows; everything else that changes what packets look like is
    /// refused.
    pub fn parse(value: &str) -> Result<Self, CryptoFault> {
        let (tag, rest) = word(value.trim_start());
        let (suite, rest) = word(rest);
        let (keys, parameters) = word(rest);
        let tag = Some(tag).filter(|tag| tag.len() <= TAG_DIGITS_MAX).and_then(digits::<u32>);
        let tag = tag.ok_or(CryptoFault::Grammar)?;
        let suite = CryptoSuite::of_name(suite).ok_or(CryptoFault::Suite)?;
        if keys.contains(';') {
            return Err(CryptoFault::SeveralKeys);
        }
        let (key, mki) = parse_key(suite, keys)?;
        let mut parameters = parameters.split(' ').filter(|it| !it.is_empty());
        if !parameters.all(may_be_passed_over) {
            return Err(CryptoFault::SessionParameter);
        }
        Ok(Self { tag, suite, key, mki })
    }

    /// Appends the whole line, with its end, to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(128);
        write!(text, "a=crypto:{} {} inline:", self.tag, self.suite.name())
            .expect("a String takes every text");
        write_base64(self.key.bytes(), &mut text);
        if let Some(CryptoMki { value, bytes }) = self.mki {
            write!(text, "|{value}:{bytes}").expect("a String takes every text");
        }
        text.push_str("\r\n");
        out.extend_from_slice(text.as_bytes());
        zeroize::Zeroize::zeroize(&mut text);
    }
}

fn parse_key(
    suite: CryptoSuite,
    text: &str,
) -> Result<(CryptoKey, Option<CryptoMki>), CryptoFault> {
    let method = text.get(..7).filter(|method| method.eq_ignore_ascii_case("inline:"));
    method.ok_or(CryptoFault::Grammar)?;
    let mut parts = text[7..].split('|');
    let key = parts.next().and_then(parse_base64).ok_or(CryptoFault::Key)?;
    if key.bytes().len() != suite.key_bytes() {
        return Err(CryptoFault::Key);
    }
    let mut next = parts.next();
    if let Some(lifetime) = next.filter(|it| !it.contains(':')) {
        check_lifetime(lifetime)?;
        next = parts.next();
    }
    let mki = next.map(parse_mki).transpose()?;
    if parts.next().is_some() {
        return Err(CryptoFault::Grammar);
    }
    Ok((key, mki))
}

/// The peer's promise of when it makes a new key. We do not hold it to that: a call ends first.
fn check_lifetime(text: &str) -> Result<(), CryptoFault> {
    let packets = match text.strip_prefix("2^") {
        Some(power) => {
            let power = digits::<u32>(power).filter(|power| *power <= LIFETIME_BITS_MAX);
            power.map(|power| 1_u64 << power)
        }
        None => digits::<u64>(text).filter(|packets| *packets <= 1 << LIFETIME_BITS_MAX),
    };
    packets.filter(|packets| *packets > 0).map(drop).ok_or(CryptoFault::Lifetime)
}

fn parse_mki(text: &str) -> Result<CryptoMki, CryptoFault> {
    let (value, bytes) = text.split_once(':').ok_or(CryptoFault::Mki)?;
    let value = digits::<u128>(value).ok_or(CryptoFault::Mki)?;
    let bytes = digits::<u16>(bytes).filter(|bytes| (1..=MKI_BYTES_MAX).contains(bytes));
    let bytes = bytes.ok_or(CryptoFault::Mki)?;
    let fits = bytes >= 16 || value >> (8 * bytes) == 0;
    if fits { Ok(CryptoMki { value, bytes }) } else { Err(CryptoFault::Mki) }
}

/// Session parameters that change nothing about packets: a hint for the replay window, and those
/// marked as optional.
fn may_be_passed_over(parameter: &str) -> bool {
    parameter.starts_with('-') || parameter.to_ascii_uppercase().starts_with("WSH=")
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn write_base64(bytes: &[u8], out: &mut String) {
    for part in bytes.chunks(3) {
        let three = [part[0], part.get(1).copied().unwrap_or(0), part.get(2).copied().unwrap_or(0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for position in 0..4 {
            let is_padding = position > part.len();
            let letter = BASE64[(bits >> (18 - 6 * position)) as usize & 63];
            out.push(if is_padding { '=' } else { letter.into() });
        }
    }
}

/// Base64 with its padding, which some user agents leave out.
fn parse_base64(text: &str) -> Option<CryptoKey> {
    let letters = text.trim_end_matches('=').as_bytes();
    let padding = text.len() - letters.len();
    if letters.len() % 4 == 1 || (padding != 0 && (padding > 2 || !text.len().is_multiple_of(4))) {
        return None;
    }
    let mut bytes = zeroize::Zeroizing::new([0; KEY_BYTES_MAX]);
    let mut len = 0;
    let mut bits = 0_u32;
    for (at, letter) in letters.iter().enumerate() {
        let value = BASE64.iter().position(|known| known == letter)?;
        bits = bits << 6 | value as u32;
        // Every letter but the first of four completes a byte.
        if at % 4 != 0 {
            let kept = 6 - 2 * (at as u32 % 4);
            *bytes.get_mut(len)? = (bits >> kept) as u8;
            len += 1;
        }
    }
    CryptoKey::new(&bytes[..len])
}
