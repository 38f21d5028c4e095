//! The characters and small words of RFC 3261 §25.1, and a cursor that reads them.
//!
//! Everything here works on text that is already UTF-8 and never copies it. White space is read
//! as `LWS`: a folded value still holds its CRLF, so CR and LF count as blanks here; that a fold
//! is a fold (CRLF then a blank) was settled when the message was split into lines.

use std::borrow::Cow;

use arrayvec::ArrayString;

use crate::error::Problem;

/// Bits of [`CLASS`]: which alphabets a byte belongs to.
pub(crate) mod class {
    /// `token`: alphanumeric or one of ``-.!%*_+`'~``.
    pub(crate) const TOKEN: u8 = 1;
    /// Blank inside a header value: SP, HTAB, and the CR and LF of a fold.
    pub(crate) const LWS: u8 = 1 << 1;
    /// What a SIP user part may hold besides escapes. `#` ought to be escaped, but private
    /// exchanges send dialled digits as they are.
    pub(crate) const USER: u8 = 1 << 2;
    /// What a SIP URI parameter may hold besides escapes.
    pub(crate) const URI_PARAM: u8 = 1 << 3;
    /// What a header parameter's unquoted value may hold: `token`, an address in brackets, and
    /// the characters senders of bare base64 or addresses put there (`/ = @ ? & $ :`).
    pub(crate) const VALUE: u8 = 1 << 4;
    /// Any character of an absolute URI.
    pub(crate) const URI: u8 = 1 << 5;
    /// What a host name may hold, its dots included.
    pub(crate) const HOST: u8 = 1 << 6;
    /// What stands for itself inside a quoted string; bytes beyond ASCII do.
    pub(crate) const QUOTED: u8 = 1 << 7;
}

const fn in_set(byte: u8, set: &[u8]) -> bool {
    let mut i = 0;
    while i < set.len() {
        if set[i] == byte {
            return true;
        }
        i += 1;
    }
    false
}

const fn classify(byte: u8) -> u8 {
    let alphanumeric = byte.is_ascii_alphanumeric();
    let token = alphanumeric || in_set(byte, b"-.!%*_+`'~");
    let unreserved = alphanumeric || in_set(byte, b"-_.!~*'()");
    let mut bits = 0;
    if token {
        bits |= class::TOKEN;
    }
    if in_set(byte, b" \t\r\n") {
        bits |= class::LWS;
    }
    if unreserved {
        bits |= class::USER | class::URI_PARAM;
    }
    if in_set(byte, b"&=+$,;?/#") {
        bits |= class::USER;
    }
    if in_set(byte, b"[]/:&+$") {
        bits |= class::URI_PARAM;
    }
    if token || in_set(byte, b"[]:/=@?&$") {
        bits |= class::VALUE;
    }
    if unreserved || in_set(byte, b";/?:@&=+$,[]#%") {
        bits |= class::URI;
    }
    if alphanumeric || in_set(byte, b"-_.") {
        bits |= class::HOST;
    }
    if !byte.is_ascii_control() && !in_set(byte, b"\"\\") || in_set(byte, b"\t\r\n") {
        bits |= class::QUOTED;
    }
    bits
}

/// The alphabets each byte belongs to.
pub(crate) static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = classify(byte as u8);
        byte += 1;
    }
    table
};

/// Whether `byte` belongs to any of the alphabets in `classes`.
#[inline]
pub(crate) fn is(byte: u8, classes: u8) -> bool {
    CLASS[usize::from(byte)] & classes != 0
}

/// Whether `text` is a `token` (RFC 3261 §25.1).
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| is(byte, class::TOKEN))
}

/// Whether `text` can be a Call-ID: visible ASCII without a blank.
///
/// RFC 3261 §25.1 has fewer characters and one `@` at most. Senders of bare base64 (`=`) and worse
/// are common, and no character of a Call-ID has a meaning that could be mistaken.
pub(crate) fn is_call_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `text` without blanks at its ends, those of a fold included.
#[inline]
pub(crate) fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let blank = |byte: Option<&u8>| byte.is_some_and(|&byte| is(byte, class::LWS));
    if !blank(bytes.first()) && !blank(bytes.last()) {
        return text;
    }
    let start = bytes.iter().take_while(|&&byte| is(byte, class::LWS)).count();
    let after = &bytes[start..];
    let blanks = after.iter().rev().take_while(|&&byte| is(byte, class::LWS)).count();
    &text[start..bytes.len() - blanks]
}

/// Cuts `text` at the first `byte`, which is ASCII, leaving it out.
///
/// For the short texts of a header a plain loop is quicker than `str::split_once`, which searches
/// by vector.
#[inline]
pub(crate) fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    debug_assert!(byte.is_ascii(), "only ASCII stands between characters");
    let at = text.bytes().position(|it| it == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Reads a decimal number of digits alone; more than `u64` holds is out of range.
pub(crate) fn number(text: &str) -> Result<u64, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::Number);
    }
    text.parse().map_err(|_| Problem::OutOfRange)
}

/// A number in decimal, without the formatting machinery, which costs more than the number.
pub(crate) fn decimal(number: u32) -> ArrayString<10> {
    let mut digits = ['0'; 10];
    let mut start = digits.len();
    let mut rest = number;
    while rest > 0 || start == digits.len() {
        start -= 1;
        digits[start] = char::from(b'0' + (rest % 10) as u8);
        rest /= 10;
    }
    digits[start..].iter().copied().fold(ArrayString::new(), |mut text, digit| {
        text.push(digit);
        text
    })
}

/// Reads `delta-seconds`; what exceeds 32 bits counts as the largest value, as RFC 3261 §10.2.1.1
/// allows for expiry times.
pub(crate) fn delta_seconds(text: &str) -> Result<u32, Problem> {
    match number(text) {
        Ok(value) => Ok(u32::try_from(value).unwrap_or(u32::MAX)),
        Err(Problem::OutOfRange) => Ok(u32::MAX),
        Err(other) => Err(other),
    }
}

/// The text a quoted string stands for; anything else is returned as it is.
///
/// Copies only if there is a `\` escape to remove. A fold inside the quotes becomes blanks as
/// the sender typed them, without its CRLF.
#[must_use]
pub fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if memchr::memchr3(b'\\', b'\r', b'\n', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.extend(chars.next()),
            '\r' | '\n' => {}
            other => plain.push(other),
        }
    }
    Cow::Owned(plain)
}

/// Prints `text` as a quoted string: `"` and `\` escaped, CR and LF left out (they cannot be).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted<'a>(pub &'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => {
                    f.write_char('\\')?;
                    f.write_char(c)?;
                }
                '\r' | '\n' => {}
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')
    }
}

/// A place in a header value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Offset of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// The text from an earlier offset up to here, blanks at its end cut off.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        trim(&self.text[start..self.at])
    }

    /// The text between two offsets already passed, blanks at its end cut off.
    pub(crate) fn before(&self, start: usize, end: usize) -> &'a str {
        trim(&self.text[start..end])
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Steps over one ASCII byte that was looked at.
    pub(crate) fn step(&mut self) {
        if let Some(byte) = self.peek() {
            self.eat(byte);
        }
    }

    #[inline]
    pub(crate) fn skip_lws(&mut self) {
        self.skip(class::LWS);
    }

    /// Steps over `byte` if it is next. Only for ASCII, so that the place stays between characters.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        debug_assert!(byte.is_ascii(), "a cursor steps over ASCII only");
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over `word` if it is next.
    #[inline]
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Steps over `byte` with blanks around it (`EQUAL`, `SEMI`, `SLASH`, … of the grammar).
    #[inline]
    pub(crate) fn eat_spaced(&mut self, byte: u8) -> bool {
        self.skip_lws();
        let found = self.eat(byte);
        if found {
            self.skip_lws();
        }
        found
    }

    #[inline]
    fn skip(&mut self, classes: u8) {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() && is(bytes[self.at], classes) {
            self.at += 1;
        }
    }

    /// The longest run of bytes of an ASCII alphabet; may be empty.
    #[inline]
    pub(crate) fn run(&mut self, classes: u8) -> &'a str {
        let start = self.at;
        self.skip(classes);
        &self.text[start..self.at]
    }

    /// A non-empty `token`.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<&'a str, Problem> {
        match self.run(class::TOKEN) {
            "" => Err(Problem::Token),
            token => Ok(token),
        }
    }

    /// A quoted string, returned with its quotes. The cursor must stand on the opening one.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, Problem> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        loop {
            while at < bytes.len() && is(bytes[at], class::QUOTED) {
                at += 1;
            }
            match bytes.get(at) {
                None => return Err(Problem::QuoteUnbalanced),
                Some(b'"') => break,
                // A quoted pair hides one ASCII character, CR and LF excepted.
                Some(b'\\') => match bytes.get(at + 1) {
                    Some(next) if next.is_ascii() && !matches!(next, b'\r' | b'\n') => at += 2,
                    Some(_) => return Err(Problem::Escape),
                    None => return Err(Problem::QuoteUnbalanced),
                },
                Some(_) => return Err(Problem::ControlCharacter),
            }
        }
        self.at = at + 1;
        Ok(&self.text[start..self.at])
    }

    /// Moves to just before the first `byte`, which is ASCII, or to the end.
    pub(crate) fn until_byte(&mut self, byte: u8) -> &'a str {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        self.at += memchr::memchr(byte, rest).unwrap_or(rest.len());
        &self.text[start..self.at]
    }

    /// Moves to just before the first byte `stop` accepts, or to the end. `stop` sees ASCII only.
    pub(crate) fn until(&mut self, stop: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        let bytes = &self.text.as_bytes()[start..];
        let length =
            bytes.iter().position(|&byte| byte.is_ascii() && stop(byte)).unwrap_or(bytes.len());
        self.at += length;
        &self.text[start..self.at]
    }
}

/// The values of a comma-separated header line, in order and trimmed.
///
/// Commas inside quotes and inside `<…>` do not separate. An empty element is passed on as an
/// empty text, so that its reader can refuse it; an empty line has no values.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    rest: Option<&'a str>,
}

impl<'a> Values<'a> {
    /// Splits one header value.
    #[must_use]
    pub fn new(value: &'a str) -> Self {
        let value = trim(value);
        Self { rest: (!value.is_empty()).then_some(value) }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let end = value_end(text.as_bytes());
        self.rest = text.get(end + 1..).map(trim);
        Some(trim(&text[..end]))
    }
}

/// Where the first value of a comma-separated list ends.
fn value_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b',' => return at,
            b'"' => at = skip_quoted(bytes, at),
            b'<' => at = memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len(), |n| at + n),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// The offset of the quote that closes the one at `open`, or the end.
pub(crate) fn skip_quoted(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}
