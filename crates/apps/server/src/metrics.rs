//! The metrics page: what each part counts, read when somebody asks.
//!
//! Counters live in the threads that count; nothing is shared on the call path. A thread that does
//! not answer in time leaves its part out, and the page says so.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use store::Store;

use crate::VERSION;
use crate::admin::{Exposition, Scrape};
use crate::media::{MediaCounters, MediaHandle};
use crate::projection::SharedDirectory;
use crate::records::Recorder;
use crate::signalling::live::{Asker, SignallingCounters, carriers_at};

/// Where the numbers are.
pub(crate) struct Metrics {
    pub(crate) asker: Asker,
    pub(crate) media: MediaHandle,
    pub(crate) recorder: Recorder,
    pub(crate) directory: SharedDirectory,
    pub(crate) store: Store,
    pub(crate) api: Arc<api::Context>,
    /// The API's TLS, if it speaks TLS.
    pub(crate) tls: Option<Arc<api::Tls>>,
    pub(crate) started: Instant,
}

impl Scrape for Metrics {
    fn scrape(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>> {
        Box::pin(async {
            let signalling = self.asker.counters().await.ok();
            let media = self.media.counters().await;
            let mut page = Exposition::default();
            page.info("trunkline_build_info", "What runs here.", "version", VERSION);
            page.gauge(
                "trunkline_uptime_seconds",
                "Time since the service became ready.",
                self.started.elapsed().as_secs(),
            );
            let answered = [
                ("signalling", u8::from(signalling.is_some())),
                ("media", u8::from(media.is_some())),
            ];
            page.gauges(
                "trunkline_thread_up",
                "Whether the thread answered this scrape.",
                "thread",
                answered,
            );
            if let Some(counted) = &signalling {
                call_page(&mut page, counted);
                sip_page(&mut page, counted);
                connections_page(&mut page, counted);
                repeats_page(&mut page, counted);
                peer_page(&mut page, counted);
                places_page(&mut page, counted, &self.directory.load());
            }
            if let Some(counted) = &media {
                media_page(&mut page, counted);
            }
            api_page(&mut page, &self.api.served());
            if let Some(tls) = &self.tls {
                page.counter(
                    "trunkline_api_tls_handshakes_failed_total",
                    "Connections to the API that ended before TLS was agreed upon.",
                    tls.handshakes_failed(),
                );
            }
            self.state_page(&mut page);
            page.finish()
        })
    }
}

impl Metrics {
    fn state_page(&self, page: &mut Exposition) {
        let directory = self.directory.load();
        page.gauge(
            "trunkline_voice_connectors",
            "Voice Connectors that exist.",
            directory.connector_count(),
        );
        page.gauge("trunkline_numbers_owned", "Numbers with an owner.", directory.number_count());
        page.gauge(
            "trunkline_carriers",
            "Carriers that calls can go to, the simulated one included.",
            directory.carriers().len(),
        );
        page.gauge(
            "trunkline_store_revision",
            "The last change of durable state.",
            self.store.revision(),
        );
        page.gauge(
            "trunkline_call_records_waiting",
            "Call records that wait for the store.",
            self.recorder.waiting(),
        );
        page.counter(
            "trunkline_call_records_lost_total",
            "Call records lost because the store was away for too long.",
            self.recorder.lost(),
        );
        page.counter(
            "trunkline_audit_records_lost_total",
            "Audit records of refused requests lost because the store was away for too long.",
            self.api.audit_lost(),
        );
    }
}

fn api_page(page: &mut Exposition, served: &[api::Served]) {
    let labels = |it: &api::Served| vec![it.operation.to_owned(), it.status.to_string()];
    page.counters_by(
        "trunkline_api_requests_total",
        "API requests answered, by operation and HTTP status.",
        &["operation", "status"],
        served.iter().map(|it| (labels(it), it.count.to_string())),
    );
    page.counters_by(
        "trunkline_api_request_seconds_total",
        "Time that those requests took together.",
        &["operation", "status"],
        served.iter().map(|it| (labels(it), format!("{:.6}", it.took.as_secs_f64()))),
    );
}

fn call_page(page: &mut Exposition, counted: &SignallingCounters) {
    let engine = &counted.engine;
    page.gauge("trunkline_calls_active", "Calls that go on.", counted.calls_live);
    page.counter(
        "trunkline_call_attempts_total",
        "INVITEs that began a call attempt at a Voice Connector, challenges not counted.",
        engine.attempts,
    );
    page.counter("trunkline_calls_admitted_total", "Attempts that were let in.", engine.admitted);
    page.counter("trunkline_calls_answered_total", "Calls that were answered.", engine.answered);
    page.counter(
        "trunkline_calls_replaced_total",
        "Legs of calls whose place another device took, by INVITE with Replaces.",
        engine.replaced,
    );
    page.counters(
        "trunkline_calls_rejected_total",
        "Attempts that were not let in, by reason.",
        "reason",
        engine.rejected.iter(),
    );
    page.counters(
        "trunkline_calls_ended_total",
        "Calls that were let in and have ended, by reason.",
        "reason",
        engine.ended.iter(),
    );
    page.counters(
        "trunkline_calls_one_way_total",
        "Times that one side of a call was not heard while the other one talked, by that side.",
        "silent",
        engine.one_way.iter(),
    );
    page.counter("trunkline_sip_challenges_total", "Digest challenges sent.", engine.challenges);
    page.counter("trunkline_sip_options_total", "OPTIONS answered 200.", engine.options);
}

fn sip_page(page: &mut Exposition, counted: &SignallingCounters) {
    let SignallingCounters { engine, udp, streams, .. } = counted;
    page.counter(
        "trunkline_sip_messages_total",
        "SIP messages received.",
        engine.messages_received,
    );
    page.counters(
        "trunkline_sip_dropped_total",
        "SIP messages that went no further, by reason.",
        "reason",
        engine.dropped.iter(),
    );
    page.counters(
        "trunkline_sip_received_total",
        "Datagrams and framed messages received, by transport.",
        "transport",
        [("udp", udp.received), ("tcp", streams.received), ("tls", streams.received_tls)],
    );
    page.counters(
        "trunkline_sip_sent_total",
        "Datagrams and messages sent, by transport.",
        "transport",
        [("udp", udp.sent), ("tcp", streams.sent), ("tls", streams.sent_tls)],
    );
    page.counters(
        "trunkline_sip_unsent_total",
        "Messages that could not be sent, by reason.",
        "reason",
        [
            ("udp_refused", udp.send_refused),
            ("udp_queue_full", udp.queue_full),
            ("udp_unreachable", udp.unreachable),
            ("stream_queue_full", streams.queue_full),
        ],
    );
    let (free, taken) = counted.ports;
    page.gauges(
        "trunkline_media_port_pairs",
        "RTP port pairs that are bound, by state.",
        "state",
        [("free", free), ("in_call", taken)],
    );
}

/// Connections of SIP.
fn connections_page(page: &mut Exposition, counted: &SignallingCounters) {
    let streams = &counted.streams;
    page.gauge(
        "trunkline_sip_connections",
        "TCP and TLS connections that are open.",
        counted.connections,
    );
    page.counters(
        "trunkline_sip_connections_begun_total",
        "TCP and TLS connections by how they began.",
        "how",
        [
            ("accepted", streams.accepted),
            ("connected", streams.connects),
            ("reused", streams.reused),
            ("refused_over_limit", streams.over_limit),
            ("refused_over_source_limit", streams.over_source_limit),
            ("refused_over_handshakes", streams.over_handshakes),
        ],
    );
    page.counter(
        "trunkline_sip_tls_accepted_total",
        "Accepted connections on which TLS was agreed upon.",
        streams.accepted_tls,
    );
    page.counters(
        "trunkline_sip_tls_handshakes_failed_total",
        "Connections, accepted or ours, that ended before TLS was agreed upon, by fault.",
        "fault",
        counted.handshakes_failed.iter().map(|(fault, count)| (*fault, *count)),
    );
}

/// What was said again, and waited for in vain.
fn repeats_page(page: &mut Exposition, counted: &SignallingCounters) {
    let repeats = &counted.repeats;
    page.counters(
        "trunkline_sip_retransmissions_total",
        "Requests and final responses that were sent again, and those that came again.",
        "what",
        [
            ("request_sent", repeats.requests_sent),
            ("response_sent", repeats.responses_sent),
            ("request_received", repeats.requests_received),
            ("response_received", repeats.responses_received),
        ],
    );
    page.counters(
        "trunkline_sip_timeouts_total",
        "Waits for a peer that were given up, by the timer of RFC 3261 that ended them.",
        "timer",
        repeats.timeouts(),
    );
}

/// The places that calls go to.
fn peer_page(page: &mut Exposition, counted: &SignallingCounters) {
    let engine = &counted.engine;
    let (up, down) = counted.peers;
    page.gauges(
        "trunkline_sip_peers",
        "Carriers' and routes' addresses that are watched, by state.",
        "state",
        [("up", up), ("down", down)],
    );
    page.counters(
        "trunkline_sip_probes_total",
        "OPTIONS sent to carriers and routes, and those that were answered badly or not at all.",
        "what",
        [("sent", engine.probes), ("failed", engine.probes_failed)],
    );
}

/// The same places by name: as many as a page may hold, those that are down before the others.
fn places_page(page: &mut Exposition, counted: &SignallingCounters, directory: &call::Directory) {
    let labels = |place: &call::PeerHealth| {
        let call::directory::Hop { transport, address, .. } = place.hop;
        let carriers = carriers_at(directory, &place.hop).join(" ");
        vec![carriers, transport.as_param().to_owned(), address.to_string()]
    };
    let of = |value: fn(&call::PeerHealth) -> Option<String>| {
        counted.places.iter().filter_map(move |it| Some((labels(it), value(it)?)))
    };
    const LABELS: &[&str] = &["carrier", "transport", "address"];
    page.gauges_by(
        "trunkline_sip_peer_up",
        "Whether a place that calls go to answers; at most 200 are named, those that are down first.",
        LABELS,
        of(|it| Some(u8::from(it.state == call::PeerState::Up).to_string())),
    );
    page.gauges_by(
        "trunkline_sip_peer_failures",
        "How often in a row a place that calls go to has not answered.",
        LABELS,
        of(|it| Some(it.failures.to_string())),
    );
    page.gauges_by(
        "trunkline_sip_peer_round_trip_seconds",
        "How long the last answer to OPTIONS of a place took.",
        LABELS,
        of(|it| Some(it.round_trip?.as_secs_f64().to_string())),
    );
}

fn media_page(page: &mut Exposition, counted: &MediaCounters) {
    let packets = &counted.packets;
    page.gauge("trunkline_media_calls", "Calls whose media is open.", counted.calls);
    page.gauge(
        "trunkline_media_pairs_bound",
        "RTP port pairs that are bound.",
        counted.pairs_bound,
    );
    page.counter("trunkline_media_received_total", "Media datagrams received.", packets.received);
    page.counter("trunkline_media_sent_total", "Media datagrams sent.", packets.sent);
    page.counters(
        "trunkline_media_dropped_total",
        "Media datagrams that went no further, by reason.",
        "reason",
        counted
            .drops
            .iter()
            .map(|(reason, count)| (reason.name(), count))
            .chain([("too_long", packets.too_long)]),
    );
    page.counter(
        "trunkline_media_missing_total",
        "RTP packets that had not come from a peer when a later one did.",
        counted.gaps.missing,
    );
    page.counter(
        "trunkline_media_late_total",
        "RTP packets that came behind a later one; without these the missing ones are lost.",
        counted.gaps.late,
    );
    page.counter(
        "trunkline_media_unreachable_total",
        "Media datagrams that the network reported as undeliverable.",
        packets.unreachable,
    );
    page.counter(
        "trunkline_media_events_lost_total",
        "Events of the media thread that nobody came to hear.",
        counted.events_lost,
    );
}
