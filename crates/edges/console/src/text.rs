//! Text in addresses and forms.

/// Decodes `%XX`; what is no UTF-8 then is replaced.
pub(crate) fn decode(text: &str) -> String {
    // A plus sign stands for itself in a path, and numbers begin with one.
    let escaped = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Encodes for a query or a path segment.
pub(crate) fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The first value of a name in a form or a query.
pub(crate) fn field(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(form);
    pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back() {
        for text in ["+12065550100", "a b&c=d", "4f2d@198.51.100.7", "%2B", "é/?#"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(decode("+1206"), "+1206");
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        assert_eq!(field(b"key-ids=x&key-id=a%20b", "key-id").as_deref(), Some("a b"));
        assert_eq!(field(b"", "key-id"), None);
    }
}
