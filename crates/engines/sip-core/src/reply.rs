//! Where responses go.

use std::net::SocketAddr;

use sip_message::{Flow, Rport, Via};

/// Where the responses to a request that came by `flow` are sent (RFC 3261 §18.2.2, RFC 3581 §4).
///
/// Over a stream: back on it. Over UDP: to the source address; to the source port if the client
/// asked for that with `rport`, else to the port of `sent-by`. `maddr` is not followed: it would
/// let a stranger aim our responses at a third party.
#[must_use]
pub fn reply_flow(flow: Flow, via: &Via<'_>) -> Flow {
    if flow.transport.is_reliable() || via.rport != Rport::Absent {
        return flow;
    }
    Flow { remote: sent_by(flow, via), ..flow }
}

/// The source address with the port of `sent-by`: where a new connection is made when the one
/// that brought the request is gone (RFC 3261 §18.2.2).
pub(crate) fn sent_by(flow: Flow, via: &Via<'_>) -> SocketAddr {
    SocketAddr::new(flow.remote.ip(), via.port.unwrap_or(flow.transport.default_port()))
}
