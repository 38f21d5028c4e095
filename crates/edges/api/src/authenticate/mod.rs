//! Signature Version 4: from a signed request to a [`Caller`]. Web pages come to one by a
//! [session](Sessions), which begins with a proof of the same secret.
//!
//! Two steps, so that a stranger's body is not read: [`claim`] takes the headers apart and refuses
//! what can be refused without a secret; [`Claim::verify`] rebuilds the signature over headers and
//! body and compares it in constant time. An unknown key costs what a known one costs.

mod authorization;
mod canonical;
mod keys;
mod session;

use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use http::HeaderMap;
use http::request::Parts;
use model::{AccountId, KeyPolicy, KeyStatus, Region, UnixMillis};

use self::authorization::{ALGORITHM, Authorization, incomplete, parse_date, print_date};
use self::canonical::Signed;
pub(crate) use self::keys::KeyRing;
use self::keys::{Found, RingKey};
pub(crate) use self::session::Sessions;
use crate::error::{ApiError, ErrorKind};

/// The largest difference between the signer's clock and ours, in milliseconds.
const SKEW_MAX_MS: u64 = 5 * 60 * 1000;

/// What is served at this address, by signing name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// Amazon Chime SDK Voice, and the operator API.
    Chime,
    /// The small part of STS that tells who asks.
    Sts,
}

/// Proof that a request was made by who knows the secret of a key of this installation. Only
/// [`Claim::verify`] and [`Sessions::caller`] make it.
pub(crate) struct Caller {
    key: Arc<RingKey>,
    region: Region,
}

impl Caller {
    /// Whose resources the request is about.
    pub(crate) fn account(&self) -> AccountId {
        self.key.key.account
    }

    /// What the key may do.
    pub(crate) fn policy(&self) -> &KeyPolicy {
        &self.key.key.policy
    }

    /// The region that the request is signed for.
    pub(crate) fn region(&self) -> Region {
        self.region
    }

    /// The public half of the key.
    pub(crate) fn key_id(&self) -> &str {
        self.key.key.id.as_str()
    }

    /// How much the key may still ask.
    pub(crate) fn bucket(&self) -> &crate::throttle::Bucket {
        &self.key.bucket
    }
}

/// A request's claim to be signed, well formed and in time, but not verified.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    authorization: Authorization<'a>,
    /// `x-amz-date` as it was sent.
    date: &'a str,
    /// Which service it is signed for.
    pub(crate) service: Service,
}

/// Takes a request's signature apart and checks all that needs no secret.
pub(crate) fn claim(parts: &Parts, now: UnixMillis) -> Result<Claim<'_>, ApiError> {
    let authorization = Authorization::parse(&parts.headers, parts.uri.query().unwrap_or(""))?;
    let service = served(authorization.service)?;
    if service == Service::Chime && Region::parse(authorization.region).is_err() {
        return Err(ApiError::new(
            ErrorKind::InvalidSignature,
            format!(
                "the request is signed for the region '{}', which is none of {}; set the client's region, \
                 for example AWS_REGION=us-east-1",
                short(authorization.region),
                regions()
            ),
        ));
    }
    let date = single(&parts.headers, "x-amz-date")?
        .ok_or_else(|| incomplete("the x-amz-date header is missing"))?;
    let signed_at = parse_date(date)
        .ok_or_else(|| incomplete("x-amz-date is not of the form 20261123T101112Z"))?;
    if !date.starts_with(authorization.date) || authorization.date.len() != 8 {
        return Err(incomplete("the day in Credential is not that of x-amz-date"));
    }
    if signed_at.since(now).max(now.since(signed_at)) > SKEW_MAX_MS {
        return Err(ApiError::new(
            ErrorKind::RequestExpired,
            format!(
                "the request was signed at {}, but it is {} here, and at most {} minutes may lie between; \
                 set the client's clock, or sign and send again",
                print_date(signed_at),
                print_date(now),
                SKEW_MAX_MS / 60_000
            ),
        ));
    }
    Ok(Claim { authorization, date, service })
}

impl Claim<'_> {
    /// The key that the request claims to be signed by.
    pub(crate) fn key_id(&self) -> &str {
        self.authorization.key_id
    }

    /// Checks the signature over the whole request.
    pub(crate) fn verify(
        &self,
        parts: &Parts,
        body: &[u8],
        keys: &KeyRing,
    ) -> Result<Caller, ApiError> {
        let body_sha256 = hex(digest::digest(&digest::SHA256, body).as_ref());
        check_body_header(&parts.headers, &body_sha256)?;
        let signed = Signed {
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or(""),
            headers: &parts.headers,
            body_sha256: &body_sha256,
        };
        let Authorization { key_id, date, region, service, signed_headers, signature } =
            &self.authorization;
        let canonical = signed.canonical_request(signed_headers)?;
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{date}/{region}/{service}/aws4_request\n{}",
            self.date,
            hex(digest::digest(&digest::SHA256, &canonical).as_ref())
        );
        let found = keys.find(key_id);
        let (Found::Known(key) | Found::Decoy(key)) = &found;
        let signing_key = key.signing_key(date, region, service);
        let matches = hmac::verify(&signing_key, to_sign.as_bytes(), signature).is_ok();
        match found {
            Found::Decoy(_) => Err(unknown_key(key_id)),
            Found::Known(_) if !matches => Err(mismatch(key_id, signed_headers, &canonical)),
            Found::Known(key) if key.key.status == KeyStatus::Disabled => Err(disabled_key(key_id)),
            // Requests to STS may be signed for any region; nothing of theirs depends on it.
            Found::Known(key) => {
                Ok(Caller { key, region: Region::parse(region).unwrap_or_default() })
            }
        }
    }
}

/// Which service a signing name means.
fn served(name: &str) -> Result<Service, ApiError> {
    match name {
        "chime" => Ok(Service::Chime),
        "sts" => Ok(Service::Sts),
        other => Err(ApiError::new(
            ErrorKind::ServiceNotServed,
            format!(
                "this endpoint serves Amazon Chime SDK Voice (signing name chime) and sts, not {other}: \
                 if AWS_ENDPOINT_URL sends every service here, set AWS_ENDPOINT_URL_CHIME_SDK_VOICE instead",
                other = short(other)
            ),
        )),
    }
}

/// A body whose declared hash is not its own, or that is declared unsigned.
fn check_body_header(headers: &HeaderMap, body_sha256: &str) -> Result<(), ApiError> {
    match single(headers, "x-amz-content-sha256")? {
        None => Ok(()),
        Some(declared) if declared == body_sha256 => Ok(()),
        Some("UNSIGNED-PAYLOAD") => {
            Err(incomplete("x-amz-content-sha256 is UNSIGNED-PAYLOAD; sign the body as well"))
        }
        Some(declared) if declared.starts_with("STREAMING-") => {
            Err(incomplete("x-amz-content-sha256 announces a streaming body; send it in one piece"))
        }
        Some(_) => Err(ApiError::new(
            ErrorKind::InvalidSignature,
            "x-amz-content-sha256 is not the SHA-256 of the body that arrived; the body was changed or cut \
             on its way, or hashed before it was final",
        )),
    }
}

fn unknown_key(key_id: &str) -> ApiError {
    ApiError::new(
        ErrorKind::UnknownKey,
        format!(
            "the access key '{}' does not exist here; `trunkline key list` names those that do, and the first \
             one is in the file 'credentials' of the data directory (profile trunkline)",
            short(key_id)
        ),
    )
}

fn disabled_key(key_id: &str) -> ApiError {
    ApiError::new(
        ErrorKind::DisabledKey,
        format!(
            "the access key '{key_id}' is disabled; `trunkline key enable {key_id}` enables it"
        ),
    )
}

fn mismatch(key_id: &str, signed_headers: &str, canonical: &[u8]) -> ApiError {
    ApiError::new(
        ErrorKind::InvalidSignature,
        format!(
            "the signature is not that of access key '{key_id}' over this request; either the secret is not \
             that key's, or something between changed the method, the path, the query, the body or one \
             of the signed headers ({}); what was signed here has the canonical request hash {}",
            signed_headers.chars().take(200).collect::<String>(),
            hex(digest::digest(&digest::SHA256, canonical).as_ref())
        ),
    )
}

/// The one value of a header, or that it is absent.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(incomplete(&format!("the header {name} is given twice")));
    }
    first
        .map(|value| value.to_str().map(str::trim))
        .transpose()
        .map_err(|_| incomplete(&format!("the header {name} is not printable US-ASCII")))
}

/// A stranger's text, cut to a readable length.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a String never fails");
        out
    })
}

/// The names of all regions.
fn regions() -> String {
    Region::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
}
