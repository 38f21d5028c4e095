//! Plain text searches in SIP messages.

/// The value of the first header with this name, which must be given as peers print it.
pub(crate) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    lines(message).find_map(|line| value_of(line, name))
}

/// Every header line with this name, whole.
pub(crate) fn header_lines<'a>(message: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    lines(message).filter(move |line| value_of(line, name).is_some())
}

/// The status of a response; `None` for a request.
pub(crate) fn status(message: &str) -> Option<u16> {
    message.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
}

/// What stands between `before` and the next `after`.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

fn lines(message: &str) -> impl Iterator<Item = &str> {
    message.split("\r\n").take_while(|line| !line.is_empty())
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = line.split_once(':')?;
    key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
}
