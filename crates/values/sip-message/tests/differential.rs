//! The same bytes given to another SIP parser, sipx-sip: what both accept, both read alike.
//!
//! Compared are the start line, the header lines with their unfolded values, the tags, CSeq and
//! the body. Where only one of the two accepts a message, the difference must be in
//! [`DIFFERENCES`] with its reason; a row nobody needs any more fails the test too.

use std::collections::BTreeSet;

use bytes::Bytes;
use sip_message::{Message, Name, StartLine};
use sipx_sip::Limits;
use sipx_sip::headers::{CSeq, From, To};

type Theirs = sipx_sip::Message;

/// Mutations of each seed message.
const MUTATIONS: usize = 400;

/// Who accepts a message that the other refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepts {
    Ours,
    Theirs,
}
use Accepts::{Ours, Theirs as Other};

/// Who accepts, how the refusal of the other one begins, and why both are right or we are.
#[rustfmt::skip]
const DIFFERENCES: &[(Accepts, &str, &str)] = &[
    (Ours,  "MissingRequiredHeader(\"Max-Forwards\")", "senders of RFC 2543 leave it out (RFC 4475 §3.4.1); who needs it asks for it"),
    (Ours,  "MalformedRequiredHeader(\"Via\")",        "we take `= ? @ …` unquoted in a parameter's value, as senders of base64 write it"),
    (Ours,  "MalformedRequiredHeader(\"From\")",       "the same, in a tag"),
    (Ours,  "MalformedRequiredHeader(\"To\")",         "the same, in a tag"),
    (Other, "Bad Via:",           "we hold every Via to the grammar; they read the topmost, and its protocol as any text"),
    (Other, "Bad From:",          "we hold the URI to the grammar of RFC 3261 §25.1, its host above all"),
    (Other, "Bad To:",            "the same; an IPv6 address with three colons among others (RFC 5118 §4.10)"),
    (Other, "Bad Request-URI:",   "the same"),
    (Other, "Bad Call-ID:",       "we refuse a blank inside"),
    (Other, "Bad Contact:",       "their check does not look at Contact (RFC 4475 §3.1.2.13 does)"),
    (Other, "Bad Route:",         "their check does not look at Route"),
    (Other, "Bad Content-Type:",  "their check does not look at Content-Type"),
    (Other, "Bad Require:",       "their check does not look at Require"),
    (Other, "Bad Proxy-Require:", "their check does not look at Proxy-Require"),
    (Other, "Bad Authorization:", "their check does not look at the scheme's spelling"),
    (Other, "Bad Date:",          "their check does not look at Date (RFC 4475 §3.1.2.12 does)"),
    (Other, "Header Line Without Name", "the line after the start line begins with a blank: they read it as a fold of the start line"),
];

/// What was read, in plain words.
#[derive(Debug, PartialEq)]
struct View {
    start: String,
    headers: Vec<(String, String)>,
    tags: (Option<String>, Option<String>),
    cseq: (u32, String),
    body: Vec<u8>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The value of a whole header line, with each fold as one space. It may not be UTF-8.
fn unfold(line: &[u8]) -> String {
    let line = text(line);
    let (_, value) = line.split_once(':').expect("a header line has a colon");
    let value = value.trim_end_matches(['\r', '\n']);
    let mut lines = value.split("\r\n");
    let first = lines.next().unwrap_or("").to_owned();
    let blanks = [' ', '\t'];
    let all = lines.fold(first, |all, line| format!("{all} {}", line.trim_start_matches(blanks)));
    all.trim_matches(blanks).to_owned()
}

/// Our view, or the name of what we refuse the message for.
fn ours(bytes: &[u8]) -> Result<View, String> {
    let message = Message::parse(bytes).map_err(|error| error.to_string())?;
    message.check().map_err(|violation| violation.to_string())?;
    let start = match message.start() {
        StartLine::Request(line) => format!("{} {}", line.method, line.uri),
        StartLine::Response(line) => format!("{} {}", line.status, line.reason),
    };
    let spelled = |name: Name, raw: &str| {
        let spelling = if name == Name::Other { raw } else { name.as_str() };
        spelling.to_ascii_lowercase()
    };
    let tag = |address: sip_message::NameAddr<'_>| address.tag().map(str::to_owned);
    let cseq = message.cseq().expect("checked");
    Ok(View {
        start,
        headers: message
            .headers()
            .map(|it| (spelled(it.name, it.raw_name), unfold(it.line)))
            .collect(),
        tags: (tag(message.from().expect("checked")), tag(message.to().expect("checked"))),
        cseq: (cseq.number, cseq.method.to_string()),
        body: message.body().to_vec(),
    })
}

/// Their view, or the name of what they refuse the message for.
fn theirs(bytes: &[u8]) -> Result<View, String> {
    let bytes = Bytes::copy_from_slice(bytes);
    let message = sipx_sip::parse_datagram(bytes, &Limits::datagram())
        .map_err(|error| format!("{error:?}"))?;
    if let Some(finding) = sipx_sip::validate(&message).first() {
        return Err(format!("{finding:?}"));
    }
    let (start, body) = match &message {
        Theirs::Request(it) => {
            (format!("{} {}", text(it.method.as_bytes()), text(&it.uri.to_bytes())), it.body())
        }
        Theirs::Response(it) => {
            // A reason phrase that is not UTF-8 is none to us.
            let reason = std::str::from_utf8(&it.reason).unwrap_or("");
            (format!("{} {reason}", it.status.code()), it.body())
        }
    };
    let headers = message.headers();
    let typed = |error: sipx_sip::HeaderError| format!("{error:?}");
    let from = headers.typed::<From>().ok_or("no From")?.map_err(typed)?;
    let to = headers.typed::<To>().ok_or("no To")?.map_err(typed)?;
    let cseq = headers.typed::<CSeq>().ok_or("no CSeq")?.map_err(typed)?;
    Ok(View {
        start,
        headers: headers
            .iter()
            .map(|it| (text(it.name().canonical()).to_ascii_lowercase(), text(&it.value())))
            .collect(),
        tags: (from.0.tag().map(text), to.0.tag().map(text)),
        cseq: (cseq.sequence, text(cseq.method.as_bytes())),
        body: body.to_vec(),
    })
}

fn seeds() -> Vec<(String, Vec<u8>)> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut seeds = Vec::new();
    for folder in ["tests/rfc4475", "tests/rfc5118", "tests/fixtures"] {
        let entries = std::fs::read_dir(format!("{root}/{folder}")).expect("part of the crate");
        for entry in entries {
            let path = entry.expect("readable").path();
            seeds.push((path.display().to_string(), std::fs::read(path).expect("readable")));
        }
    }
    seeds.sort();
    seeds
}

/// Changes, removes or inserts one to three bytes; the same ones on every run.
fn mutate(seed: &[u8], state: &mut u64) -> Vec<u8> {
    const TELLING: &[u8] = b"\r\n \t:;,<>\"\\@=?%[]/*0A";
    let mut below = |limit: usize| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        usize::try_from(*state % limit as u64).expect("below a usize")
    };
    let mut bytes = seed.to_vec();
    for _ in 0..=below(3) {
        let at = below(bytes.len());
        let byte = TELLING[below(TELLING.len())];
        match below(3) {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

#[test]
fn both_parsers_read_alike_or_the_difference_has_a_reason() {
    let mut state = 0x2545_f491_4f6c_dd1d;
    let mut used = BTreeSet::new();
    let mut unlisted = Vec::new();
    let mut agreed = 0;
    for (name, seed) in seeds() {
        for turn in 0..=MUTATIONS {
            let bytes = if turn == 0 { seed.clone() } else { mutate(&seed, &mut state) };
            let (accepts, refusal) = match (ours(&bytes), theirs(&bytes)) {
                (Ok(ours), Ok(theirs)) => {
                    let context = || format!("{name}, turn {turn}: {}", bytes.escape_ascii());
                    assert_eq!(ours, theirs, "{}", context());
                    agreed += 1;
                    continue;
                }
                (Err(_), Err(_)) => continue,
                (Ok(_), Err(refusal)) => (Ours, refusal),
                (Err(refusal), Ok(_)) => (Other, refusal),
            };
            let row = DIFFERENCES
                .iter()
                .position(|(who, start, _)| *who == accepts && refusal.starts_with(start));
            match row {
                Some(row) => drop(used.insert(row)),
                None => unlisted.push(format!(
                    "accepts {accepts:?}, refused: {refusal}; {name}, turn {turn}: {}",
                    bytes.escape_ascii()
                )),
            }
        }
    }
    assert!(unlisted.is_empty(), "{} unlisted:\n{}", unlisted.len(), unlisted.join("\n"));
    assert!(agreed > 3_000, "only {agreed} messages were accepted by both");
    let stale: Vec<_> = (0..DIFFERENCES.len()).filter(|row| !used.contains(row)).collect();
    assert!(stale.is_empty(), "rows {stale:?} have no case any more");
}
