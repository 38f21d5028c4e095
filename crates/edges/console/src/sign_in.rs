//! Signing in and out.

use api::pages::{Desk, PageRequest};
use askama::Template;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use zeroize::Zeroizing;

use crate::answer::{Refused, html, link, see_other};
use crate::text::field;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    key_id: Option<&'a str>,
    /// Where to go then.
    next: &'a str,
    typed: &'a str,
    refused: &'a str,
}

/// Where one signs in to see what was asked for.
pub(crate) fn path_for(request: PageRequest<'_>) -> String {
    let asked = match (request.path, request.query) {
        ("" | "/", "") => String::new(),
        (path, "") => path.to_owned(),
        (path, query) => format!("{path}?{query}"),
    };
    link("/sign-in", &[("next", &asked)])
}

/// Asks for a key's id and secret.
pub(crate) fn form(request: PageRequest<'_>) -> Result<Response<Full<Bytes>>, Refused> {
    let next = next(request.query.as_bytes());
    html(StatusCode::OK, &SignInPage { key_id: None, next: &next, typed: "", refused: "" })
}

/// Begins a session, or asks again.
pub(crate) fn begin(
    desk: Desk<'_>,
    request: PageRequest<'_>,
) -> Result<Response<Full<Bytes>>, Refused> {
    refuse_foreign(request)?;
    let typed = field(request.form, "key-id").unwrap_or_default();
    let secret = Zeroizing::new(field(request.form, "secret").unwrap_or_default());
    let next = next(request.form);
    match desk.sign_in(typed.trim(), secret.trim()) {
        Ok(cookie) => Ok(see_other(&next, Some(cookie))),
        Err(refused) => {
            let page =
                SignInPage { key_id: None, next: &next, typed: &typed, refused: &refused.message };
            html(refused.status(), &page)
        }
    }
}

/// Ends the session.
pub(crate) fn end(
    desk: Desk<'_>,
    request: PageRequest<'_>,
) -> Result<Response<Full<Bytes>>, Refused> {
    refuse_foreign(request)?;
    Ok(see_other("/sign-in", Some(desk.sign_out())))
}

fn refuse_foreign(request: PageRequest<'_>) -> Result<(), Refused> {
    if request.is_foreign {
        return Err(Refused::told(
            StatusCode::FORBIDDEN,
            "Another site's page sent this; open the console and do it there.",
        ));
    }
    Ok(())
}

/// Where to go after signing in: a page of ours, whatever the form says.
fn next(form: &[u8]) -> String {
    let next = field(form, "next").unwrap_or_default();
    let is_ours = next.starts_with('/') && next.bytes().all(|it| it.is_ascii_graphic());
    if is_ours { next } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_from_signing_in_stays_among_the_pages() {
        assert_eq!(next(b"next=%2Fcalls%3Fstate%3Drejected"), "/calls?state=rejected");
        for foreign in [&b"next=https%3A%2F%2Fexample.com"[..], b"next=%2F%0d%0aX%3A%20y", b""] {
            assert_eq!(next(foreign), "");
        }
    }
}
