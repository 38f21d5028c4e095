//! Bodies of the fuzz targets, here so that a stable test replays their corpora.
//!
//! Each takes any bytes and panics if something that must always hold does not.

use crate::frame::{Frame, FrameError, FrameReader};
use crate::{
    CSeq, Date, DigestFields, HEADERS_MAX, HeaderError, Host, MediaType, Message, MessageWriter,
    Name, NameAddr, Params, RAck, Reason, Replaces, RetryAfter, Scheme, SessionExpires, StartLine,
    Uri, Values, Via, Word, unquote,
};

/// Parses, reads every header typed, checks, and writes the message again: what was accepted is
/// still accepted and still says the same.
pub fn message(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    read_everything(&message);
    let verdict = message.check();
    let mut printed = Vec::new();
    rewrite(&message, &mut printed);
    // With as many headers as are read, there may be no room for a Content-Length.
    if verdict.is_err() || message.headers().count() == HEADERS_MAX {
        return;
    }
    let again = Message::parse(&printed).expect("what was accepted is printed readably");
    assert_eq!(again.check(), Ok(()), "what was accepted is printed acceptably");
    assert_eq!(first_line(&again), first_line(&message));
    assert_eq!(again.body(), message.body());
    let carried = |it: &Message<'_>| {
        let kept = |name| name != Name::ContentLength;
        let headers = it.headers().filter(|header| kept(header.name));
        headers.map(|it| (it.raw_name.to_owned(), it.line.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(carried(&again), carried(&message), "lines are carried byte for byte");
    answer(&message);
}

/// Reads text as a URI and as every kind of header value; what is accepted prints to itself.
pub fn uri(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(uri) = Uri::parse(text) {
        let printed = uri.to_string();
        let again = Uri::parse(&printed).expect("a printed URI is a URI");
        assert_eq!(again, uri, "{text:?} as {printed:?}");
        assert!(uri.matches(&again), "a URI equals itself: {text:?}");
        let _ = (uri.user_unescaped(), uri.phone_digits(), uri.transport(), uri.is_loose_route());
        assert_eq!(uri.host == Host::Absent, matches!(uri.scheme, Scheme::Tel | Scheme::Other(_)));
    }
    header_values(text);
    Values::new(text).for_each(header_values);
    Params::new(text).iter().for_each(|param| drop(param.unquoted()));
    let _ = unquote(text);
}

/// Frames a stream at once and in pieces whose sizes the first bytes choose: same frames.
pub fn stream(data: &[u8]) {
    let (sizes, bytes) = data.split_at(data.len().min(4));
    let whole = frames(std::iter::once(bytes));
    let mut rest = bytes;
    let mut turn = 0;
    let pieces = std::iter::from_fn(|| {
        let size = sizes.get(turn % 4).map_or(1, |size| usize::from(size % 17) + 1);
        turn += 1;
        let (piece, after) = rest.split_at(rest.len().min(size));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    });
    assert_eq!(frames(pieces), whole, "frames do not depend on how the stream was cut");
    for frame in whole.iter().flatten() {
        if let Owned::Message(bytes) = frame {
            message(bytes);
            let parsed = Message::parse(bytes);
            if let Ok(parsed) = parsed {
                assert_eq!(parsed.bytes(), bytes, "the parser sees the framer's lengths");
            }
        }
    }
}

#[derive(Debug, PartialEq)]
enum Owned {
    Message(Vec<u8>),
    Ping,
    Pong,
}

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Owned, FrameError>> {
    let mut reader = FrameReader::new();
    let mut frames = Vec::new();
    for piece in pieces {
        reader.push(piece);
        while let Some(frame) = reader.next() {
            let owned = frame.map(|frame| match frame {
                Frame::Message(bytes) => Owned::Message(bytes.to_vec()),
                Frame::Ping => Owned::Ping,
                Frame::Pong => Owned::Pong,
            });
            let failed = owned.is_err();
            frames.push(owned);
            if failed {
                return frames;
            }
        }
    }
    frames
}

/// Every typed read there is. An error is a fine answer; a panic is not.
fn read_everything(message: &Message<'_>) {
    let _ = (message.via(), message.from(), message.to(), message.call_id(), message.cseq());
    let _ = (message.contact(), message.has_wildcard_contact(), message.request_uri());
    let _ = (message.refer_to(), message.replaces(), message.rack(), message.rseq());
    let _ = (message.max_forwards(), message.expires(), message.min_expires());
    let _ = (message.session_expires(), message.min_se(), message.retry_after(), message.date());
    let _ = (message.content_type(), message.content_disposition(), message.content_length());
    let _ = (message.event(), message.subscription_state(), message.can_be_answered());
    let _ = (message.supports("timer"), message.check_support(&["timer"]));
    message.vias().for_each(drop);
    message.contacts().for_each(drop);
    message.accept().for_each(drop);
    message.allow().for_each(drop);
    message.reasons().for_each(drop);
    message.privacy().for_each(drop);
    message.unsupported(&["timer"]).for_each(drop);
    for &name in Name::ALL {
        message.addresses(name).flatten().for_each(|it| drop((it.parsed_uri(), it.display_name())));
        message.credentials(name).flatten().for_each(|fields| {
            drop((fields.username(), fields.nonce_count(), fields.is_stale()));
        });
    }
    for header in message.headers() {
        assert!(header.line.starts_with(header.raw_name.as_bytes()));
        assert!(message.named(header.raw_name).next().is_some());
        header_values(header.value);
    }
}

/// Reads one text as every kind of header value.
fn header_values(text: &str) {
    is_canonical(text, |text| Some(NameAddr::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(Via::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(CSeq::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(RAck::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(Word::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(MediaType::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(Reason::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(SessionExpires::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(RetryAfter::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(Replaces::parse(text).ok()?.to_string()));
    is_canonical(text, |text| Some(Date::parse(text).ok()?.to_string()));
    if let Ok(fields) = DigestFields::parse(text) {
        fields.params().for_each(drop);
    }
}

/// What a text prints as once it was read is read again and prints the same.
fn is_canonical(text: &str, print: impl Fn(&str) -> Option<String>) {
    if let Some(printed) = print(text) {
        assert_eq!(print(&printed).as_deref(), Some(printed.as_str()), "from {text:?}");
    }
}

/// The start line without the version, whose letters may have any case.
fn first_line<'a>(message: &Message<'a>) -> (&'a str, &'a str) {
    match message.start() {
        StartLine::Request(line) => (line.method.as_str(), line.uri),
        StartLine::Response(line) => (line.status.reason(), line.reason),
    }
}

fn rewrite(message: &Message<'_>, printed: &mut Vec<u8>) {
    let mut writer = match message.start() {
        StartLine::Request(line) => MessageWriter::request(printed, line.method, line.uri),
        StartLine::Response(line) => MessageWriter::response(printed, line.status, line.reason),
    };
    for header in message.headers().filter(|header| header.name != Name::ContentLength) {
        writer.raw(header.line);
    }
    writer.raw_body(message.body());
}

/// A response to an accepted request is itself acceptable and keeps the transaction's names.
fn answer(message: &Message<'_>) {
    if !message.is_request() {
        return;
    }
    let source = std::net::SocketAddr::from(([192, 0, 2, 7], 5070));
    let mut printed = Vec::new();
    let status = crate::Status::BAD_REQUEST;
    MessageWriter::response_to(&mut printed, message, status, status.reason(), source, "t4g")
        .finish();
    let response = Message::parse(&printed).expect("a response of ours is readable");
    assert_eq!(response.check(), Ok(()), "a response of ours is acceptable");
    assert_eq!(response.call_id(), message.call_id());
    assert_eq!(response.cseq(), message.cseq());
    assert_eq!(response.vias().count(), message.vias().count());
    let branch = |it: &Message<'_>| it.via().map(|via| via.branch.map(str::to_owned));
    let branches: Result<_, HeaderError> = branch(&response);
    assert_eq!(branches, branch(message));
    assert!(response.to().is_ok_and(|to| to.tag().is_some()), "every final answer has a To tag");
}
