//! What a hand-driven peer writes.

use sip_message::{Message, Method, Name};

use crate::world::{CALLED, OWNED, PASSWORD, PBX, World, host};

/// A request being written.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) via: String,
    pub(crate) branch: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) contact: Option<String>,
    pub(crate) max_forwards: Option<u32>,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Option<(String, String)>,
}

impl Request {
    /// The PBX's INVITE with an offer.
    pub(crate) fn invite() -> Self {
        Self {
            method: "INVITE".into(),
            uri: format!("sip:{CALLED}@{}", host()),
            via: format!("SIP/2.0/UDP {PBX}"),
            branch: "1".into(),
            from: format!("\"PBX\" <sip:{OWNED}@{PBX}>;tag=caller"),
            to: format!("<sip:{CALLED}@{}>", host()),
            call_id: "call-1@pbx".into(),
            cseq: 1,
            contact: Some(format!("<sip:pbx@{PBX}>")),
            max_forwards: Some(70),
            headers: vec![],
            body: Some(("application/sdp".into(), sdp("192.0.2.10", 4000))),
        }
    }

    /// A request of the PBX without a body.
    pub(crate) fn plain(method: &str) -> Self {
        Self { method: method.into(), body: None, ..Self::invite() }
    }

    pub(crate) fn header(mut self, line: &str) -> Self {
        self.headers.push(line.into());
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Some(("application/sdp".into(), body.into()));
        self
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} {} SIP/2.0\r\n", self.method, self.uri);
        let mut line = |line: String| {
            text.push_str(&line);
            text.push_str("\r\n");
        };
        line(format!("Via: {};branch=z9hG4bK{};rport", self.via, self.branch));
        if let Some(hops) = self.max_forwards {
            line(format!("Max-Forwards: {hops}"));
        }
        line(format!("From: {}", self.from));
        line(format!("To: {}", self.to));
        line(format!("Call-ID: {}", self.call_id));
        line(format!("CSeq: {} {}", self.cseq, self.method));
        if let Some(contact) = &self.contact {
            line(format!("Contact: {contact}"));
        }
        for header in &self.headers {
            line(header.clone());
        }
        match &self.body {
            Some((kind, body)) => {
                line(format!("Content-Type: {kind}"));
                line(format!("Content-Length: {}\r\n", body.len()));
                text.push_str(body);
            }
            None => line("Content-Length: 0\r\n".into()),
        }
        text
    }
}

/// An audio description: PCMU, PCMA and events.
pub(crate) fn sdp(address: &str, port: u16) -> String {
    sdp_as(address, port, "sendrecv")
}

pub(crate) fn sdp_as(address: &str, port: u16, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n"
    )
}

/// A response to a request, with what a user agent adds to it.
pub(crate) fn response(
    request: &str,
    status: &str,
    tag: &str,
    extra: &[&str],
    body: Option<&str>,
) -> String {
    let message = Message::parse(request.as_bytes()).unwrap();
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq, Name::RecordRoute] {
        for value in message.all(name) {
            text.push_str(&format!("{name}: {value}"));
            if name == Name::To && !tag.is_empty() && message.to().unwrap().tag().is_none() {
                text.push_str(&format!(";tag={tag}"));
            }
            text.push_str("\r\n");
        }
    }
    for line in extra {
        text.push_str(line);
        text.push_str("\r\n");
    }
    match body {
        Some(body) => text.push_str(&format!(
            "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )),
        None => text.push_str("Content-Length: 0\r\n\r\n"),
    }
    text
}

/// The value of a header.
#[track_caller]
pub(crate) fn header(text: &str, name: Name) -> String {
    let message = Message::parse(text.as_bytes()).unwrap();
    let Some(value) = message.first(name) else { panic!("no {name} in:\n{text}") };
    value.to_owned()
}

/// The body.
pub(crate) fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The tag in To.
#[track_caller]
pub(crate) fn to_tag(text: &str) -> String {
    let message = Message::parse(text.as_bytes()).unwrap();
    message.to().unwrap().tag().expect("a To tag").to_owned()
}

/// The ACK for a final response to `request`: with its branch for a failure, without for a 2xx.
pub(crate) fn ack(request: &Request, response: &str) -> Request {
    let is_success = response.starts_with("SIP/2.0 2");
    Request {
        method: "ACK".into(),
        uri: match is_success {
            true => header(response, Name::Contact).trim_matches(['<', '>']).to_owned(),
            false => request.uri.clone(),
        },
        branch: match is_success {
            true => format!("{}ack", request.branch),
            false => request.branch.clone(),
        },
        to: header(response, Name::To),
        contact: None,
        headers: vec![],
        body: None,
        ..request.clone()
    }
}

/// A request of the PBX within the dialog that a 2xx made.
pub(crate) fn within(invite: &Request, answer: &str, method: &str, cseq: u32) -> Request {
    Request {
        method: method.into(),
        uri: header(answer, Name::Contact).trim_matches(['<', '>']).to_owned(),
        branch: format!("{method}{cseq}"),
        to: header(answer, Name::To),
        cseq,
        headers: vec![],
        body: None,
        ..invite.clone()
    }
}

/// A request of the carrier within the dialog of the INVITE it got.
pub(crate) fn carrier_within(
    invite: &str,
    carrier: &str,
    tag: &str,
    method: &str,
    cseq: u32,
) -> Request {
    Request {
        method: method.into(),
        uri: header(invite, Name::Contact).trim_matches(['<', '>']).to_owned(),
        via: format!("SIP/2.0/UDP {carrier}"),
        branch: format!("{method}{cseq}c"),
        from: format!("{};tag={tag}", header(invite, Name::To)),
        to: header(invite, Name::From),
        call_id: header(invite, Name::CallId),
        cseq,
        contact: Some(format!("<sip:{carrier}>")),
        max_forwards: Some(70),
        headers: vec![],
        body: None,
    }
}

/// Answers the 407 to `request` with the PBX's password.
pub(crate) fn authorized(
    request: &Request,
    challenge: &str,
    username: &str,
    password: &str,
) -> Request {
    let mut client = sip_core::digest::Client::new(
        username.into(),
        model::Secret::new(password.into()),
        &[3; 16],
    );
    client.challenged(&Message::parse(challenge.as_bytes()).unwrap()).unwrap();
    let authorization = client.authorization(Method::Invite, &request.uri).unwrap();
    let line = format!("{}: {authorization}", authorization.name());
    let again = Request {
        cseq: request.cseq + 1,
        branch: format!("{}a", request.branch),
        ..request.clone()
    };
    again.header(&line)
}

/// Places the PBX's call up to the INVITE at the carrier; gives the INVITE as it was let in, and
/// the one that left.
pub(crate) fn place(world: &mut World) -> (Request, String) {
    let invite = Request::invite();
    let invite = match world.directory.connector_by_host(&host()).unwrap().users().is_empty() {
        true => invite,
        false => {
            world.send(PBX, &invite.text());
            let challenge = world.expect(PBX, "SIP/2.0 407 ");
            world.send(PBX, &ack(&invite, &challenge).text());
            authorized(&invite, &challenge, "pbx", PASSWORD)
        }
    };
    world.send(PBX, &invite.text());
    world.expect(PBX, "SIP/2.0 100 ");
    let left = world.expect(crate::world::CARRIER, "INVITE ");
    (invite, left)
}

/// The carrier answers 200; gives the caller's 200.
pub(crate) fn answer(world: &mut World, left: &str) -> String {
    let contact = format!("Contact: <sip:{}>", crate::world::CARRIER);
    let ok = response(left, "200 OK", "called", &[&contact], Some(&sdp("198.51.100.20", 6000)));
    world.send(crate::world::CARRIER, &ok);
    world.expect(crate::world::CARRIER, "ACK ");
    world.expect(PBX, "SIP/2.0 200 ")
}

/// A whole answered call, acknowledged by the caller.
pub(crate) fn talk(world: &mut World) -> Talk {
    let (invite, left) = place(world);
    let answer = answer(world, &left);
    world.send(PBX, &ack(&invite, &answer).text());
    Talk { invite, left, answer }
}

/// What was said to set up a call.
pub(crate) struct Talk {
    /// The caller's INVITE as it was let in.
    pub(crate) invite: Request,
    /// The INVITE as it left for the carrier.
    pub(crate) left: String,
    /// The 200 as the caller got it.
    pub(crate) answer: String,
}

/// The carrier answers a caller on a stream, which acknowledges.
pub(crate) fn answered_over(world: &mut World, remote: &str, invite: &Request, left: &str) {
    let contact = format!("Contact: <sip:{}>", crate::world::CARRIER);
    let ok = response(left, "200 OK", "called", &[&contact], Some(&sdp("198.51.100.20", 6000)));
    world.send(crate::world::CARRIER, &ok);
    world.expect(remote, "SIP/2.0 100 ");
    let answer = world.expect(remote, "SIP/2.0 200 ");
    let transport = sip_message::Transport::Tcp;
    world.send_over(transport, remote, &ack(invite, &answer).text());
}
