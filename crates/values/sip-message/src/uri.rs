//! URIs: `sip`, `sips` and `tel` in parts, any other scheme as opaque text.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arrayvec::ArrayVec;

use crate::error::UriError;
use crate::grammar::{Cursor, class, is, split_at_byte};
use crate::params::Params;
use crate::uri_match::same_name;

/// Most parameters, and most headers, one URI may have.
///
/// Comparing URIs (RFC 3261 §19.1.4) looks each parameter up in the other URI; the limit keeps a
/// hostile pair from making that quadratic in 64 KiB.
pub const URI_PARAMS_MAX: usize = 32;

/// What stands before a URI's first colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme<'a> {
    /// `sip`, RFC 3261 §19.1.
    Sip,
    /// `sips`, RFC 3261 §19.1.
    Sips,
    /// `tel`, RFC 3966.
    Tel,
    /// Any other, as written.
    Other(&'a str),
}

/// A host as it stands in a URI or Via.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host<'a> {
    /// A domain name, as written; compare without case.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; printed in brackets.
    V6(Ipv6Addr),
    /// None: `tel` and foreign URIs have no host.
    Absent,
}

/// A URI in parts. Texts are as written, `%` escapes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: Scheme<'a>,
    /// The user part; the number of a `tel` URI.
    pub user: Option<&'a str>,
    /// The password part, which nobody should send.
    pub password: Option<&'a str>,
    /// The host.
    pub host: Host<'a>,
    /// The port, if one is written.
    pub port: Option<u16>,
    /// The `;name=value` parameters.
    pub params: Params<'a>,
    /// What follows `?`, the question mark left out.
    pub headers: Option<&'a str>,
    /// What follows the colon if the scheme is `Other`; empty for the rest.
    pub opaque: &'a str,
}

impl<'a> Uri<'a> {
    /// A `sip` URI of a host alone, to be filled in by struct update.
    #[must_use]
    pub fn sip(host: Host<'a>, port: Option<u16>) -> Self {
        Self {
            scheme: Scheme::Sip,
            user: None,
            password: None,
            host,
            port,
            params: Params::default(),
            headers: None,
            opaque: "",
        }
    }

    /// Reads a URI of any scheme (RFC 3261 §25.1 `SIP-URI`, `SIPS-URI`, `absoluteURI`; RFC 3966 §3).
    ///
    /// # Errors
    /// Names the part that does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, UriError> {
        parse_any(text).map_err(|error| {
            // A character no URI may hold says more than the part it stands in; a bracket at the
            // start says that something else than a URI stands here.
            match text.bytes().find(|&byte| !is_uri_byte(byte)) {
                Some(b'<') | None => error,
                Some(_) => UriError::Character,
            }
        })
    }

    /// The user part with its `%` escapes removed, or as written if what they hide is not UTF-8.
    #[must_use]
    pub fn user_unescaped(&self) -> Option<Cow<'a, str>> {
        self.user.map(unescape)
    }

    /// The user part up to its own parameters (`+1…;phone-context=…` → `+1…`), with escapes and
    /// the visual separators of RFC 3966 §3 removed: what a dial plan looks at.
    #[must_use]
    pub fn phone_digits(&self) -> Option<Cow<'a, str>> {
        let number = match self.user?.split_once(';') {
            Some((number, _)) => unescape(number),
            None => self.user_unescaped()?,
        };
        let is_separator = |c| matches!(c, '-' | '.' | '(' | ')');
        Some(match number.contains(is_separator) {
            true => Cow::Owned(number.replace(is_separator, "")),
            false => number,
        })
    }

    /// The `transport` parameter.
    #[must_use]
    pub fn transport(&self) -> Option<&'a str> {
        self.params.get("transport")
    }

    /// Whether it is a loose route (`;lr`, RFC 3261 §16.4).
    #[must_use]
    pub fn is_loose_route(&self) -> bool {
        self.params.contains("lr")
    }

    /// Whether both mean the same resource by the rules of RFC 3261 §19.1.4.
    ///
    /// Not transitive by that section's own words, and therefore not `==`, which compares as
    /// written. `tel` URIs compare by RFC 3966 §4, foreign schemes byte by byte.
    #[must_use]
    pub fn matches(&self, other: &Uri<'_>) -> bool {
        crate::uri_match::matches(self, other)
    }
}

impl<'a> Scheme<'a> {
    fn parse(text: &'a str) -> Result<Self, UriError> {
        let mut bytes = text.bytes();
        let starts = bytes.next().is_some_and(|first| first.is_ascii_alphabetic());
        let goes_on = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !(starts && goes_on) {
            return Err(UriError::Scheme);
        }
        Ok(match text.len() {
            3 if text.eq_ignore_ascii_case("sip") => Self::Sip,
            4 if text.eq_ignore_ascii_case("sips") => Self::Sips,
            3 if text.eq_ignore_ascii_case("tel") => Self::Tel,
            _ => Self::Other(text),
        })
    }

    /// The scheme as printed, without its colon.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(text) => text,
        }
    }
}

fn is_uri_byte(byte: u8) -> bool {
    is(byte, class::URI | class::USER)
}

fn parse_any(text: &str) -> Result<Uri<'_>, UriError> {
    match parse_plain(text) {
        Some(uri) => Ok(uri),
        None => parse_full(text),
    }
}

fn parse_full(text: &str) -> Result<Uri<'_>, UriError> {
    if text.is_empty() {
        return Err(UriError::Empty);
    }
    let (scheme, rest) = split_at_byte(text, b':').ok_or(UriError::Scheme)?;
    match Scheme::parse(scheme)? {
        scheme @ (Scheme::Sip | Scheme::Sips) => parse_sip(scheme, rest),
        Scheme::Tel => parse_tel(rest),
        scheme @ Scheme::Other(_) => {
            check_escapes(rest, class::URI, UriError::Character)?;
            if rest.is_empty() {
                return Err(UriError::Empty);
            }
            Ok(Uri { scheme, opaque: rest, ..Uri::sip(Host::Absent, None) })
        }
    }
}

/// The shape nearly every URI has, in one walk: `sip:` or `sips:` in lower case, perhaps a user
/// without escapes, a host that is not an IPv6 address, perhaps a port and parameters.
///
/// `None` is no verdict: the full grammar gives that. What is read here, it reads alike, since no
/// alphabet behind the user has an `@` or a `?`.
#[inline]
fn parse_plain(text: &str) -> Option<Uri<'_>> {
    let mut cursor = Cursor::new(text);
    let scheme = if cursor.eat_word("sip:") {
        Scheme::Sip
    } else if cursor.eat_word("sips:") {
        Scheme::Sips
    } else {
        return None;
    };
    let mut probe = cursor;
    let mut user = Some(probe.run(class::USER)).filter(|it| !it.is_empty());
    if user.is_some() && probe.eat(b'@') {
        cursor = probe;
    } else {
        user = None;
    }
    let host = Host::parse(cursor.run(class::HOST))?;
    let port = match cursor.eat(b':') {
        true => Some(parse_port(cursor.until(|byte| !byte.is_ascii_digit())).ok()?),
        false => None,
    };
    let mut params = Params::default();
    if cursor.eat(b';') {
        check_params(cursor.rest()).ok()?;
        params = Params::new(cursor.rest());
    } else if !cursor.is_done() {
        return None;
    }
    Some(Uri { scheme, user, password: None, host, port, params, headers: None, opaque: "" })
}

fn parse_sip<'a>(scheme: Scheme<'a>, rest: &'a str) -> Result<Uri<'a>, UriError> {
    // No part after the host may hold an `@`, so the first one ends the user.
    let (userinfo, rest) = match split_at_byte(rest, b'@') {
        Some((userinfo, rest)) => (Some(userinfo), rest),
        None => (None, rest),
    };
    let (user, password) = match userinfo.map(|text| (text, split_at_byte(text, b':'))) {
        None => (None, None),
        Some((_, Some((user, password)))) => (Some(user), Some(password)),
        Some((user, None)) => (Some(user), None),
    };
    if let Some(user) = user {
        check_escapes(user, class::USER, UriError::User)?;
        if user.is_empty() {
            return Err(UriError::User);
        }
    }
    if let Some(password) = password {
        check_escapes(password, class::USER, UriError::User)?;
    }
    let (rest, headers) = match split_at_byte(rest, b'?') {
        Some((rest, headers)) => (rest, Some(headers)),
        None => (rest, None),
    };
    if let Some(headers) = headers {
        check_headers(headers)?;
    }
    let (hostport, params) = split_params(rest)?;
    let (host, port) = parse_hostport(hostport)?;
    Ok(Uri { scheme, user, password, host, port, params, headers, opaque: "" })
}

fn parse_tel(rest: &str) -> Result<Uri<'_>, UriError> {
    let (number, params) = split_params(rest)?;
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_global = digits.len() != number.len();
    let fits = |byte: u8| match byte {
        b'0'..=b'9' | b'-' | b'.' | b'(' | b')' => true,
        b'a'..=b'f' | b'A'..=b'F' | b'*' | b'#' => !is_global,
        _ => false,
    };
    let has_digit = digits.bytes().any(|byte| !b"-.()".contains(&byte));
    if !has_digit || !digits.bytes().all(fits) {
        return Err(UriError::Number);
    }
    Ok(Uri { scheme: Scheme::Tel, user: Some(number), params, ..Uri::sip(Host::Absent, None) })
}

/// Cuts `;…` off and checks it.
fn split_params(text: &str) -> Result<(&str, Params<'_>), UriError> {
    let Some((before, raw)) = split_at_byte(text, b';') else {
        return Ok((text, Params::default()));
    };
    check_params(raw)?;
    Ok((before, Params::new(raw)))
}

/// Checks each parameter; a name may stand once (RFC 3261 §19.1.1).
fn check_params(raw: &str) -> Result<(), UriError> {
    let mut names = ArrayVec::<&str, URI_PARAMS_MAX>::new();
    for param in raw.split(';') {
        let (name, value) = match split_at_byte(param, b'=') {
            Some((name, value)) => (name, Some(value)),
            None => (param, None),
        };
        if name.is_empty() || value == Some("") {
            return Err(UriError::Param);
        }
        check_escapes(name, class::URI_PARAM, UriError::Param)?;
        check_escapes(value.unwrap_or(""), class::URI_PARAM, UriError::Param)?;
        if names.iter().any(|seen| same_name(seen, name)) {
            return Err(UriError::ParamRepeated);
        }
        names.try_push(name).map_err(|_| UriError::TooManyParams)?;
    }
    Ok(())
}

fn check_headers(headers: &str) -> Result<(), UriError> {
    for (count, header) in headers.split('&').enumerate() {
        if count >= URI_PARAMS_MAX {
            return Err(UriError::TooManyParams);
        }
        let (name, value) = header.split_once('=').ok_or(UriError::Header)?;
        if name.is_empty() {
            return Err(UriError::Header);
        }
        // `hnv-unreserved` is the parameters' alphabet with `?` for `&`, which separates here.
        for part in [name, value].into_iter().flat_map(|text| text.split('?')) {
            check_escapes(part, class::URI_PARAM, UriError::Header)?;
        }
    }
    Ok(())
}

/// Every byte in the alphabet, every `%` followed by two hexadecimal digits.
fn check_escapes(text: &str, classes: u8, error: UriError) -> Result<(), UriError> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
            if !hex(bytes.get(at + 1)) || !hex(bytes.get(at + 2)) {
                return Err(UriError::Escape);
            }
            at += 3;
        } else if is(bytes[at], classes) {
            at += 1;
        } else {
            return Err(error);
        }
    }
    Ok(())
}

/// Reads `host[:port]`.
fn parse_hostport(text: &str) -> Result<(Host<'_>, Option<u16>), UriError> {
    let position = |byte| text.bytes().position(|it| it == byte);
    let host_end = match text.starts_with('[') {
        true => position(b']').map_or(text.len(), |end| end + 1),
        false => position(b':').unwrap_or(text.len()),
    };
    let host = Host::parse(&text[..host_end]).ok_or(UriError::Host)?;
    let port = match &text[host_end..] {
        "" => None,
        tail => Some(parse_port(tail.strip_prefix(':').ok_or(UriError::Host)?)?),
    };
    Ok((host, port))
}

pub(crate) fn parse_port(digits: &str) -> Result<u16, UriError> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UriError::Port);
    }
    digits.parse().map_err(|_| UriError::Port)
}

/// The text behind `%` escapes; as written if the escapes do not make UTF-8.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    match String::from_utf8(unescaped_bytes(text).collect()) {
        Ok(plain) => Cow::Owned(plain),
        Err(_) => Cow::Borrowed(text),
    }
}

/// The bytes of `text`, each good `%` escape as the byte it stands for.
pub(crate) fn unescaped_bytes(text: &str) -> impl Iterator<Item = u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let mut bytes = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, rest) = bytes.split_first()?;
        bytes = rest;
        if let (b'%', [high, low, after @ ..]) = (first, rest)
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            bytes = after;
            return Some(high << 4 | low);
        }
        Some(first)
    })
}

impl<'a> Host<'a> {
    /// Reads a domain name, an IPv4 address or an IPv6 address in brackets.
    ///
    /// A name whose last label is all digits must be an IPv4 address. Labels may hold underscores
    /// and begin with digits, as container host names do.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner.strip_suffix(']')?.parse().ok().map(Self::V6);
        }
        match dotted_quad(text.as_bytes()) {
            Some(address) => Some(Self::V4(address)),
            None => is_name(text.strip_suffix('.').unwrap_or(text)).then_some(Self::Name(text)),
        }
    }

    /// The address, if the host is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
            Self::Name(_) | Self::Absent => None,
        }
    }

    /// Whether both name the same host: names without case, addresses by value. A name never
    /// equals an address (RFC 3261 §19.1.4).
    #[must_use]
    pub fn matches(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Self::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::Name(_) | Self::V4(_) | Self::V6(_) | Self::Absent, _) => {
                self.ip() == other.ip()
                    && !matches!((self, other), (Self::Name(_), _) | (_, Host::Name(_)))
            }
        }
    }
}

impl From<IpAddr> for Host<'_> {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

/// Reads four numbers of 0 to 255 without leading zeros.
fn dotted_quad(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut rest = text;
    for (at, octet) in octets.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at(digits);
        if digits == 0 || (digits > 1 && number[0] == b'0') {
            return None;
        }
        let value = number.iter().fold(0, |sum, byte| sum * 10 + u16::from(byte - b'0'));
        *octet = u8::try_from(value).ok()?;
        rest = after;
    }
    rest.is_empty().then(|| octets.into())
}

/// Whether every label fits a domain name, and the last is not a number.
fn is_name(name: &str) -> bool {
    // What stands before each byte; before the first, as before each label, a dot.
    let mut before = b'.';
    for byte in name.bytes() {
        let fits = match byte {
            b'.' => !matches!(before, b'.' | b'-'),
            b'-' => before != b'.',
            _ => is(byte, class::HOST),
        };
        if !fits {
            return false;
        }
        before = byte;
    }
    match before {
        b'.' | b'-' => false,
        b'0'..=b'9' => {
            let last = name.bytes().rev().take_while(|&byte| byte != b'.');
            !last.into_iter().all(|byte| byte.is_ascii_digit())
        }
        _ => true,
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "[{address}]"),
            Self::Absent => Ok(()),
        }
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme.as_str())?;
        if let Some(user) = self.user {
            f.write_str(user)?;
            if let Some(password) = self.password {
                write!(f, ":{password}")?;
            }
            if self.host != Host::Absent {
                f.write_str("@")?;
            }
        }
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}{}", self.opaque, self.params)?;
        match self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "uri_tests.rs"]
mod tests;
