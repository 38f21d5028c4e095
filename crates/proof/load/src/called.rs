//! The called side: answers from the request alone, so retransmissions are answered alike.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::text::{header, header_lines};

/// What the called side sends for one message.
pub(crate) fn answers(request: &str, local: SocketAddr) -> Vec<String> {
    match request.split(' ').next() {
        Some("INVITE") => vec![
            answer(request, "180 Ringing", local, ""),
            answer(request, "200 OK", local, &sdp(local)),
        ],
        Some("BYE" | "CANCEL" | "OPTIONS") => vec![answer(request, "200 OK", local, "")],
        Some(_) | None => Vec::new(),
    }
}

fn answer(request: &str, status: &str, local: SocketAddr, body: &str) -> String {
    let mut out = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "Record-Route", "From", "Call-ID", "CSeq"] {
        for line in header_lines(request, name) {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    let to = header(request, "To").unwrap_or_default();
    let tag = if to.contains("tag=") { "" } else { ";tag=called" };
    let _ = write!(out, "To: {to}{tag}\r\nContact: <sip:called@{local}>\r\n");
    if !body.is_empty() {
        out.push_str("Content-Type: application/sdp\r\n");
    }
    let _ = write!(out, "Content-Length: {}\r\n\r\n{body}", body.len());
    out
}

/// An answer with G.711 and telephone events.
pub(crate) fn sdp(local: SocketAddr) -> String {
    let ip = local.ip();
    format!(
        "v=0\r\no=load 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
    )
}
