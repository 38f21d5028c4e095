//! Whom connections of ours over TLS are made to: numbers that flows can carry, and what stands
//! behind them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use api::Identity;
use arc_swap::ArcSwap;
use model::{CarrierTls, CarrierTrust};
use net::{TlsDial, TlsDialer};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use sip_message::PeerId;
use tracing::warn;

use super::trust::Unvouched;
use super::{provider, roots_of};

/// Every peer that was ever named. Peers are never forgotten while the process lives, so that a
/// dialog that outlives its carrier can still reach it; the list grows only with settings that
/// differ from all before.
pub(crate) struct TlsPeers {
    /// The peer of number 1 first. Read by the signalling thread, which must not wait.
    dials: ArcSwap<Vec<Option<Dial>>>,
    /// Toward whoever is found at an address.
    anybody: ArcSwap<ClientConfig>,
    book: Mutex<Book>,
}

/// How one peer is dialled, and who judges its certificate.
#[derive(Clone)]
struct Dial {
    dial: TlsDial,
    /// `None` if any certificate is believed: then none proves anything.
    judge: Option<Arc<dyn ServerCertVerifier>>,
}

struct Book {
    identity: Identity,
    roots: Arc<RootCertStore>,
    numbers: HashMap<Named, PeerId>,
    /// In the order of their numbers.
    named: Vec<Named>,
}

/// What tells peers apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Named {
    name: String,
    tls: CarrierTls,
}

impl TlsPeers {
    pub(super) fn new(identity: Identity, roots: Arc<RootCertStore>) -> Self {
        let anybody = believing_authorities(&identity, &roots);
        let book = Book { identity, roots, numbers: HashMap::new(), named: Vec::new() };
        Self {
            dials: ArcSwap::from_pointee(Vec::new()),
            anybody: ArcSwap::new(anybody),
            book: Mutex::new(book),
        }
    }

    /// The number of the peer at `host` that these settings are about.
    pub(crate) fn peer(&self, host: &str, tls: &CarrierTls) -> PeerId {
        let name = tls.server_name.as_deref().unwrap_or(host);
        let named = Named { name: bare(name).into(), tls: tls.clone() };
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = book.numbers.get(&named) {
            return *number;
        }
        let mut dials = Vec::clone(&self.dials.load());
        dials.push(self.dial_of(&book, &named));
        let number = PeerId(u32::try_from(dials.len()).expect("nobody has that many carriers"));
        book.numbers.insert(named.clone(), number);
        book.named.push(named);
        self.dials.store(Arc::new(dials));
        number
    }

    /// Judges and shows by these from now on.
    pub(super) fn renew(&self, identity: Identity, roots: Arc<RootCertStore>) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        self.anybody.store(believing_authorities(&identity, &roots));
        (book.identity, book.roots) = (identity, roots);
        let dials = book.named.iter().map(|named| self.dial_of(&book, named)).collect();
        self.dials.store(Arc::new(dials));
    }

    fn dial_of(&self, book: &Book, named: &Named) -> Option<Dial> {
        let Ok(name) = ServerName::try_from(named.name.clone()) else {
            warn!(name = named.name, "no certificate can bear this name; give --tls-server-name");
            return None;
        };
        let judge = judge_of(book, &named.tls.trust);
        let is_plain = named.tls.trust == CarrierTrust::System && named.tls.identity.is_none();
        let config = if is_plain {
            self.anybody.load_full()
        } else {
            match config_of(book, &named.tls) {
                Ok(config) => config,
                Err(error) => {
                    warn!(
                        name = named.name,
                        error,
                        "TLS toward this carrier cannot be set up; \
                        remove it and add it again"
                    );
                    return None;
                }
            }
        };
        Some(Dial { dial: TlsDial { config, name }, judge })
    }
}

/// The signalling thread's view of the peers.
pub(crate) struct Dialer(pub(crate) Arc<TlsPeers>);

impl TlsDialer for Dialer {
    fn dial(&self, peer: PeerId, remote: SocketAddr) -> Option<TlsDial> {
        match peer {
            PeerId::ANYBODY => Some(TlsDial {
                config: self.0.anybody.load_full(),
                name: ServerName::IpAddress(remote.ip().into()),
            }),
            PeerId(number) => {
                let dials = self.0.dials.load();
                dials.get(number as usize - 1)?.as_ref().map(|it| it.dial.clone())
            }
        }
    }

    /// By the same judge and for the same name as if we had made the connection. Whoever is only
    /// known by an address offers nothing: its name is not one that anybody gave it.
    fn proves(&self, peer: PeerId, _remote: SocketAddr, shown: &[CertificateDer<'static>]) -> bool {
        let PeerId(number @ 1..) = peer else { return false };
        let dials = self.0.dials.load();
        let Some(Some(Dial { dial, judge: Some(judge) })) = dials.get(number as usize - 1) else {
            return false;
        };
        let Some((own, others)) = shown.split_first() else { return false };
        judge.verify_server_cert(own, others, &dial.name, &[], UnixTime::now()).is_ok()
    }
}

/// Who judges the certificate of a peer that is trusted so; nobody where anything is believed, or
/// where its authorities cannot be read.
fn judge_of(book: &Book, trust: &CarrierTrust) -> Option<Arc<dyn ServerCertVerifier>> {
    let by = |roots: Arc<RootCertStore>| -> Option<Arc<dyn ServerCertVerifier>> {
        let built = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
        built.ok().map(|it| -> Arc<dyn ServerCertVerifier> { it })
    };
    match trust {
        CarrierTrust::System => by(Arc::clone(&book.roots)),
        CarrierTrust::Authorities(pem) => by(Arc::new(roots_of(pem.as_bytes()).ok()?)),
        CarrierTrust::Pinned(pin) => Some(Unvouched::pinned(*pin, provider())),
        CarrierTrust::Anything => None,
    }
}

fn config_of(book: &Book, tls: &CarrierTls) -> Result<Arc<ClientConfig>, String> {
    let given;
    let identity = match &tls.identity {
        None => &book.identity,
        Some(it) => {
            let parsed = Identity::parse(it.certificate.as_bytes(), it.key.expose().as_bytes());
            given = parsed.map_err(|error| error.to_string())?;
            &given
        }
    };
    Ok(match &tls.trust {
        CarrierTrust::System => believing_authorities(identity, &book.roots),
        CarrierTrust::Authorities(pem) => {
            believing_authorities(identity, &Arc::new(roots_of(pem.as_bytes())?))
        }
        CarrierTrust::Pinned(pin) => believing(identity, Unvouched::pinned(*pin, provider())),
        CarrierTrust::Anything => believing(identity, Unvouched::anything(provider())),
    })
}

fn believing_authorities(identity: &Identity, roots: &Arc<RootCertStore>) -> Arc<ClientConfig> {
    match WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), provider()).build() {
        Ok(verifier) => believing(identity, verifier),
        // There are no authorities: nobody is believed.
        Err(_) => believing(identity, Unvouched::pinned(model::Fingerprint([0; 32]), provider())),
    }
}

/// A peer that asks who we are is shown `identity`.
fn believing(identity: &Identity, verifier: Arc<dyn ServerCertVerifier>) -> Arc<ClientConfig> {
    let shown = rustls::sign::CertifiedKey::clone(&identity.certified());
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
    Arc::new(config)
}

/// An IPv6 address without the brackets that it may stand in, a name without its last dot.
fn bare(name: &str) -> &str {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use model::Fingerprint;

    use super::*;

    impl TlsPeers {
        /// Believes nobody, and shows what nobody believes.
        pub(crate) fn unvouched() -> Arc<Self> {
            let made = rcgen::generate_simple_self_signed(["us".to_owned()]).unwrap();
            let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            let identity = Identity::parse(pem.as_bytes(), key.as_bytes()).unwrap();
            Arc::new(Self::new(identity, Arc::new(RootCertStore::empty())))
        }
    }

    #[test]
    fn one_peer_has_one_number_and_another_name_or_trust_is_another_peer() {
        let peers = TlsPeers::unvouched();
        let plain = CarrierTls::default();
        let pinned =
            CarrierTls { trust: CarrierTrust::Pinned(Fingerprint([1; 32])), ..plain.clone() };
        let first = peers.peer("sip.example.com", &plain);
        assert_eq!(peers.peer("sip.example.com.", &plain), first);
        assert_ne!(peers.peer("sip.example.net", &plain), first);
        assert_ne!(peers.peer("sip.example.com", &pinned), first);
    }

    #[test]
    fn a_peer_is_dialled_by_its_name_and_whoever_is_at_an_address_by_that() {
        let peers = TlsPeers::unvouched();
        let named =
            CarrierTls { server_name: Some("sbc.example.com".into()), ..Default::default() };
        let number = peers.peer("192.0.2.1", &named);
        let literal = peers.peer("[2001:db8::1]", &CarrierTls::default());
        let dialer = Dialer(Arc::clone(&peers));
        let at = "192.0.2.9:5061".parse().unwrap();
        let name = |peer| dialer.dial(peer, at).map(|it| it.name.to_str().into_owned());
        assert_eq!(name(number).as_deref(), Some("sbc.example.com"));
        assert_eq!(name(literal).as_deref(), Some("2001:db8::1"));
        assert_eq!(name(PeerId::ANYBODY).as_deref(), Some("192.0.2.9"));
        assert_eq!(name(PeerId(99)), None);
    }
}
