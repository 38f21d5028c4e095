//! Values of the smaller headers: media types, reasons, session timers, replaced dialogs.

use std::fmt;

use crate::error::Problem;
use crate::grammar::{Cursor, class, delta_seconds, number};
use crate::params::Params;

/// A word and its parameters: Event, Subscription-State, Content-Disposition, an option tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<'a> {
    /// The word, as written.
    pub word: &'a str,
    /// What follows it.
    pub params: Params<'a>,
}

/// `Content-Type: type/subtype;params` (RFC 3261 §20.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// The type, as written.
    pub kind: &'a str,
    /// The subtype, as written.
    pub subtype: &'a str,
    /// Parameters, such as `boundary`.
    pub params: Params<'a>,
}

/// `Reason: protocol;cause=…;text="…"` (RFC 3326).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850` or another protocol, as written.
    pub protocol: &'a str,
    /// The protocol's code, if given.
    pub cause: Option<u16>,
    /// All parameters; `text` is `params.find("text")`.
    pub params: Params<'a>,
}

/// Who refreshes a session (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The side that sent the request.
    Uac,
    /// The side that answered it.
    Uas,
}

/// `Session-Expires: seconds;refresher=…` (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionExpires {
    /// The session interval, seconds.
    pub seconds: u32,
    /// Who refreshes, if it is settled.
    pub refresher: Option<Refresher>,
}

/// `Retry-After: seconds (comment);duration=…` (RFC 3261 §20.33).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetryAfter {
    /// Not before so many seconds.
    pub seconds: u32,
    /// Reachable for so many seconds from then on, if given.
    pub duration: Option<u32>,
}

/// The dialog a new one takes the place of (RFC 3891 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The dialog's Call-ID.
    pub call_id: &'a str,
    /// The tag of the side that receives this.
    pub to_tag: &'a str,
    /// The tag of the other side.
    pub from_tag: &'a str,
    /// All parameters; `early-only` is `params.contains("early-only")`.
    pub params: Params<'a>,
}

impl<'a> Word<'a> {
    /// Reads a token and parameters.
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let (word, params) = read(text, |cursor| cursor.token())?;
        Ok(Self { word, params })
    }
}

impl<'a> MediaType<'a> {
    /// Reads a media type.
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let ((kind, subtype), params) = read(text, |cursor| {
            let kind = cursor.token()?;
            if !cursor.eat_spaced(b'/') {
                return Err(Problem::Token);
            }
            Ok((kind, cursor.token()?))
        })?;
        Ok(Self { kind, subtype, params })
    }

    /// Whether it is that type, whatever its case and parameters.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }
}

impl<'a> Reason<'a> {
    /// Reads one reason.
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let Word { word, params } = Word::parse(text)?;
        let cause = match params.get("cause") {
            Some(digits) => Some(u16::try_from(number(digits)?).map_err(|_| Problem::OutOfRange)?),
            None => None,
        };
        Ok(Self { protocol: word, cause, params })
    }
}

impl SessionExpires {
    /// Reads a session interval. A refresher nobody defined counts as not settled.
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (seconds, params) = read(text, read_seconds)?;
        let refresher = params.get("refresher").and_then(|value| {
            [Refresher::Uac, Refresher::Uas]
                .into_iter()
                .find(|it| value.eq_ignore_ascii_case(it.as_str()))
        });
        Ok(Self { seconds, refresher })
    }
}

impl Refresher {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

impl RetryAfter {
    /// Reads how long to stay away.
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (seconds, params) = read(text, |cursor| {
            let seconds = read_seconds(cursor)?;
            cursor.skip_lws();
            skip_comment(cursor)?;
            Ok(seconds)
        })?;
        let duration = params.get("duration").map(delta_seconds).transpose()?;
        Ok(Self { seconds, duration })
    }
}

impl<'a> Replaces<'a> {
    /// Reads the dialog's three names; all must be there.
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let (call_id, params) =
            read(text, |cursor| Ok(cursor.until(|byte| b"; \t\r\n".contains(&byte))))?;
        if !crate::grammar::is_call_id(call_id) {
            return Err(Problem::Token);
        }
        let tag = |name| params.get(name).ok_or(Problem::Param);
        Ok(Self { call_id, to_tag: tag("to-tag")?, from_tag: tag("from-tag")?, params })
    }
}

/// Reads a value by `head`, then parameters, then the end.
fn read<'a, T>(
    text: &'a str,
    head: impl FnOnce(&mut Cursor<'a>) -> Result<T, Problem>,
) -> Result<(T, Params<'a>), Problem> {
    let mut cursor = Cursor::new(text);
    cursor.skip_lws();
    if cursor.is_done() {
        return Err(Problem::Empty);
    }
    let value = head(&mut cursor)?;
    let params = Params::read(&mut cursor, |_| Ok(()))?;
    cursor.skip_lws();
    if cursor.is_done() { Ok((value, params)) } else { Err(Problem::Trailing) }
}

fn read_seconds(cursor: &mut Cursor<'_>) -> Result<u32, Problem> {
    delta_seconds(cursor.run(class::TOKEN))
}

/// Steps over `( … )`, nested and with escapes, if one is there.
fn skip_comment(cursor: &mut Cursor<'_>) -> Result<(), Problem> {
    let mut depth = 0_u32;
    loop {
        if depth > 0 {
            cursor.until(|byte| b"()\\".contains(&byte));
        }
        match cursor.peek() {
            Some(b'(') => depth += 1,
            Some(b')') if depth > 0 => depth -= 1,
            Some(b'\\') if depth > 0 => {
                cursor.eat(b'\\');
                match cursor.peek() {
                    Some(next) if next.is_ascii() => {}
                    Some(_) | None => return Err(Problem::Escape),
                }
            }
            _ if depth == 0 => return Ok(()),
            _ => return Err(Problem::Trailing),
        }
        cursor.step();
        if depth == 0 {
            return Ok(());
        }
    }
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.word, self.params)
    }
}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}

impl fmt::Display for Reason<'_> {
    /// `cause` from its field, the other parameters as they came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        self.params
            .iter()
            .filter(|param| !param.name.eq_ignore_ascii_case("cause"))
            .try_for_each(|param| write!(f, ";{param}"))
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refresher {
            Some(refresher) => write!(f, "{};refresher={}", self.seconds, refresher.as_str()),
            None => write!(f, "{}", self.seconds),
        }
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.duration {
            Some(duration) => write!(f, "{};duration={duration}", self.seconds),
            None => write!(f, "{}", self.seconds),
        }
    }
}

impl fmt::Display for Replaces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.call_id, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_compared_without_case_and_parameters() {
        let read = MediaType::parse("multipart / MIXED ; boundary=\"a;b\"").unwrap();
        assert!(read.is("Multipart", "mixed"));
        assert_eq!(read.params.get("boundary"), Some("\"a;b\""));
        assert_eq!(MediaType::parse("application"), Err(Problem::Token));
        assert_eq!(MediaType::parse(""), Err(Problem::Empty));
    }

    #[test]
    fn a_reason_has_a_protocol_and_perhaps_a_cause() {
        let read = Reason::parse("Q.850 ;cause=16 ;text=\"Terminated\"").unwrap();
        assert_eq!((read.protocol, read.cause), ("Q.850", Some(16)));
        assert_eq!(read.to_string(), "Q.850;cause=16;text=\"Terminated\"");
        assert_eq!(Reason::parse("SIP;cause=99999"), Err(Problem::OutOfRange));
    }

    #[test]
    fn a_session_interval_may_name_its_refresher() {
        let read = |text| SessionExpires::parse(text).map(|it| (it.seconds, it.refresher));
        assert_eq!(read("1800;refresher=UAS"), Ok((1800, Some(Refresher::Uas))));
        assert_eq!(read("90"), Ok((90, None)));
        assert_eq!(read("90;refresher=none"), Ok((90, None)));
        assert_eq!(read("soon"), Err(Problem::Number));
    }

    #[test]
    fn retry_after_may_carry_a_comment_and_a_duration() {
        let read = |text| RetryAfter::parse(text).map(|it| (it.seconds, it.duration));
        assert_eq!(read("18000;duration=3600"), Ok((18_000, Some(3600))));
        assert_eq!(read("120 (I'm in a (long\\)) meeting)"), Ok((120, None)));
        assert_eq!(read("949302838503028349304023988"), Ok((u32::MAX, None)));
        assert_eq!(read("120 (open"), Err(Problem::Trailing));
    }

    #[test]
    fn replaces_needs_all_three_names() {
        let read =
            Replaces::parse("98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff").unwrap();
        assert_eq!(read.call_id, "98732@sip.example.com");
        assert_eq!((read.to_tag, read.from_tag), ("ff87ff", "r33th4x0r"));
        assert_eq!(Replaces::parse("98732@sip.example.com;to-tag=1"), Err(Problem::Param));
    }
}
