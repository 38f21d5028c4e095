//! The engine: routes inputs to those who deal with them, and decides nothing itself.

use std::collections::VecDeque;
use std::time::Instant;

use media::PortPool;
use model::TransactionId;
use sip_core::Endpoint;
use sip_core::digest::{Guard, GuardConfig};

use crate::config::{Config, Seeds};
use crate::counters::Counters;
use crate::directory::Directory;
use crate::io::{Command, Input, Now, Output, Reason};
use crate::limit::Usage;
use crate::live::LiveCall;

/// The B2BUA of one shard, without I/O.
///
/// Four verbs: [`handle_input`](Self::handle_input) and [`handle_timeout`](Self::handle_timeout)
/// put something in, [`poll_output`](Self::poll_output) takes out what is to be done, and
/// [`poll_timeout`](Self::poll_timeout) says when to come again. Drain the outputs after each
/// input.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    endpoint: Endpoint,
    guard: Guard,
    ports: PortPool,
    usage: Usage,
    counters: Counters,
    outputs: VecDeque<Output>,
    draining: bool,
}

impl Engine {
    /// An engine without calls and without ports; [`Input::PortsReady`] brings those.
    pub fn new(config: Config, seeds: Seeds) -> Self {
        let Seeds { random, nonce_secret, process } = seeds;
        let guard = Guard::new(GuardConfig {
            algorithms: config.digest.algorithms.clone(),
            nonce_lifetime: config.digest.nonce_lifetime,
            nonces_tracked_max: config.digest.nonces_tracked_max,
            secret: nonce_secret,
            process,
        });
        let endpoint = Endpoint::new(config.sip, random);
        Self {
            config,
            endpoint,
            guard,
            ports: PortPool::new(),
            usage: Usage::default(),
            counters: Counters::default(),
            outputs: VecDeque::new(),
            draining: false,
        }
    }

    /// Takes one input. `directory` is the current snapshot.
    pub fn handle_input(&mut self, now: Now, input: Input<'_>, directory: &Directory) {
        let _ = (now, directory);
        match input {
            Input::PortsReady(ports) => ports.into_iter().for_each(|port| self.ports.add(port)),
            Input::Command(Command::Drain) => self.draining = true,
            Input::Message { .. }
            | Input::FlowFailed { .. }
            | Input::FlowClosed { .. }
            | Input::Media(_)
            | Input::Command(Command::HangUp { .. } | Command::HangUpAll) => {}
        }
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Now, directory: &Directory) {
        let _ = directory;
        self.endpoint.handle_timeout(now.instant);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next, and why.
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.endpoint.poll_timeout().map(|(at, reason)| (at, Reason::Transaction(reason)))
    }

    /// Takes the next thing to be done.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(sent) = self.endpoint.poll_output() {
            return Some(Output::Send { flow: sent.flow, bytes: sent.bytes });
        }
        self.outputs.pop_front()
    }

    /// Calls in progress, in order of their identifiers, beginning behind `after`.
    pub fn live_calls(&self, after: Option<TransactionId>, limit: usize) -> Vec<LiveCall> {
        let _ = (after, limit);
        Vec::new()
    }

    /// One call in progress.
    pub fn live_call(&self, transaction: TransactionId) -> Option<LiveCall> {
        let _ = transaction;
        None
    }

    /// Calls in progress.
    pub fn calls(&self) -> usize {
        self.usage.calls() as usize
    }

    /// Media port pairs that are free, and those in calls.
    pub fn ports(&self) -> (usize, usize) {
        (self.ports.free(), self.ports.taken())
    }

    /// What has been counted since the engine was made.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
