//! Stream framing: what is a frame, what is an error, what is kept.

use sip_message::frame::{Frame, FrameError, FrameReader};
use sip_message::{MESSAGE_BYTES_MAX, Message, Status, Violation};

/// What comes of a stream, up to and with the first error.
fn frames(stream: &[u8]) -> Vec<Result<String, FrameError>> {
    let mut reader = FrameReader::new();
    reader.push(stream);
    let mut frames = Vec::new();
    while let Some(frame) = reader.next() {
        let done = frame.is_err();
        frames.push(frame.map(|frame| match frame {
            Frame::Message(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Frame::Ping => "ping".to_owned(),
            Frame::Pong => "pong".to_owned(),
        }));
        if done {
            break;
        }
    }
    frames
}

#[test]
fn messages_follow_each_other_by_their_content_length() {
    let one = "OPTIONS sip:a SIP/2.0\r\nl: 3\r\n\r\nabc";
    let two = "SIP/2.0 200 OK\r\nContent-Length :\r\n 0\r\n\r\n";
    let stream = format!("{one}{two}{one}");
    let expected = [one, two, one].map(|it| Ok(it.to_owned()));
    assert_eq!(frames(stream.as_bytes()), expected);
}

#[test]
fn a_pair_of_line_ends_asks_for_a_pong_and_a_single_one_is_a_pong() {
    let pong = || Ok("pong".to_owned());
    let ping = || Ok("ping".to_owned());
    assert_eq!(frames(b"\r\n"), [pong()]);
    assert_eq!(frames(b"\r\n\r\n"), [pong(), ping()]);
    assert_eq!(frames(b"\r\n\r\n\r\n"), [pong(), ping(), pong()]);
    assert_eq!(frames(b"\r\n\r\n\r\n\r\n"), [pong(), ping(), pong(), ping()]);
    assert_eq!(frames(b"\r"), []);
}

#[test]
fn what_cannot_be_framed_is_an_error_by_its_cause() {
    let max = MESSAGE_BYTES_MAX;
    for (stream, error) in [
        ("A b SIP/2.0\r\n\r\n", FrameError::ContentLengthMissing),
        ("A b SIP/2.0\r\nl: -1\r\n\r\n", FrameError::ContentLengthMalformed),
        ("A b SIP/2.0\r\nl: 1 2\r\n\r\n", FrameError::ContentLengthMalformed),
        ("A b SIP/2.0\r\nl:\r\n\r\n", FrameError::ContentLengthMalformed),
        ("A b SIP/2.0\r\nl: 1\r\nContent-Length: 1\r\n\r\n", FrameError::ContentLengthRepeated),
        ("A b SIP/2.0\r\nl: 1\nX: 2\r\n\r\n", FrameError::LineEnding),
        ("A b SIP/2.0\nl: 1\r\n\r\n", FrameError::LineEnding),
        ("A b SIP/2.0\r\nX: \r\rl: 1\r\n\r\n", FrameError::LineEnding),
        ("A b SIP/2.0\r\nl: 0\n\r\n\r\n", FrameError::LineEnding),
        ("A\rb SIP/2.0\r\nl: 0\r\n\r\n", FrameError::LineEnding),
        ("\u{16}\u{3}\u{1}", FrameError::NotSip),
        ("\n", FrameError::NotSip),
        ("\rA", FrameError::NotSip),
        ("A b SIP/2.0\r\nl: 65535\r\n\r\n", FrameError::MessageTooLarge { bytes: 65_560, max }),
        (
            "A b SIP/2.0\r\nl: 99999999999999999999\r\n\r\n",
            FrameError::MessageTooLarge { bytes: usize::MAX, max },
        ),
    ] {
        assert_eq!(frames(stream.as_bytes()), [Err(error)], "{stream:?}");
    }
}

#[test]
fn a_header_section_without_end_stops_at_the_limit() {
    let mut reader = FrameReader::with_limit(1000);
    for _ in 0..100 {
        reader.push(b"0123456789");
        assert_eq!(reader.next(), None);
    }
    reader.push(b"0");
    let error = FrameError::HeadTooLarge { max: 1000 };
    assert_eq!(reader.next(), Some(Err(error)));
    assert_eq!(error.status(), Status::MESSAGE_TOO_LARGE);
}

#[test]
fn an_error_stays_and_later_bytes_are_dropped() {
    let mut reader = FrameReader::new();
    reader.push(b"A b SIP/2.0\r\n\r\n");
    for _ in 0..3 {
        assert_eq!(reader.next(), Some(Err(FrameError::ContentLengthMissing)));
        reader.push(b"B b SIP/2.0\r\nl: 0\r\n\r\n");
    }
    assert_eq!(reader.buffered(), b"A b SIP/2.0\r\n\r\n");
}

#[test]
fn a_message_too_large_for_the_stream_can_still_be_answered() {
    let head = "INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP a.example.com;branch=z9hG4bK1\r\n\
        From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
        Content-Length: 70000\r\n\r\n";
    let mut reader = FrameReader::new();
    reader.push(head.as_bytes());
    let error = reader.next().expect("decided by the header section alone").unwrap_err();
    assert_eq!(error.status(), Status::MESSAGE_TOO_LARGE);
    let message = Message::parse(reader.buffered()).unwrap();
    assert!(message.can_be_answered());
    assert_eq!(message.check().map_err(Violation::code), Err("body-truncated"));
}

#[test]
fn what_was_pushed_and_not_given_out_is_buffered() {
    let mut reader = FrameReader::new();
    reader.push(b"A b SIP/2.0\r\nl: 0\r\n\r\nB b SI");
    assert!(matches!(reader.next(), Some(Ok(Frame::Message(_)))));
    assert_eq!(reader.buffered(), b"B b SI");
    assert_eq!(reader.next(), None);
}
