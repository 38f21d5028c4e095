//! Nonces that need no memory: what they say is signed.

use std::hash::Hasher;
use std::time::Duration;

use model::UnixMillis;
use siphasher::sip128::{Hasher128, SipHasher24};
use subtle::ConstantTimeEq;

use super::algorithm::{read_hex, write_hex};

const CLEAR_BYTES: usize = 20;
const MAC_BYTES: usize = 12;
const NONCE_BYTES: usize = CLEAR_BYTES + MAC_BYTES;

/// Issues and reads nonces: time of issue (48 bits of milliseconds), issuing process (64), serial
/// number (48), and 96 bits of a MAC over them.
///
/// The MAC is SipHash-2-4 with 128 bits of output under a 128-bit secret: a pseudorandom function
/// at a tenth of HMAC-SHA256's cost. A forged nonce would not be a forged login: its response must
/// still be right; it would only let a client choose its own challenge.
///
/// The secret outlives the process so that a nonce from before a restart is known as ours: its
/// owner is told `stale=true` and tries again, where a stranger's invention is turned away.
pub(super) struct Nonces {
    keyed: SipHasher24,
    process: u64,
    lifetime: Duration,
    serial: u64,
}

/// What a nonce is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Ours, and young enough.
    Fresh(Issue),
    /// Ours, and too old, or from another process (before a restart, or another shard), whose
    /// nonce counts we do not know.
    Expired,
    /// Not ours.
    Forged,
}

/// One issued nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Issue {
    /// Counts the nonces of this process.
    pub(super) serial: u64,
    pub(super) at: UnixMillis,
}

/// A nonce's text, without the heap.
#[derive(Clone, Copy)]
pub(super) struct NonceText([u8; 2 * NONCE_BYTES]);

impl NonceText {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

impl Nonces {
    pub(super) fn new(secret: &[u8; 16], process: u64, lifetime: Duration) -> Self {
        Self { keyed: SipHasher24::new_with_key(secret), process, lifetime, serial: 0 }
    }

    pub(super) fn issue(&mut self, now: UnixMillis) -> NonceText {
        self.serial += 1;
        let mut bytes = [0; NONCE_BYTES];
        bytes[..6].copy_from_slice(&now.0.to_be_bytes()[2..]);
        bytes[6..14].copy_from_slice(&self.process.to_be_bytes());
        bytes[14..CLEAR_BYTES].copy_from_slice(&self.serial.to_be_bytes()[2..]);
        let mac = self.mac(&bytes[..CLEAR_BYTES]);
        bytes[CLEAR_BYTES..].copy_from_slice(&mac);
        let mut text = [0; 2 * NONCE_BYTES];
        write_hex(&bytes, &mut text);
        NonceText(text)
    }

    pub(super) fn age(&self, now: UnixMillis, nonce: &str) -> Age {
        let mut bytes = [0; NONCE_BYTES];
        if read_hex(nonce, &mut bytes).is_none() {
            return Age::Forged;
        }
        let (clear, mac) = bytes.split_at(CLEAR_BYTES);
        if !bool::from(self.mac(clear).ct_eq(mac)) {
            return Age::Forged;
        }
        let number = |part: &[u8]| part.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        let issue = Issue { at: UnixMillis(number(&clear[..6])), serial: number(&clear[14..]) };
        let age = Duration::from_millis(now.since(issue.at));
        if number(&clear[6..14]) == self.process && age <= self.lifetime {
            Age::Fresh(issue)
        } else {
            Age::Expired
        }
    }

    fn mac(&self, clear: &[u8]) -> [u8; MAC_BYTES] {
        let mut hasher = self.keyed;
        hasher.write(clear);
        let bytes = hasher.finish128().as_bytes();
        *bytes.first_chunk().expect("16 bytes hold 12")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_428_672_345);

    fn nonces(process: u64) -> Nonces {
        Nonces::new(&[7; 16], process, Duration::from_secs(60))
    }

    #[test]
    fn a_nonce_is_fresh_for_its_lifetime_and_expired_after() {
        let mut nonces = nonces(1);
        let nonce = nonces.issue(NOW);
        let age = |after| nonces.age(UnixMillis(NOW.0 + after), nonce.as_str());
        assert_eq!(age(0), Age::Fresh(Issue { serial: 1, at: NOW }));
        assert_eq!(age(60_000), Age::Fresh(Issue { serial: 1, at: NOW }));
        assert_eq!(age(60_001), Age::Expired);
    }

    #[test]
    fn a_nonce_from_before_a_restart_is_expired_not_forged() {
        let nonce = nonces(1).issue(NOW);
        assert_eq!(nonces(2).age(NOW, nonce.as_str()), Age::Expired);
    }

    #[test]
    fn changing_any_digit_forges_a_nonce() {
        let mut nonces = nonces(1);
        let nonce = nonces.issue(NOW).as_str().to_owned();
        for at in 0..nonce.len() {
            let other = if &nonce[at..=at] == "0" { "1" } else { "0" };
            let forged = format!("{}{other}{}", &nonce[..at], &nonce[at + 1..]);
            assert_eq!(nonces.age(NOW, &forged), Age::Forged, "digit {at}");
        }
        for forged in ["", "00", &nonce[1..], &format!("{nonce}0"), &"é".repeat(32)] {
            assert_eq!(nonces.age(NOW, forged), Age::Forged);
        }
    }

    #[test]
    fn no_two_nonces_are_alike() {
        let mut nonces = nonces(1);
        assert_ne!(nonces.issue(NOW).as_str(), nonces.issue(NOW).as_str());
    }
}
