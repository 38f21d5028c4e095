//! Encrypted calls, and what somebody without their keys may try.

use std::net::SocketAddr;

use agent::Srtp;
use model::SrtpPolicy;

use crate::customer::socket;
use crate::mischief::STRANGER;
use crate::network::Rng;
use crate::world::World;

/// Who encrypts audio in a world (RFC 3711, with keys as in RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encryption {
    /// The PBX.
    pub pbx: Srtp,
    /// How the trunk is set for each carrier. One that must encrypt calls in encrypted too.
    pub carriers: [SrtpPolicy; 2],
}

impl Encryption {
    /// Nobody.
    pub const CLEAR: Self = Self { pbx: Srtp::Accept, carriers: [SrtpPolicy::Never; 2] };
    /// Everybody.
    pub const EVERYWHERE: Self = Self { pbx: Srtp::Require, carriers: [SrtpPolicy::Require; 2] };

    /// Nobody in half of the worlds, anybody in the others.
    pub(crate) fn any(rng: &mut Rng) -> Self {
        if rng.percent(50) {
            return Self::CLEAR;
        }
        let pbx = if rng.percent(60) { Srtp::Require } else { Srtp::Accept };
        let mut policy = || match rng.below(3) {
            0 => SrtpPolicy::Never,
            1 => SrtpPolicy::Offer,
            _ => SrtpPolicy::Require,
        };
        Self { pbx, carriers: [policy(), policy()] }
    }

    /// How the agent behaves that stands where a carrier of this policy is.
    pub(crate) const fn of_carrier(policy: SrtpPolicy) -> Srtp {
        match policy {
            SrtpPolicy::Never | SrtpPolicy::Offer => Srtp::Accept,
            SrtpPolicy::Require => Srtp::Require,
        }
    }
}

impl World {
    /// An attacker without keys works on a packet that just went on from an encrypted leg. It can send
    /// from the party's own address as well as from its own; none of it may go on.
    pub(crate) fn attack_encrypted(&mut self, from: SocketAddr, to: SocketAddr, seen: &[u8]) {
        if !self.service.encrypts(to.port()) {
            return;
        }
        for (what, mut packet) in self.attacker.encrypted(to.port(), seen) {
            for source in [from, socket(STRANGER)] {
                self.seen.attacks_on_encrypted += 1;
                if self.service.receive(self.now(), source, to, &mut packet).is_some() {
                    let won = format!("{what} from {source} for encrypted port {to} went on");
                    self.seen.attacks_won.push(won);
                }
            }
        }
    }

    /// What attackers sent so far to legs that are encrypted.
    #[must_use]
    pub fn attacks_on_encrypted(&self) -> usize {
        self.seen.attacks_on_encrypted
    }
}
