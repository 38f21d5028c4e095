//! A packet costs no heap allocation on its way through the relay.
#![expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait; this one counts and delegates")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test begins at some instant and computes all later ones"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::rtp::{Header, Marker};
use media::srtp::{Keys, MasterKey, Outbound, Suite, TRAILER_BYTES_MAX};
use media::{
    CallMediaId, LegSpec, LegTerms, LocalPort, PortRange, Protection, Relay, RelayConfig, rtcp,
};

/// The system's allocator, counting what this thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: both methods hand their arguments to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Gone while its thread ends, when nobody counts any more.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    run();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn relaying_between_a_protected_leg_and_one_in_clear_allocates_nothing() {
    let start = Instant::now();
    let remote: SocketAddr = "198.51.100.7:4000".parse().unwrap();
    for suite in Suite::ALL {
        let key = |byte| {
            let bytes = vec![byte; suite.key_bytes() + suite.salt_bytes()];
            MasterKey::parse(suite, &bytes).unwrap()
        };
        let keys = Keys { outbound: key(1), inbound: key(2), inbound_mki: None };
        let mut peer = Outbound::new(key(2));
        let mut relay = Relay::new(RelayConfig::new(PortRange::parse(20_000, 20_009).unwrap()));
        let leg = |port, protection| LegSpec {
            port: LocalPort::parse(port).unwrap(),
            terms: LegTerms { protection, ..LegTerms::to(remote) },
        };
        let protected = leg(20_000, Protection::Srtp(Box::new(keys)));
        let legs = [protected, leg(20_002, Protection::Clear)];
        relay.open(start, CallMediaId(1), legs).unwrap();

        let mut forward = |sequence: u16| {
            let now = start + Duration::from_millis(20) * sequence.into();
            let timestamp = u32::from(sequence) * 160;
            let header =
                Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp, ssrc: 7 };
            let mut packet = [0; 172 + TRAILER_BYTES_MAX];
            packet[..12].copy_from_slice(&header.print());
            relay.handle_in(now, 20_002, remote, &mut packet, 172).unwrap();
            let mut packet = [0; 172 + TRAILER_BYTES_MAX];
            packet[..12].copy_from_slice(&header.print());
            let len = peer.protect_rtp(&mut packet, 172).unwrap();
            relay.handle_in(now, 20_000, remote, &mut packet, len).unwrap();
        };
        // The first packet of a leg is an event and a stream, and both are kept.
        forward(0);
        assert_eq!(allocations(|| (1..1000).for_each(forward)), 0, "{}", suite.name());
    }
}

#[test]
fn relaying_audio_reports_and_strangers_allocates_nothing() {
    let start = Instant::now();
    let remote: SocketAddr = "198.51.100.7:4000".parse().unwrap();
    let stranger: SocketAddr = "192.0.2.66:9".parse().unwrap();
    let mut relay = Relay::new(RelayConfig::new(PortRange::parse(20_000, 20_009).unwrap()));
    let leg = |port| LegSpec { port: LocalPort::parse(port).unwrap(), terms: LegTerms::to(remote) };
    relay.open(start, CallMediaId(1), [leg(20_000), leg(20_002)]).unwrap();
    let mut packet = [0; 172];
    let mut report = Vec::new();
    rtcp::write_report(&mut report, 7, None, &[], "a");
    let report_from = SocketAddr::new(remote.ip(), 4001);

    let mut forward = |sequence: u16| {
        let now = start + Duration::from_millis(20) * sequence.into();
        let timestamp = u32::from(sequence) * 160;
        let header =
            Header { payload_type: 0, marker: Marker::Clear, sequence, timestamp, ssrc: 7 };
        packet[..12].copy_from_slice(&header.print());
        relay.handle(now, 20_000, remote, &mut packet).unwrap();
        relay.handle(now, 20_001, report_from, &mut report).unwrap();
        relay.handle(now, 20_002, stranger, &mut packet).unwrap_err();
    };
    // The first packet of a leg is an event, and events have a queue.
    forward(0);
    assert_eq!(allocations(|| (1..1000).for_each(forward)), 0);
}
