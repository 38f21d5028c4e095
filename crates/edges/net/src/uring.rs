//! Datagrams of many sockets through one io_uring: receives that stay armed, buffers that the kernel
//! fills by itself, sends that leave together with the next wait.
//!
//! A relay's sockets have one packet per 20 ms each, so batches within a socket
//! ([`recvmmsg`](crate::UdpBatch)) do not come together; a ring gathers them across sockets. A packet
//! is changed and sent where it was received, and its buffer goes back when the send is done.
//!
//! The ring runs its work where it is waited on (`IORING_SETUP_DEFER_TASKRUN`) and sends do not wait for
//! room (`MSG_DONTWAIT`). So the kernel touches the memory that it was told of only inside
//! `io_uring_enter`, which [`Ring::wait`] and [`Ring::push`] call with the ring borrowed mutably; and a
//! send is over when the call that took it returns, and says so only if it failed.
#![expect(
    unsafe_code,
    reason = "the kernel reads and writes memory that is named to it by address; this module owns it"
)]

use std::alloc::{self, Layout};
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::slice;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use io_uring::{IoUring, cqueue, opcode, squeue, types};

use crate::lent::Lent;
use crate::rtp_pool::{Forward, PACKET_BYTES_MAX, ROOM_BYTES};
use crate::sys;

/// Entries of the submission queue.
const ENTRIES: u32 = 1024;
/// Entries of the completion queue: everything that may finish between two waits.
const COMPLETIONS: u32 = 8192;
/// Packets that may be on their way at once, received and not yet sent; a power of two.
const BUFFERS: u16 = 1024;
/// Packets that end a wait at once; fewer wait until [`Ring::new`]'s `gather` is over. Thirty-two share
/// the cost of a wake until what is left of it for each is small beside a send.
pub(crate) const GATHERED: usize = 32;
/// How long the kernel may wait for the first packet where nobody has a limit. Without one it would
/// end the wait when `gather` is over, packets or none.
const QUIET: Duration = Duration::from_secs(3600);
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
    bytes: Lent<u8>,
    tail: u16,
}

/// A packet in its buffer. Whoever has it has the buffer: the kernel has not.
pub(crate) struct Packet {
    buffer: u16,
    pub(crate) len: usize,
    pub(crate) from: Option<SocketAddr>,
}

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
        let bytes = Lent::new(0, BUFFERS as usize * STRIDE);
        let mut buffers = Self { free: free.cast(), bytes, tail: 0 };
        for buffer in 0..BUFFERS {
            buffers.free(buffer);
        }
        buffers
    }

    /// Lets the kernel fill a packet's buffer again.
    fn give_back(&mut self, packet: Packet) {
        self.free(packet.buffer);
    }

    fn free(&mut self, buffer: u16) {
        let at = usize::from(self.tail & (BUFFERS - 1));
        let start = self.bytes.at(usize::from(buffer) * STRIDE);
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

    /// The packet's whole buffer: the kernel's header, the packet and the room behind it.
    fn bytes_of(&mut self, packet: &Packet) -> &mut [u8] {
        let start = self.bytes.at(usize::from(packet.buffer) * STRIDE);
        // SAFETY: the allocation holds a whole stride for each buffer, and `at` has checked that there
        // is such a buffer. The kernel does not have it, because the packet has; no other slice of it
        // is about, because `self` is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(start, STRIDE) }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout; the ring that knew it is closed.
        unsafe { alloc::dealloc(self.free.cast(), Self::LAYOUT) };
    }
}

/// The ring and all that the kernel knows of it. Fields are dropped in this order: the ring first.
pub(crate) struct Ring {
    ring: IoUring,
    buffers: Buffers,
    /// The form of every receive: room for an address, and nothing beside the packet.
    form: Lent<libc::msghdr>,
    /// By buffer: where what is sent out of it goes, as the kernel reads it.
    names: Lent<libc::sockaddr_storage>,
    /// By buffer: what is being sent out of it.
    sending: Box<[Option<Forward>]>,
    /// Buffers whose sends are in the queue.
    leaving: Vec<u16>,
    /// Sockets whose receive is to be armed, by port.
    unarmed: Vec<(u16, RawFd)>,
    /// Room for what a wait brings.
    finished: Vec<cqueue::Entry>,
    /// What came since the last wait, by port, the oldest first.
    received: VecDeque<(u16, cqueue::Entry)>,
    /// Packets that did not leave.
    failed: Vec<Finished>,
    /// How many packets have left.
    sent: u64,
    /// Ports whose receive has ended by itself.
    disarmed: Vec<u16>,
    is_enabled: bool,
    /// Whether the polled descriptor had something at the last wait.
    is_polled: bool,
    /// Whether the kernel is still to be asked to poll.
    is_poll_due: bool,
    /// The descriptor whose readiness is told.
    polled: RawFd,
    /// How long the first packet may wait for others; zero where the kernel knows no such thing.
    gather: Duration,
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
    /// The network tells of an earlier packet's fate.
    Unreachable,
    /// A socket is to be armed again.
    Disarmed { port: u16 },
}

/// The submission queue has no place, and the kernel takes nothing out of it now.
#[derive(Debug)]
struct Full;

impl Ring {
    /// A ring without sockets, which also tells when `polled` can be read. A wait goes on for up to
    /// `gather` while few packets have come, if the kernel is 6.12 or newer.
    ///
    /// # Errors
    /// The kernel is older than 6.1, or does not let this process have one (a container's filter).
    pub(crate) fn new(polled: RawFd, gather: Duration) -> io::Result<Self> {
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
        // SAFETY: all zeros is a sound message header, null pointers and no lengths, and a sound
        // storage without an address.
        let (mut form, name): (libc::msghdr, libc::sockaddr_storage) = unsafe { mem::zeroed() };
        form.msg_namelen = NAME_BYTES as libc::socklen_t;
        let gathers = ring.params().is_feature_min_timeout();
        Ok(Self {
            ring,
            buffers,
            form: Lent::new(form, 1),
            names: Lent::new(name, BUFFERS.into()),
            sending: vec![None; BUFFERS.into()].into_boxed_slice(),
            leaving: Vec::with_capacity(BUFFERS.into()),
            unarmed: Vec::new(),
            finished: Vec::with_capacity(COMPLETIONS as usize),
            received: VecDeque::with_capacity(COMPLETIONS as usize),
            failed: Vec::new(),
            sent: 0,
            disarmed: Vec::new(),
            is_enabled: false,
            is_polled: false,
            is_poll_due: true,
            polled,
            gather: if gathers { gather } else { Duration::ZERO },
        })
    }

    /// Whether the kernel gathers packets by itself.
    pub(crate) fn gathers(&self) -> bool {
        !self.gather.is_zero()
    }

    /// Asks for what is to be told from now on: the polled descriptor, and packets of new sockets. What
    /// the queue has no place for is asked for before the next wait.
    fn ask(&mut self) {
        if self.is_poll_due {
            let poll = opcode::PollAdd::new(types::Fd(self.polled), libc::POLLIN as u32);
            self.is_poll_due = self.push(&poll.multi(true).build().user_data(POLL)).is_err();
        }
        while let Some((port, socket)) = self.unarmed.pop() {
            let form = self.form.at(0).cast_const();
            let receive = opcode::RecvMsgMulti::new(types::Fd(socket), form, GROUP);
            if self.push(&receive.build().user_data(RECEIVE | u64::from(port))).is_err() {
                self.unarmed.push((port, socket));
                return;
            }
        }
    }

    /// Receives on a socket from the next wait on, until it is closed.
    pub(crate) fn arm(&mut self, port: u16, socket: RawFd) {
        self.unarmed.push((port, socket));
    }

    /// Submits what is to be done and waits until something has finished or the time is over. What has
    /// finished is to be taken before the next wait.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if !mem::replace(&mut self.is_enabled, true) {
            self.ring.submitter().register_enable_rings()?;
        }
        self.ask();
        let timeout = timeout.unwrap_or(QUIET);
        let limit = types::Timespec::new().sec(timeout.as_secs()).nsec(timeout.subsec_nanos());
        let mut arguments = types::SubmitArgs::new().timespec(&limit);
        let mut wanted = 1;
        // The kernel would gather for as long even if less is left.
        if self.gathers() && timeout > self.gather {
            arguments = arguments.min_wait_usec(self.gather.as_micros() as u32);
            wanted = GATHERED;
        }
        match self.ring.submitter().submit_with_args(wanted, &arguments) {
            Ok(_) => {}
            Err(error) => match error.raw_os_error() {
                // The time is over, a signal came, the completion queue must be emptied first, or the
                // kernel is short of memory for the moment.
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN) => {}
                _ => return Err(error),
            },
        }
        self.gather_up();
        Ok(())
    }

    /// Sorts what has finished.
    fn gather_up(&mut self) {
        self.is_polled = false;
        let mut finished = mem::take(&mut self.finished);
        finished.extend(self.ring.completion());
        for entry in finished.drain(..) {
            let number = entry.user_data() as u16;
            match entry.user_data() >> 32 << 32 {
                SEND => self.fail(number, entry.result()),
                POLL => {
                    self.is_polled = true;
                    // The kernel ends a poll whose completion had no room.
                    self.is_poll_due |= !cqueue::more(entry.flags());
                }
                _ => self.received.push_back((number, entry)),
            }
        }
        self.finished = finished;
        // Sends that are still in the queue are not over.
        if self.ring.submission().is_empty() {
            for buffer in self.leaving.drain(..) {
                if self.sending[usize::from(buffer)].take().is_some() {
                    self.buffers.free(buffer);
                    self.sent += 1;
                }
            }
        }
    }

    /// A send that tells of itself has failed: its packet stays in its buffer.
    fn fail(&mut self, buffer: u16, result: i32) {
        if let Some(forward) = self.sending[usize::from(buffer)].take() {
            let packet = Packet { buffer, len: forward.len, from: None };
            let error = io::Error::from_raw_os_error(-result);
            self.failed.push(Finished::NotSent { packet, forward, error });
        }
    }

    /// Whether the polled descriptor had something at the last wait.
    pub(crate) fn is_polled(&self) -> bool {
        self.is_polled
    }

    /// The next thing that has finished.
    pub(crate) fn next_finished(&mut self) -> Option<Finished> {
        if let Some(failed) = self.failed.pop() {
            return Some(failed);
        }
        while let Some((port, entry)) = self.received.pop_front() {
            let finished = self.receive(port, &entry);
            if finished.is_some() {
                return finished;
            }
        }
        self.disarmed.pop().map(|port| Finished::Disarmed { port })
    }

    /// A receive that ends is looked after behind what it brought.
    fn receive(&mut self, port: u16, entry: &cqueue::Entry) -> Option<Finished> {
        if !cqueue::more(entry.flags()) {
            self.disarmed.push(port);
        }
        let Some(buffer) = cqueue::buffer_select(entry.flags()) else {
            // No buffer was free, or the network reports an earlier packet's fate.
            let is_report = !matches!(-entry.result(), libc::ENOBUFS | libc::EINTR | libc::EAGAIN);
            return is_report.then_some(Finished::Unreachable);
        };
        let mut packet = Packet { buffer, len: 0, from: None };
        let filled = usize::try_from(entry.result()).unwrap_or(0).min(FILLED_BYTES);
        let bytes = &self.buffers.bytes_of(&packet)[..filled];
        let Ok(out) = types::RecvMsgOut::parse(bytes, &self.form.as_slice()[0]) else {
            self.buffers.give_back(packet);
            return None;
        };
        packet.len = out.payload_data().len();
        if out.is_payload_truncated() || packet.len >= PACKET_BYTES_MAX {
            self.buffers.give_back(packet);
            return Some(Finished::TooLong);
        }
        packet.from = sys::address_in(out.name_data());
        Some(Finished::Packet { port, packet })
    }

    /// How many packets have left since this was asked last.
    pub(crate) fn take_sent(&mut self) -> u64 {
        mem::take(&mut self.sent)
    }

    /// A packet with the room behind it.
    pub(crate) fn bytes_of(&mut self, packet: &Packet) -> &mut [u8] {
        &mut self.buffers.bytes_of(packet)[HEAD_BYTES..]
    }

    /// The packet is dealt with.
    pub(crate) fn give_back(&mut self, packet: Packet) {
        self.buffers.give_back(packet);
    }

    /// Sends a packet out of its buffer with the next wait.
    ///
    /// # Errors
    /// The packet, if the kernel takes no more now.
    pub(crate) fn send(
        &mut self,
        packet: Packet,
        socket: RawFd,
        forward: Forward,
    ) -> Result<(), Packet> {
        let name = self.names.at(packet.buffer.into());
        // SAFETY: the kernel reads a buffer's name for a send out of it, and the packet has the buffer:
        // there is none. The storage was filled with zeros at least when it was made.
        let name_len = sys::write_name(forward.to, unsafe { &mut *name });
        let start = self.buffers.bytes_of(&packet)[HEAD_BYTES..].as_ptr();
        let send = opcode::Send::new(types::Fd(socket), start, forward.len as u32)
            .flags(libc::MSG_DONTWAIT)
            .dest_addr(name.cast_const().cast())
            .dest_addr_len(name_len)
            .build()
            .flags(squeue::Flags::SKIP_SUCCESS)
            .user_data(SEND | u64::from(packet.buffer));
        if self.push(&send).is_err() {
            return Err(packet);
        }
        self.sending[usize::from(packet.buffer)] = Some(forward);
        self.leaving.push(packet.buffer);
        Ok(())
    }

    /// Puts an entry into the queue; if that is full, what is in it is submitted first, once.
    fn push(&mut self, entry: &squeue::Entry) -> Result<(), Full> {
        for _ in 0..2 {
            // SAFETY: what the entry points to, a buffer, a name or the form, is owned by `self`, lies
            // where it is until `self` is dropped, and is touched by nobody else while the kernel has
            // it.
            if unsafe { self.ring.submission().push(entry) }.is_ok() {
                return Ok(());
            }
            // It fails if the completion queue must be emptied first, which the next wait is for.
            let _ = self.ring.submitter().submit();
        }
        Err(Full)
    }
}
