//! The client: typed calls, calls by name, and any signed request.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use chime_api::{Effect, Input, Operation, Output, RequestParts, request_parts, request_parts_of};
use zeroize::Zeroizing;

use crate::config::{Config, ConfigError};
use crate::error::{Error, Failure, OperationError};
use crate::transport::{ExchangeError, Exchanged, Outgoing, Transport};

/// A client of one endpoint with one set of credentials. Cloning it shares its connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
}

/// An answer of success, as it came.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// The service's name for the request.
    pub request_id: Option<String>,
    /// The body; it may hold personal data.
    pub body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, request_id, body } = self;
        let request_id = request_id.as_deref().unwrap_or("none");
        write!(f, "Answer({status}, request id {request_id}, {} bytes)", body.len())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", self.config()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client as configured. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConfigError::Tls`] when the endpoint is `https` and its certificates cannot be judged.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let transport = Transport::new(config).map_err(ConfigError::Tls)?;
        Ok(Self { transport: Arc::new(transport) })
    }

    /// The configuration the client was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.transport.config()
    }

    /// Calls an operation by its name, with its input as one JSON object that holds all members, and
    /// returns the answer untouched. `PutVoiceConnectorTermination` and the AWS CLI's
    /// `put-voice-connector-termination` name the same operation.
    ///
    /// # Errors
    /// [`Error::UnknownOperation`] and [`Error::Input`] before anything is sent; then as any call.
    pub async fn call_raw(&self, operation: &str, json: &[u8]) -> Result<Answer, Error<Failure>> {
        let operation = operation_named(operation).map_err(Error::UnknownOperation)?;
        let parts = request_parts_of(operation, json).map_err(Error::Input)?;
        settled(self.exchange(operation, parts).await?)
    }

    /// Sends any request to the endpoint, signed like the others. `path` and `query` are
    /// percent-encoded already. GET, PUT and DELETE are repeated when they fail in passing.
    ///
    /// # Errors
    /// [`Error::Exchange`] and [`Error::Service`].
    pub async fn request(
        &self,
        method: http::Method,
        path: &str,
        query: &str,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Answer, Error<Failure>> {
        let effect = match method.as_str() {
            "GET" | "HEAD" => Effect::Read,
            "PUT" | "DELETE" => Effect::Idempotent,
            _ => Effect::Once,
        };
        let outgoing = Outgoing { method, path, query, body, effect };
        settled(self.transport.exchange(outgoing).await?)
    }

    /// A typed call. The methods of the operations are this with its types filled in.
    pub(crate) async fn send<I: Input, E: OperationError>(
        &self,
        input: &I,
    ) -> Result<I::Output, Error<E>> {
        let parts = request_parts(input).map_err(Error::Input)?;
        let answer = settled(self.exchange(I::OPERATION, parts).await?)?;
        read_output(I::OPERATION, &answer)
    }

    async fn exchange(
        &self,
        operation: Operation,
        parts: RequestParts,
    ) -> Result<Exchanged, ExchangeError> {
        let RequestParts { method, path, query, body } = parts;
        let method = match method {
            chime_api::Method::Get => http::Method::GET,
            chime_api::Method::Post => http::Method::POST,
            chime_api::Method::Put => http::Method::PUT,
            chime_api::Method::Delete => http::Method::DELETE,
        };
        let effect = operation.spec().effect;
        let (path, query) = (path.as_str(), query.as_str());
        self.transport.exchange(Outgoing { method, path, query, body, effect }).await
    }
}

/// Tells success from refusal.
fn settled<E: OperationError>(answer: Exchanged) -> Result<Answer, Error<E>> {
    if (200..300).contains(&answer.status) {
        let Exchanged { status, request_id, body, .. } = answer;
        return Ok(Answer { status, request_id, body });
    }
    Err(Error::Service(E::from_failure(Failure::of(&answer))))
}

fn read_output<O: Output, E>(operation: Operation, answer: &Answer) -> Result<O, Error<E>> {
    let empty = answer.body.is_empty() || operation.spec().output.is_none();
    let body: &[u8] = if empty { b"{}" } else { &answer.body };
    // The parser's own words may repeat a value, so only the place is kept.
    serde_json::from_slice(body).map_err(|error| Error::Unreadable {
        operation: operation.name(),
        line: error.line(),
        column: error.column(),
        request_id: answer.request_id.clone().unwrap_or_else(|| "none".to_owned()),
    })
}

/// There is no operation of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no operation {name:?}{}", suggestion(.near))]
pub struct UnknownOperation {
    /// What was asked for.
    pub name: String,
    /// Names that resemble it.
    pub near: Vec<&'static str>,
}

fn suggestion(near: &[&str]) -> String {
    if near.is_empty() {
        return "; `trunkline api --list` names them all".to_owned();
    }
    format!("; did you mean {}?", near.join(" or "))
}

/// Most names that an [`UnknownOperation`] suggests.
const SUGGESTIONS_MAX: usize = 3;

/// Finds an operation by its name, in the model's spelling or the AWS CLI's.
///
/// # Errors
/// [`UnknownOperation`] with the names that resemble it most.
pub fn operation_named(name: &str) -> Result<Operation, UnknownOperation> {
    let plain = |text: &str| text.replace('-', "").to_ascii_lowercase();
    let asked = plain(name);
    if let Some(found) = Operation::all().find(|it| plain(it.name()) == asked) {
        return Ok(found);
    }
    let mut near: Vec<(usize, &'static str)> = Operation::all()
        .map(|it| (distance(&asked, &plain(it.name())), it.name()))
        // Further away than one slip in eight letters is another word.
        .filter(|(distance, _)| *distance <= asked.len() / 8 + 1)
        .collect();
    near.sort_unstable();
    let near = near.into_iter().take(SUGGESTIONS_MAX).map(|(_, name)| name).collect();
    Err(UnknownOperation { name: name.chars().take(80).collect(), near })
}

/// Single-letter edits between two names.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<u8> = other.bytes().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.bytes().take(120).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, theirs) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *theirs);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_in_both_spellings() {
        for name in ["GetVoiceConnector", "get-voice-connector", "getvoiceconnector"] {
            assert_eq!(operation_named(name), Ok(Operation::GetVoiceConnector));
        }
        assert_eq!(operation_named("validate-e911-address"), Ok(Operation::ValidateE911Address));
    }

    #[test]
    fn a_misspelled_operation_is_told_its_neighbours() {
        let message = |name| operation_named(name).unwrap_err().to_string();
        assert_eq!(
            message("GetVoiceConector"),
            "there is no operation \"GetVoiceConector\"; did you mean GetVoiceConnector?"
        );
        assert_eq!(
            message("get-voice-profile-domains"),
            "there is no operation \"get-voice-profile-domains\"; did you mean \
             GetVoiceProfileDomain or ListVoiceProfileDomains?"
        );
        assert_eq!(
            message("fly"),
            "there is no operation \"fly\"; `trunkline api --list` names them all"
        );
    }
}
