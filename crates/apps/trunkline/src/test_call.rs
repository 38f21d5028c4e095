//! Places one call from this terminal and tells everything about it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use agent::{Answering, CallOrder, Cause, Credential, Ended, Event, Sound, Srtp, Trace, Traced};
use server::peer::{Peer, PeerConfig, PeerEvent, PeerTls};
use sip_message::Transport;
use tokio::sync::mpsc;

use crate::failure::Failure;
use crate::ladder::{Arrow, header};

/// How long a call may ring before the caller gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call to be placed.
#[derive(Debug, Clone)]
pub(crate) struct TestCall {
    /// The SIP address of the service.
    pub(crate) service: SocketAddr,
    /// What carries the call.
    pub(crate) transport: Transport,
    /// The connector's outbound host name.
    pub(crate) host: String,
    /// The number that the call presents.
    pub(crate) from: String,
    /// The number to call.
    pub(crate) to: String,
    /// What a challenge is answered with.
    pub(crate) credential: Option<Credential>,
    /// How long to talk once answered.
    pub(crate) talk: Duration,
    /// Whether the audio is encrypted.
    pub(crate) srtp: Srtp,
}

/// A call that is over.
#[derive(Debug)]
pub(crate) struct Placed {
    /// Every message, in order.
    pub(crate) messages: Vec<Traced>,
    /// How it ended, and what was heard.
    pub(crate) ended: Box<Ended>,
    /// The Call-ID.
    pub(crate) call_id: Option<String>,
}

impl TestCall {
    /// Places the call and waits for its end. `watch` hears of each event as it comes. Ctrl-C hangs
    /// up.
    pub(crate) async fn place(self, mut watch: impl FnMut(&Event)) -> Result<Placed, Failure> {
        let cannot =
            |error| Failure::Failed(format!("no socket could be had for the call: {error}"));
        let config = PeerConfig {
            address: source_toward(self.service).map_err(cannot)?,
            transport: self.transport,
            srtp: self.srtp,
            answering: Answering::Refuse,
            trace: Trace::Messages,
            // A test call tells nobody anything, and is wanted most before certificates are right.
            tls: match self.transport {
                Transport::Udp | Transport::Tcp => None,
                Transport::Tls => Some(PeerTls::believing_anything().map_err(cannot)?),
            },
        };
        // One call's messages and events: the queue cannot grow without an end.
        let (sender, mut told) = mpsc::unbounded_channel();
        let sink = move |event| {
            // Nobody listens any more once the call is over.
            let _ = sender.send(event);
        };
        let peer = Peer::start(&config, sink).map_err(cannot)?;
        let Self { service, host, from, to, credential, talk, .. } = self;
        let order = CallOrder {
            credential,
            sound: Sound::Tone,
            hang_up_after: Some(talk),
            give_up_after: Some(PATIENCE),
            ..CallOrder::new(
                peer.flow_to(service),
                format!("sip:{from}@{host}"),
                format!("sip:{to}@{host}"),
            )
        };
        let gone = || Failure::Failed("the test caller has ended by itself".into());
        let call = peer.call(order).ok_or_else(gone)?;
        let mut messages = Vec::new();
        let ended = loop {
            tokio::select! {
                event = told.recv() => match event.ok_or_else(gone)? {
                    PeerEvent::Traced(traced) => messages.push(traced),
                    PeerEvent::Call { event: Event::Ended(ended), .. } => break ended,
                    PeerEvent::Call { event, .. } => watch(&event),
                },
                _ = tokio::signal::ctrl_c() => peer.hang_up(call),
            }
        };
        // The peer's thread ends after it has told everything, the last ACK included.
        drop(peer);
        while let Ok(event) = told.try_recv() {
            if let PeerEvent::Traced(traced) = event {
                messages.push(traced);
            }
        }
        let call_id = messages.iter().find_map(|it| header(&it.bytes, "Call-ID")).map(Into::into);
        Ok(Placed { messages, ended, call_id })
    }
}

impl Placed {
    /// When the first message left.
    pub(crate) fn began(&self) -> Instant {
        self.messages.first().map_or(self.ended.began, |it| it.at)
    }

    /// The messages as arrows between lane 0, the caller, and lane 1, the service.
    pub(crate) fn arrows(&self) -> impl Iterator<Item = Arrow> {
        self.messages.iter().map(|it| Arrow::of(it, self.began(), 0, 1))
    }

    /// The final status that the service refused the call with.
    pub(crate) fn refusal(&self) -> Option<u16> {
        match self.ended.cause {
            Cause::Rejected(status) | Cause::NoCredential(status) => Some(status.0),
            Cause::Challenged { status, .. } => Some(status.0),
            Cause::HungUp
            | Cause::PeerHungUp
            | Cause::Cancelled
            | Cause::PeerCancelled
            | Cause::TimedOut
            | Cause::TransportFailed
            | Cause::NoAck
            | Cause::Media(_)
            | Cause::NoPorts
            | Cause::TooManyCalls
            | Cause::NoDialog => None,
        }
    }

    /// How long it took from the first message to the answer.
    pub(crate) fn answered_after(&self) -> Option<Duration> {
        self.ended.answered.map(|at| at.saturating_duration_since(self.began()))
    }
}

/// The address of ours that packets to `remote` leave from.
pub(crate) fn source_toward(remote: SocketAddr) -> std::io::Result<IpAddr> {
    let any: IpAddr = match remote {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a datagram socket sends nothing; it only looks up the route.
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}
