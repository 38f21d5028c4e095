//! Challenges and credentials: a scheme and its parameters (RFC 3261 §25.1 `challenge`,
//! `credentials`; RFC 7616 for Digest).

use std::borrow::Cow;

use crate::error::{HeaderError, Problem};
use crate::grammar::{Cursor, class, is, skip_quoted, split_at_byte, trim, unquote};

/// Most parameters one challenge or set of credentials may have; Digest defines thirteen.
pub const AUTH_PARAMS_MAX: usize = 64;

/// One challenge or one set of credentials, of any scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestFields<'a> {
    /// The scheme as written; compare without case, or ask [`DigestFields::is_digest`].
    pub scheme: &'a str,
    /// What follows it, as written: parameters with commas between, or a bare token.
    pub raw: &'a str,
}

impl<'a> DigestFields<'a> {
    /// Reads one challenge or set of credentials.
    ///
    /// The parameters of scheme Digest are checked to the end, each name at most once. Those of
    /// other schemes are left alone: nobody here knows them (RFC 4475 §3.3.7).
    ///
    /// # Errors
    /// Names what does not fit the grammar.
    pub fn parse(text: &'a str) -> Result<Self, Problem> {
        let text = trim(text);
        if text.is_empty() {
            return Err(Problem::Empty);
        }
        let mut cursor = Cursor::new(text);
        let scheme = cursor.token()?;
        let after = cursor.at();
        cursor.skip_lws();
        if cursor.at() == after && !cursor.is_done() {
            return Err(Problem::Token);
        }
        let fields = Self { scheme, raw: cursor.rest() };
        if fields.is_digest() {
            fields.check_params()?;
        }
        Ok(fields)
    }

    /// Whether the scheme is Digest.
    #[must_use]
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    /// Every parameter in order, its value as written.
    pub fn params(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            loop {
                if rest.is_empty() {
                    return None;
                }
                let end = comma(rest.as_bytes(), 0);
                let item = trim(&rest[..end]);
                rest = rest.get(end + 1..).unwrap_or("");
                if let Some((name, value)) = split_at_byte(item, b'=') {
                    return Some((trim(name), trim(value)));
                }
            }
        })
    }

    /// The value of a parameter without its quotes; names have no case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.raw_value(name).map(unquote)
    }

    /// The value of a parameter as written.
    #[must_use]
    pub fn raw_value(&self, name: &str) -> Option<&'a str> {
        self.params().find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// `username`.
    #[must_use]
    pub fn username(&self) -> Option<Cow<'a, str>> {
        self.get("username")
    }

    /// `realm`.
    #[must_use]
    pub fn realm(&self) -> Option<Cow<'a, str>> {
        self.get("realm")
    }

    /// `nonce`.
    #[must_use]
    pub fn nonce(&self) -> Option<Cow<'a, str>> {
        self.get("nonce")
    }

    /// `uri`, which goes into the digest exactly as it stands between the quotes.
    #[must_use]
    pub fn uri(&self) -> Option<Cow<'a, str>> {
        self.get("uri")
    }

    /// `response`, in hexadecimal.
    #[must_use]
    pub fn response(&self) -> Option<Cow<'a, str>> {
        self.get("response")
    }

    /// `cnonce`.
    #[must_use]
    pub fn cnonce(&self) -> Option<Cow<'a, str>> {
        self.get("cnonce")
    }

    /// `opaque`.
    #[must_use]
    pub fn opaque(&self) -> Option<Cow<'a, str>> {
        self.get("opaque")
    }

    /// `algorithm`; its absence means MD5 (RFC 7616 §3.3). Compare without case.
    #[must_use]
    pub fn algorithm(&self) -> Option<Cow<'a, str>> {
        self.get("algorithm")
    }

    /// `qop`: the choice in credentials, the comma-separated offer in a challenge.
    #[must_use]
    pub fn qop(&self) -> Option<Cow<'a, str>> {
        self.get("qop")
    }

    /// Whether a challenge offers that quality of protection.
    #[must_use]
    pub fn offers_qop(&self, wanted: &str) -> bool {
        let offer = self.qop();
        offer.is_some_and(|list| list.split(',').any(|it| trim(it).eq_ignore_ascii_case(wanted)))
    }

    /// `nc`, eight hexadecimal digits (RFC 7616 §3.4); `None` if absent or misspelled.
    #[must_use]
    pub fn nonce_count(&self) -> Option<u32> {
        let digits = self.get("nc")?;
        let fits = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| u32::from_str_radix(&digits, 16).ok()).flatten()
    }

    /// Whether a challenge says `stale=true`.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.get("stale").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Each parameter `name=value`, no name twice, no more than [`AUTH_PARAMS_MAX`].
    fn check_params(&self) -> Result<(), Problem> {
        let mut names = arrayvec::ArrayVec::<&str, AUTH_PARAMS_MAX>::new();
        let mut cursor = Cursor::new(self.raw);
        loop {
            // Empty elements between commas are allowed (RFC 7230 §7); the end may be one.
            while cursor.eat_spaced(b',') {}
            cursor.skip_lws();
            if cursor.is_done() {
                return if names.is_empty() { Err(Problem::Empty) } else { Ok(()) };
            }
            let name = cursor.token().map_err(|_| Problem::Param)?;
            if !cursor.eat_spaced(b'=') {
                return Err(Problem::Param);
            }
            if cursor.peek() == Some(b'"') {
                cursor.quoted()?;
            } else if cursor.run(class::VALUE).is_empty() {
                return Err(Problem::Param);
            }
            if names.iter().any(|seen| seen.eq_ignore_ascii_case(name)) {
                return Err(Problem::ParamRepeated);
            }
            names.try_push(name).map_err(|_| Problem::TooManyParams)?;
            cursor.skip_lws();
            if !cursor.is_done() && cursor.peek() != Some(b',') {
                return Err(Problem::Trailing);
            }
        }
    }
}

/// The first comma outside quotes from `at` on, or the end.
fn comma(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b',' => return at,
            b'"' => at = skip_quoted(bytes, at) + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Cuts a line into its challenges.
///
/// RFC 3261 §7.3.1 forbids to join these headers, and senders do it. A comma starts a new
/// challenge if what follows is a word and another word, not `name=`.
#[derive(Debug, Clone)]
pub struct ChallengeSplit<'a> {
    rest: &'a str,
}

impl<'a> ChallengeSplit<'a> {
    /// Splits one header value.
    #[must_use]
    pub fn new(value: &'a str) -> Self {
        Self { rest: trim(value) }
    }

    /// The challenges, read.
    pub(crate) fn read_each(mut self) -> impl Iterator<Item = Result<DigestFields<'a>, Problem>> {
        std::iter::from_fn(move || self.read_next())
    }

    fn read_next(&mut self) -> Option<Result<DigestFields<'a>, Problem>> {
        // Nearly every line is one challenge of Digest. If it reads as that to its end there is no
        // other in it, whose scheme would have been a parameter without its `=`.
        match DigestFields::parse(self.rest) {
            Ok(fields) if fields.is_digest() => {
                self.rest = "";
                Some(Ok(fields))
            }
            Ok(_) | Err(_) => self.next().map(DigestFields::parse),
        }
    }
}

impl<'a> Iterator for ChallengeSplit<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let mut end = comma(self.rest.as_bytes(), 0);
        while end < self.rest.len() && !starts_challenge(&self.rest[end + 1..]) {
            end = comma(self.rest.as_bytes(), end + 1);
        }
        let item = trim(&self.rest[..end]);
        self.rest = self.rest.get(end + 1..).map_or("", trim);
        Some(item)
    }
}

/// Whether `text` begins with a word, a blank and another word that no `=` precedes.
fn starts_challenge(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.skip_lws();
    if cursor.token().is_err() {
        return false;
    }
    let after = cursor.at();
    cursor.skip_lws();
    cursor.at() > after && cursor.peek().is_some_and(|byte| is(byte, class::TOKEN))
}

/// The challenges or credentials of a message, in order.
#[derive(Clone)]
pub struct AuthItems<I> {
    pub(crate) name: crate::Name,
    pub(crate) items: I,
}

impl<'a, I: Iterator<Item = Result<DigestFields<'a>, Problem>>> Iterator for AuthItems<I> {
    type Item = Result<DigestFields<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        let fields = self.items.next()?;
        Some(fields.map_err(|problem| HeaderError { name: self.name, problem }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_credentials_are_read_field_by_field() {
        let fields = DigestFields::parse(
            "Digest username=\"bob \\\"b\\\"\", realm=\"biloxi.com\",\r\n nonce=\"dcd98b\", \
             uri=\"sip:bob@biloxi.com\", qop=auth, nc=0000000A, cnonce=\"0a4f\", \
             response=\"6629fae4\", opaque=\"5c,cc\", algorithm=SHA-256",
        )
        .unwrap();
        assert!(fields.is_digest());
        assert_eq!(fields.username().as_deref(), Some("bob \"b\""));
        assert!(matches!(fields.realm(), Some(Cow::Borrowed("biloxi.com"))));
        assert_eq!(fields.opaque().as_deref(), Some("5c,cc"));
        assert_eq!(fields.nonce_count(), Some(10));
        assert_eq!(fields.algorithm().as_deref(), Some("SHA-256"));
        assert_eq!(fields.params().count(), 10);
    }

    #[test]
    fn several_challenges_on_one_line_come_apart() {
        let line = "Digest realm=\"a, Digest b\", nonce=\"1\", qop=\"auth, auth-int\", \
                    Digest realm=\"c\", nonce=\"2\", algorithm=SHA-256, NewAuth x";
        let items: Vec<_> = ChallengeSplit::new(line).collect();
        assert_eq!(items.len(), 3, "{items:?}");
        let first = DigestFields::parse(items[0]).unwrap();
        assert_eq!(first.realm().as_deref(), Some("a, Digest b"));
        assert!(first.offers_qop("auth") && first.offers_qop("auth-int"));
        assert_eq!(DigestFields::parse(items[1]).unwrap().realm().as_deref(), Some("c"));
        assert_eq!(DigestFields::parse(items[2]).unwrap().scheme, "NewAuth");
    }

    #[test]
    fn what_is_read_of_a_line_is_what_it_comes_apart_into() {
        for line in [
            "",
            "Digest a=1",
            " Digest a=\"1, Digest b=2\" ,, ",
            "Digest a=1, Digest b=2, Basic Zm9v, Digest c=3",
            "Basic Zm9v, Digest b=2",
            "Digest a=1, b, c=2",
            "Digest a=1, Digest ",
            "Digest",
            "Digest a=\"1, Digest b=2",
        ] {
            let read: Vec<_> = ChallengeSplit::new(line).read_each().collect();
            let apart: Vec<_> = ChallengeSplit::new(line).map(DigestFields::parse).collect();
            assert_eq!(read, apart, "{line}");
        }
    }

    #[test]
    fn a_scheme_nobody_knows_keeps_its_text() {
        let fields = DigestFields::parse("NoOneKnowsThisScheme opaque-data=here").unwrap();
        assert!(!fields.is_digest());
        assert_eq!(fields.get("opaque-data").as_deref(), Some("here"));
        assert_eq!(DigestFields::parse("Bearer abc.def==").unwrap().raw, "abc.def==");
    }

    #[test]
    fn digest_parameters_that_could_be_read_two_ways_are_refused() {
        for (text, problem) in [
            ("Digest", Problem::Empty),
            ("Digest username", Problem::Param),
            ("Digest username=", Problem::Param),
            ("Digest username=\"a", Problem::QuoteUnbalanced),
            ("Digest username=\"a\" realm=\"b\"", Problem::Trailing),
            ("Digest username=\"a\", Username=\"b\"", Problem::ParamRepeated),
        ] {
            assert_eq!(DigestFields::parse(text), Err(problem), "{text}");
        }
        let many: Vec<_> = (0..65).map(|n| format!("p{n}=1")).collect();
        let text = format!("Digest {}", many.join(","));
        assert_eq!(DigestFields::parse(&text), Err(Problem::TooManyParams));
    }
}
