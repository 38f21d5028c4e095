//! The answer to what is no HTTP request.
//!
//! The HTTP library answers by itself what it cannot read: junk, a line or headers beyond its buffer,
//! bad framing. Its answer is a bare status line. This stream recognises it on its way out by what
//! every answer of ours has and it has not, a request id, and puts one in its place that says what is
//! wrong, in the envelope that clients read.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use model::TransactionId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::answer::{ERROR_TYPE, REQUEST_ID};
use crate::error::ApiError;

/// How long what a refused client still sends is read, so that it gets to its answer instead of a reset.
const LINGER_TIME: Duration = Duration::from_secs(1);
/// How much of it is read at most, in bytes.
const LINGER_BYTES_MAX: usize = 1 << 20;

/// A connection on which the HTTP library's own refusals are explained.
pub(crate) struct Explained<S> {
    stream: S,
    /// What is being written in place of a bare refusal, and how much of it is out.
    standing: Option<(Vec<u8>, usize)>,
    linger: Linger,
}

/// Whether the connection ends with a refusal, and how far its end has come.
enum Linger {
    /// Nothing was refused by the library.
    No,
    /// A refusal is out; the connection is to be closed with care.
    Due,
    /// Our side is closed; so many bytes of theirs were thrown away.
    Reading(Pin<Box<Sleep>>, usize),
    /// Both are.
    Over,
}

impl<S> Explained<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, standing: None, linger: Linger::No }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.standing.is_none() {
            match explanation(bytes) {
                Some(text) => this.standing = Some((text, 0)),
                None => return Pin::new(&mut this.stream).poll_write(cx, bytes),
            }
        }
        ready!(this.write_standing(cx))?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let head = slices.iter().find(|it| !it.is_empty()).map_or(&[][..], |it| it);
        if self.standing.is_some() || explanation(head).is_some() {
            return self.poll_write(cx, head);
        }
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match this.linger {
            Linger::No => return Pin::new(&mut this.stream).poll_shutdown(cx),
            Linger::Due => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                this.linger = Linger::Reading(Box::pin(sleep(LINGER_TIME)), 0);
            }
            Linger::Reading(..) | Linger::Over => {}
        }
        ready!(this.poll_linger(cx));
        this.linger = Linger::Over;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Explained<S> {
    /// Writes what stands in place of a bare refusal.
    fn write_standing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some((text, out)) = &mut self.standing {
            while *out < text.len() {
                match ready!(Pin::new(&mut self.stream).poll_write(cx, &text[*out..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => *out += count,
                }
            }
        }
        self.standing = None;
        self.linger = Linger::Due;
        Poll::Ready(Ok(()))
    }

    /// Reads on until the peer closes, or enough was read, or enough time is over.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Linger::Reading(end, seen) = &mut self.linger else { return Poll::Ready(()) };
        let mut chunk = [0; 4096];
        while *seen < LINGER_BYTES_MAX && end.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut chunk);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => *seen += buffer.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

/// What to write in place of `bytes`, if they are a bare refusal: a whole head of a 4xx without a
/// request id.
fn explanation(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"HTTP/1.1 4") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?;
    if head.contains(REQUEST_ID.as_str()) {
        return None;
    }
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?;
    let request_id = TransactionId::from_random(crate::random::bytes()).to_string();
    tracing::info!(request_id, status, "refused what is no HTTP request");
    // Date and Connection of the library's answer stay.
    let kept = lines.filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    Some(written(&refusal(status), &request_id, kept))
}

/// The refusal behind the library's status.
fn refusal(status: &str) -> ApiError {
    ApiError::bad_request(match status {
        "414" => {
            "the request's target is larger than 65534 bytes, which no operation needs; shorten it"
        }
        "431" => {
            "the request has more than 100 headers, or its line and headers are larger than is read; send fewer \
             or shorter ones"
        }
        _ => {
            "the request is not HTTP/1.1: its line, its headers or the length of its body cannot be read \
             (RFC 9112); send one that is well formed"
        }
    })
}

/// A response as bytes, in the usual envelope.
fn written<'a>(
    refusal: &ApiError,
    request_id: &str,
    kept: impl Iterator<Item = &'a str>,
) -> Vec<u8> {
    let (status, shape, code) = refusal.kind.wire();
    let body = serde_json::json!({ "Code": code, "Message": refusal.message }).to_string();
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    format!(
        "HTTP/1.1 {status}\r\n{kept}{REQUEST_ID}: {request_id}\r\n{ERROR_TYPE}: {shape}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Dialect;

    #[test]
    fn a_bare_refusal_is_explained_and_an_answer_of_ours_is_not_touched() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\
            date: Mon, 23 Nov 2026 10:11:12 GMT\r\n\r\n";
        let text = String::from_utf8(explanation(bare).unwrap()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(head.contains("connection: close") && head.contains("date: Mon"), "{head}");
        assert!(head.contains("x-amzn-errortype: BadRequestException"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(head.matches("content-length").count(), 1);
        assert!(body.contains("100 headers"), "{body}");

        let (ours, _) = ApiError::bad_request("x").into_response("id", Dialect::Json).into_parts();
        assert!(ours.headers.contains_key(REQUEST_ID));
        for other in [
            "HTTP/1.1 404 Not Found\r\nx-amzn-requestid: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 5\r\n\r\nhello",
            "a body\r\n\r\n",
            "",
        ] {
            assert_eq!(explanation(other.as_bytes()), None, "{other}");
        }
    }
}
