//! Which protections there are, and the keys they begin from.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of the longest master key with its salt: AES-256 in counter mode.
pub const MASTER_BYTES_MAX: usize = 46;

/// Bytes of the longest master key identifier. RFC 4568 §6.1.
pub const MKI_BYTES_MAX: usize = 128;

/// A crypto suite of SDES. RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES-128 in counter mode, HMAC-SHA1 of 80 bits.
    AesCm128Sha1With80,
    /// AES-128 in counter mode, HMAC-SHA1 of 32 bits.
    AesCm128Sha1With32,
    /// AES-192 in counter mode, HMAC-SHA1 of 80 bits.
    AesCm192Sha1With80,
    /// AES-192 in counter mode, HMAC-SHA1 of 32 bits.
    AesCm192Sha1With32,
    /// AES-256 in counter mode, HMAC-SHA1 of 80 bits.
    AesCm256Sha1With80,
    /// AES-256 in counter mode, HMAC-SHA1 of 32 bits.
    AesCm256Sha1With32,
    /// AES-128 in Galois/counter mode.
    AesGcm128,
    /// AES-256 in Galois/counter mode.
    AesGcm256,
}

impl Suite {
    /// Every suite.
    pub const ALL: [Self; 8] = [
        Self::AesCm128Sha1With80,
        Self::AesCm128Sha1With32,
        Self::AesCm192Sha1With80,
        Self::AesCm192Sha1With32,
        Self::AesCm256Sha1With80,
        Self::AesCm256Sha1With32,
        Self::AesGcm128,
        Self::AesGcm256,
    ];

    /// The registered name, as it stands in `a=crypto`.
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

    /// The suite of a registered name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// Bytes of the master key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AesCm128Sha1With80 | Self::AesCm128Sha1With32 | Self::AesGcm128 => 16,
            Self::AesCm192Sha1With80 | Self::AesCm192Sha1With32 => 24,
            Self::AesCm256Sha1With80 | Self::AesCm256Sha1With32 | Self::AesGcm256 => 32,
        }
    }

    /// Bytes of the master salt.
    pub const fn salt_bytes(self) -> usize {
        match self {
            Self::AesGcm128 | Self::AesGcm256 => 12,
            Self::AesCm128Sha1With80
            | Self::AesCm128Sha1With32
            | Self::AesCm192Sha1With80
            | Self::AesCm192Sha1With32
            | Self::AesCm256Sha1With80
            | Self::AesCm256Sha1With32 => 14,
        }
    }

    /// Bytes of the tag behind an RTP packet.
    pub const fn rtp_tag_bytes(self) -> usize {
        match self {
            Self::AesCm128Sha1With80 | Self::AesCm192Sha1With80 | Self::AesCm256Sha1With80 => 10,
            Self::AesCm128Sha1With32 | Self::AesCm192Sha1With32 | Self::AesCm256Sha1With32 => 4,
            Self::AesGcm128 | Self::AesGcm256 => 16,
        }
    }
}

/// A master key and its salt, one after the other. RFC 4568 §6.1.
///
/// Its bytes are shown nowhere, compared in constant time and wiped when dropped.
#[derive(Clone)]
pub struct MasterKey {
    suite: Suite,
    bytes: [u8; MASTER_BYTES_MAX],
}

impl MasterKey {
    /// A key for `suite`; `None` if key and salt are not as long as it wants them together.
    pub fn parse(suite: Suite, key_and_salt: &[u8]) -> Option<Self> {
        if key_and_salt.len() != suite.key_bytes() + suite.salt_bytes() {
            return None;
        }
        let mut bytes = [0; MASTER_BYTES_MAX];
        bytes[..key_and_salt.len()].copy_from_slice(key_and_salt);
        Some(Self { suite, bytes })
    }

    /// What the key is for.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.bytes[..self.suite.key_bytes()]
    }

    pub(super) fn salt(&self) -> &[u8] {
        let key = self.suite.key_bytes();
        &self.bytes[key..key + self.suite.salt_bytes()]
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        self.suite == other.suite && self.bytes.ct_eq(&other.bytes).into()
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({}, …)", self.suite.name())
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The identifier that a peer puts into each packet beside the tag. RFC 3711 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mki {
    value: u128,
    bytes: u8,
}

impl Mki {
    /// `value` written in `bytes` bytes, 1–128; `None` if it does not fit in them.
    pub fn parse(value: u128, bytes: usize) -> Option<Self> {
        let fits = bytes >= 16 || value >> (8 * bytes) == 0;
        let sound = (1..=MKI_BYTES_MAX).contains(&bytes) && fits;
        sound.then_some(Self { value, bytes: bytes as u8 })
    }

    pub(super) fn len(self) -> usize {
        self.bytes.into()
    }

    /// Whether these are the identifier's bytes, most significant first.
    pub(super) fn is(self, written: &[u8]) -> bool {
        let value = self.value.to_be_bytes();
        let (head, tail) = written.split_at(written.len().saturating_sub(value.len()));
        head.iter().all(|byte| *byte == 0) && tail == &value[value.len() - tail.len()..]
    }
}

/// The keys of a leg, as an offer and its answer settle them: each side makes the key it sends by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// What we protect by.
    pub outbound: MasterKey,
    /// What the peer protects by.
    pub inbound: MasterKey,
    /// What the peer puts beside its tags.
    pub inbound_mki: Option<Mki>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_length_of_its_suite() {
        for suite in Suite::ALL {
            let right = suite.key_bytes() + suite.salt_bytes();
            assert!(MasterKey::parse(suite, &vec![7; right]).is_some());
            assert!(MasterKey::parse(suite, &vec![7; right - 1]).is_none());
            assert!(MasterKey::parse(suite, &vec![7; right + 1]).is_none());
            assert_eq!(Suite::of_name(suite.name()), Some(suite));
        }
    }

    #[test]
    fn a_key_is_shown_by_its_suite_alone() {
        let key = MasterKey::parse(Suite::AesGcm128, &[0xab; 28]).unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(AEAD_AES_128_GCM, …)");
    }

    #[test]
    fn an_identifier_is_read_as_it_is_written() {
        let mki = Mki::parse(0x0102, 4).unwrap();
        assert!(mki.is(&[0, 0, 1, 2]) && !mki.is(&[0, 0, 1, 3]) && !mki.is(&[1, 0, 1, 2]));
        let long = Mki::parse(5, 18).unwrap();
        let mut written = [0; 18];
        written[17] = 5;
        assert!(long.is(&written));
        written[0] = 1;
        assert!(!long.is(&written));
        assert!(Mki::parse(256, 1).is_none() && Mki::parse(1, 0).is_none());
        assert!(Mki::parse(1, 129).is_none());
    }
}
