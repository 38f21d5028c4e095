//! Numbers that order requests and provisional responses: CSeq and RAck.

use std::fmt;

use crate::error::Problem;
use crate::grammar::{Cursor, class, decimal, number};
use crate::method::Method;

/// `CSeq: number method` (RFC 3261 §20.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CSeq<'a> {
    /// The number. A message's check demands less than 2³¹ (RFC 3261 §8.1.1.5).
    pub number: u32,
    /// The method of the request it belongs to.
    pub method: Method<'a>,
}

/// `RAck: response-number cseq-number method` (RFC 3262 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RAck<'a> {
    /// The RSeq of the provisional response that is acknowledged.
    pub rseq: u32,
    /// The CSeq of that response.
    pub cseq: CSeq<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads a CSeq value.
    ///
    /// # Errors
    /// Names what does not fit; a number beyond 32 bits is out of range.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let cseq = Self::read(&mut cursor)?;
        cursor.skip_lws();
        if cursor.is_done() { Ok(cseq) } else { Err(Problem::Trailing) }
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Problem> {
        let number = read_number(cursor)?;
        let method = Method::parse(cursor.token()?);
        Ok(Self { number, method })
    }
}

impl<'a> RAck<'a> {
    /// Reads a RAck value.
    ///
    /// # Errors
    /// Names what does not fit; numbers beyond 32 bits are out of range.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let rseq = read_number(&mut cursor)?;
        let cseq = CSeq::read(&mut cursor)?;
        cursor.skip_lws();
        if cursor.is_done() { Ok(Self { rseq, cseq }) } else { Err(Problem::Trailing) }
    }
}

/// A 32-bit number and the blank after it.
fn read_number(cursor: &mut Cursor<'_>) -> Result<u32, Problem> {
    let digits = cursor.until(is_end);
    let value = u32::try_from(number(digits)?).map_err(|_| Problem::OutOfRange)?;
    cursor.skip_lws();
    Ok(value)
}

fn is_end(byte: u8) -> bool {
    crate::grammar::is(byte, class::LWS)
}

impl fmt::Display for CSeq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&decimal(self.number), " ", self.method.as_str()] {
            f.write_str(part)?;
        }
        Ok(())
    }
}

impl fmt::Display for RAck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value, the clause it tests, and what must come of it.
    type Case = (&'static str, &'static str, &'static str, Result<u32, Problem>);

    #[rustfmt::skip]
    const CSEQ_CASES: &[Case] = &[
        ("plain",             "RFC 3261 §20.16",    "4711 INVITE",       Ok(4711)),
        ("tab-separated",     "RFC 3261 §25.1",     "1\tINVITE",         Ok(1)),
        ("folded-line",       "RFC 4475 §3.1.1.1",  "0009\r\n  INVITE",  Ok(9)),
        ("method-extension",  "RFC 4475 §3.1.1.2",  "1 !interesting%",   Ok(1)),
        ("number-largest",    "RFC 3261 §8.1.1.5",  "4294967295 BYE",    Ok(u32::MAX)),
        ("number-too-large",  "RFC 4475 §3.1.2.4",  "4294967296 INVITE", Err(Problem::OutOfRange)),
        ("number-huge",       "RFC 4475 §3.1.2.4",  "36893488147419103232 REGISTER", Err(Problem::OutOfRange)),
        ("number-negative",   "RFC 3261 §25.1",     "-1 INVITE",         Err(Problem::Number)),
        ("number-missing",    "RFC 3261 §25.1",     "INVITE",            Err(Problem::Number)),
        ("method-missing",    "RFC 3261 §25.1",     "7 ",                Err(Problem::Token)),
        ("method-attached",   "RFC 3261 §25.1",     "7INVITE",           Err(Problem::Number)),
        ("method-twice",      "RFC 3261 §25.1",     "7 INVITE ACK",      Err(Problem::Trailing)),
        ("empty",             "RFC 3261 §25.1",     "",                  Err(Problem::Number)),
    ];

    #[test]
    fn cseq_values_are_sorted_as_their_clauses_say() {
        for (name, cites, wire, expect) in CSEQ_CASES {
            let read = CSeq::parse(wire).map(|cseq| cseq.number);
            assert_eq!(read, *expect, "{name} ({cites}): {wire:?}");
        }
    }

    #[test]
    fn rack_names_both_numbers_and_the_method() {
        let cseq = CSeq { number: 1, method: Method::Invite };
        assert_eq!(RAck::parse("776656 1 INVITE"), Ok(RAck { rseq: 776_656, cseq }));
        assert_eq!(RAck::parse("776656 INVITE"), Err(Problem::Number));
    }
}
