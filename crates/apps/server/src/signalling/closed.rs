//! Connections that are no more: what the engine is told, and what the log and the metrics.

use std::collections::BTreeMap;

use call::{Input, Now};
use net::{CloseReason, TlsFault};
use sip_message::{Flow, Transport};
use tracing::{debug, info, warn};

/// Lines about strangers' handshakes that are logged in one second; the rest are counted only.
const LINES_PER_SECOND_MAX: u32 = 5;

/// Failed TLS handshakes by fault, since the start, and how many were logged lately.
#[derive(Debug, Default)]
pub(super) struct Handshakes {
    failed: BTreeMap<&'static str, u64>,
    second: u64,
    lines: u32,
}

impl Handshakes {
    /// How many failed, by fault.
    pub(super) fn failed(&self) -> BTreeMap<&'static str, u64> {
        self.failed.clone()
    }

    /// What the engine is told of a connection that is no more. The log hears of a failed handshake:
    /// of a stranger's at the pace of strangers, of one with a peer of ours always.
    pub(super) fn note(&mut self, now: Now, flow: Flow, reason: CloseReason) -> Input<'static> {
        match reason {
            CloseReason::HandshakeFailed(fault) => self.fault(now, flow, fault.code(), Some(fault)),
            CloseReason::HandshakeTimedOut => self.fault(now, flow, "timed-out", None),
            CloseReason::ConnectFailed(_)
            | CloseReason::ConnectTimedOut
            | CloseReason::ByPeer
            | CloseReason::Failed(_)
            | CloseReason::TlsFailed(_)
            | CloseReason::NotSip(_)
            | CloseReason::MessageTimedOut
            | CloseReason::Idle
            | CloseReason::NoPong
            | CloseReason::Stalled
            | CloseReason::QueueFull => debug!(%flow, %reason, "a connection is no more"),
        }
        if reason.is_failed_connect() && flow.peer().is_some() {
            Input::FlowFailed { flow }
        } else {
            Input::FlowClosed { flow }
        }
    }

    fn fault(&mut self, now: Now, flow: Flow, code: &'static str, fault: Option<TlsFault>) {
        debug_assert_eq!(flow.transport, Transport::Tls, "only TLS has handshakes");
        *self.failed.entry(code).or_default() += 1;
        let remedy = fault.map_or("see whether the peer answers on this port", TlsFault::remedy);
        let what = fault.map_or_else(|| "it took too long".into(), |it| it.to_string());
        let peer = flow.remote;
        if flow.peer().is_some() {
            warn!(%peer, fault = code, "no TLS with a peer of ours: {what}; {remedy}");
        } else if self.may_log(now) {
            info!(%peer, fault = code, "a TLS handshake failed: {what}; {remedy}");
        }
    }

    fn may_log(&mut self, now: Now) -> bool {
        let second = now.unix.0 / 1000;
        if second != self.second {
            (self.second, self.lines) = (second, 0);
        }
        self.lines += 1;
        self.lines <= LINES_PER_SECOND_MAX
    }
}
