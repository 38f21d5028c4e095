//! Requests that a client transaction derives from its INVITE: ACK and CANCEL.

use sip_message::{Message, MessageWriter, Method, Name, StartLine};

/// The ACK for a 3xx to 6xx (RFC 3261 §17.1.1.3): Request-URI, topmost Via, From, Call-ID, CSeq
/// number and Route of the INVITE, To of the response; the INVITE's own where that cannot be read.
pub(crate) fn ack(invite: &[u8], response: &Message<'_>) -> Vec<u8> {
    let to = response.first(Name::To).filter(|_| response.to().is_ok());
    derive(invite, Method::Ack, to, None)
}

/// The CANCEL (RFC 3261 §9.1): as the ACK, with the INVITE's own To; `reason` is the value of a
/// Reason header (RFC 3326).
pub(crate) fn cancel(invite: &[u8], reason: Option<&str>) -> Vec<u8> {
    derive(invite, Method::Cancel, None, reason)
}

fn derive(invite: &[u8], method: Method<'_>, to: Option<&str>, reason: Option<&str>) -> Vec<u8> {
    let invite = Message::parse(invite).expect("a client transaction's INVITE was made by us");
    let StartLine::Request(line) = invite.start() else {
        unreachable!("a client transaction begins with a request");
    };
    let number = invite.cseq().map_or(0, |cseq| cseq.number);
    let mut bytes = Vec::with_capacity(384);
    let mut writer = MessageWriter::request(&mut bytes, method, line.uri);
    if let Some(via) = invite.first(Name::Via) {
        writer.header(Name::Via, via);
    }
    writer.header(Name::MaxForwards, 70);
    writer.copy_all(&invite, Name::Route);
    writer.copy_all(&invite, Name::From);
    match to {
        Some(to) => writer.header(Name::To, to),
        None => writer.copy_all(&invite, Name::To),
    };
    writer.copy_all(&invite, Name::CallId);
    writer.header(Name::CSeq, format_args!("{number} {method}"));
    if let Some(reason) = reason {
        writer.header(Name::Reason, reason);
    }
    writer.finish();
    bytes
}
