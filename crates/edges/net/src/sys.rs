//! The system calls that the standard library does not have. All `unsafe` of the product is here, in
//! [`lent`](crate::lent) and in [`uring`](crate::uring).
#![expect(unsafe_code, reason = "epoll, eventfd, recvmmsg, sendmmsg and rlimit have no safe form")]

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use crate::lent::Lent;

/// `-1` becomes the error in `errno`.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Takes ownership of a descriptor that a call has just returned.
fn own(descriptor: libc::c_int) -> OwnedFd {
    // SAFETY: the caller passes what the kernel has just opened for it, so nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

pub(crate) fn epoll_create() -> io::Result<OwnedFd> {
    // SAFETY: the call has no memory arguments.
    check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }).map(own)
}

/// Which change to an epoll set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EpollChange {
    Add,
    Modify,
    Delete,
}

pub(crate) fn epoll_change(
    epoll: BorrowedFd<'_>,
    change: EpollChange,
    target: BorrowedFd<'_>,
    events: u32,
    data: u64,
) -> io::Result<()> {
    let operation = match change {
        EpollChange::Add => libc::EPOLL_CTL_ADD,
        EpollChange::Modify => libc::EPOLL_CTL_MOD,
        EpollChange::Delete => libc::EPOLL_CTL_DEL,
    };
    let mut event = libc::epoll_event { events, u64: data };
    // SAFETY: both descriptors are borrowed, hence open; `event` lives until the call returns.
    check(unsafe {
        libc::epoll_ctl(epoll.as_raw_fd(), operation, target.as_raw_fd(), &raw mut event)
    })
    .map(drop)
}

/// Fills `events` from the front and returns how many there are. −1 milliseconds is for ever.
pub(crate) fn epoll_wait(
    epoll: BorrowedFd<'_>,
    events: &mut [libc::epoll_event],
    timeout_ms: libc::c_int,
) -> io::Result<usize> {
    let len = libc::c_int::try_from(events.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: the kernel writes at most `len` events, which `events` has room for.
    let count = check(unsafe {
        libc::epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), len, timeout_ms)
    })?;
    Ok(count as usize)
}

pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: the call has no memory arguments.
    check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) }).map(own)
}

/// Adds one to the counter of an eventfd.
pub(crate) fn eventfd_signal(eventfd: BorrowedFd<'_>) -> io::Result<()> {
    let one = 1u64.to_ne_bytes();
    // SAFETY: `one` is eight bytes, as eventfd wants, and lives until the call returns.
    let written = unsafe { libc::write(eventfd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    if written == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks for socket buffers of `bytes` in both directions.
///
/// With the right to (`CAP_NET_ADMIN`) they become that large; without, as large as the system lets
/// everybody, which is no error.
pub(crate) fn enlarge_buffers(socket: BorrowedFd<'_>, bytes: libc::c_int) -> io::Result<()> {
    for (forced, asked) in
        [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)]
    {
        if set_option(socket, forced, bytes).is_err() {
            set_option(socket, asked, bytes)?;
        }
    }
    Ok(())
}

fn set_option(socket: BorrowedFd<'_>, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: `value` is one int, as these options want, and lives until the call returns.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    })
    .map(drop)
}

/// Soft and hard limit of open files.
pub(crate) fn fd_limit() -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is one rlimit for the kernel to fill.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

pub(crate) fn set_fd_limit(soft: u64, hard: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the kernel only reads `limit`.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).map(drop)
}

/// Buffers for receiving up to a fixed number of datagrams in one call.
pub(crate) struct ReceiveBatch {
    headers: Lent<libc::mmsghdr>,
    /// Pointed to by `headers`; never touched by name.
    _vectors: Lent<libc::iovec>,
    names: Lent<libc::sockaddr_storage>,
    bytes: Lent<u8>,
    stride: usize,
    received: usize,
}

// SAFETY: the pointers lead only into memory that the batch itself owns and frees.
unsafe impl Send for ReceiveBatch {}

impl ReceiveBatch {
    /// Room for `datagrams` of `bytes_max` each; the buffers start `stride` bytes apart.
    pub(crate) fn new(datagrams: usize, bytes_max: usize, stride: usize) -> Self {
        assert!(stride >= bytes_max, "buffers may not overlap");
        // SAFETY: all-zero is a valid value of these plain C structures.
        let (header, name): (libc::mmsghdr, libc::sockaddr_storage) = unsafe { mem::zeroed() };
        let empty = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        let mut batch = Self {
            headers: Lent::new(header, datagrams),
            _vectors: Lent::new(empty, datagrams),
            names: Lent::new(name, datagrams),
            bytes: Lent::new(0, datagrams * stride),
            stride,
            received: 0,
        };
        for slot in 0..datagrams {
            let vector = batch._vectors.at(slot);
            let base = batch.bytes.at(slot * stride).cast();
            // SAFETY: `at` checked the slot, and nothing else refers to it yet.
            unsafe { vector.write(libc::iovec { iov_base: base, iov_len: bytes_max }) };
            let name = batch.names.at(slot).cast();
            let header = &mut batch.headers.as_mut_slice()[slot].msg_hdr;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            header.msg_name = name;
            header.msg_namelen = NAME_BYTES;
        }
        batch
    }

    /// Receives what is there without waiting; replaces what was received before.
    pub(crate) fn recv(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        for header in &mut self.headers.as_mut_slice()[..self.received] {
            header.msg_hdr.msg_namelen = NAME_BYTES;
        }
        self.received = 0;
        let len = self.headers.len() as libc::c_uint;
        // SAFETY: each of the `len` headers points to a vector, a name and bytes of this batch, which
        // is borrowed mutably, with their true lengths.
        let count = check(unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.at(0),
                len,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        })?;
        self.received = count as usize;
        Ok(self.received)
    }

    /// The datagrams of the last call; one whose sender has no IP address is passed over.
    pub(crate) fn received(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let headers = &self.headers.as_slice()[..self.received];
        headers.iter().enumerate().filter_map(|(slot, header)| {
            let from = address_of(&self.names.as_slice()[slot])?;
            let start = slot * self.stride;
            Some((from, &self.bytes.as_slice()[start..start + header.msg_len as usize]))
        })
    }
}

const NAME_BYTES: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;

/// The address in a name that the kernel wrote.
fn address_of(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let name = ptr::from_ref(name);
    // SAFETY: the storage is large and aligned enough for either form, and the family, which every
    // form begins with, says which one the kernel wrote.
    unsafe {
        match libc::c_int::from((*name).ss_family) {
            libc::AF_INET => {
                let v4 = &*name.cast::<libc::sockaddr_in>();
                let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
                Some(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(v4.sin_port))))
            }
            libc::AF_INET6 => {
                let v6 = &*name.cast::<libc::sockaddr_in6>();
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
                let port = u16::from_be(v6.sin6_port);
                Some(SocketAddr::V6(SocketAddrV6::new(
                    ip,
                    port,
                    v6.sin6_flowinfo,
                    v6.sin6_scope_id,
                )))
            }
            _ => None,
        }
    }
}

/// The address in the first bytes of a name that the kernel wrote.
pub(crate) fn address_in(bytes: &[u8]) -> Option<SocketAddr> {
    // SAFETY: all zeros is a sound storage without an address.
    let mut name: libc::sockaddr_storage = unsafe { mem::zeroed() };
    let len = bytes.len().min(size_of::<libc::sockaddr_storage>());
    // SAFETY: both are as long as that at least, and lie apart.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), ptr::from_mut(&mut name).cast(), len) };
    address_of(&name)
}

/// Writes `address` as the kernel reads it, and returns its length.
pub(crate) fn write_name(
    address: SocketAddr,
    name: &mut libc::sockaddr_storage,
) -> libc::socklen_t {
    let name = ptr::from_mut(name);
    match address {
        SocketAddr::V4(v4) => {
            let form = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(*v4.ip()).to_be() },
                sin_zero: [0; 8],
            };
            // SAFETY: the storage is large and aligned enough for this form.
            unsafe { name.cast::<libc::sockaddr_in>().write(form) };
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(v6) => {
            let form = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            };
            // SAFETY: as above.
            unsafe { name.cast::<libc::sockaddr_in6>().write(form) };
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}

/// The most datagrams that one call sends.
pub(crate) const SEND_MAX: usize = 64;

/// Sends the first datagrams of `datagrams` in one call and returns how many went.
///
/// An error is about the first datagram alone; those after it have not been tried.
pub(crate) fn send_batch<'d>(
    socket: BorrowedFd<'_>,
    datagrams: impl Iterator<Item = (SocketAddr, &'d [u8])>,
) -> io::Result<usize> {
    // SAFETY: all-zero is a valid value of these plain C structures.
    let (mut headers, mut names): ([libc::mmsghdr; SEND_MAX], [libc::sockaddr_storage; SEND_MAX]) =
        unsafe { mem::zeroed() };
    let mut vectors = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; SEND_MAX];
    let mut count = 0;
    for (slot, (to, bytes)) in datagrams.take(SEND_MAX).enumerate() {
        // The kernel only reads what it sends; the C structure has no const form.
        vectors[slot] =
            libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let header = &mut headers[slot].msg_hdr;
        header.msg_namelen = write_name(to, &mut names[slot]);
        header.msg_name = (&raw mut names[slot]).cast();
        header.msg_iov = &raw mut vectors[slot];
        header.msg_iovlen = 1;
        count += 1;
    }
    if count == 0 {
        return Ok(0);
    }
    // SAFETY: the first `count` headers point to names, vectors and bytes that live until the call
    // returns, with their true lengths.
    let sent = check(unsafe {
        libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT)
    })?;
    Ok(sent as usize)
}

/// An IPv4 peer on an IPv6 socket comes as `::ffff:a.b.c.d`; everything else stays as it is.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ std::net::IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        std::net::IpAddr::V6(_) => address,
    }
}

/// The reverse of [`canonical`]: an IPv4 peer as an IPv6 socket names it.
pub(crate) fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
        SocketAddr::V6(_) => address,
    }
}
