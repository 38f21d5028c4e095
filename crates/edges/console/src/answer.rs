//! Pages as HTTP, and refusals as pages.

use api::pages::{Desk, PAGES_PATH, PageRequest};
use api::{ApiError, ErrorKind};
use askama::Template;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::sign_in;
use crate::text::encode;

/// What every answer says to the browser: nothing but our own style sheet and forms, nothing remembered,
/// nothing told to other sites.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// A page that cannot be shown.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The API refused what the page asked.
    Api(ApiError),
    /// The page itself says why.
    Told(StatusCode, &'static str),
    /// The page could not be written.
    Broken(askama::Error),
}

impl Refused {
    pub(crate) const fn told(status: StatusCode, text: &'static str) -> Self {
        Self::Told(status, text)
    }

    /// What is shown instead of the page. Who is not signed in is sent to where one signs in.
    pub(crate) fn into_page(
        self,
        desk: &Desk<'_>,
        request: PageRequest<'_>,
    ) -> Response<Full<Bytes>> {
        let (status, message) = match self {
            Self::Api(error) if error.kind == ErrorKind::MissingAuthenticationToken => {
                return see_other(&sign_in::path_for(request), None);
            }
            Self::Api(error) => (error.status(), error.message),
            Self::Told(status, text) => (status, text.to_owned()),
            Self::Broken(error) => {
                tracing::error!(%error, "a page of the console could not be written");
                (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be written.".to_owned())
            }
        };
        let key_id = desk.key_id();
        html(status, &ErrorPage { key_id: key_id.as_deref(), status, message: &message })
            .unwrap_or_else(|_unwritable| plain(status, message))
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<askama::Error> for Refused {
    fn from(error: askama::Error) -> Self {
        Self::Broken(error)
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    key_id: Option<&'a str>,
    status: StatusCode,
    message: &'a str,
}

/// A page of HTML.
pub(crate) fn html(
    status: StatusCode,
    page: &impl Template,
) -> Result<Response<Full<Bytes>>, Refused> {
    Ok(answer(status, "text/html; charset=utf-8", page.render()?))
}

/// The style sheet: the same for everybody, and for an hour.
pub(crate) fn style(text: &'static str) -> Response<Full<Bytes>> {
    let mut style = answer(StatusCode::OK, "text/css; charset=utf-8", text);
    style.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    style
}

/// Sends the browser to another page under [`PAGES_PATH`], perhaps with a cookie.
pub(crate) fn see_other(path: &str, cookie: Option<HeaderValue>) -> Response<Full<Bytes>> {
    let mut answer = plain(StatusCode::SEE_OTHER, String::new());
    let location = HeaderValue::from_str(&format!("{PAGES_PATH}{path}"))
        .unwrap_or(HeaderValue::from_static(PAGES_PATH));
    answer.headers_mut().insert(LOCATION, location);
    if let Some(cookie) = cookie {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    answer(status, "text/plain; charset=utf-8", text)
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// A path and a query of `name=value` pairs; pairs without a value are left out.
pub(crate) fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut link = path.to_owned();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        link.push(if link.contains('?') { '&' } else { '?' });
        link.push_str(name);
        link.push('=');
        link.push_str(&encode(value));
    }
    link
}
