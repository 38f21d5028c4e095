//! The hash algorithms and the formulas built on them.

use std::fmt;

use md5::Md5;
use model::DigestKeys;
use sha2::{Digest, Sha256, Sha512_256};
use zeroize::Zeroize;

/// A digest algorithm, weakest first (RFC 8760 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `MD5`, what most telephones know.
    Md5,
    /// `SHA-256`.
    Sha256,
    /// `SHA-512-256`: SHA-512/256 of FIPS 180-4, not a cut SHA-512.
    Sha512_256,
}

impl Algorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Sha256, Self::Sha512_256];

    /// Reads the `algorithm` parameter, in any case. The session variants (`MD5-sess`, …) are not
    /// known here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| text.eq_ignore_ascii_case(it.as_str()))
    }

    /// The name in challenges and credentials.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
        }
    }

    /// H over parts joined by colons.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Hash {
        match self {
            Self::Md5 => Hash::of::<Md5>(parts),
            Self::Sha256 => Hash::of::<Sha256>(parts),
            Self::Sha512_256 => Hash::of::<Sha512_256>(parts),
        }
    }

    /// The user's stored key, `H(A1)`.
    pub(super) fn key(self, keys: &DigestKeys) -> Hash {
        match self {
            Self::Md5 => Hash::new(keys.md5.expose()),
            Self::Sha256 => Hash::new(keys.sha256.expose()),
            Self::Sha512_256 => Hash::new(keys.sha512_256.expose()),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A hash of 16 or 32 bytes. It may be a key, so it is wiped and never shown.
#[derive(Clone, Zeroize)]
#[zeroize(drop)]
pub(super) struct Hash {
    bytes: [u8; 32],
    length: u8,
}

impl Hash {
    fn new(bytes: &[u8]) -> Self {
        let mut hash = Self { bytes: [0; 32], length: bytes.len() as u8 };
        hash.bytes[..bytes.len()].copy_from_slice(bytes);
        hash
    }

    fn of<D: Digest>(parts: &[&[u8]]) -> Self {
        let mut hasher = D::new();
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                hasher.update(b":");
            }
            hasher.update(part);
        }
        Self::new(&hasher.finalize())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Lower-case hexadecimal, as the formulas and the wire want it.
    pub(super) fn hex(&self) -> Hex {
        let mut hex = Hex { text: [0; 64], length: 2 * self.length };
        write_hex(self.as_bytes(), &mut hex.text);
        hex
    }
}

/// A hash in hexadecimal.
#[derive(Clone, Zeroize)]
#[zeroize(drop)]
pub(super) struct Hex {
    text: [u8; 64],
    length: u8,
}

impl Hex {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("hexadecimal digits are ASCII")
    }
}

pub(super) fn write_hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Reads exactly as many bytes as `out` holds, digits in either case.
pub(super) fn read_hex(text: &str, out: &mut [u8]) -> Option<()> {
    if text.len() != 2 * out.len() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|it| it as u8);
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(())
}

/// What goes into a response besides the key.
#[derive(Clone, Copy)]
pub(super) struct Formula<'a> {
    pub(super) nonce: &'a str,
    /// Nonce count and client nonce as written; `None` for a challenge without qop.
    pub(super) qop_auth: Option<(&'a str, &'a str)>,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
}

impl Formula<'_> {
    /// The response (RFC 7616 §3.4.1; without qop RFC 2617 §3.2.2.1).
    pub(super) fn response(&self, algorithm: Algorithm, key: &Hash) -> Hash {
        let a2 = algorithm.hash(&[self.method.as_bytes(), self.uri.as_bytes()]).hex();
        let key = key.hex();
        let nonce = self.nonce.as_bytes();
        match self.qop_auth {
            Some((count, cnonce)) => algorithm.hash(&[
                key.as_bytes(),
                nonce,
                count.as_bytes(),
                cnonce.as_bytes(),
                b"auth",
                a2.as_bytes(),
            ]),
            None => algorithm.hash(&[key.as_bytes(), nonce, a2.as_bytes()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(algorithm: Algorithm, a1: [&str; 3], formula: Formula<'_>) -> String {
        let key = algorithm.hash(&a1.map(str::as_bytes));
        formula.response(algorithm, &key).hex().as_str().to_owned()
    }

    #[test]
    fn the_response_is_that_of_rfc_2617_section_3_5() {
        let formula = Formula {
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            qop_auth: Some(("00000001", "0a4f113b")),
            method: "GET",
            uri: "/dir/index.html",
        };
        let a1 = ["Mufasa", "testrealm@host.com", "Circle Of Life"];
        assert_eq!(response(Algorithm::Md5, a1, formula), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn the_responses_are_those_of_rfc_7616_section_3_9_1() {
        let formula = Formula {
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            qop_auth: Some(("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")),
            method: "GET",
            uri: "/dir/index.html",
        };
        let a1 = ["Mufasa", "http-auth@example.org", "Circle of Life"];
        assert_eq!(response(Algorithm::Md5, a1, formula), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            response(Algorithm::Sha256, a1, formula),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    /// RFC 7616 §3.9.2 prints what a SHA-512 cut to 256 bits gives, which is not SHA-512/256; the
    /// value here is that of its erratum 4897.
    #[test]
    fn the_response_is_that_of_rfc_7616_section_3_9_2_as_corrected() {
        let formula = Formula {
            nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            qop_auth: Some(("00000001", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v")),
            method: "GET",
            uri: "/doe.json",
        };
        let a1 = ["J\u{e4}s\u{f8}n Doe", "api@example.org", "Secret, or not?"];
        assert_eq!(
            response(Algorithm::Sha512_256, a1, formula),
            "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
        );
    }

    #[test]
    fn without_qop_the_old_formula_holds() {
        let formula = Formula { nonce: "n", qop_auth: None, method: "INVITE", uri: "sip:a@b" };
        let key = Algorithm::Md5.hash(&[b"u", b"r", b"p"]);
        let a2 = Algorithm::Md5.hash(&[b"INVITE", b"sip:a@b"]).hex();
        let joined = format!("{}:n:{}", key.hex().as_str(), a2.as_str());
        let wanted = Algorithm::Md5.hash(&[joined.as_bytes()]).hex();
        assert_eq!(formula.response(Algorithm::Md5, &key).hex().as_str(), wanted.as_str());
    }

    #[test]
    fn algorithms_are_ordered_by_strength_and_read_in_any_case() {
        assert!(Algorithm::Md5 < Algorithm::Sha256 && Algorithm::Sha256 < Algorithm::Sha512_256);
        assert_eq!(Algorithm::parse("sha-512-256"), Some(Algorithm::Sha512_256));
        assert_eq!(Algorithm::parse("MD5-sess"), None);
    }
}
