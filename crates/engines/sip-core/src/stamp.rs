//! The topmost Via on its way into responses: the sender's own text, with what we saw put in.
//!
//! A Via is stamped in every response, so this splices bytes instead of printing a parsed value.

use std::net::{IpAddr, SocketAddr};

use sip_message::{Message, MessageWriter, Name, Rport, Via};

/// Writes the Vias of `request`, the topmost with `received` if `sent-by` does not tell the source
/// address or `rport` was asked for, and with `rport` filled in (RFC 3261 §18.2.1, RFC 3581 §4).
pub(crate) fn vias(head: &mut Vec<u8>, request: &Message<'_>, via: &Via<'_>, source: SocketAddr) {
    let value = request.first(Name::Via).unwrap_or_default();
    let Some(places) = Places::find(value, via) else {
        MessageWriter::resume(head).vias_stamped(request, source);
        return;
    };
    let ip = source.ip().to_canonical();
    head.extend_from_slice(b"Via: ");
    let mut from = 0;
    if let Some(at) = places.rport {
        head.extend_from_slice(&value.as_bytes()[..at]);
        head.push(b'=');
        decimal(head, source.port().into());
        from = at;
    }
    head.extend_from_slice(&value.as_bytes()[from..places.end]);
    if places.rport.is_some() || via.host.ip() != Some(ip) {
        head.extend_from_slice(b";received=");
        address(head, ip);
    }
    head.extend_from_slice(&value.as_bytes()[places.end..]);
    head.extend_from_slice(b"\r\n");
    let mut writer = MessageWriter::resume(head);
    for line in request.lines(Name::Via).skip(1) {
        writer.raw(line);
    }
}

/// Where in a Via value something is put in.
struct Places {
    /// Behind a bare `rport`.
    rport: Option<usize>,
    /// Behind the last parameter.
    end: usize,
}

impl Places {
    /// `None` if the value is out of the ordinary: folded, without parameters, or stamped already,
    /// by its sender or a liar.
    fn find(value: &str, via: &Via<'_>) -> Option<Self> {
        if via.received.is_some()
            || matches!(via.rport, Rport::Port(_))
            || value.bytes().any(|byte| matches!(byte, b'\r' | b'\n'))
        {
            return None;
        }
        let behind = |part: &str| {
            let start = (part.as_ptr() as usize).checked_sub(value.as_ptr() as usize)?;
            Some(start + part.len()).filter(|&end| end <= value.len())
        };
        let mut places = Self { rport: None, end: 0 };
        for param in via.params.iter() {
            places.end = behind(param.value.unwrap_or(param.name))?;
            if param.name.eq_ignore_ascii_case("rport") {
                places.rport = Some(places.end);
            }
        }
        (places.end > 0).then_some(places)
    }
}

fn address(head: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => {
            for (at, octet) in ip.octets().into_iter().enumerate() {
                if at > 0 {
                    head.push(b'.');
                }
                decimal(head, octet.into());
            }
        }
        IpAddr::V6(ip) => {
            use std::io::Write as _;

            write!(head, "{ip}").expect("a Vec takes every write");
        }
    }
}

/// Prints a number without the formatting machinery, which costs more than the number.
pub(crate) fn decimal(head: &mut Vec<u8>, number: u32) {
    let mut digits = [0; 10];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    head.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(via: &str) -> String {
        let text = format!("OPTIONS sip:h SIP/2.0\r\n{via}\r\nContent-Length: 0\r\n\r\n");
        let message = Message::parse(text.as_bytes()).unwrap();
        let mut head = Vec::new();
        let source = "192.0.2.7:5070".parse().unwrap();
        vias(&mut head, &message, &message.via().unwrap(), source);
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn a_via_is_stamped_with_what_was_seen_and_otherwise_left_alone() {
        for (came, goes) in [
            (
                "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa",
                "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa",
            ),
            (
                "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa;rport;x=1",
                "SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa;rport=5070;x=1;received=192.0.2.7",
            ),
            (
                "SIP/2.0/UDP  pbx.example ; branch=z9hG4bKa ; x=\"a;b\"",
                "SIP/2.0/UDP  pbx.example ; branch=z9hG4bKa ; x=\"a;b\";received=192.0.2.7",
            ),
            (
                "SIP/2.0/UDP pbx.example;branch=z9hG4bKa, SIP/2.0/TCP first.example;rport",
                "SIP/2.0/UDP pbx.example;branch=z9hG4bKa;received=192.0.2.7, \
                 SIP/2.0/TCP first.example;rport",
            ),
        ] {
            assert_eq!(stamped(&format!("Via: {came}")), format!("Via: {goes}\r\n"));
        }
    }

    #[test]
    fn what_the_sender_stamped_itself_is_not_believed() {
        for lie in [";received=203.0.113.1", ";rport=1", ";rport=1;received=203.0.113.1"] {
            let goes = stamped(&format!("v: SIP/2.0/UDP pbx.example;branch=z9hG4bKa{lie}"));
            assert!(goes.contains(";received=192.0.2.7"), "{goes}");
            assert!(!goes.contains("203.0.113.1") && !goes.contains("rport=1;"), "{goes}");
        }
    }

    #[test]
    fn further_vias_are_copied_and_a_folded_one_is_stamped_too() {
        let two = stamped("Via: SIP/2.0/UDP a.example;branch=z9hG4bKa\r\nv: SIP/2.0/UDP b.example");
        assert_eq!(
            two,
            "Via: SIP/2.0/UDP a.example;branch=z9hG4bKa;received=192.0.2.7\r\n\
             v: SIP/2.0/UDP b.example\r\n"
        );
        let folded = stamped("Via: SIP/2.0/UDP a.example;\r\n branch=z9hG4bKa");
        assert!(folded.contains(";received=192.0.2.7"), "{folded}");
        assert!(stamped("Via: SIP/2.0/UDP a.example").contains(";received=192.0.2.7"));
    }

    #[test]
    fn decimals_print_as_usual() {
        for number in [0, 7, 10, 255, 5060, 65_535, u32::MAX] {
            let mut out = Vec::new();
            decimal(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
