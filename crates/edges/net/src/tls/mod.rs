//! TLS over a socket that never waits: `rustls` without I/O of its own, fed from epoll.

mod fault;

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use sip_message::PeerId;

pub use fault::TlsFault;

/// Plaintext handed to the session at a time: what fills one record (RFC 8446 §5.1).
const RECORD_BYTES_MAX: usize = 16 << 10;

/// Reads of the socket in a row that bring nothing to read: records without content, a handshake's
/// parts. Then other connections get their turn; the socket tells of what is left once more.
const EMPTY_READS_MAX: usize = 8;

/// How connections that are accepted are secured. Shared with whoever renews certificates:
/// connections that begin later see what was put last, open ones stay as they are.
#[derive(Clone)]
pub struct TlsAcceptor(Arc<ArcSwap<ServerConfig>>);

impl TlsAcceptor {
    /// Secures connections by `config`.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(ArcSwap::new(config)))
    }

    /// Secures connections that begin from now on by `config`.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        self.0.store(config);
    }

    pub(crate) fn accept(&self, tcp: TcpStream) -> Result<TlsStream, TlsFault> {
        let session = ServerConnection::new(self.0.load_full());
        session.map(|it| TlsStream::new(tcp, it.into())).map_err(|error| TlsFault::of(&error))
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsAcceptor(…)")
    }
}

/// How one connection of ours is secured.
#[derive(Debug, Clone)]
pub struct TlsDial {
    /// What we believe and what we show.
    pub config: Arc<ClientConfig>,
    /// Whom we expect: sent in the handshake (RFC 6066 §3) and looked for in the certificate.
    pub name: ServerName<'static>,
}

impl TlsDial {
    pub(crate) fn connect(self, tcp: TcpStream) -> Result<TlsStream, TlsFault> {
        let session = ClientConnection::new(self.config, self.name);
        session.map(|it| TlsStream::new(tcp, it.into())).map_err(|error| TlsFault::of(&error))
    }
}

/// Knows how connections to our peers are secured.
pub trait TlsDialer: Send {
    /// How a connection to `peer` at `remote` is secured; `None` if nobody knows that peer any more.
    fn dial(&self, peer: PeerId, remote: SocketAddr) -> Option<TlsDial>;

    /// Whether the owner of these certificates, the end's own first, proves to be `peer` at
    /// `remote`, as it would have to if the connection were made by us. Nobody is unless somebody
    /// judges.
    fn proves(
        &self,
        _peer: PeerId,
        _remote: SocketAddr,
        _shown: &[CertificateDer<'static>],
    ) -> bool {
        false
    }
}

/// A TCP connection with a TLS session on it.
pub(crate) struct TlsStream {
    pub(crate) tcp: TcpStream,
    session: Connection,
    /// Plaintext that was decrypted and not yet taken.
    decrypted: usize,
}

/// Why a stream cannot be read or written.
#[derive(Debug)]
pub(crate) enum Fault {
    Io(io::Error),
    Tls(TlsFault),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl TlsStream {
    fn new(tcp: TcpStream, session: Connection) -> Self {
        Self { tcp, session, decrypted: 0 }
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    pub(crate) fn certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.session.peer_certificates().filter(|shown| !shown.is_empty())
    }

    pub(crate) fn wants_write(&self) -> bool {
        self.session.wants_write()
    }

    /// Whether plaintext waits that the socket will not tell of again.
    pub(crate) fn has_decrypted(&self) -> bool {
        self.decrypted > 0
    }

    /// Reads plaintext; 0 is the end. A peer that ends without saying so (close_notify) has ended
    /// all the same: messages have lengths, so that nothing can be cut off unseen.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] too while the peer sends nothing but records without content.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let mut reads = 0;
        loop {
            match self.session.reader().read(into) {
                Ok(len) => {
                    self.decrypted = self.decrypted.saturating_sub(len);
                    return Ok(len);
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return if self.is_handshaking() {
                        Err(Fault::Tls(TlsFault::Ended))
                    } else {
                        Ok(0)
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            self.decrypted = 0;
            if reads == EMPTY_READS_MAX {
                return Err(io::Error::from(io::ErrorKind::WouldBlock).into());
            }
            reads += 1;
            let ended = self.session.read_tls(&mut self.tcp)? == 0;
            match self.session.process_new_packets() {
                Ok(state) => self.decrypted = state.plaintext_bytes_to_read(),
                Err(error) => {
                    // The peer is told why, if it listens.
                    let _ = self.flush();
                    return Err(Fault::Tls(TlsFault::of(&error)));
                }
            }
            if ended && self.is_handshaking() {
                return Err(Fault::Tls(TlsFault::Ended));
            }
        }
    }

    /// Writes plaintext, as much as one record holds, once what was encrypted before has left.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let len = self.session.writer().write(&bytes[..bytes.len().min(RECORD_BYTES_MAX)])?;
        match self.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(()) | Err(_) => Ok(len),
        }
    }

    /// Sends what is encrypted.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if self.session.write_tls(&mut self.tcp)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }
}

impl Drop for TlsStream {
    /// Says goodbye (close_notify, RFC 8446 §6.1) if the peer takes it at once.
    fn drop(&mut self) {
        if !self.is_handshaking() {
            self.session.send_close_notify();
        }
        let _ = self.flush();
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}
