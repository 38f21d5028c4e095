//! Branches, tags and Call-IDs: texts that nobody can guess and that never repeat.

use std::fmt;
use std::hash::Hasher;

use sip_message::MAGIC_COOKIE;
use siphasher::sip128::{Hasher128, SipHasher24};

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const LENGTH_MAX: usize = 26;

/// A short text of `[a-z0-9]` (and, for a branch, the magic cookie), without the heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    text: [u8; LENGTH_MAX],
    length: u8,
}

impl Token {
    fn new(prefix: &str, bits: u128, digits: usize) -> Self {
        let mut text = [0; LENGTH_MAX];
        text[..prefix.len()].copy_from_slice(prefix.as_bytes());
        for (at, byte) in text[prefix.len()..][..digits].iter_mut().enumerate() {
            *byte = ALPHABET[(bits >> (5 * at)) as usize % ALPHABET.len()];
        }
        Self { text, length: (prefix.len() + digits) as u8 }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.length)]).expect("a token is ASCII")
    }

    /// A To or From tag out of a keyed hash: 80 bits (RFC 3261 §19.3 asks for 32).
    pub(crate) fn tag(bits: u128) -> Self {
        Self::new("", bits, 16)
    }
}

impl std::ops::Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

/// Makes tokens by hashing a counter under a secret key: unique, and unguessable without the key.
#[derive(Clone)]
pub struct Tokens {
    keyed: SipHasher24,
    counter: u64,
}

impl Tokens {
    /// A source that repeats itself for the same key: give each process and shard its own.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self { keyed: SipHasher24::new_with_key(key), counter: 0 }
    }

    /// 128 fresh bits.
    pub fn bits(&mut self) -> u128 {
        self.counter += 1;
        let mut hasher = self.keyed;
        hasher.write_u64(self.counter);
        hasher.finish128().as_u128()
    }

    /// A branch for a new client transaction: the magic cookie and 95 bits.
    pub fn branch(&mut self) -> Token {
        Token::new(MAGIC_COOKIE, self.bits(), LENGTH_MAX - MAGIC_COOKIE.len())
    }

    /// A From or To tag of 80 bits.
    pub fn tag(&mut self) -> Token {
        Token::tag(self.bits())
    }

    /// A Call-ID without a host part, of 128 bits.
    pub fn call_id(&mut self) -> Token {
        Token::new("", self.bits(), LENGTH_MAX)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens(…, {} made)", self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_do_not_repeat_and_depend_on_the_key() {
        let mut one = Tokens::new(&[1; 16]);
        let mut other = Tokens::new(&[2; 16]);
        let mut seen: Vec<Token> = (0..1000).map(|_| one.branch()).collect();
        seen.extend((0..1000).map(|_| other.branch()));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 2000);
    }

    #[test]
    fn a_branch_starts_with_the_magic_cookie_and_is_a_token() {
        let branch = Tokens::new(&[7; 16]).branch();
        assert!(branch.starts_with(MAGIC_COOKIE));
        assert!(branch.bytes().all(|b| b.is_ascii_alphanumeric()), "{branch}");
        assert_eq!(branch.len(), 26);
    }
}
