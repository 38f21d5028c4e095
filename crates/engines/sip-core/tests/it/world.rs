//! An endpoint in virtual time, and the messages that tests give it.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use sip_core::{ClientId, Config, Endpoint, Event, Received, Replies, ServerId};
use sip_message::{Flow, Message, Method, Status, Transport};

/// The instant that virtual time starts at; only differences from it matter.
#[expect(clippy::disallowed_methods, reason = "an Instant has no other origin; tests add to it")]
pub(crate) fn start() -> Instant {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    *START
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn flow(transport: Transport) -> Flow {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    Flow {
        transport,
        local: address("198.51.100.1:5060"),
        remote: address("192.0.2.7:5070"),
        connection: if transport == Transport::Udp { 0 } else { 3 },
    }
}

/// One endpoint and its clock.
pub(crate) struct World {
    pub(crate) endpoint: Endpoint,
    pub(crate) flow: Flow,
    pub(crate) now: Instant,
}

impl World {
    pub(crate) fn new(transport: Transport) -> Self {
        Self::with(transport, Config::default())
    }

    pub(crate) fn with(transport: Transport, config: Config) -> Self {
        Self { endpoint: Endpoint::new(config, [7; 32]), flow: flow(transport), now: start() }
    }

    pub(crate) fn receive(&mut self, text: &str) -> Received {
        let message = Message::parse(text.as_bytes()).unwrap();
        self.endpoint.receive(self.now, self.flow, &message)
    }

    /// Receives what must be a new request.
    pub(crate) fn accept(&mut self, text: &str) -> ServerId {
        let received = self.receive(text);
        let Received::Request { server } = received else {
            panic!("not a new request: {received:?}");
        };
        server
    }

    pub(crate) fn respond(&mut self, server: ServerId, request: &str, status: Status) {
        let message = Message::parse(request.as_bytes()).unwrap();
        let replies = Replies::new(&message, &self.flow).unwrap();
        let tag = self.endpoint.tag(server).unwrap();
        let bytes = replies.bare(status, status.reason(), &tag);
        self.endpoint.respond(self.now, server, status, bytes).unwrap();
    }

    /// Sends a request with a branch of the endpoint's; gives its text.
    pub(crate) fn request(&mut self, method: Method<'_>) -> (ClientId, String) {
        let branch = self.endpoint.new_branch();
        let text = request(method.as_str(), &branch, "");
        let bytes = text.clone().into_bytes();
        let sent = self.endpoint.request(self.now, self.flow, method, &branch, bytes, 42);
        (sent.unwrap(), text)
    }

    /// The start lines of everything sent since the last look.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.endpoint.poll_output())
            .map(|it| first_line(std::str::from_utf8(&it.bytes).unwrap()).to_owned())
            .collect()
    }

    pub(crate) fn sent_whole(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.endpoint.poll_output())
            .map(|it| String::from_utf8(it.bytes).unwrap())
            .collect()
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.endpoint.poll_event()).collect()
    }

    /// Lets time pass, wake by wake; gives the moments of every message sent, in milliseconds
    /// since `start`, and the last moment at which anything was armed.
    pub(crate) fn run_until(&mut self, end: Duration) -> Vec<u64> {
        let mut moments = Vec::new();
        while let Some((at, _)) = self.endpoint.poll_timeout()
            && at <= start() + end
        {
            self.now = at.max(self.now);
            self.endpoint.handle_timeout(self.now);
            while self.endpoint.poll_output().is_some() {
                moments.push(self.elapsed());
            }
        }
        self.now = start() + end;
        moments
    }

    pub(crate) fn elapsed(&self) -> u64 {
        (self.now - start()).as_millis().try_into().unwrap()
    }
}

pub(crate) fn first_line(text: &str) -> &str {
    text.split("\r\n").next().unwrap()
}

/// A request; `headers` are whole lines.
pub(crate) fn request(method: &str, branch: &str, headers: &str) -> String {
    format!(
        "{method} sip:+12065550100@vc.example SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5070;branch={branch}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:+12065550199@192.0.2.7>;tag=from1\r\n\
         To: <sip:+12065550100@vc.example>\r\n\
         Call-ID: call-1\r\n\
         CSeq: 1 {method}\r\n\
         {headers}Content-Length: 0\r\n\r\n"
    )
}

/// The response a server would give to `request`.
pub(crate) fn response(request: &str, status: Status) -> String {
    let message = Message::parse(request.as_bytes()).unwrap();
    let replies = Replies::new(&message, &flow(Transport::Udp)).unwrap();
    String::from_utf8(replies.bare(status, status.reason(), "remote1")).unwrap()
}
