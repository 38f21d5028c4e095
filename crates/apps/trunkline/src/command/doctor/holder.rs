//! Who holds a port: Linux says it in `/proc`, as far as we may look.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// What carries a port's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    Tcp,
    Udp,
}

/// Who holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// A process, by its number and its name.
    Process(u32, String),
    /// Somebody whose files we may not look at.
    Unseen,
    /// Nobody that the tables of sockets know.
    Nobody,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(number, name) => write!(f, "{name} (process {number}) holds it"),
            Self::Unseen => f.write_str("who holds it cannot be seen without the rights of root"),
            Self::Nobody => f.write_str("no program holds it"),
        }
    }
}

/// Who keeps us from listening at `address`.
pub(super) fn of(address: SocketAddr, carries: Carries) -> Holder {
    let names = match carries {
        Carries::Tcp => ["tcp", "tcp6"],
        Carries::Udp => ["udp", "udp6"],
    };
    let mut inodes = Vec::new();
    for name in names {
        let table = std::fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
        inodes.extend(table.lines().filter_map(|line| holding(line, address, carries)));
    }
    match inodes.first() {
        None => Holder::Nobody,
        Some(_) => inodes.iter().find_map(|it| process_with(*it)).unwrap_or(Holder::Unseen),
    }
}

/// The inode of a line of `/proc/net/tcp` and its like, if its socket stands in the way of one at
/// `address`: it is bound to the same port at the same address or at all of them, and listens.
fn holding(line: &str, address: SocketAddr, carries: Carries) -> Option<u64> {
    const LISTENS: &str = "0A";
    let mut fields = line.split_whitespace();
    let (ip, port) = fields.nth(1)?.split_once(':')?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    let (ip, port) = (ip_of(ip)?, u16::from_str_radix(port, 16).ok()?);
    let wanted = address.ip().to_canonical();
    let is_there = ip == wanted || ip.is_unspecified() || wanted.is_unspecified();
    let is_open = carries == Carries::Udp || state == LISTENS;
    (port == address.port() && is_there && is_open).then_some(inode)
}

/// An address as the kernel prints it: words of 32 bits, in hexadecimal, in the machine's order.
fn ip_of(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at..at + 8)?, 16).ok();
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?.to_ne_bytes()).into()),
        32 => {
            let mut octets = [0; 16];
            for (at, part) in octets.chunks_exact_mut(4).enumerate() {
                part.copy_from_slice(&word(at * 8)?.to_ne_bytes());
            }
            Some(IpAddr::from(Ipv6Addr::from(octets)).to_canonical())
        }
        _ => None,
    }
}

/// The process that has the socket of this inode open.
fn process_with(inode: u64) -> Option<Holder> {
    let socket = PathBuf::from(format!("socket:[{inode}]"));
    let has_it = |process: &Path| {
        let files = std::fs::read_dir(process.join("fd")).ok();
        let mut files = files.into_iter().flatten().flatten();
        files.any(|file| std::fs::read_link(file.path()).is_ok_and(|it| it == socket))
    };
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    for process in processes {
        let Some(number) = process.file_name().to_str().and_then(|it| it.parse().ok()) else {
            continue;
        };
        if has_it(&process.path()) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(Holder::Process(number, name.trim().to_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    #[test]
    fn a_port_that_this_process_holds_is_found_to_be_its_own() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        for (at, carries) in
            [(tcp.local_addr().unwrap(), Carries::Tcp), (udp.local_addr().unwrap(), Carries::Udp)]
        {
            let Holder::Process(number, name) = of(at, carries) else { panic!("nobody at {at}") };
            assert_eq!(number, std::process::id());
            assert!(!name.is_empty());
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_socket_stands_in_the_way_at_the_same_address_or_at_all_of_them_if_it_listens() {
        let line = |at: &str, state: &str| {
            format!(
                "  12: {at} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0"
            )
        };
        let found = |text: &str, at: &str| holding(text, at.parse().unwrap(), Carries::Tcp);
        let loopback = line("0100007F:13C4", "0A");
        assert_eq!(found(&loopback, "127.0.0.1:5060"), Some(4711));
        assert_eq!(found(&loopback, "0.0.0.0:5060"), Some(4711));
        assert_eq!(found(&loopback, "127.0.0.2:5060"), None);
        assert_eq!(found(&loopback, "127.0.0.1:5061"), None);
        assert_eq!(found(&line("0100007F:13C4", "01"), "127.0.0.1:5060"), None, "a connection");
        let all = line("00000000000000000000000000000000:13C4", "0A");
        assert_eq!(found(&all, "127.0.0.1:5060"), Some(4711));
        let v6 = line("00000000000000000000000001000000:13C4", "0A");
        assert_eq!(found(&v6, "[::1]:5060"), Some(4711));
        assert_eq!(found("  sl  local_address rem_address   st", "[::1]:5060"), None);
    }
}
