//! From one HTTP request to one answer.
//!
//! ```text
//! request ─► request id ─► route ─► claim ─► body ─► verify ─► throttle ─┬─► sts
//!                      │                                                  ├─► operator
//!                      ├─► openapi                                        └─► authorize ─► operate
//!                      └─► pages
//! ```

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use chime_api::{Matched, Method, route, route_error_of_method};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use model::TransactionId;
use tokio::time::{Instant, timeout};

use crate::answer::{Answer, Dialect};
use crate::audit::{Draft, What};
use crate::authenticate::{self, Claim, Service};
use crate::authorize::Asked;
use crate::body::Sender;
use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::origin::Origin;
use crate::pages::{self, Desk, PageRequest};
use crate::{body, openapi, operation, operator, sts};

/// Answers one request. Never fails, and outlives its own panics.
pub(crate) async fn respond(
    context: Arc<Context>,
    origin: Origin,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let id = TransactionId::from_random(crate::random::bytes());
    let request_id = id.to_string();
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    if let Some(document) = openapi::answer(&parts, &request_id) {
        context.tally.add("openapi", document.status().as_u16(), began.elapsed());
        return document;
    }
    if let Some(path) = pages::path_within(parts.uri.path()) {
        let page = show(&context, origin, (&parts, path), body, &request_id).await;
        context.tally.add("console", page.status().as_u16(), began.elapsed());
        return page;
    }
    let dialect = dialect(&parts);
    let mut line = LogLine::UNKNOWN;
    let routed = Routed::of(&parts);
    line.draft = routed.what(&parts).and_then(|it| Draft::of(it, id, context.clock.now(), origin));

    let limit = context.config.limits.request_time;
    let answered = guarded(timeout(
        limit,
        process(&context, origin, (&parts, routed), body, &request_id, &mut line),
    ))
    .await;
    let outcome = match answered {
        Some(Ok(outcome)) => outcome,
        Some(Err(_elapsed)) => Err(ApiError::new(
            ErrorKind::ServiceUnavailable,
            format!(
                "the request took longer than {limit:?}, and may or may not have been done; look, then ask again",
            ),
        )
        .retry_after(1)),
        None => Err(ApiError::failure().caused_by("a panic, reported by the panic hook above")),
    };
    line.log(&request_id, &outcome, began.elapsed());
    if let Some(draft) = line.draft.take() {
        let error = outcome.as_ref().err().map(|it| it.kind.wire().1);
        context.audit.conclude(draft, status_of(&outcome), error);
    }
    context.tally.add(line.operation, status_of(&outcome), began.elapsed());
    match outcome {
        Ok(answer) => answer.into_response(&request_id),
        Err(error) => error.into_response(&request_id, dialect),
    }
}

/// Answers a request for a web page.
async fn show(
    context: &Context,
    origin: Origin,
    (parts, path): (&Parts, &str),
    body: Incoming,
    request_id: &str,
) -> Response<Full<Bytes>> {
    let limits = &context.config.limits;
    let shown = async {
        check_header_size(parts, limits.header_bytes)?;
        check_host(parts)?;
        let allowance = context.bodies.allowance(Sender::Stranger);
        let form = body::read(body, pages::FORM_BYTES_MAX, limits.body_time, allowance).await?;
        let pages = context.pages.get().ok_or_else(no_pages)?;
        let request = PageRequest {
            method: &parts.method,
            path,
            query: parts.uri.query().unwrap_or(""),
            is_foreign: pages::is_foreign(parts),
            form: &form,
        };
        Ok(pages.answer(Desk::new(context, origin, parts), request).await)
    };
    let shown = match guarded(timeout(limits.request_time, shown)).await {
        Some(Ok(shown)) => shown,
        Some(Err(_elapsed)) => Err(ApiError::new(
            ErrorKind::ServiceUnavailable,
            format!("the page took longer than {:?}; ask again", limits.request_time),
        )),
        None => Err(ApiError::failure().caused_by("a panic, reported by the panic hook above")),
    };
    match shown {
        Ok(page) => pages::named(page, request_id),
        Err(error) => error.into_response(request_id, Dialect::Json),
    }
}

fn no_pages() -> ApiError {
    ApiError::new(ErrorKind::NotFound, "this process serves no web pages")
}

async fn process(
    context: &Context,
    origin: Origin,
    (parts, routed): (&Parts, Routed<'_>),
    body: Incoming,
    request_id: &str,
    line: &mut LogLine,
) -> Result<Answer, ApiError> {
    let limits = &context.config.limits;
    let claim = match admit(context, parts) {
        Ok(claim) => claim,
        Err(refusal) => {
            body::discard(body, limits.body_bytes).await;
            return Err(refusal);
        }
    };
    if let Some(draft) = &mut line.draft {
        draft.claimed(claim.key_id());
    }
    let sender = if context.keys.knows(claim.key_id()) { Sender::Known } else { Sender::Stranger };
    let allowance = context.bodies.allowance(sender);
    let body = body::read(body, limits.body_bytes, limits.body_time, allowance).await?;
    let caller = claim.verify(parts, &body, &context.keys)?;
    line.caller = Some(format!("{}/{}", caller.account(), caller.key_id()));
    if let Some(draft) = &mut line.draft {
        draft.signed(&caller);
    }
    caller.bucket().take(context.clock.now(), context.config.rate)?;

    if claim.service == Service::Sts {
        line.operation = "sts";
        return sts::answer(parts, &body, &caller, request_id);
    }
    let matched = match routed {
        Routed::Operator(path) => {
            line.operation = "operator";
            let context = context.recording(line.draft.clone());
            let query = parts.uri.query();
            return operator::answer(&context, caller, origin, &parts.method, path, query, &body)
                .await;
        }
        Routed::Operation(routed) => routed?,
    };
    line.operation = matched.operation.name();
    let query = parts.uri.query().unwrap_or("");
    let Matched { operation, labels } = &matched;
    let asked = Asked { operation: *operation, labels, query, body: &body };
    if let Some(draft) = &mut line.draft {
        draft.about(&asked.targets());
    }
    let permit = caller.authorize(context, origin, asked).await?;
    operation::answer(&context.recording(line.draft.clone()), permit, asked).await
}

/// What a request is for, by its line alone.
enum Routed<'a> {
    /// The operator API: what follows `/operator/`.
    Operator(&'a str),
    /// An operation of the API, if there is one.
    Operation(Result<Matched, ApiError>),
}

impl<'a> Routed<'a> {
    fn of(parts: &'a Parts) -> Self {
        let path = parts.uri.path();
        if let Some(path) = operator::path_within(path) {
            return Self::Operator(path);
        }
        let method = parts.method.as_str();
        Self::Operation(match Method::parse(method) {
            Some(method) => {
                route(method, path, parts.uri.query().unwrap_or("")).map_err(ApiError::from)
            }
            None => Err(route_error_of_method(method, path).into()),
        })
    }

    /// The same as the audit sees it.
    fn what(&self, parts: &'a Parts) -> Option<What<'_>> {
        match self {
            Self::Operator(path) => Some(What::Operator(&parts.method, path)),
            Self::Operation(matched) => matched.as_ref().ok().map(What::Operation),
        }
    }
}

/// What can be told from a request's head alone.
fn admit<'a>(context: &Context, parts: &'a Parts) -> Result<Claim<'a>, ApiError> {
    check_header_size(parts, context.config.limits.header_bytes)?;
    check_host(parts)?;
    authenticate::claim(parts, context.clock.now())
}

/// Refuses a request whose line and headers together exceed the limit.
fn check_header_size(parts: &Parts, limit: usize) -> Result<(), ApiError> {
    let target = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    let headers: usize =
        parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if target + headers > limit {
        return Err(ApiError::bad_request(format!(
            "the request's target and headers are larger than {limit} bytes together, the most that is \
             taken; send fewer or shorter ones"
        )));
    }
    Ok(())
}

/// Refuses a request that does not say once which host it is for (RFC 9112 §3.2).
fn check_host(parts: &Parts) -> Result<(), ApiError> {
    let hosts = parts.headers.get_all(HOST).iter().count();
    if hosts == 1 || (hosts == 0 && parts.version == Version::HTTP_10) {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "the request has {hosts} Host headers and must have exactly one; a client sends it by itself"
    )))
}

/// The protocol that the sender of a request will read an error in.
fn dialect(parts: &Parts) -> Dialect {
    let says = |name: http::HeaderName, text: &str| {
        parts.headers.get(name).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains(text))
    };
    // What curl sends without being told is a form by its header, and JSON to this service.
    if says(AUTHORIZATION, "/chime/aws4_request") || !parts.headers.contains_key(AUTHORIZATION) {
        Dialect::Json
    } else if says(AUTHORIZATION, "/s3/aws4_request") {
        Dialect::RestXml
    } else if says(CONTENT_TYPE, "application/x-www-form-urlencoded") {
        Dialect::Query
    } else if parts.headers.contains_key("x-amz-target") {
        Dialect::JsonRpc
    } else {
        Dialect::Json
    }
}

/// Runs a future to its end; `None` if it panicked.
async fn guarded<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // A panicking request drops its own state; what it shares is behind locks that recover.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Err(_panic) => Poll::Ready(None),
        }
    })
    .await
}

fn status_of(outcome: &Result<Answer, ApiError>) -> u16 {
    match outcome {
        Ok(answer) => answer.status(),
        Err(error) => error.kind.wire().0.as_u16(),
    }
}

/// What one request leaves behind. In the log: no path, no body, no names of users or numbers.
struct LogLine {
    caller: Option<String>,
    operation: &'static str,
    /// What the audit will keep of it, if it would change something.
    draft: Option<Draft>,
}

impl LogLine {
    /// Of a request of which nothing is known yet.
    const UNKNOWN: Self = Self { caller: None, operation: "none", draft: None };

    fn log(&self, request_id: &str, outcome: &Result<Answer, ApiError>, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let (status, operation) = (status_of(outcome), self.operation);
        let caller = self.caller.as_deref().unwrap_or("-");
        match outcome {
            Ok(_) => tracing::info!(request_id, caller, operation, status, took_us, "served"),
            Err(error) if error.kind.is_ours() => {
                let cause = error.cause.as_deref().map(ToString::to_string).unwrap_or_default();
                let code = error.kind.wire().2;
                tracing::error!(
                    request_id, caller, operation, status, code, took_us, cause, "failed"
                );
            }
            Err(error) => {
                let code = error.kind.wire().2;
                tracing::info!(request_id, caller, operation, status, code, took_us, "refused");
            }
        }
    }
}
