//! The server's end: challenges, and what their answers prove.

use std::fmt;
use std::time::Duration;

use model::{DigestKeys, Secret, UnixMillis, Username};
use sip_message::{Message, Name, Uri};
use subtle::ConstantTimeEq;

use super::algorithm::{Algorithm, Formula, read_hex};
use super::nonce::{Age, Issue, NonceText, Nonces};
use super::offer::Offer;
use super::replay::{Count, Replays};

/// What a [`Guard`] is told when it is made.
pub struct GuardConfig {
    /// What is offered, one challenge header each, in this order; anything listed is accepted.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce may be used.
    pub nonce_lifetime: Duration,
    /// Nonces whose counts are remembered at once; beyond it the oldest become stale.
    pub nonces_tracked_max: usize,
    /// Signs nonces. Secret, and kept over restarts.
    pub secret: [u8; 16],
    /// This process and shard: nonces of another one are stale. Must never repeat.
    pub process: u64,
}

impl GuardConfig {
    /// MD5 then SHA-256, five minutes, 131,072 nonces.
    ///
    /// MD5 comes first because common user agents read only the first challenge.
    #[must_use]
    pub fn new(secret: [u8; 16], process: u64) -> Self {
        Self {
            algorithms: vec![Algorithm::Md5, Algorithm::Sha256],
            nonce_lifetime: Duration::from_secs(300),
            nonces_tracked_max: 131_072,
            secret,
            process,
        }
    }
}

/// Proof that a digest response was right. [`Guard::check`] is the only maker.
#[derive(Debug, PartialEq, Eq)]
pub struct Authenticated {
    username: Username,
    algorithm: Algorithm,
}

impl Authenticated {
    /// Who it is.
    #[must_use]
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// The algorithm that proved it.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Whether a challenge tells the client that only its nonce was too old: the password need not be
/// asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// `stale=true`.
    Yes,
    /// Not said.
    No,
}

/// What came of looking at a request's credentials.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// They are right.
    Pass(Authenticated),
    /// There are none for this realm, or their nonce is too old: ask for them.
    Challenge(Stale),
    /// They are wrong.
    Refuse(Refusal),
}

/// Why credentials are wrong. For the operator's eyes: on the wire all of these look alike, the
/// unknown user and the wrong password above all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The header does not read as credentials.
    #[error("the credentials cannot be read")]
    Unreadable,
    /// A field that RFC 7616 §3.4 demands is missing or misspelled.
    #[error("the credentials have no usable {0}")]
    Field(&'static str),
    /// An algorithm that was not offered.
    #[error("the credentials use an algorithm that was not offered")]
    Algorithm,
    /// A quality of protection other than `auth`.
    #[error("the credentials do not use qop=auth, the one that was offered")]
    Qop,
    /// The credentials are for another target than the request's.
    #[error("the credentials were made for another Request-URI")]
    Uri,
    /// The nonce is not one of ours.
    #[error("the nonce was not issued here")]
    ForgedNonce,
    /// There is no such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The response does not match the user's password.
    #[error("the response does not match the password")]
    WrongResponse,
    /// The nonce count was used before (RFC 7616 §3.3).
    #[error("the nonce count was used before: a replay, or a client that does not count")]
    Replayed,
}

impl Refusal {
    /// A stable word for metrics and records.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "digest-unreadable",
            Self::Field(_) => "digest-field-missing",
            Self::Algorithm => "digest-algorithm-not-offered",
            Self::Qop => "digest-qop-not-offered",
            Self::Uri => "digest-uri-mismatch",
            Self::ForgedNonce => "digest-nonce-forged",
            Self::UnknownUser => "digest-user-unknown",
            Self::WrongResponse => "digest-response-wrong",
            Self::Replayed => "digest-replayed",
        }
    }
}

/// Challenges requests and checks what comes back. One for each shard.
///
/// It keeps no record of the challenges it gave; what it remembers is which nonce counts real
/// users have used, up to `nonces_tracked_max` nonces.
pub struct Guard {
    algorithms: Vec<Algorithm>,
    nonces: Nonces,
    replays: Replays,
    decoy: DigestKeys,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

impl Guard {
    /// A guard that has challenged nobody yet.
    #[must_use]
    pub fn new(config: GuardConfig) -> Self {
        let GuardConfig { algorithms, nonce_lifetime, nonces_tracked_max, secret, process } =
            config;
        Self {
            algorithms,
            nonces: Nonces::new(&secret, process, nonce_lifetime),
            replays: Replays::new(nonces_tracked_max, nonce_lifetime),
            decoy: DigestKeys::derive("", "", Secret::new(String::new())),
        }
    }

    /// The challenges for one response, one header each, sharing a fresh nonce.
    pub fn challenges<'a>(
        &'a mut self,
        now: UnixMillis,
        realm: &'a str,
        stale: Stale,
    ) -> impl Iterator<Item = Challenge<'a>> + use<'a> {
        let nonce = self.nonces.issue(now);
        self.algorithms.iter().map(move |&algorithm| Challenge { realm, nonce, algorithm, stale })
    }

    /// Looks for credentials for `realm` in the request's headers of that name
    /// (`Proxy-Authorization` answers a 407, `Authorization` a 401) and checks them.
    ///
    /// `keys_of` finds a user's keys. An unknown user costs as much time as a wrong password.
    pub fn check<'k>(
        &mut self,
        now: UnixMillis,
        request: &Message<'_>,
        header: Name,
        realm: &str,
        keys_of: impl FnOnce(&str) -> Option<&'k DigestKeys>,
    ) -> Verdict {
        let Some(line) = request.request_line() else {
            return Verdict::Refuse(Refusal::Unreadable);
        };
        for fields in request.credentials(header) {
            let Ok(fields) = fields else { return Verdict::Refuse(Refusal::Unreadable) };
            if !fields.is_digest() {
                continue;
            }
            let offer = Offer::read(&fields);
            if offer.realm.as_deref() == Some(realm) {
                let attempt = Attempt { method: line.method.as_str(), uri: line.uri, offer };
                return self.check_offer(now, &attempt, keys_of);
            }
        }
        Verdict::Challenge(Stale::No)
    }

    fn check_offer<'k>(
        &mut self,
        now: UnixMillis,
        attempt: &Attempt<'_>,
        keys_of: impl FnOnce(&str) -> Option<&'k DigestKeys>,
    ) -> Verdict {
        let checked = match attempt.read(&self.algorithms) {
            Ok(checked) => checked,
            Err(refusal) => return Verdict::Refuse(refusal),
        };
        let issue = match self.nonces.age(now, checked.formula.nonce) {
            Age::Fresh(issue) => issue,
            Age::Expired => return Verdict::Challenge(Stale::Yes),
            Age::Forged => return Verdict::Refuse(Refusal::ForgedNonce),
        };
        let known = keys_of(checked.username);
        let key = checked.algorithm.key(known.unwrap_or(&self.decoy));
        let wanted = checked.formula.response(checked.algorithm, &key);
        let matches: bool = wanted.as_bytes().ct_eq(checked.response()).into();
        match (known, matches) {
            (None, _) => Verdict::Refuse(Refusal::UnknownUser),
            (Some(_), false) => Verdict::Refuse(Refusal::WrongResponse),
            (Some(_), true) => self.admit(now, issue, &checked),
        }
    }

    /// The response is right; its nonce count must be new as well.
    fn admit(&mut self, now: UnixMillis, issue: Issue, checked: &Checked<'_>) -> Verdict {
        match self.replays.take(now, issue, checked.count) {
            Count::New => match Username::parse(checked.username) {
                Ok(username) => {
                    Verdict::Pass(Authenticated { username, algorithm: checked.algorithm })
                }
                Err(_) => Verdict::Refuse(Refusal::UnknownUser),
            },
            Count::Used => Verdict::Refuse(Refusal::Replayed),
            Count::Forgotten => Verdict::Challenge(Stale::Yes),
        }
    }
}

/// What a request offers, and for what.
struct Attempt<'a> {
    method: &'a str,
    uri: &'a str,
    offer: Offer<'a>,
}

/// Credentials that are complete; whether they are right is another matter.
struct Checked<'a> {
    username: &'a str,
    algorithm: Algorithm,
    formula: Formula<'a>,
    count: u32,
    response: [u8; 32],
}

impl Checked<'_> {
    fn response(&self) -> &[u8] {
        match self.algorithm {
            Algorithm::Md5 => &self.response[..16],
            Algorithm::Sha256 | Algorithm::Sha512_256 => &self.response,
        }
    }
}

impl Attempt<'_> {
    /// Reads every field that the formula needs (RFC 7616 §3.4).
    fn read(&self, offered: &[Algorithm]) -> Result<Checked<'_>, Refusal> {
        let offer = &self.offer;
        let need = |field: &'static str, value: Option<&std::borrow::Cow<'_, str>>| {
            value.filter(|it| !it.is_empty()).map(|_| ()).ok_or(Refusal::Field(field))
        };
        if offer.userhash.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            return Err(Refusal::Field("username in clear"));
        }
        need("username", offer.username.as_ref())?;
        need("nonce", offer.nonce.as_ref())?;
        need("uri", offer.uri.as_ref())?;
        let algorithm = Algorithm::parse(offer.algorithm.as_deref().unwrap_or("MD5"))
            .filter(|it| offered.contains(it))
            .ok_or(Refusal::Algorithm)?;
        if !offer.qop.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("auth")) {
            return Err(Refusal::Qop);
        }
        need("cnonce", offer.cnonce.as_ref())?;
        let count = offer.count.as_deref().unwrap_or_default();
        let mut number = [0; 4];
        read_hex(count, &mut number).ok_or(Refusal::Field("nc"))?;
        let number = Some(u32::from_be_bytes(number)).filter(|&it| it > 0);
        let mut response = [0; 32];
        let length = if algorithm == Algorithm::Md5 { 16 } else { 32 };
        read_hex(offer.response.as_deref().unwrap_or_default(), &mut response[..length])
            .ok_or(Refusal::Field("response"))?;
        let uri = offer.uri.as_deref().unwrap_or_default();
        if !same_target(uri, self.uri) {
            return Err(Refusal::Uri);
        }
        Ok(Checked {
            username: offer.username.as_deref().unwrap_or_default(),
            algorithm,
            formula: Formula {
                nonce: offer.nonce.as_deref().unwrap_or_default(),
                qop_auth: Some((count, offer.cnonce.as_deref().unwrap_or_default())),
                method: self.method,
                uri,
            },
            count: number.ok_or(Refusal::Field("nc"))?,
            response,
        })
    }
}

/// Whether credentials made for `offered` may be used for a request to `target`.
///
/// RFC 7616 §3.4.6 wants the two to be equivalent. User agents and the proxies between differ
/// about host, port and parameters (SIPp writes the address it sends to, without a user part), so
/// only a user part counts: credentials made for one number do not serve for another.
fn same_target(offered: &str, target: &str) -> bool {
    if offered == target {
        return true;
    }
    let Ok(offered) = Uri::parse(offered) else { return !offered.contains('@') };
    let Some(user) = offered.user_unescaped() else { return true };
    Uri::parse(target).is_ok_and(|it| it.user_unescaped().is_some_and(|other| other == user))
}

/// The value of one `WWW-Authenticate` or `Proxy-Authenticate` header.
#[derive(Clone, Copy)]
pub struct Challenge<'a> {
    realm: &'a str,
    nonce: NonceText,
    algorithm: Algorithm,
    stale: Stale,
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { realm, nonce, algorithm, stale } = self;
        // Part by part: a format string takes three times as long, and every call is challenged.
        let parts = ["Digest realm=\"", realm, "\", nonce=\"", nonce.as_str(), "\", algorithm="];
        for part in parts {
            f.write_str(part)?;
        }
        f.write_str(algorithm.as_str())?;
        f.write_str(", qop=\"auth\"")?;
        match stale {
            Stale::Yes => f.write_str(", stale=true"),
            Stale::No => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
