//! Session keys from a master key. RFC 3711 §4.3 with a key derivation rate of 0.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use zeroize::Zeroizing;

use super::suite::MasterKey;

/// Bytes of the key of HMAC-SHA1.
pub(super) const AUTH_BYTES: usize = 20;

/// What a session key is for. RFC 3711 §4.3.2.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// A block cipher of any of the three key lengths.
pub(super) enum Aes {
    K128(Aes128Enc),
    K192(Aes192Enc),
    K256(Aes256Enc),
}

impl Aes {
    /// The cipher of a key of 16, 24 or 32 bytes.
    pub(super) fn new(key: &[u8]) -> Self {
        let fits = "the suite gives one of three lengths";
        match key.len() {
            16 => Self::K128(Aes128Enc::new_from_slice(key).expect(fits)),
            24 => Self::K192(Aes192Enc::new_from_slice(key).expect(fits)),
            _ => Self::K256(Aes256Enc::new_from_slice(key).expect(fits)),
        }
    }

    /// Encrypts blocks in place, several at a time where the processor can.
    pub(super) fn encrypt(&self, blocks: &mut [aes::Block]) {
        match self {
            Self::K128(cipher) => cipher.encrypt_blocks(blocks),
            Self::K192(cipher) => cipher.encrypt_blocks(blocks),
            Self::K256(cipher) => cipher.encrypt_blocks(blocks),
        }
    }
}

/// The pseudo-random function of a master key: AES in counter mode (RFC 3711 §4.3.3, RFC 6188 §2,
/// and RFC 7714 §11, whose salt of 12 bytes is filled up with zeros).
pub(super) struct Derivation {
    cipher: Aes,
    salt: Zeroizing<[u8; 14]>,
}

impl Derivation {
    pub(super) fn new(master: &MasterKey) -> Self {
        let mut salt = Zeroizing::new([0; 14]);
        salt[..master.salt().len()].copy_from_slice(master.salt());
        Self { cipher: Aes::new(master.key()), salt }
    }

    /// Fills `key` with the session key of that label.
    pub(super) fn fill(&self, label: Label, key: &mut [u8]) {
        let mut block = [0; 16];
        block[..14].copy_from_slice(&*self.salt);
        // The index divided by the rate is 0 for ever; the label stands left of its 48 bits.
        block[7] ^= label as u8;
        for (number, part) in key.chunks_mut(16).enumerate() {
            block[15] = number as u8;
            let mut stream = [block.into()];
            self.cipher.encrypt(&mut stream);
            part.copy_from_slice(&stream[0][..part.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::hex;
    use crate::srtp::suite::Suite;

    fn derived(suite: Suite, master: &str, label: Label, len: usize) -> Vec<u8> {
        let master = MasterKey::parse(suite, &hex(master)).unwrap();
        let mut key = vec![0; len];
        Derivation::new(&master).fill(label, &mut key);
        key
    }

    #[test]
    fn session_keys_are_those_of_rfc_3711_appendix_b_3() {
        let suite = Suite::AesCm128Sha1With80;
        let master = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6";
        let derived = |label, len| derived(suite, master, label, len);
        let key = derived(Label::RtpEncryption, 16);
        assert_eq!(key, hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(derived(Label::RtpSalt, 14), hex("30CBBC08863D8C85D49DB34A9AE1"));
        let authentication = derived(Label::RtpAuthentication, AUTH_BYTES);
        assert_eq!(authentication, hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
    }

    #[test]
    fn session_keys_are_those_of_rfc_6188_section_7() {
        let master = "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 \
                      3b04803de51ee7c96423ab5b78d2";
        let derived_256 = |label, len| derived(Suite::AesCm256Sha1With80, master, label, len);
        let key = derived_256(Label::RtpEncryption, 32);
        assert_eq!(key, hex("5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"));
        assert_eq!(derived_256(Label::RtpSalt, 14), hex("fa31791685ca444a9e07c6c64e93"));
        let authentication = derived_256(Label::RtpAuthentication, AUTH_BYTES);
        assert_eq!(authentication, hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));

        let master =
            "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1 c8522f3acd4ce86d5add78edbb11";
        let derived_192 = |label, len| derived(Suite::AesCm192Sha1With80, master, label, len);
        let key = derived_192(Label::RtpEncryption, 24);
        assert_eq!(key, hex("31874736a8f1143870c26e4857d8a5b2c4a354407faadabb"));
        assert_eq!(derived_192(Label::RtpSalt, 14), hex("2372b82d639b6d8503a47adc0a6c"));
        let authentication = derived_192(Label::RtpAuthentication, AUTH_BYTES);
        assert_eq!(authentication, hex("355b10973cd95b9eacf4061c7e1a7151e7cfbfcb"));
    }
}
