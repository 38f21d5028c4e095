//! AES in Galois/counter mode. RFC 7714.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::counter_mode::xor;
use super::derive::{Derivation, Label};
use super::index::Index;
use super::suite::MasterKey;

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 16;
const SALT_BYTES: usize = 12;

/// Session keys for RTP or for RTCP.
pub(super) struct Galois {
    cipher: LessSafeKey,
    salt: Zeroizing<[u8; SALT_BYTES]>,
}

/// The tag is not that of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forged;

impl Galois {
    /// The session keys of the labels for encryption and salt.
    pub(super) fn new(master: &MasterKey, labels: [Label; 2]) -> Self {
        let derivation = Derivation::new(master);
        let mut key = Zeroizing::new([0; 32]);
        let key = &mut key[..master.suite().key_bytes()];
        let mut salt = Zeroizing::new([0; SALT_BYTES]);
        derivation.fill(labels[0], key);
        derivation.fill(labels[1], &mut *salt);
        Self::of_session_keys(key, salt)
    }

    fn of_session_keys(key: &[u8], salt: Zeroizing<[u8; SALT_BYTES]>) -> Self {
        let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
        let key = UnboundKey::new(algorithm, key).expect("the suite gives the right length");
        Self { cipher: LessSafeKey::new(key), salt }
    }

    /// Encrypts `data` in place and gives its tag; `clear` is covered by the tag too.
    pub(super) fn seal(&self, nonce: Nonce, clear: &[u8], data: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self.cipher.seal_in_place_separate_tag(nonce, Aad::from(clear), data);
        let tag = tag.expect("a datagram is shorter than any limit of the cipher");
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    /// Decrypts `data`, whose end is its tag, in place. A forged one is destroyed.
    pub(super) fn open(&self, nonce: Nonce, clear: &[u8], data: &mut [u8]) -> Result<(), Forged> {
        self.cipher.open_in_place(nonce, Aad::from(clear), data).map(drop).map_err(|_| Forged)
    }

    /// The nonce of an RTP packet. RFC 7714 §8.1.
    pub(super) fn rtp_nonce(&self, ssrc: u32, index: Index) -> Nonce {
        let mut nonce = *self.salt;
        xor(&mut nonce[2..6], &ssrc.to_be_bytes());
        xor(&mut nonce[6..12], &index.to_be_bytes()[2..]);
        Nonce::assume_unique_for_key(nonce)
    }

    /// The nonce of an RTCP packet. RFC 7714 §9.1.
    pub(super) fn rtcp_nonce(&self, ssrc: u32, index: Index) -> Nonce {
        let mut nonce = *self.salt;
        xor(&mut nonce[2..6], &ssrc.to_be_bytes());
        xor(&mut nonce[8..12], &index.to_be_bytes()[4..]);
        Nonce::assume_unique_for_key(nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::hex;

    /// "Quid pro quo", the salt of all examples of RFC 7714.
    const SALT: &str = "51756964 2070726f 2071756f";

    fn galois(key_bytes: u8) -> Galois {
        let key: Vec<u8> = (0..key_bytes).collect();
        let mut salt = Zeroizing::new([0; SALT_BYTES]);
        salt.copy_from_slice(&hex(SALT));
        Galois::of_session_keys(&key, salt)
    }

    #[test]
    fn a_packet_is_sealed_as_in_rfc_7714_section_16() {
        let clear = hex("8040f17b 8041f8d3 5501a0b2");
        let payload = b"Gallia est omnis divisa in partes tres";
        for (key_bytes, sealed) in [
            (
                16,
                "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b \
                 36de3adf 8833 899d7f27 beb16a91 52cf765e e4390cce",
            ),
            (
                32,
                "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f \
                 1ba63799 b87b 7aa3db36 dfffd6b0 f9bb7878 d7a76c13",
            ),
        ] {
            let galois = galois(key_bytes);
            let mut data = payload.to_vec();
            let tag = galois.seal(galois.rtp_nonce(0x5501_a0b2, 0xf17b), &clear, &mut data);
            data.extend(tag);
            assert_eq!(data, hex(sealed));
            galois.open(galois.rtp_nonce(0x5501_a0b2, 0xf17b), &clear, &mut data).unwrap();
            assert_eq!(&data[..payload.len()], payload);
        }
    }

    #[test]
    fn a_report_is_sealed_as_in_rfc_7714_section_17() {
        let clear = hex("81c8000d 4d617273 800005d4");
        let report = hex("4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 \
             deadbeef deadbeef deadbeef deadbeef deadbeef");
        let sealed = hex("63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d \
             c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade");
        let galois = galois(16);
        let mut data = report.clone();
        let tag = galois.seal(galois.rtcp_nonce(0x4d61_7273, 0x5d4), &clear, &mut data);
        data.extend(tag);
        assert_eq!(data, sealed);
        galois.open(galois.rtcp_nonce(0x4d61_7273, 0x5d4), &clear, &mut data).unwrap();
        assert_eq!(data[..report.len()], report);
    }
}
