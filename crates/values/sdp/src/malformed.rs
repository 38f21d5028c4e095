//! Why a body is no session description.

/// A body that cannot be read as SDP: which line, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SDP line {line}: {fault}")]
pub struct Malformed {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The body has no bytes.
    #[error("expected a session description, got an empty body")]
    Empty,
    /// The body is longer than [`BYTES_MAX`](crate::BYTES_MAX).
    #[error("the body is longer than 65535 bytes")]
    TooLong,
    /// The first line is not `v=0`.
    #[error("expected v=0 as the first line")]
    Version,
    /// The line is not a lower-case letter, `=` and a value.
    #[error("expected <letter>=<value>")]
    NotALine,
    /// A NUL, or a CR that does not end a line: other parsers could see another line there.
    #[error("a NUL or a lone CR inside the line")]
    ControlByte,
    /// `o=` is not six fields ending in an address.
    #[error("expected o=<username> <id> <version> IN <IP4|IP6> <address>")]
    Origin,
    /// There is no `o=` line, or more than one.
    #[error("expected exactly one o= line before the first m= line")]
    OriginCount,
    /// `c=` is not `IN IP4|IP6 <address>`.
    #[error("expected c=IN <IP4|IP6> <address>")]
    Connection,
    /// `m=` is not media, port, protocol and at least one format.
    #[error("expected m=<media> <port> <protocol> <format>…")]
    Media,
    /// More than [`SECTIONS_MAX`](crate::SECTIONS_MAX) `m=` lines.
    #[error("more than 8 m= lines")]
    TooManySections,
}
