//! AES in counter mode with HMAC-SHA1. RFC 3711 §4.1.1 and §4.2.1, RFC 6188.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::derive::{AUTH_BYTES, Aes, Derivation, Label};
use super::index::Index;
use super::suite::MasterKey;

/// Blocks of keystream made at a time: a packet of 20 ms of G.711 in one go.
const BLOCKS: usize = 10;
const BLOCK_BYTES: usize = 16;
const SALT_BYTES: usize = 14;

/// Session keys for RTP or for RTCP.
pub(super) struct CounterMode {
    cipher: Aes,
    salt: Zeroizing<[u8; SALT_BYTES]>,
    /// Keyed once; each packet begins from a copy.
    authentication: Hmac<Sha1>,
}

impl CounterMode {
    /// The session keys of the labels for encryption, authentication and salt.
    pub(super) fn boxed(master: &MasterKey, labels: [Label; 3]) -> Box<Self> {
        let derivation = Derivation::new(master);
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..master.suite().key_bytes()];
        let mut salt = Zeroizing::new([0; SALT_BYTES]);
        let mut authentication = Zeroizing::new([0; AUTH_BYTES]);
        derivation.fill(labels[0], key);
        derivation.fill(labels[1], &mut *authentication);
        derivation.fill(labels[2], &mut *salt);
        Box::new(Self::of_session_keys(key, salt, &authentication))
    }

    fn of_session_keys(
        key: &[u8],
        salt: Zeroizing<[u8; SALT_BYTES]>,
        authentication: &[u8; AUTH_BYTES],
    ) -> Self {
        let authentication =
            Hmac::new_from_slice(authentication).expect("HMAC takes keys of any length");
        Self { cipher: Aes::new(key), salt, authentication }
    }

    /// Encrypts or decrypts `data` in place.
    pub(super) fn apply(&self, ssrc: u32, index: Index, data: &mut [u8]) {
        let mut counter = [0; BLOCK_BYTES];
        counter[..SALT_BYTES].copy_from_slice(&*self.salt);
        xor(&mut counter[4..8], &ssrc.to_be_bytes());
        xor(&mut counter[8..14], &index.to_be_bytes()[2..]);
        let mut number = 0u16;
        for data in data.chunks_mut(BLOCKS * BLOCK_BYTES) {
            let mut blocks = [aes::Block::from(counter); BLOCKS];
            let blocks = &mut blocks[..data.len().div_ceil(BLOCK_BYTES)];
            for block in blocks.iter_mut() {
                block[14..].copy_from_slice(&number.to_be_bytes());
                number = number.wrapping_add(1);
            }
            self.cipher.encrypt(blocks);
            for (data, block) in data.chunks_mut(BLOCK_BYTES).zip(blocks.iter()) {
                xor(data, block);
            }
        }
    }

    /// The tag over `parts`, one after the other.
    pub(super) fn tag<const N: usize>(&self, parts: [&[u8]; N]) -> [u8; AUTH_BYTES] {
        let mut authentication = self.authentication.clone();
        for part in parts {
            authentication.update(part);
        }
        authentication.finalize().into_bytes().into()
    }

    /// Whether `written` is the tag over `parts`, or the beginning of it, in constant time.
    pub(super) fn verify<const N: usize>(&self, parts: [&[u8]; N], written: &[u8]) -> bool {
        let tag = self.tag(parts);
        written.len() <= tag.len() && tag[..written.len()].ct_eq(written).into()
    }
}

pub(super) fn xor(data: &mut [u8], stream: &[u8]) {
    for (byte, key) in data.iter_mut().zip(stream) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::hex;

    #[test]
    fn the_keystream_is_that_of_rfc_3711_appendix_b_2() {
        let mut salt = Zeroizing::new([0; SALT_BYTES]);
        salt.copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
        let key = hex("2B7E151628AED2A6ABF7158809CF4F3C");
        let cipher = CounterMode::of_session_keys(&key, salt, &[0; AUTH_BYTES]);
        let mut stream = vec![0; 0xff02 * BLOCK_BYTES];
        cipher.apply(0, 0, &mut stream);
        let block = |number: usize| &stream[number * BLOCK_BYTES..][..BLOCK_BYTES];
        for (number, expected) in [
            (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
            (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
            (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
            (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
            (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
            (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
        ] {
            assert_eq!(block(number), hex(expected), "block {number}");
        }
    }
}
