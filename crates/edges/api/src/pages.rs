//! The seam to the web pages under `/console`: they look at the operator API as its other clients do.
//!
//! A page gets a [`Desk`], which asks in the name of whoever is signed in and of nobody else. What may be
//! seen is decided where it is decided for signed requests: by the key's policy.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderValue, Method, Response};
use http_body_util::Full;
use model::policy::Transport;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::answer::REQUEST_ID;
use crate::authenticate::Caller;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::operator;
use crate::origin::Origin;

/// Where the pages are.
pub const PAGES_PATH: &str = "/console";

/// The cookie that a session's token is kept in.
const COOKIE_NAME: &str = "trunkline-session";

/// The largest form that is read, in bytes.
pub(crate) const FORM_BYTES_MAX: usize = 4096;

/// The answer to come.
pub type PageFuture<'a> = Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send + 'a>>;

/// Web pages; `console` has those that are served.
pub trait Pages: fmt::Debug + Send + Sync {
    /// Answers a request under [`PAGES_PATH`].
    fn answer<'a>(&'a self, desk: Desk<'a>, request: PageRequest<'a>) -> PageFuture<'a>;
}

/// A request for a page.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<'a> {
    /// The method.
    pub method: &'a Method,
    /// What follows [`PAGES_PATH`] in the path: empty, or beginning with a slash.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: &'a str,
    /// Whether a browser says that another site's page sent it.
    pub is_foreign: bool,
    /// The body: a form.
    pub form: &'a [u8],
}

/// What a page can ask and do.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    context: &'a Context,
    origin: Origin,
    token: Option<&'a str>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(context: &'a Context, origin: Origin, parts: &'a Parts) -> Self {
        Self { context, origin, token: token(parts) }
    }

    /// The id of the key that is signed in.
    #[must_use]
    pub fn key_id(&self) -> Option<String> {
        Some(self.caller()?.key_id().to_owned())
    }

    /// Asks the operator API by `GET`. `path` is what follows `/operator/`; of
    /// [what it answers](operator::dto), `T` is the shape.
    ///
    /// # Errors
    /// [`ErrorKind::MissingAuthenticationToken`] if nobody is signed in, and what the operator API refuses.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &str) -> Result<T, ApiError> {
        let Some(caller) = self.caller() else {
            return Err(ApiError::new(
                ErrorKind::MissingAuthenticationToken,
                "nobody is signed in; sign in",
            ));
        };
        caller.bucket().take(self.context.clock.now(), self.context.config.rate)?;
        let query = Some(query);
        let answer =
            operator::answer(self.context, caller, self.origin, &Method::GET, path, query, b"");
        serde_json::from_slice(&answer.await?.into_json())
            .map_err(|error| ApiError::failure().caused_by(error))
    }

    /// Begins a session, and returns the cookie that keeps it.
    ///
    /// # Errors
    /// No key has this id and this secret, or it is disabled.
    pub fn sign_in(&self, key_id: &str, secret: &str) -> Result<HeaderValue, ApiError> {
        let context = self.context;
        let token =
            context.sessions.sign_in(&context.keys, (key_id, secret), context.clock.now())?;
        tracing::info!(key_id, source = %self.origin.source, "signed in to the console");
        Ok(self.cookie(&token))
    }

    /// Ends the session, and returns the cookie that forgets it.
    #[must_use]
    pub fn sign_out(&self) -> HeaderValue {
        if let Some(token) = self.token {
            self.context.sessions.sign_out(token);
        }
        self.cookie("")
    }

    fn caller(&self) -> Option<Caller> {
        let now = self.context.clock.now();
        self.context.sessions.caller(&self.context.keys, self.token?, now)
    }

    fn cookie(&self, token: &str) -> HeaderValue {
        let secure = if self.origin.transport == Transport::Tls { "; Secure" } else { "" };
        let forget = if token.is_empty() { "; Max-Age=0" } else { "" };
        let cookie = Zeroizing::new(format!(
            "{COOKIE_NAME}={token}; Path={PAGES_PATH}; HttpOnly; SameSite=Strict{secure}{forget}"
        ));
        let mut cookie = HeaderValue::from_str(&cookie).expect("a token is hexadecimal digits");
        cookie.set_sensitive(true);
        cookie
    }
}

impl fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// What follows [`PAGES_PATH`] if the request is for a page.
pub(crate) fn path_within(path: &str) -> Option<&str> {
    path.strip_prefix(PAGES_PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a browser says that the request comes from another site's page (Fetch Metadata).
pub(crate) fn is_foreign(parts: &Parts) -> bool {
    let site = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !matches!(site, None | Some(b"same-origin" | b"none"))
}

/// Names the request in the answer.
pub(crate) fn named(mut page: Response<Full<Bytes>>, request_id: &str) -> Response<Full<Bytes>> {
    let id = HeaderValue::from_str(request_id).expect("a request id is a UUID");
    page.headers_mut().insert(REQUEST_ID, id);
    page
}

/// The token in the request's cookies (RFC 6265 §5.4).
fn token(parts: &Parts) -> Option<&str> {
    let cookies = parts.headers.get_all(COOKIE).iter().filter_map(|it| it.to_str().ok());
    cookies.flat_map(|it| it.split(';')).find_map(|it| {
        let (name, value) = it.trim().split_once('=')?;
        (name == COOKIE_NAME).then_some(value)
    })
}
