//! The web pages under `/console`: the service at a glance, its calls, and why each one went as it did.
//!
//! | page | what |
//! |---|---|
//! | `/console` | the process, carriers and routes with their health, calls that go on, the latest that did not |
//! | `/console/calls` | calls, filtered and paged |
//! | `/console/calls/{id}` | one call: every decision, what was heard, its messages |
//! | `/console/sign-in`, `/console/sign-out` | an access key's id and secret begin a session |
//!
//! Written on the server, without a script: what a page shows is in its source, and a browser that
//! forbids everything else shows it too. Nothing can be changed here; `trunkline` commands and the API
//! do that.
//!
//! It refuses to decide who may see what: it asks the [operator API](api::operator) through a [`Desk`] in
//! the name of who is signed in, and shows what comes back, refusals included.
//!
//! The invariant: a stranger's text, wherever it comes from, stays text on every page.

mod answer;
mod page;
mod sign_in;
mod text;
mod words;

use api::pages::{Desk, PageFuture, PageRequest, Pages};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::Full;

use crate::answer::Refused;

const STYLE: &str = include_str!("../templates/style.css");

/// The pages.
#[derive(Debug, Default, Clone, Copy)]
pub struct Console;

impl Pages for Console {
    fn answer<'a>(&'a self, desk: Desk<'a>, request: PageRequest<'a>) -> PageFuture<'a> {
        Box::pin(async move {
            respond(desk, request).await.unwrap_or_else(|refused| refused.into_page(&desk, request))
        })
    }
}

async fn respond(
    desk: Desk<'_>,
    request: PageRequest<'_>,
) -> Result<Response<Full<Bytes>>, Refused> {
    let reads = matches!(*request.method, Method::GET | Method::HEAD);
    match (reads, request.path.trim_end_matches('/')) {
        (true, "/style.css") => Ok(answer::style(STYLE)),
        (true, "/sign-in") => sign_in::form(request),
        (false, "/sign-in") => sign_in::begin(desk, request),
        (false, "/sign-out") => sign_in::end(desk, request),
        (true, "") => page::overview(desk).await,
        (true, "/calls") => page::calls(desk, request.query).await,
        (true, path) => match path.strip_prefix("/calls/") {
            Some(id) if !id.contains('/') => page::call(desk, &text::decode(id)).await,
            _ => Err(Refused::told(StatusCode::NOT_FOUND, "There is no such page.")),
        },
        (false, _) => Err(Refused::told(
            StatusCode::METHOD_NOT_ALLOWED,
            "Nothing can be sent to this page; open it.",
        )),
    }
}
