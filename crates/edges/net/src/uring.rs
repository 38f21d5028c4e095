//! Datagrams of many sockets through one io_uring: receives that stay armed, buffers that the kernel
//! fills by itself, sends that leave together with the next wait.
//!
//! A relay's sockets have one packet per 20 ms each, so batches within a socket
//! ([`recvmmsg`](crate::UdpBatch)) do not come together; a ring gathers them across sockets. A packet
//! is changed and sent where it was received, and its buffer goes back when the send is done.
#![expect(
    unsafe_code,
    reason = "the kernel reads and writes memory that is named to it by address; this module owns it"
)]

use std::alloc::{self, Layout};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use io_uring::{IoUring, cqueue, opcode, squeue, types};

use crate::rtp_pool::{Forward, PACKET_BYTES_MAX, ROOM_BYTES};
use crate::sys;

/// Entries of the submission queue.
const ENTRIES: u32 = 1024;
/// Entries of the completion queue: everything that may finish between two waits.
const COMPLETIONS: u32 = 8192;
/// Packets that may be on their way at once, received and not yet sent; a power of two.
const BUFFERS: u16 = 1024;
/// The group that the kernel knows the buffers by.
const GROUP: u16 = 1;

/// What stands before a packet in its buffer: the kernel's header and the sender's address.
const NAME_BYTES: usize = size_of::<libc::sockaddr_in6>();
const HEAD_BYTES: usize = 16 + NAME_BYTES;
/// What the kernel may fill of a buffer.
const FILLED_BYTES: usize = HEAD_BYTES + PACKET_BYTES_MAX;
/// A buffer with the room behind its packet, in whole cache lines.
const STRIDE: usize = (FILLED_BYTES + ROOM_BYTES).next_multiple_of(64);

/// What a completion is about: the kind is in the upper half of its name, the number in the lower.
const RECEIVE: u64 = 0;
const SEND: u64 = 1 << 32;
const POLL: u64 = 2 << 32;

/// Memory shared with the kernel. Freed after the ring is closed.
struct Buffers {
    /// Where the kernel looks for free buffers: one entry for each.
    free: *mut types::BufRingEntry,
    bytes: Box<[u8]>,
    tail: u16,
}

// SAFETY: the memory behind `free` belongs to this value alone, wherever it moves.
unsafe impl Send for Buffers {}

impl Buffers {
    const LAYOUT: Layout = {
        let bytes = BUFFERS as usize * size_of::<types::BufRingEntry>();
        match Layout::from_size_align(bytes, 4096) {
            Ok(layout) => layout,
            Err(_) => panic!("a page is a sound alignment"),
        }
    };

    fn new() -> Self {
        // SAFETY: the layout is not empty.
        let free = unsafe { alloc::alloc_zeroed(Self::LAYOUT) };
        if free.is_null() {
            alloc::handle_alloc_error(Self::LAYOUT);
        }
        let bytes = vec![0; BUFFERS as usize * STRIDE].into_boxed_slice();
        let mut buffers = Self { free: free.cast(), bytes, tail: 0 };
        for buffer in 0..BUFFERS {
            buffers.give_back(buffer);
        }
        buffers
    }

    /// Lets the kernel fill a buffer again.
    fn give_back(&mut self, buffer: u16) {
        let at = usize::from(self.tail & (BUFFERS - 1));
        let start = self.bytes[usize::from(buffer) * STRIDE..].as_mut_ptr();
        // SAFETY: `at` is below the number of entries, which is what was allocated; the kernel reads
        // the entry only after the tail has moved behind it.
        unsafe {
            let entry = &mut *self.free.add(at);
            entry.set_addr(start as u64);
            entry.set_len(FILLED_BYTES as u32);
            entry.set_bid(buffer);
        }
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail lies within the first entry, is aligned for its two bytes, and the kernel
        // only reads it.
        unsafe {
            let tail = types::BufRingEntry::tail(self.free).cast_mut();
            AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
        }
    }

    fn bytes_of(&mut self, buffer: u16) -> &mut [u8] {
        &mut self.bytes[usize::from(buffer) * STRIDE..][..STRIDE]
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout; the ring that knew it is closed.
        unsafe { alloc::dealloc(self.free.cast(), Self::LAYOUT) };
    }
}

/// A packet that is being sent out of its buffer.
#[derive(Clone, Copy)]
struct Sending {
    forward: Forward,
    name: libc::sockaddr_storage,
}

/// The ring and all that the kernel knows of it. Fields are dropped in this order: the ring first.
pub(crate) struct Ring {
    ring: IoUring,
    buffers: Buffers,
    /// The form of every receive: room for an address, and nothing beside the packet.
    form: Box<libc::msghdr>,
    /// By buffer: what is being sent out of it.
    sending: Box<[Option<Sending>]>,
    /// Sockets whose receive is to be armed, by port.
    unarmed: Vec<(u16, RawFd)>,
    /// What has finished since the last wait, the oldest last.
    finished: Vec<cqueue::Entry>,
    /// Ports whose receive has ended by itself.
    disarmed: Vec<u16>,
    is_enabled: bool,
    /// Whether the polled descriptor had something at the last wait.
    is_polled: bool,
    /// The descriptor whose readiness is told.
    polled: RawFd,
}

// SAFETY: the message form holds null pointers only, and every other pointer is to memory that the
// ring owns.
unsafe impl Send for Ring {}

/// What has finished.
pub(crate) enum Finished {
    /// A packet has come.
    Packet { port: u16, packet: Packet },
    /// A packet was longer than is read.
    TooLong,
    /// A packet did not leave; it is still in its buffer.
    NotSent { packet: Packet, forward: Forward, error: io::Error },
    /// A packet has left.
    Sent,
    /// The network tells of an earlier packet's fate.
    Unreachable,
    /// A socket is to be armed again.
    Disarmed { port: u16 },
    /// The descriptor that is polled has something.
    Polled,
}

/// A packet in its buffer, to be given back.
pub(crate) struct Packet {
    buffer: u16,
    pub(crate) len: usize,
    pub(crate) from: Option<SocketAddr>,
}

impl Ring {
    /// A ring without sockets, which also tells when `polled` can be read.
    ///
    /// # Errors
    /// The kernel is older than 6.1, or does not let this process have one (a container's filter).
    pub(crate) fn new(polled: RawFd) -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_cqsize(COMPLETIONS)
            .setup_single_issuer()
            .setup_defer_taskrun()
            // The thread that waits first becomes the one that may use it.
            .setup_r_disabled()
            .build(ENTRIES)?;
        let buffers = Buffers::new();
        // SAFETY: the entries live until `buffers` is dropped, which is after `ring`.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(
                buffers.free as u64,
                BUFFERS,
                GROUP,
                0,
            )?;
        }
        // SAFETY: all zeros is a sound message header: null pointers and no lengths.
        let mut form: Box<libc::msghdr> = Box::new(unsafe { mem::zeroed() });
        form.msg_namelen = NAME_BYTES as libc::socklen_t;
        let mut this = Self {
            ring,
            buffers,
            form,
            sending: vec![None; BUFFERS.into()].into_boxed_slice(),
            unarmed: Vec::new(),
            finished: Vec::with_capacity(COMPLETIONS as usize),
            disarmed: Vec::new(),
            is_enabled: false,
            is_polled: false,
            polled,
        };
        this.poll();
        Ok(this)
    }

    /// Asks to be told whenever the polled descriptor has something.
    fn poll(&mut self) {
        let poll = opcode::PollAdd::new(types::Fd(self.polled), libc::POLLIN as u32).multi(true);
        self.push(poll.build().user_data(POLL));
    }

    /// Receives on a socket from the next wait on, until it is closed.
    pub(crate) fn arm(&mut self, port: u16, socket: RawFd) {
        self.unarmed.push((port, socket));
    }

    /// Submits what is to be done and waits until something has finished or the time is over.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if !mem::replace(&mut self.is_enabled, true) {
            self.ring.submitter().register_enable_rings()?;
        }
        while let Some((port, socket)) = self.unarmed.pop() {
            let form = ptr::from_ref::<libc::msghdr>(&self.form);
            let receive = opcode::RecvMsgMulti::new(types::Fd(socket), form, GROUP);
            self.push(receive.build().user_data(RECEIVE | u64::from(port)));
        }
        let mut limit = types::Timespec::new();
        let mut arguments = types::SubmitArgs::new();
        if let Some(timeout) = timeout {
            limit = limit.sec(timeout.as_secs()).nsec(timeout.subsec_nanos());
            arguments = arguments.timespec(&limit);
        }
        match self.ring.submitter().submit_with_args(1, &arguments) {
            Ok(_) => {}
            Err(error) => match error.raw_os_error() {
                // The time is over, a signal came, or the completion queue must be emptied first.
                Some(libc::ETIME | libc::EINTR | libc::EBUSY) => {}
                _ => return Err(error),
            },
        }
        self.finished.extend(self.ring.completion());
        self.finished.reverse();
        let mut polls = self.finished.iter().filter(|entry| entry.user_data() == POLL).peekable();
        self.is_polled = polls.peek().is_some();
        // The kernel ends a poll whose completion had no room.
        if polls.any(|entry| !cqueue::more(entry.flags())) {
            self.poll();
        }
        Ok(())
    }

    /// Whether the polled descriptor had something at the last wait.
    pub(crate) fn is_polled(&self) -> bool {
        self.is_polled
    }

    /// The next thing that has finished.
    pub(crate) fn next_finished(&mut self) -> Option<Finished> {
        while let Some(entry) = self.finished.pop() {
            let number = entry.user_data() as u16;
            let finished = match entry.user_data() >> 32 << 32 {
                SEND => Some(self.sent(number, entry.result())),
                POLL => Some(Finished::Polled),
                _ => self.received(number, &entry),
            };
            if finished.is_some() {
                return finished;
            }
        }
        self.disarmed.pop().map(|port| Finished::Disarmed { port })
    }

    /// A receive that ends is looked after behind what it brought.
    fn received(&mut self, port: u16, entry: &cqueue::Entry) -> Option<Finished> {
        if !cqueue::more(entry.flags()) {
            self.disarmed.push(port);
        }
        let Some(buffer) = cqueue::buffer_select(entry.flags()) else {
            // No buffer was free, or the network reports an earlier packet's fate.
            let is_report = !matches!(-entry.result(), libc::ENOBUFS | libc::EINTR | libc::EAGAIN);
            return is_report.then_some(Finished::Unreachable);
        };
        let filled = usize::try_from(entry.result()).unwrap_or(0).min(FILLED_BYTES);
        let bytes = &self.buffers.bytes_of(buffer)[..filled];
        let Ok(out) = types::RecvMsgOut::parse(bytes, &self.form) else {
            self.buffers.give_back(buffer);
            return None;
        };
        let len = out.payload_data().len();
        if out.is_payload_truncated() || len >= PACKET_BYTES_MAX {
            self.buffers.give_back(buffer);
            return Some(Finished::TooLong);
        }
        let from = sys::address_in(out.name_data());
        Some(Finished::Packet { port, packet: Packet { buffer, len, from } })
    }

    fn sent(&mut self, buffer: u16, result: i32) -> Finished {
        let sending = self.sending[usize::from(buffer)].take().expect("a send out of this buffer");
        if result >= 0 {
            self.buffers.give_back(buffer);
            return Finished::Sent;
        }
        let Sending { forward, .. } = sending;
        let error = io::Error::from_raw_os_error(-result);
        let packet = Packet { buffer, len: forward.len, from: None };
        Finished::NotSent { packet, forward, error }
    }

    /// A packet with the room behind it.
    pub(crate) fn bytes_of(&mut self, packet: &Packet) -> &mut [u8] {
        &mut self.buffers.bytes_of(packet.buffer)[HEAD_BYTES..]
    }

    /// The packet is dealt with.
    pub(crate) fn give_back(&mut self, packet: Packet) {
        self.buffers.give_back(packet.buffer);
    }

    /// Sends a packet out of its buffer with the next wait.
    pub(crate) fn send(&mut self, packet: &Packet, socket: RawFd, forward: Forward) {
        let at = usize::from(packet.buffer);
        // SAFETY: all zeros is a sound storage without an address.
        let mut name: libc::sockaddr_storage = unsafe { mem::zeroed() };
        let name_len = sys::write_name(forward.to, &mut name);
        let sending = self.sending[at].insert(Sending { forward, name });
        let name = ptr::from_ref(&sending.name).cast::<libc::sockaddr>();
        let buffer = packet.buffer;
        let start = self.buffers.bytes_of(buffer)[HEAD_BYTES..].as_ptr();
        let send = opcode::Send::new(types::Fd(socket), start, forward.len as u32)
            .dest_addr(name)
            .dest_addr_len(name_len)
            .build();
        self.push(send.user_data(SEND | u64::from(buffer)));
    }

    fn push(&mut self, entry: squeue::Entry) {
        // SAFETY: what the entry points to, a buffer, a name or the form, is owned by `self` and
        // stays where it is until the entry has finished.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            // The queue is full: what is in it is submitted without waiting. Before the ring is
            // enabled it is never full.
            let _ = self.ring.submitter().submit();
        }
    }
}
