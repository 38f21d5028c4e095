//! The Via header: the way a request came and its response goes back (RFC 3261 §20.42).

use std::fmt;
use std::net::IpAddr;

use crate::error::Problem;
use crate::grammar::{Cursor, class, decimal};
use crate::params::Params;
use crate::uri::{Host, parse_port};

/// What a branch of RFC 3261 begins with (§8.1.1.7).
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// One Via value.
///
/// `Display` prints `branch`, `received` and `rport` from their fields and the other parameters
/// as they came, so a server stamps a Via by struct update:
/// `Via { received: Some("192.0.2.7"), ..via }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport word, as written; compare without case.
    pub transport: &'a str,
    /// The host of `sent-by`.
    pub host: Host<'a>,
    /// The port of `sent-by`, if written.
    pub port: Option<u16>,
    /// The transaction's branch.
    pub branch: Option<&'a str>,
    /// The source address a server saw, as written: an IPv6 address with or without brackets.
    pub received: Option<&'a str>,
    /// The source port: asked for or stamped (RFC 3581).
    pub rport: Rport,
    /// All parameters, those above included.
    pub params: Params<'a>,
}

/// The `rport` parameter (RFC 3581 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rport {
    /// Not there.
    Absent,
    /// There without a value: the client asks for it.
    Requested,
    /// The port the server saw.
    Port(u16),
}

impl<'a> Via<'a> {
    /// A Via as a client writes it, asking for `rport`.
    #[must_use]
    pub fn new(transport: &'a str, host: Host<'a>, port: Option<u16>, branch: &'a str) -> Self {
        Self {
            transport,
            host,
            port,
            branch: Some(branch),
            received: None,
            rport: Rport::Requested,
            params: Params::default(),
        }
    }

    /// Reads one Via value; nothing may follow it.
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let (via, rest) = Self::parse_first(text)?;
        if rest.is_empty() { Ok(via) } else { Err(Problem::Trailing) }
    }

    /// Reads the first value of a line that may hold several; gives what follows its comma.
    #[inline]
    pub(crate) fn parse_first(text: &'a str) -> Result<(Self, &'a str), Problem> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        if cursor.is_done() {
            return Err(Problem::Empty);
        }
        let transport = read_protocol(&mut cursor)?;
        let (host, port) = read_sent_by(&mut cursor)?;
        let mut via = Self {
            transport,
            host,
            port,
            branch: None,
            received: None,
            rport: Rport::Absent,
            params: Params::default(),
        };
        let params = Params::read(&mut cursor, |param| {
            let name = param.name;
            match name.len() {
                6 if name.eq_ignore_ascii_case("branch") => once(&mut via.branch, param.value),
                8 if name.eq_ignore_ascii_case("received") => once(&mut via.received, param.value),
                5 if name.eq_ignore_ascii_case("rport") => {
                    if via.rport != Rport::Absent {
                        return Err(Problem::ParamRepeated);
                    }
                    via.rport = match param.value {
                        None => Rport::Requested,
                        Some(digits) => Rport::Port(parse_port(digits).map_err(|_| Problem::Port)?),
                    };
                    Ok(())
                }
                _ => Ok(()),
            }
        })?;
        via.params = params;
        cursor.skip_lws();
        match cursor.peek() {
            None => Ok((via, "")),
            Some(b',') => {
                cursor.eat(b',');
                // A comma promises another value; an empty one is found when it is read.
                let rest = cursor.rest();
                Ok((via, if rest.is_empty() { "," } else { rest }))
            }
            Some(_) => Err(Problem::Trailing),
        }
    }

    /// Whether the branch is one of RFC 3261, unique across space and time, and not one of
    /// RFC 2543 (§17.2.3). The bare cookie identifies nothing (RFC 4475 §3.2.1).
    #[must_use]
    pub fn has_unique_branch(&self) -> bool {
        let tail = self.branch.and_then(|branch| {
            let (cookie, tail) = branch.split_at_checked(MAGIC_COOKIE.len())?;
            cookie.eq_ignore_ascii_case(MAGIC_COOKIE).then_some(tail)
        });
        tail.is_some_and(|tail| !tail.is_empty())
    }

    /// The address in `received`, with or without brackets (RFC 5118 §4.5).
    #[must_use]
    pub fn received_ip(&self) -> Option<IpAddr> {
        let text = self.received?;
        text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text).parse().ok()
    }
}

fn once<'a>(slot: &mut Option<&'a str>, value: Option<&'a str>) -> Result<(), Problem> {
    if slot.is_some() {
        return Err(Problem::ParamRepeated);
    }
    *slot = Some(value.ok_or(Problem::Param)?);
    Ok(())
}

/// `SIP / 2.0 / transport` and the blank after it. The version is the start line's affair.
fn read_protocol<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Problem> {
    if cursor.eat_word("SIP/2.0/") {
        cursor.skip_lws();
    } else {
        read_version(cursor)?;
    }
    let transport = cursor.token().map_err(|_| Problem::Protocol)?;
    let before = cursor.at();
    cursor.skip_lws();
    if cursor.at() == before { Err(Problem::Protocol) } else { Ok(transport) }
}

/// `SIP / 2.0 /`, or what stands in its place.
fn read_version(cursor: &mut Cursor<'_>) -> Result<(), Problem> {
    let mut word = || match cursor.run(class::TOKEN) {
        "" => Err(Problem::Protocol),
        word => Ok(word),
    };
    word()?;
    if !cursor.eat_spaced(b'/') {
        return Err(Problem::Protocol);
    }
    cursor.token().map_err(|_| Problem::Protocol)?;
    if cursor.eat_spaced(b'/') { Ok(()) } else { Err(Problem::Protocol) }
}

/// `host` or `host : port`.
fn read_sent_by<'a>(cursor: &mut Cursor<'a>) -> Result<(Host<'a>, Option<u16>), Problem> {
    let start = cursor.at();
    let host = if cursor.eat(b'[') {
        cursor.until_byte(b']');
        cursor.eat(b']');
        cursor.since(start)
    } else {
        cursor.run(class::TOKEN)
    };
    let host = Host::parse(host).ok_or(Problem::Host)?;
    if !cursor.eat_spaced(b':') {
        return Ok((host, None));
    }
    let digits = cursor.until(|byte| !byte.is_ascii_digit());
    Ok((host, Some(parse_port(digits).map_err(|_| Problem::Port)?)))
}

impl fmt::Display for Rport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => Ok(()),
            Self::Requested => f.write_str(";rport"),
            Self::Port(port) => {
                f.write_str(";rport=")?;
                f.write_str(&decimal((*port).into()))
            }
        }
    }
}

impl fmt::Display for Via<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Part by part: a format string takes three times as long, and every request has a Via.
        for part in ["SIP/2.0/", self.transport, " "] {
            f.write_str(part)?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            f.write_str(":")?;
            f.write_str(&decimal(port.into()))?;
        }
        if let Some(branch) = self.branch {
            f.write_str(";branch=")?;
            f.write_str(branch)?;
        }
        self.rport.fmt(f)?;
        if let Some(received) = self.received {
            f.write_str(";received=")?;
            f.write_str(received)?;
        }
        let is_field = |name: &str| {
            ["branch", "received", "rport"].iter().any(|field| name.eq_ignore_ascii_case(field))
        };
        self.params
            .iter()
            .filter(|param| !is_field(param.name))
            .try_for_each(|param| write!(f, ";{param}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_via_with_blanks_and_folds_everywhere_is_read() {
        let text = "SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5062 ;\r\n branch =\r\n 390skdjuw";
        let via = Via::parse(text).unwrap();
        assert_eq!(via.transport, "UDP");
        assert_eq!(via.host.ip(), Some("192.0.2.2".parse().unwrap()));
        assert_eq!((via.port, via.branch), (Some(5062), Some("390skdjuw")));
        assert!(!via.has_unique_branch());
    }

    #[test]
    fn rport_is_absent_asked_for_or_stamped() {
        let rport = |text| Via::parse(text).map(|via| via.rport);
        assert_eq!(rport("SIP/2.0/UDP h"), Ok(Rport::Absent));
        assert_eq!(rport("SIP/2.0/UDP h;rport"), Ok(Rport::Requested));
        assert_eq!(rport("SIP/2.0/UDP h;rport=5070"), Ok(Rport::Port(5070)));
        assert_eq!(rport("SIP/2.0/UDP h;rport=70000"), Err(Problem::Port));
        assert_eq!(rport("SIP/2.0/UDP h;rport;rport=1"), Err(Problem::ParamRepeated));
    }

    #[test]
    fn received_takes_an_ipv6_address_with_or_without_brackets() {
        for text in ["2001:db8::9:255", "[2001:db8::9:255]"] {
            let line = format!("SIP/2.0/UDP [2001:db8::9:1];received={text};branch=z9hG4bKas3-111");
            let via = Via::parse(&line).unwrap();
            assert_eq!(via.received_ip(), Some("2001:db8::9:255".parse().unwrap()));
            assert!(via.has_unique_branch());
        }
    }

    #[test]
    fn stamping_replaces_rport_and_adds_received() {
        let via = Via::parse("SIP/2.0/UDP h.example.com:5060;rport;branch=z9hG4bK1;ttl=3").unwrap();
        let stamped = Via { received: Some("192.0.2.7"), rport: Rport::Port(4433), ..via };
        assert_eq!(
            stamped.to_string(),
            "SIP/2.0/UDP h.example.com:5060;branch=z9hG4bK1;rport=4433;received=192.0.2.7;ttl=3"
        );
    }

    #[test]
    fn a_wrong_via_is_refused_by_its_cause() {
        for (text, problem) in [
            ("", Problem::Empty),
            ("SIP/2.0/UDP", Problem::Protocol),
            ("SIP/2.0 UDP h", Problem::Protocol),
            ("SIP/2.0/UDP 192.0.2.15;;,;,,", Problem::Param),
            ("SIP/2.0/UDP 2001:db8::9:1;branch=z9hG4bK", Problem::Host),
            ("SIP/2.0/UDP [2001:db8::9:1;branch=z9hG4bK", Problem::Host),
            ("SIP/2.0/UDP h:;branch=1", Problem::Port),
            ("SIP/2.0/UDP h;branch=1;branch=2", Problem::ParamRepeated),
            ("SIP/2.0/UDP h;branch", Problem::Param),
        ] {
            assert_eq!(Via::parse(text), Err(problem), "{text}");
        }
    }

    #[test]
    fn more_vias_are_found_below_the_topmost_on_its_line_and_on_others() {
        for (head, more) in [
            ("Via: SIP/2.0/UDP a;branch=1", false),
            ("Via: SIP/2.0/UDP a;branch=1;x=\"b,c\"", false),
            ("Via: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b", true),
            ("Via: SIP/2.0/UDP a;branch=1,", true),
            ("Via: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b", true),
            ("v: SIP/2.0/UDP a\r\nVia:", true),
            ("Via: nonsense, more", false),
            ("Via: nonsense\r\nVia: SIP/2.0/UDP b", true),
            ("To: <sip:a@b>", false),
        ] {
            let text = format!("SIP/2.0 200 OK\r\n{head}\r\n\r\n");
            let message = crate::Message::parse(text.as_bytes()).unwrap();
            assert_eq!(message.has_more_vias(), more, "{head}");
            assert_eq!(message.vias().nth(1).is_some(), more, "{head}");
        }
    }
}
