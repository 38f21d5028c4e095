//! Round trips on what we print, totality on what strangers print.

mod strategies;

use proptest::prelude::*;
use sip_message::frame::{Frame, FrameReader};
use sip_message::*;

proptest! {
    #[test]
    fn a_printed_uri_parses_to_itself(text in strategies::uri()) {
        let uri = Uri::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let printed = uri.to_string();
        prop_assert_eq!(Uri::parse(&printed), Ok(uri));
        prop_assert!(uri.matches(&uri), "{} equals itself", text);
    }

    #[test]
    fn equality_of_uris_is_symmetric(a in strategies::sip_uri(), b in strategies::sip_uri()) {
        let (a, b) = (Uri::parse(&a).unwrap(), Uri::parse(&b).unwrap());
        prop_assert_eq!(a.matches(&b), b.matches(&a));
    }

    #[test]
    fn a_printed_address_parses_to_itself(text in strategies::name_addr()) {
        let address = NameAddr::parse(&text).map_err(|it| TestCaseError::fail(format!("{text}: {it}")))?;
        let printed = address.to_string();
        prop_assert_eq!(NameAddr::parse(&printed), Ok(address));
        prop_assert!(address.parsed_uri().is_ok());
    }

    #[test]
    fn a_printed_via_parses_to_itself(text in strategies::via()) {
        let via = Via::parse(&text).map_err(|it| TestCaseError::fail(format!("{text}: {it}")))?;
        let printed = via.to_string();
        let again = Via::parse(&printed).unwrap();
        // Parameters with fields of their own move to the front; all else is equal.
        prop_assert_eq!(Via { params: via.params, ..again }, via);
        prop_assert_eq!(again.params.iter().count(), via.params.iter().count());
        prop_assert!(via.has_unique_branch());
    }

    #[test]
    fn a_printed_cseq_parses_to_itself(number: u32, method in strategies::method()) {
        let cseq = CSeq { number, method: Method::parse(&method) };
        let printed = cseq.to_string();
        prop_assert_eq!(CSeq::parse(&printed), Ok(cseq));
    }

    #[test]
    fn a_printed_rack_parses_to_itself(rseq: u32, number: u32, method in strategies::method()) {
        let rack = RAck { rseq, cseq: CSeq { number, method: Method::parse(&method) } };
        let printed = rack.to_string();
        prop_assert_eq!(RAck::parse(&printed), Ok(rack));
    }

    #[test]
    fn a_printed_word_parses_to_itself(word in strategies::token(), params in strategies::params()) {
        let word = Word { word: &word, params: Params::new(&params) };
        let printed = word.to_string();
        prop_assert_eq!(Word::parse(&printed), Ok(word));
    }

    #[test]
    fn a_printed_media_type_parses_to_itself(
        kind in strategies::token(), subtype in strategies::token(), params in strategies::params(),
    ) {
        let media = MediaType { kind: &kind, subtype: &subtype, params: Params::new(&params) };
        let printed = media.to_string();
        prop_assert_eq!(MediaType::parse(&printed), Ok(media));
    }

    #[test]
    fn a_printed_reason_parses_to_itself(
        protocol in strategies::token(), cause: Option<u16>, text in strategies::quoted(),
    ) {
        let raw = match cause {
            Some(cause) => format!(";cause={cause};text={text}"),
            None => format!(";text={text}"),
        };
        let reason = Reason { protocol: &protocol, cause, params: Params::new(&raw) };
        let printed = reason.to_string();
        prop_assert_eq!(Reason::parse(&printed), Ok(reason));
    }

    #[test]
    fn a_printed_session_interval_parses_to_itself(seconds: u32, who in 0..3_u8) {
        let refresher = [None, Some(Refresher::Uac), Some(Refresher::Uas)][usize::from(who)];
        let interval = SessionExpires { seconds, refresher };
        prop_assert_eq!(SessionExpires::parse(&interval.to_string()), Ok(interval));
    }

    #[test]
    fn a_printed_retry_after_parses_to_itself(seconds: u32, duration: Option<u32>) {
        let retry = RetryAfter { seconds, duration };
        prop_assert_eq!(RetryAfter::parse(&retry.to_string()), Ok(retry));
    }

    #[test]
    fn a_printed_replaces_parses_to_itself(
        call_id in strategies::call_id(), to in strategies::token(), from in strategies::token(),
    ) {
        let raw = format!(";to-tag={to};from-tag={from};early-only");
        let params = Params::new(&raw);
        let replaces = Replaces { call_id: &call_id, to_tag: &to, from_tag: &from, params };
        let printed = replaces.to_string();
        prop_assert_eq!(Replaces::parse(&printed), Ok(replaces));
    }

    #[test]
    fn a_printed_date_parses_to_itself(seconds in 0..=Date::MAX.unix_seconds()) {
        let date = Date::from_unix_seconds(seconds);
        prop_assert_eq!(Date::parse(&date.to_string()), Ok(date));
    }

    #[test]
    fn quoting_and_unquoting_gives_the_text_back(text in "[^\r\n]{0,24}") {
        let printed = Quoted(&text).to_string();
        prop_assert_eq!(unquote(&printed), text);
    }

    #[test]
    fn printed_credentials_give_every_field_back(
        username in "[^\r\n\\x00-\\x1f\\x7f]{0,16}", realm in "[ -~]{0,16}", nc: u32,
    ) {
        let text = format!(
            "Digest username={}, realm={},nc={nc:08x} , qop=auth",
            Quoted(&username), Quoted(&realm),
        );
        let fields = DigestFields::parse(&text).unwrap();
        let read = (fields.username().unwrap_or_default(), fields.realm().unwrap_or_default());
        prop_assert_eq!(read, (username.as_str().into(), realm.as_str().into()));
        prop_assert_eq!(fields.nonce_count(), Some(nc));
    }

    #[test]
    fn a_well_formed_request_is_accepted_and_survives_rewriting(bytes in strategies::request()) {
        let message = Message::parse(&bytes).unwrap();
        prop_assert_eq!(message.check(), Ok(()), "{}", String::from_utf8_lossy(&bytes));
        prop_assert_eq!(message.bytes().len(), bytes.len());
        fuzzing::message(&bytes);
    }

    #[test]
    fn a_damaged_request_never_panics_and_what_is_accepted_survives(bytes in strategies::damaged_request()) {
        fuzzing::message(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzzing::message(&bytes);
        fuzzing::uri(&bytes);
        fuzzing::stream(&bytes);
    }

    #[test]
    fn any_text_is_refused_or_becomes_canonical(text in "[ -~\r\n\t\u{0}ä]{0,60}") {
        fuzzing::uri(text.as_bytes());
    }

    #[test]
    fn text_of_the_grammars_own_characters_is_refused_or_becomes_canonical(
        text in "(sip:|tel:|SIP/2.0/UDP |Digest |<|>|\"|;|,|=|@|a|1|\\.|\\[|\\]|:|\\?|%41| |tag|\\\\){0,14}",
    ) {
        fuzzing::uri(text.as_bytes());
    }

    #[test]
    fn printed_values_can_never_add_a_line(value in "[ -~\r\n]{0,40}", name in "[ -~\r\n]{1,12}") {
        let mut buffer = Vec::new();
        MessageWriter::request(&mut buffer, Method::Options, &value)
            .header(Name::Subject, &value)
            .extension(&name, &value)
            .raw(format!("X-Raw: {value}").as_bytes())
            .finish();
        let head = String::from_utf8(buffer).unwrap();
        let unfolded = head.replace("\r\n ", "  ");
        let lines = unfolded.matches("\r\n").count();
        // Request line, Subject, the extension if its name is a token, the raw line,
        // Content-Length, the empty line.
        let extension = usize::from(is_token(&name) && Name::parse(&name) != Name::ContentLength);
        prop_assert_eq!(lines, 5 + extension, "{:?}", head);
        prop_assert!(head.ends_with("\r\nContent-Length: 0\r\n\r\n"));
    }

    #[test]
    fn frames_do_not_depend_on_how_the_stream_was_cut(
        requests in prop::collection::vec((strategies::request(), 0..3_usize), 1..4),
        cuts in prop::collection::vec(1..200_usize, 0..40),
    ) {
        let mut stream = Vec::new();
        for (request, keep_alives) in &requests {
            stream.extend_from_slice(request);
            stream.extend_from_slice(&b"\r\n\r\n\r\n"[..keep_alives * 2]);
        }
        let mut reader = FrameReader::new();
        let mut messages = Vec::new();
        let mut keep_alives = 0;
        let mut rest = stream.as_slice();
        let mut cuts = cuts.into_iter();
        while !rest.is_empty() {
            let cut = cuts.next().unwrap_or(1).min(rest.len());
            reader.push(&rest[..cut]);
            rest = &rest[cut..];
            while let Some(frame) = reader.next() {
                match frame.unwrap() {
                    Frame::Message(bytes) => messages.push(bytes.to_vec()),
                    Frame::Ping | Frame::Pong => keep_alives += 1,
                }
            }
        }
        let sent: Vec<_> = requests.iter().map(|(request, _)| request.clone()).collect();
        prop_assert_eq!(messages, sent);
        prop_assert_eq!(keep_alives, requests.iter().map(|(_, count)| count).sum::<usize>());
    }
}
