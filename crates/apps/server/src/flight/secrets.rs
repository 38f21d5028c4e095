//! What a trace does not show: digest responses and media keys.
//!
//! A digest response lets whoever has it guess at the password offline, and an SDES key opens a
//! call's audio. Each is overwritten with as many `x`, so that lengths stay what they were on the
//! wire.

/// Hides the secrets of one message. Every line is looked at as a header and as a line of a
/// description: where the one part ends and the other begins is for a parser to say, and what a
/// parser reads differently must not uncover anything.
pub(crate) fn hide(message: &mut [u8]) {
    let mut in_credentials = false;
    for line in message.split_inclusive_mut(|byte| *byte == b'\n') {
        // A line that begins with a blank goes on with the header before it (RFC 3261 §7.3.1).
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            in_credentials = is_credentials(line);
        }
        if in_credentials {
            hide_response(line);
        }
        line.split_inclusive_mut(|byte| *byte == b'\r').for_each(hide_key);
    }
}

fn is_credentials(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
    name.eq_ignore_ascii_case(b"Authorization") || name.eq_ignore_ascii_case(b"Proxy-Authorization")
}

/// Hides the value of every `response` parameter, and the whole value of a scheme that is not
/// Digest: it may be a password as it is (RFC 7617).
fn hide_response(line: &mut [u8]) {
    const NAME: &[u8] = b"response";
    let lower = line.to_ascii_lowercase();
    if let Some(basic) = find(&lower, b"basic ") {
        cover(&mut line[basic + 6..], |byte| !byte.is_ascii_whitespace());
    }
    let mut from = 0;
    while let Some(at) = find(&lower[from..], NAME).map(|at| from + at) {
        from = at + NAME.len();
        let Some(equals) = lower[from..].iter().position(|byte| !byte.is_ascii_whitespace()) else {
            return;
        };
        if lower[from + equals] != b'=' {
            continue;
        }
        let value = from + equals + 1;
        let blanks = lower[value..].iter().take_while(|it| matches!(it, b' ' | b'\t')).count();
        let quoted = lower.get(value + blanks) == Some(&b'"');
        let begin = value + blanks + usize::from(quoted);
        cover(&mut line[begin..], |byte| byte.is_ascii_alphanumeric());
    }
}

/// Hides the key of an SDES attribute (RFC 4568 §6.1) or of a key management one (RFC 4567 §3.1).
fn hide_key(line: &mut [u8]) {
    if line.starts_with(b"a=crypto:") {
        let mut from = 0;
        while let Some(at) = find(&line[from..], b"inline:").map(|at| from + at + 7) {
            cover(&mut line[at..], |byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
            });
            from = at;
        }
    } else if line.starts_with(b"a=key-mgmt:") {
        cover(&mut line[11..], |byte| !byte.is_ascii_whitespace());
    }
}

/// Overwrites the bytes at the beginning that are part of the secret.
fn cover(text: &mut [u8], is_secret: impl Fn(u8) -> bool) {
    text.iter_mut().take_while(|byte| is_secret(**byte)).for_each(|byte| *byte = b'x');
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(message: &str) -> String {
        let mut bytes = message.as_bytes().to_vec();
        hide(&mut bytes);
        assert_eq!(bytes.len(), message.len());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_digest_response_is_hidden_and_the_rest_of_the_header_is_not() {
        let shown = hidden(
            "INVITE sip:a SIP/2.0\r\nProxy-Authorization: Digest username=\"pbx\", \
             nonce=\"n\", response=\"0123456789abcdef\", qop=auth\r\nTo: b\r\n\r\n",
        );
        assert!(
            shown
                .contains("username=\"pbx\", nonce=\"n\", response=\"xxxxxxxxxxxxxxxx\", qop=auth")
        );
    }

    #[test]
    fn neither_case_nor_blanks_nor_folding_uncovers_a_response() {
        for header in [
            "authorization:Digest RESPONSE = \"5ecre7\"",
            "AUTHORIZATION : Digest username=\"response\",response=5ecre7",
            "Authorization: Digest username=\"a\",\r\n response=\"5ecre7\"",
            "Authorization: Basic 5ecre7",
        ] {
            let shown = hidden(&format!("OPTIONS sip:a SIP/2.0\r\n{header}\r\n\r\n"));
            assert!(!shown.contains("5ecre7"), "{shown}");
        }
    }

    #[test]
    fn a_media_key_is_hidden_and_its_suite_is_not() {
        let shown = hidden(
            "SIP/2.0 200 OK\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
             inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\na=ptime:20\r\n",
        );
        assert!(!shown.contains("WVNf") && !shown.contains("nVubGVz"));
        assert!(shown.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxx"));
        assert!(shown.contains("x|2^20|1:4\r\na=ptime:20\r\n"));
    }

    #[test]
    fn neither_blank_lines_before_it_nor_bare_line_feeds_uncover_anything() {
        let early = hidden(
            "\r\n\r\nINVITE sip:a SIP/2.0\r\nAuthorization: Digest response=\"5ecre7\"\r\n\r\n",
        );
        let bare = hidden("SIP/2.0 200 OK\nContent-Length: 9\n\nv=0\na=crypto:1 X inline:5ecre7\n");
        assert!(!early.contains("5ecre7") && !bare.contains("5ecre7"), "{early}{bare}");
    }

    #[test]
    fn what_only_looks_like_credentials_stays() {
        let message = "INVITE sip:a SIP/2.0\r\nSubject: response=\"ok\"\r\n\r\nresponse=\"ok\"\r\n";
        assert_eq!(hidden(message), message);
    }
}
