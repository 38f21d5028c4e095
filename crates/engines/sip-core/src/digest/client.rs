//! The client's end: answers the challenges of carriers.

use std::fmt;

use model::Secret;
use sip_message::{DigestFields, Message, Method, Name, Quoted, Status};

use super::algorithm::{Algorithm, Formula, Hash, Hex};
use crate::{Token, Tokens};

/// Challenges in a row that are answered before giving up: the first, and one that says `stale`.
const CHALLENGES_ANSWERED_MAX: u8 = 2;

/// Answers digest challenges with one user's password, choosing the strongest algorithm offered.
///
/// It cannot loop: a challenge that follows an answer is taken for a refusal, unless it says that
/// only the nonce was stale, and that once.
pub struct Client {
    username: String,
    password: Secret,
    tokens: Tokens,
    session: Option<Session>,
    /// Challenges since the last [`Client::settled`].
    challenges: u8,
}

/// The challenge being answered.
struct Session {
    header: Name,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    named: Named,
    qop: Qop,
    key: Hash,
    count: u32,
    standing: Standing,
}

/// Whether the answer to the challenge was ever good: then another challenge means that its time is
/// over, whether or not it says `stale`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Offered,
    Taken,
}

/// Whether the challenge named its algorithm; the answer repeats it only then (RFC 2617 §3.2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Qop {
    Auth,
    /// RFC 2069: no counting, no client nonce.
    None,
}

/// Why a challenge is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// The response is no 401 or 407, or names no challenge.
    #[error("the response holds no digest challenge")]
    NoChallenge,
    /// Only algorithms or qualities of protection that are not known here are offered.
    #[error("every challenge wants an algorithm or a qop that is not known here")]
    Unknown,
    /// The credentials were offered and not taken.
    #[error("the credentials were refused")]
    Rejected,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let realm = self.session.as_ref().map(|it| &it.realm);
        f.debug_struct("Client").field("realm", &realm).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has not been challenged. `seed` makes the client nonces.
    #[must_use]
    pub fn new(username: String, password: Secret, seed: &[u8; 16]) -> Self {
        Self { username, password, tokens: Tokens::new(seed), session: None, challenges: 0 }
    }

    /// Takes a 401 or 407. On success the request is to be sent again, with the
    /// [`authorization`](Self::authorization) that is now due, a new branch and the next CSeq.
    ///
    /// # Errors
    /// Why sending it again would be of no use.
    pub fn challenged(&mut self, response: &Message<'_>) -> Result<(), Unanswerable> {
        let (challenge, answer) = match response.status() {
            Some(Status::UNAUTHORIZED) => (Name::WwwAuthenticate, Name::Authorization),
            Some(Status::PROXY_AUTHENTICATION_REQUIRED) => {
                (Name::ProxyAuthenticate, Name::ProxyAuthorization)
            }
            Some(_) | None => return Err(Unanswerable::NoChallenge),
        };
        let mut any = false;
        let mut best: Option<(Algorithm, DigestFields<'_>)> = None;
        for fields in response.challenges(challenge).flatten().filter(DigestFields::is_digest) {
            any = true;
            let Some(algorithm) = strength(&fields) else { continue };
            // The first of equally strong ones: the server lists them by preference.
            if best.as_ref().is_none_or(|(other, _)| algorithm > *other) {
                best = Some((algorithm, fields));
            }
        }
        let Some((algorithm, fields)) = best else {
            return Err(if any { Unanswerable::Unknown } else { Unanswerable::NoChallenge });
        };
        let is_refused =
            |it: &Session| it.count > 0 && it.header == answer && it.standing == Standing::Offered;
        let tried = self.session.as_ref().is_some_and(is_refused);
        self.challenges = self.challenges.saturating_add(1);
        if self.challenges > CHALLENGES_ANSWERED_MAX || tried && !fields.is_stale() {
            return Err(Unanswerable::Rejected);
        }
        self.session = Some(self.begin(answer, algorithm, &fields)?);
        Ok(())
    }

    fn begin(
        &self,
        header: Name,
        algorithm: Algorithm,
        fields: &DigestFields<'_>,
    ) -> Result<Session, Unanswerable> {
        let realm = fields.realm().ok_or(Unanswerable::NoChallenge)?.into_owned();
        let nonce = fields.nonce().ok_or(Unanswerable::NoChallenge)?.into_owned();
        let key = algorithm.hash(&[
            self.username.as_bytes(),
            realm.as_bytes(),
            self.password.expose().as_bytes(),
        ]);
        Ok(Session {
            header,
            realm,
            nonce,
            opaque: fields.opaque().map(|it| it.into_owned()),
            algorithm,
            named: if fields.algorithm().is_some() { Named::Yes } else { Named::No },
            qop: if fields.qop().is_some() { Qop::Auth } else { Qop::None },
            key,
            count: 0,
            standing: Standing::Offered,
        })
    }

    /// The request was answered otherwise than by a challenge: the next one may be answered anew.
    pub fn settled(&mut self) {
        self.challenges = 0;
        if let Some(session) = &mut self.session {
            session.standing = Standing::Taken;
        }
    }

    /// The credentials for a request, under the last challenge; `None` before the first. Each call
    /// counts the nonce up.
    pub fn authorization<'a>(
        &'a mut self,
        method: Method<'_>,
        uri: &'a str,
    ) -> Option<Authorization<'a>> {
        let session = self.session.as_mut()?;
        session.count += 1;
        let count = session.count;
        let cnonce = self.tokens.call_id();
        let count_text = format!("{count:08x}");
        let formula = Formula {
            nonce: &session.nonce,
            qop_auth: (session.qop == Qop::Auth).then_some((&*count_text, &*cnonce)),
            method: method.as_str(),
            uri,
        };
        let response = formula.response(session.algorithm, &session.key).hex();
        Some(Authorization { session, username: &self.username, uri, cnonce, response })
    }
}

/// How strong a challenge is, if it can be answered.
fn strength(fields: &DigestFields<'_>) -> Option<Algorithm> {
    let qop = fields.qop().is_none() || fields.offers_qop("auth");
    fields.algorithm().map_or(Some(Algorithm::Md5), |it| Algorithm::parse(&it)).filter(|_| qop)
}

/// One `Authorization` or `Proxy-Authorization` header.
pub struct Authorization<'a> {
    session: &'a Session,
    username: &'a str,
    uri: &'a str,
    cnonce: Token,
    response: Hex,
}

impl Authorization<'_> {
    /// The header's name; its value is what `Display` prints.
    #[must_use]
    pub fn name(&self) -> Name {
        self.session.header
    }
}

impl fmt::Display for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Session { realm, nonce, opaque, algorithm, named, qop, count, .. } = self.session;
        write!(f, "Digest username={}, realm={}", Quoted(self.username), Quoted(realm))?;
        write!(f, ", nonce={}, uri=\"{}\"", Quoted(nonce), self.uri)?;
        write!(f, ", response=\"{}\"", self.response.as_str())?;
        if *named == Named::Yes {
            write!(f, ", algorithm={algorithm}")?;
        }
        if *qop == Qop::Auth {
            write!(f, ", qop=auth, nc={count:08x}, cnonce=\"{}\"", self.cnonce)?;
        }
        match opaque {
            Some(opaque) => write!(f, ", opaque={}", Quoted(opaque)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
