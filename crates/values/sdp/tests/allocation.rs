//! Reading and rewriting an offer costs no heap allocation.
#![expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait; this one counts and delegates")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use sdp::{OriginRewrite, Relayed, Rewrite, Session};

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

const OFFER: &[u8] =
    b"v=0\r\no=- 1447 1447 IN IP4 10.1.2.3\r\ns=pbx\r\nc=IN IP4 10.1.2.3\r\nt=0 0\r\n\
    m=audio 17284 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

#[test]
fn reading_and_rewriting_an_offer_allocates_nothing() {
    let mut out = Vec::with_capacity(2 * OFFER.len());
    let address = "198.51.100.1".parse().unwrap();
    let count = allocations(|| {
        let session = Session::parse(black_box(OFFER)).unwrap();
        let audio = session.audio().unwrap();
        let relayed =
            [Relayed { formats: Some(&audio.payload_types()), ..Relayed::new(0, 20_000) }];
        let origin = OriginRewrite::Address;
        session.rewrite(&Rewrite { address, origin, relayed: &relayed }, &mut out);
    });
    assert_eq!(count, 0);
    assert!(Session::parse(&out).is_ok());
}
