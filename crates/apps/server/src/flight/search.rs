//! Finds the messages of some Call-IDs among those that were kept.

use api::live::KeptMessages;
use api::operator::dto::{self, TraceMessage};
use chime_api::Timestamp;
use sip_message::{Message, Name};

use super::entry::{Entry, Way, entries};
use super::{Shelf, secrets};

/// The most messages told: a call of hours with session timers has fewer.
const MESSAGES_MAX: usize = 10_000;

/// The messages of `call_ids` on the shelf and in `current`, the segment that was being written a
/// moment ago. Reads everything that is kept: about 20 ms for 64 MiB.
pub(crate) fn search(shelf: &Shelf, current: &[u8], call_ids: &[String]) -> KeptMessages {
    let segments = shelf.segments();
    // `current` may have come to the shelf since it was copied; then its copy is left out.
    let on_shelf = segments.iter().any(|it| it.starts_with(current));
    let current = if on_shelf { &[] } else { current };
    let all = || segments.iter().map(|it| it.as_slice()).chain([current]).flat_map(entries);
    let since = all().next().map(|it| timestamp(it.at_us));
    let found = all().filter_map(|kept| {
        let call_id = Message::parse(kept.bytes).ok()?.first(Name::CallId)?;
        let wanted = call_ids.iter().find(|it| *it == call_id)?;
        Some(told(kept.to_owned(), wanted))
    });
    KeptMessages { messages: found.take(MESSAGES_MAX).collect(), since }
}

fn told(entry: Entry, call_id: &str) -> TraceMessage {
    let Entry { at_us, way, flow, mut bytes } = entry;
    secrets::hide(&mut bytes);
    let (text, hex) = match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(not_text) => {
            let digits = not_text.as_bytes().iter().map(|byte| format!("{byte:02x}"));
            (None, Some(digits.collect()))
        }
    };
    TraceMessage {
        at: timestamp(at_us),
        at_us,
        way: match way {
            Way::Received => dto::Way::Received,
            Way::Sent => dto::Way::Sent,
        },
        transport: flow.transport.as_str().into(),
        local: flow.local.to_string(),
        remote: flow.remote.to_string(),
        call_id: call_id.into(),
        text,
        hex,
    }
}

fn timestamp(at_us: u64) -> Timestamp {
    dto::timestamp(model::UnixMillis(at_us / 1000))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use call::Now;
    use model::UnixMillis;
    use sip_message::Flow;

    use super::super::recorder;
    use super::*;

    fn message(call_id: &str) -> String {
        format!(
            "OPTIONS sip:a SIP/2.0\r\ni: {call_id}\r\nAuthorization: Digest response=\"77\"\r\n\r\n"
        )
    }

    #[test]
    fn a_calls_messages_are_found_by_the_call_ids_of_its_legs_and_their_secrets_are_not() {
        let (mut recorder, shelf) = recorder(1 << 20);
        let now = Now { instant: Instant::now(), unix: UnixMillis(5) };
        let flow = Flow::udp("127.0.0.1:5060".parse().unwrap(), "127.0.0.1:5071".parse().unwrap());
        for call_id in ["a", "other", "b", "A"] {
            recorder.received(now, &flow, message(call_id).as_bytes());
        }
        recorder.received(now, &flow, b"not SIP");
        let found = search(&shelf, &recorder.current(), &["a".into(), "b".into()]);
        let ids: Vec<_> = found.messages.iter().map(|it| it.call_id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert!(found.messages[0].text.as_deref().unwrap().contains("response=\"xx\""));
        assert_eq!(found.since, Some(timestamp(5_000)));
    }

    #[test]
    fn a_segment_that_filled_meanwhile_is_told_once() {
        let (mut recorder, shelf) = recorder(4 << 20);
        let now = Now { instant: Instant::now(), unix: UnixMillis(5) };
        let flow = Flow::udp("127.0.0.1:5060".parse().unwrap(), "127.0.0.1:5071".parse().unwrap());
        recorder.received(now, &flow, message("a").as_bytes());
        let current = recorder.current();
        (0..20).for_each(|_| recorder.received(now, &flow, &[b'x'; 60_000]));
        assert!(!shelf.segments().is_empty());
        assert_eq!(search(&shelf, &current, &["a".into()]).messages.len(), 1);
    }

    #[test]
    fn bytes_that_are_no_text_are_told_in_hexadecimal() {
        let (mut recorder, shelf) = recorder(1 << 20);
        let now = Now { instant: Instant::now(), unix: UnixMillis(5) };
        let flow = Flow::udp("127.0.0.1:5060".parse().unwrap(), "127.0.0.1:5071".parse().unwrap());
        recorder.received(now, &flow, b"OPTIONS sip:a SIP/2.0\r\nCall-ID: a\r\n\r\n\xff");
        let found = search(&shelf, &recorder.current(), &["a".into()]);
        assert!(found.messages[0].text.is_none());
        assert!(found.messages[0].hex.as_deref().unwrap().ends_with("0d0a0d0aff"));
    }
}
