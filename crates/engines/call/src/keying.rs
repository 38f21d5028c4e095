//! What protects the media of each leg: what its owner wants, and the keys that were exchanged.
//!
//! Each leg is keyed by itself (RFC 4568): a peer's keys end here, and the other side gets keys of
//! ours, or media in clear. A key that was agreed on stays for as long as its suite does, so that a
//! hold does not begin streams anew.

use media::Protection;
use media::srtp::{Keys, MasterKey, Mki, Suite};
use sdp::{Accepted, Audio, Crypto, CryptoKey, CryptoSuite, KEY_BYTES_MAX, Profile, Refusal};
use sip_core::Tokens;
use sip_message::Transport;
use zeroize::Zeroizing;

use crate::directory::Connector;
use crate::route::Gateway;

/// Suites in an offer over UDP, where a longer message would not fit into one datagram: those that
/// nearly every user agent has. Other transports carry all of them.
const OVER_UDP: [CryptoSuite; 3] = [
    CryptoSuite::AesCm128Sha1With80,
    CryptoSuite::AesCm256Sha1With80,
    CryptoSuite::AesCm128Sha1With32,
];

/// What one side of a call wants of its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// Media in clear alone.
    Never,
    /// It takes what is offered, and is offered media in clear.
    Accept,
    /// It takes what is offered, and is offered media in clear with keys beside it.
    Offer,
    /// Encrypted media alone.
    Require,
}

impl Encryption {
    /// As `RequireEncryption` says, which goes for signalling and media alike. Without it a PBX may
    /// still encrypt what it sends.
    pub(crate) fn of_connector(connector: &Connector) -> Self {
        if connector.connector.require_encryption { Self::Require } else { Self::Accept }
    }

    /// As the carrier is set.
    pub(crate) const fn of_carrier(carrier: &model::Carrier) -> Self {
        match carrier.srtp {
            model::SrtpPolicy::Never => Self::Never,
            model::SrtpPolicy::Offer => Self::Offer,
            model::SrtpPolicy::Require => Self::Require,
        }
    }

    /// As the carrier is set, or the connector whose route it is.
    pub(crate) fn of_gateway(gateway: &Gateway) -> Self {
        match gateway {
            Gateway::Carrier(carrier) => Self::of_carrier(&carrier.carrier),
            Gateway::Route(connector, _) => Self::of_connector(connector),
        }
    }

    /// Which offers of that side are taken.
    pub(crate) const fn accepted(self) -> Accepted {
        match self {
            Self::Never => Accepted::Clear,
            Self::Accept | Self::Offer => Accepted::Either,
            Self::Require => Accepted::Encrypted,
        }
    }

    /// How that side is offered media for the first time.
    const fn offered(self) -> Profile {
        match self {
            Self::Never | Self::Accept => Profile::Clear,
            Self::Offer => Profile::ClearWithKeys,
            Self::Require => Profile::Encrypted,
        }
    }
}

/// What one side told of its media and the other accepted.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) audio: Audio,
    /// Its keys: several in an offer, one in an answer, none for media in clear.
    pub(crate) cryptos: Vec<Crypto>,
}

/// Our side of one leg's keys.
#[derive(Debug)]
pub(crate) struct Keying {
    wants: Encryption,
    suites: &'static [CryptoSuite],
    /// How we described the leg to its peer last.
    described: Profile,
    /// The keys that we gave: several in an offer, one in an answer, none for media in clear.
    given: Vec<Crypto>,
}

impl Keying {
    pub(crate) fn new(wants: Encryption, transport: Transport) -> Self {
        let suites: &'static [CryptoSuite] = match transport {
            Transport::Udp => &OVER_UDP,
            Transport::Tcp | Transport::Tls => &CryptoSuite::ALL,
        };
        Self { wants, suites, described: wants.offered(), given: Vec::new() }
    }

    /// Which offers of the peer are taken.
    pub(crate) fn accepts(&self) -> Accepted {
        self.wants.accepted()
    }

    /// Which answers to our last offer are taken.
    pub(crate) fn accepts_answer(&self) -> Accepted {
        match self.described {
            Profile::Clear => Accepted::Clear,
            Profile::ClearWithKeys => Accepted::Either,
            Profile::Encrypted => Accepted::Encrypted,
        }
    }

    /// An answer's key must stand beside one of ours.
    pub(crate) fn check_answer(&self, answer: &Told) -> Result<(), Refusal> {
        let is_clear = answer.audio.profile == Profile::Clear;
        let sound = is_clear || self.pair(answer).is_some();
        if sound { Ok(()) } else { Err(Refusal::NoCommonSuite) }
    }

    /// Describes the leg in an offer of ours; `told` is what its peer told before, if it did. What
    /// was agreed on is offered again as it is.
    pub(crate) fn offer(&mut self, random: &mut Tokens, told: Option<&Told>) {
        match told {
            None => {
                self.described = self.wants.offered();
                let suites = if self.described == Profile::Clear { &[] } else { self.suites };
                let tagged = (1..).zip(suites.iter().copied());
                self.given = tagged.map(|(tag, suite)| fresh(random, tag, suite)).collect();
            }
            Some(told) => match self.pair(told).map(|(_, ours)| ours.clone()) {
                Some(ours) => {
                    self.described = told.audio.profile;
                    self.given = vec![ours];
                }
                None => self.clear(),
            },
        }
    }

    /// Describes the leg in our answer to what its peer offered: by the first suite of the offer, and
    /// by the key that we gave before, if that was for this suite. Says whether the key is new.
    pub(crate) fn answer(&mut self, random: &mut Tokens, told: Option<&Told>) -> Renewed {
        let Some((told, theirs)) = told.and_then(|told| Some((told, told.cryptos.first()?))) else {
            self.clear();
            return Renewed::No;
        };
        self.described = told.audio.profile;
        let kept = self.given.iter().find(|ours| ours.suite == theirs.suite);
        let (ours, renewed) = match kept {
            Some(ours) => (Crypto { tag: theirs.tag, ..ours.clone() }, Renewed::No),
            None => (fresh(random, theirs.tag, theirs.suite), Renewed::Yes),
        };
        self.given = vec![ours];
        renewed
    }

    /// The leg's media is in clear from now on: the keys that we gave are not given again, so that a
    /// leg that becomes encrypted once more has new ones.
    pub(crate) fn retire(&mut self) {
        self.given.clear();
    }

    /// How the leg is described now, and the keys that belong to it.
    pub(crate) fn description(&self) -> (Profile, &[Crypto]) {
        (self.described, &self.given)
    }

    /// What protects the leg, given what its peer told.
    pub(crate) fn protection(&self, told: Option<&Told>) -> Protection {
        let Some(told) = told else {
            let is_clear = self.wants.offered() == Profile::Clear;
            return if is_clear { Protection::Clear } else { Protection::Awaited };
        };
        if told.audio.profile == Profile::Clear {
            return Protection::Clear;
        }
        match self.pair(told).and_then(|(theirs, ours)| keys(theirs, ours)) {
            Some(keys) => Protection::Srtp(Box::new(keys)),
            None => Protection::Awaited,
        }
    }

    /// The suite that was agreed on, by name; `None` for media in clear.
    pub(crate) fn suite(&self, told: Option<&Told>) -> Option<&'static str> {
        self.pair(told?).map(|(_, ours)| ours.suite.name())
    }

    fn clear(&mut self) {
        self.described = Profile::Clear;
        self.given.clear();
    }

    /// The peer's key and ours: an answer names the offer's line by its tag (RFC 4568 §5.1.2).
    fn pair<'a>(&'a self, told: &'a Told) -> Option<(&'a Crypto, &'a Crypto)> {
        told.cryptos.iter().find_map(|theirs| {
            let is_named = |ours: &&Crypto| ours.tag == theirs.tag && ours.suite == theirs.suite;
            Some((theirs, self.given.iter().find(is_named)?))
        })
    }
}

/// Whether an answer brought a key that the relay does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewed {
    Yes,
    No,
}

fn fresh(random: &mut Tokens, tag: u32, suite: CryptoSuite) -> Crypto {
    let mut bytes = Zeroizing::new([0; KEY_BYTES_MAX]);
    for part in bytes.chunks_mut(16) {
        let bits = Zeroizing::new(random.bits().to_le_bytes());
        part.copy_from_slice(&bits[..part.len()]);
    }
    let key = CryptoKey::new(&bytes[..suite.key_bytes()]).expect("no suite has more");
    Crypto { tag, suite, key, mki: None }
}

/// The keys as the relay has them.
fn keys(theirs: &Crypto, ours: &Crypto) -> Option<Keys> {
    let suite = Suite::of_name(ours.suite.name())?;
    let inbound_mki = match theirs.mki {
        Some(mki) => Some(Mki::parse(mki.value, mki.bytes.into())?),
        None => None,
    };
    Some(Keys {
        outbound: MasterKey::parse(suite, ours.key.bytes())?,
        inbound: MasterKey::parse(suite, theirs.key.bytes())?,
        inbound_mki,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_has_every_suite_of_descriptions_with_keys_of_the_same_length() {
        for suite in CryptoSuite::ALL {
            let relayed = Suite::of_name(suite.name()).expect("a suite of both");
            assert_eq!(suite.key_bytes(), relayed.key_bytes() + relayed.salt_bytes());
        }
    }

    #[test]
    fn no_two_keys_are_alike() {
        let mut random = Tokens::new(&[7; 16]);
        let keys = CryptoSuite::ALL.map(|suite| fresh(&mut random, 1, suite).key);
        for (at, key) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other.bytes()[..16] != key.bytes()[..16]));
            assert_ne!(key.bytes()[..8], key.bytes()[16..24]);
        }
    }
}
