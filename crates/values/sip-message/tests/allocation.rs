//! An ordinary INVITE costs no heap allocation: not to parse, not to read, not to check.

#![expect(unsafe_code, reason = "GlobalAlloc is an unsafe trait; this one counts and delegates")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use sip_message::{Message, MessageWriter, Name, StartLine, Status};

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn note() {
    // Gone while its thread ends, when nobody counts any more.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every method hands its arguments to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
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

/// 884 bytes: twelve headers, P-Asserted-Identity, an SDP offer.
const INVITE: &[u8] = include_bytes!("fixtures/invite-884.dat");

#[test]
fn the_measured_invite_is_what_the_figures_say() {
    let message = Message::parse(INVITE).unwrap();
    assert_eq!(INVITE.len(), 884);
    assert_eq!(message.headers().count(), 13);
    assert!(message.contains(Name::PAssertedIdentity));
    assert_eq!(message.check(), Ok(()));
    assert!(message.body().starts_with(b"v=0\r\n") && message.body().ends_with(b"\r\n"));
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn parsing_and_reading_an_invite_allocates_nothing() {
    let count = allocations(|| {
        let message = Message::parse(black_box(INVITE)).unwrap();
        black_box(message.via().unwrap());
        black_box((message.from().unwrap().tag(), message.to().unwrap().tag()));
        black_box((message.call_id().unwrap(), message.cseq().unwrap()));
        black_box(message.contact().unwrap().unwrap().parsed_uri().unwrap());
        black_box(message.request_uri().unwrap());
    });
    assert_eq!(count, 0);
}

#[test]
fn checking_an_invite_allocates_nothing() {
    let message = Message::parse(INVITE).unwrap();
    assert_eq!(allocations(|| black_box(message.check()).unwrap()), 0);
}

#[test]
fn answering_into_a_buffer_with_room_allocates_nothing() {
    let message = Message::parse(INVITE).unwrap();
    let mut buffer = Vec::with_capacity(INVITE.len());
    let source = "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535".parse().unwrap();
    let count = allocations(|| {
        let (status, tag) = (Status::RINGING, "8f2c");
        MessageWriter::response_to(&mut buffer, &message, status, status.reason(), source, tag)
            .finish();
    });
    assert_eq!(count, 0);
    let response = Message::parse(&buffer).unwrap();
    assert_eq!(response.via().unwrap().received_ip(), Some(source.ip()));
    assert_eq!(response.to().unwrap().tag(), Some("8f2c"));
}

#[test]
fn writing_into_a_buffer_with_room_allocates_nothing() {
    let message = Message::parse(INVITE).unwrap();
    let StartLine::Request(line) = message.start() else { panic!("a request") };
    let mut buffer = Vec::with_capacity(2 * INVITE.len());
    let count = allocations(|| {
        let mut writer = MessageWriter::request(&mut buffer, line.method, line.uri);
        writer.header(Name::MaxForwards, message.max_forwards().unwrap().unwrap() - 1);
        for header in message.headers() {
            if !matches!(header.name, Name::MaxForwards | Name::ContentLength) {
                writer.raw(header.line);
            }
        }
        writer.raw_body(message.body());
    });
    assert_eq!(count, 0);
    assert_eq!(Message::parse(&buffer).unwrap().check(), Ok(()));
}
