//! Values as a strict sender would choose them, and bytes as a stranger would.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use sip_message::Quoted;

/// Method names, known and not.
pub(crate) fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(sip_message::Method::KNOWN.to_vec()).prop_map(|it| it.to_string()),
        token(),
    ]
}

pub(crate) fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.!%*_+`'~-]{1,12}"
}

/// A quoted string of anything that can be quoted.
pub(crate) fn quoted() -> impl Strategy<Value = String> {
    r#"[ -~äß漢]{0,12}"#.prop_map(|text| Quoted(&text).to_string())
}

/// A host as text: a name, an IPv4 address, an IPv6 reference.
pub(crate) fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "([a-z0-9]{1,8}\\.){0,3}[a-z]{1,6}",
        any::<[u8; 4]>().prop_map(|it| Ipv4Addr::from(it).to_string()),
        any::<[u16; 8]>().prop_map(|it| format!("[{}]", Ipv6Addr::from(it))),
    ]
}

fn hostport() -> impl Strategy<Value = String> {
    (host(), prop::option::of(any::<u16>())).prop_map(|(host, port)| match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// URI parameters of different names.
fn uri_params() -> impl Strategy<Value = String> {
    let value = prop::option::of("([a-zA-Z0-9\\[\\]/:&+$.!~*'()_-]|%[0-9A-F]{2}){1,8}");
    prop::collection::vec(value, 0..4).prop_map(|values| {
        values.into_iter().enumerate().map(|(n, value)| param(&format!("p{n}"), value)).collect()
    })
}

fn param(name: &str, value: Option<String>) -> String {
    match value {
        Some(value) => format!(";{name}={value}"),
        None => format!(";{name}"),
    }
}

pub(crate) fn sip_uri() -> impl Strategy<Value = String> {
    let user = prop::option::of((
        "([a-zA-Z0-9&=+$,;?/.!~*'()_-]|%[0-9A-F]{2}){1,10}",
        prop::option::of("[a-zA-Z0-9&=+$,.]{0,6}"),
    ));
    let headers = prop::option::of("[a-z]{1,6}=([a-z0-9/?:+$-]|%[0-9A-F]{2}){0,8}(&x=y)?");
    (prop::sample::select(vec!["sip", "sips"]), user, hostport(), uri_params(), headers).prop_map(
        |(scheme, user, hostport, params, headers)| {
            let user = match user {
                Some((user, Some(password))) => format!("{user}:{password}@"),
                Some((user, None)) => format!("{user}@"),
                None => String::new(),
            };
            let headers = headers.map(|it| format!("?{it}")).unwrap_or_default();
            format!("{scheme}:{user}{hostport}{params}{headers}")
        },
    )
}

pub(crate) fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => sip_uri(),
        1 => ("tel:\\+[0-9]([0-9().-]{0,10})", uri_params()).prop_map(|(it, tail)| it + &tail),
        1 => "[a-z][a-z0-9+.-]{0,6}:[a-zA-Z0-9/?:@&=+$,.!~*'()_-]{1,20}".prop_filter(
            "another scheme than ours",
            |text| !["sip:", "sips:", "tel:"].iter().any(|ours| text.starts_with(ours)),
        ),
    ]
}

/// Header parameters of different names, `tag` not among them.
pub(crate) fn params() -> impl Strategy<Value = String> {
    let value = prop::option::of(prop_oneof![token(), quoted(), host()]);
    prop::collection::vec(value, 0..4).prop_map(|values| {
        values.into_iter().enumerate().map(|(n, value)| param(&format!("q{n}"), value)).collect()
    })
}

pub(crate) fn display() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop_oneof![quoted(), "[a-zA-Z0-9.!%*_+`'~-]{1,8}( [a-z]{1,5}){0,2}"])
}

pub(crate) fn name_addr() -> impl Strategy<Value = String> {
    (display(), uri(), prop::option::of(token()), params()).prop_map(|(display, uri, tag, tail)| {
        let display = display.map(|it| it + " ").unwrap_or_default();
        let tag = tag.map(|it| format!(";tag={it}")).unwrap_or_default();
        format!("{display}<{uri}>{tag}{tail}")
    })
}

pub(crate) fn via() -> impl Strategy<Value = String> {
    let rport = prop_oneof![
        Just(String::new()),
        Just(";rport".to_owned()),
        any::<u16>().prop_map(|port| format!(";rport={port}")),
    ];
    (token(), hostport(), token(), rport, prop::option::of(host()), params()).prop_map(
        |(transport, hostport, branch, rport, received, tail)| {
            let received = received.map(|it| format!(";received={it}")).unwrap_or_default();
            format!("SIP/2.0/{transport} {hostport};branch=z9hG4bK{branch}{rport}{received}{tail}")
        },
    )
}

pub(crate) fn call_id() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.!%*_+`'~()<>:\\\\\"/\\[\\]?{}-]{1,12}(@[a-z0-9.]{1,8})?"
}

/// A value nobody reads: any text without line ends, sometimes folded.
fn free_text() -> impl Strategy<Value = String> {
    ("[!-~äß]", "[ -~äß]{0,16}", prop::option::of("\r\n[ \t]{1,3}[!-~]{1,8}"))
        .prop_map(|(first, text, fold)| first + text.trim_end() + &fold.unwrap_or_default())
}

/// A Request-URI has no headers.
fn without_headers(mut uri: String) -> String {
    let headers = sip_message::Uri::parse(&uri).ok().and_then(|it| it.headers).map(str::len);
    uri.truncate(uri.len() - headers.map_or(0, |length| length + 1));
    uri
}

/// A request that holds everything a request must, and more, spelled in many ways.
pub(crate) fn request() -> impl Strategy<Value = Vec<u8>> {
    let extras = prop::collection::vec(("X-[A-Za-z]{1,8}", free_text()), 0..6);
    let spelling = prop::sample::select(vec!["Via", "v", "VIA", "Via  "]);
    let body = prop::collection::vec(any::<u8>(), 0..64);
    let identity = (name_addr(), name_addr(), call_id(), 0..=i32::MAX as u32);
    let vias = prop::collection::vec(via(), 1..4);
    let contact = prop::option::of(name_addr());
    let target = sip_uri().prop_map(without_headers);
    (method(), target, spelling, vias, identity, contact, extras, body).prop_map(
        |(method, uri, spelling, vias, (from, to, call_id, number), contact, extras, body)| {
            let mut text =
                format!("{method} {uri} SIP/2.0\r\n{spelling}: {}\r\n", vias.join(" , "));
            text += &format!("f:{from}\r\nTo :\t{to}\r\nI: {call_id}\r\n");
            text += &format!("CSeq: {number}\r\n {method}\r\nMax-Forwards: 70\r\n");
            if let Some(contact) = contact {
                text += &format!("Contact:\r\n {contact}\r\n");
            }
            for (name, value) in extras {
                text += &format!("{name}: {value}\r\n");
            }
            text += &format!("l: {}\r\n\r\n", body.len());
            [text.into_bytes(), body].concat()
        },
    )
}

/// A valid request with a few bytes changed, dropped or doubled: nearly SIP.
pub(crate) fn damaged_request() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<u8>()), 1..6);
    (request(), damage).prop_map(|(mut bytes, damage)| {
        const TELLING: &[u8] = b"\r\n \t:;,<>\"\\@=?%[]/\0\xff";
        for (at, kind, byte) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let telling = TELLING[usize::from(byte) % TELLING.len()];
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at] = telling,
                2 => bytes.insert(at, telling),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}
