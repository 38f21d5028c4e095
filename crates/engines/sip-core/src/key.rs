//! Transaction keys: keyed hashes of what identifies a transaction.
//!
//! Branches and Call-IDs are strangers' input. Under a secret key, 128 bits of SipHash can be
//! neither aimed at one bucket nor made to collide, so the hash itself is the table's key and no
//! text is kept.

use std::hash::{BuildHasherDefault, Hasher};

use sip_message::{Host, Message, Method, Name, Via};
use siphasher::sip128::{Hasher128, SipHasher13};

/// Identifies a transaction within one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

/// Computes keys.
#[derive(Clone)]
pub(crate) struct Keys {
    keyed: SipHasher13,
}

/// What a key is for; part of what is hashed, so that no two uses meet.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Domain {
    Client,
    Server,
    ServerRfc2543,
    Merged,
    Tag,
}

impl Keys {
    pub(crate) fn new(key: &[u8; 16]) -> Self {
        Self { keyed: SipHasher13::new_with_key(key) }
    }

    /// A client transaction: our branch and the method (RFC 3261 §17.1.3).
    pub(crate) fn client(&self, branch: &str, method: Method<'_>) -> Key {
        let mut hash = self.start(Domain::Client);
        hash.text(branch);
        hash.text(method.as_str());
        hash.finish()
    }

    /// A server transaction (RFC 3261 §17.2.3). The ACK has the key of its INVITE; a CANCEL has
    /// its own, and [`Keys::cancelled`] is that of the INVITE it aims at.
    pub(crate) fn server(&self, request: &Message<'_>, via: &Via<'_>, method: Method<'_>) -> Key {
        let method = if method == Method::Ack { Method::Invite } else { method };
        match via.branch {
            Some(branch) if via.has_unique_branch() => {
                let mut hash = self.start(Domain::Server);
                hash.text(branch);
                hash.host(&via.host);
                hash.port(via.port);
                hash.text(method.as_str());
                hash.finish()
            }
            Some(_) | None => self.rfc2543(request, via, method),
        }
    }

    /// The INVITE that a CANCEL aims at.
    pub(crate) fn cancelled(&self, cancel: &Message<'_>, via: &Via<'_>) -> Key {
        self.server(cancel, via, Method::Invite)
    }

    /// What identified a request before branches were unique. The To tag is left out: the ACK has
    /// one where its INVITE has none, and the state of the transaction tells an ACK's meaning.
    fn rfc2543(&self, request: &Message<'_>, via: &Via<'_>, method: Method<'_>) -> Key {
        let mut hash = self.start(Domain::ServerRfc2543);
        if let Some(line) = request.request_line() {
            hash.text(line.uri);
        }
        hash.text(request.from().ok().and_then(|it| it.tag()).unwrap_or_default());
        hash.text(request.first(Name::CallId).unwrap_or_default());
        hash.number(request.cseq().map_or(0, |it| it.number));
        hash.text(via.branch.unwrap_or_default());
        hash.host(&via.host);
        hash.port(via.port);
        hash.text(method.as_str());
        hash.finish()
    }

    /// What two copies of one request have in common that came by two ways (RFC 3261 §8.2.2.2).
    pub(crate) fn merged(&self, request: &Message<'_>, method: Method<'_>) -> Key {
        let mut hash = self.start(Domain::Merged);
        hash.text(request.from().ok().and_then(|it| it.tag()).unwrap_or_default());
        hash.text(request.first(Name::CallId).unwrap_or_default());
        hash.number(request.cseq().map_or(0, |it| it.number));
        hash.text(method.as_str());
        hash.finish()
    }

    /// The To tag for everything that is answered to the request with this key.
    pub(crate) fn tag(&self, key: Key) -> crate::Token {
        let mut hash = self.start(Domain::Tag);
        hash.0.write_u128(key.0);
        crate::Token::tag(hash.finish().0)
    }

    fn start(&self, domain: Domain) -> Fields {
        let mut fields = Fields(self.keyed);
        fields.0.write_u8(domain as u8);
        fields
    }
}

/// Fields on their way into one hash, each closed so that no two sequences read alike.
struct Fields(SipHasher13);

impl Fields {
    fn text(&mut self, text: &str) {
        self.0.write(text.as_bytes());
        self.0.write_u8(0xff);
    }

    fn number(&mut self, number: u32) {
        self.0.write_u32(number);
    }

    /// Hosts are compared without case (RFC 3261 §19.1.4).
    fn host(&mut self, host: &Host<'_>) {
        match host {
            Host::Name(name) => {
                for byte in name.bytes() {
                    self.0.write_u8(byte.to_ascii_lowercase());
                }
                self.0.write_u8(0xff);
            }
            Host::V4(ip) => self.0.write_u32(ip.to_bits()),
            Host::V6(ip) => self.0.write_u128(ip.to_bits()),
            Host::Absent => self.0.write_u8(0),
        }
    }

    fn port(&mut self, port: Option<u16>) {
        self.0.write_u32(port.map_or(u32::MAX, u32::from));
    }

    fn finish(self) -> Key {
        Key(self.0.finish128().as_u128())
    }
}

/// Takes half of a [`Key`] as its hash: keys are hashes already.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("a Key writes one u128");
    }
    fn write_u128(&mut self, bits: u128) {
        self.0 = bits as u64;
    }
}

/// A table by [`Key`].
pub(crate) type KeyMap<V> = std::collections::HashMap<Key, V, BuildHasherDefault<KeyHasher>>;
