//! Responses: what they copy from their request, copied once.

use sip_message::{Flow, HeaderError, Message, MessageWriter, Name, Problem, Status};

use crate::stamp;

const LINE_END: &[u8] = b"\r\n";

/// The part of every response that comes from its request: Via (stamped), From, To, Call-ID,
/// CSeq, Timestamp and Record-Route (RFC 3261 §8.2.6.2, §12.1.1, §16.7).
///
/// Made when the request comes in, it outlives the request's bytes, and each response is one copy.
#[derive(Debug, Clone)]
pub struct Replies {
    head: Vec<u8>,
    /// Where a To tag goes; `None` if the request brought one.
    tag_at: Option<usize>,
    /// Where Record-Route begins, which only responses that make a dialog carry.
    record_route_at: usize,
}

impl Replies {
    /// Takes what responses to `request`, which came by `flow`, will need.
    ///
    /// # Errors
    /// The header that is missing or cannot be read; such a request cannot be answered.
    pub fn new(request: &Message<'_>, flow: &Flow) -> Result<Self, HeaderError> {
        let via = request.via()?;
        let to = request.to()?;
        let mut head = Vec::with_capacity(request.bytes().len().min(1024));
        stamp::vias(&mut head, request, &via, flow.remote);
        let mut writer = MessageWriter::resume(&mut head);
        for name in [Name::From, Name::CallId, Name::CSeq] {
            let problem = Problem::Missing;
            writer.raw(request.lines(name).next().ok_or(HeaderError { name, problem })?);
        }
        writer.copy_all(request, Name::Timestamp);
        writer.copy_all(request, Name::To);
        let tag_at = to.tag().is_none().then(|| head.len() - LINE_END.len());
        let record_route_at = head.len();
        MessageWriter::resume(&mut head).copy_all(request, Name::RecordRoute);
        Ok(Self { head, tag_at, record_route_at })
    }

    /// Begins a response in `out`: start line and copied headers. The caller adds its own headers
    /// and finishes.
    ///
    /// `tag` goes into To if the request had none there, except in a 100 (RFC 3261 §8.2.6.2).
    /// Record-Route goes into 101–299.
    pub fn start<'b>(
        &self,
        out: &'b mut Vec<u8>,
        status: Status,
        reason: &str,
        tag: &str,
    ) -> MessageWriter<'b> {
        let makes_dialog = (101..300).contains(&status.0);
        let end = if makes_dialog { self.head.len() } else { self.record_route_at };
        out.reserve(end + 256);
        start_line(out, status, reason);
        match self.tag_at {
            Some(at) if status != Status::TRYING => {
                for part in [&self.head[..at], b";tag=", tag.as_bytes(), &self.head[at..end]] {
                    out.extend_from_slice(part);
                }
            }
            Some(_) | None => out.extend_from_slice(&self.head[..end]),
        }
        MessageWriter::resume(out)
    }

    /// A whole response without a body and without headers of its own.
    #[must_use]
    pub fn bare(&self, status: Status, reason: &str, tag: &str) -> Vec<u8> {
        let mut out = Vec::new();
        self.start(&mut out, status, reason, tag).finish();
        out
    }

    /// Whether the request came with a To tag: within a dialog, or claiming so.
    #[must_use]
    pub fn is_in_dialog(&self) -> bool {
        self.tag_at.is_none()
    }
}

/// The start line; what would end it early becomes a blank.
fn start_line(out: &mut Vec<u8>, status: Status, reason: &str) {
    out.extend_from_slice(b"SIP/2.0 ");
    stamp::decimal(out, status.0.into());
    out.push(b' ');
    let clean = |byte| if matches!(byte, b'\r' | b'\n' | 0) { b' ' } else { byte };
    out.extend(reason.bytes().map(clean));
    out.extend_from_slice(LINE_END);
}
