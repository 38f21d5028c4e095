//! What no HTTP library sends: bytes on a socket, each answered in the usual envelope or closed in time.

use std::time::Duration;

use api::{ApiConfig, Limits};
use model::TransactionId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::{Answer, World};

/// More than any of these may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends bytes on a connection of their own and reads until the server closes it.
async fn exchange(world: &World, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    // A server that has said its last word need not read on.
    stream.write_all(bytes).await.ok();
    stream.shutdown().await.ok();
    let mut received = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut received)).await.unwrap().unwrap();
    received
}

/// Takes apart all answers that came on one connection.
fn answers(received: &[u8]) -> Vec<Answer> {
    let text = std::str::from_utf8(received).unwrap();
    let mut rest = text;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let head = rest.find("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {rest:?}")) + 4;
        let length = rest[..head]
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |it| it.parse().unwrap());
        found.push(Answer::parse(&rest.as_bytes()[..head + length]));
        rest = &rest[head + length..];
    }
    found
}

fn is_request_id(text: &str) -> bool {
    TransactionId::parse(text).is_ok()
}

#[tokio::test]
async fn what_is_no_http_is_refused_in_the_usual_envelope() {
    let world = World::start().await;
    let many: String = (0..200).map(|at| format!("x-{at}: 1\r\n")).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("junk", b"\x16\x03\x01\x02\x00 is a greeting of TLS\r\n\r\n".to_vec()),
        ("no method", b" / HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("no target", b"GET HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("a space in the target", b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n".to_vec()),
        ("another version", b"GET / HTTP/9.9\r\nhost: x\r\n\r\n".to_vec()),
        ("a header without colon", b"GET / HTTP/1.1\r\nhost x\r\n\r\n".to_vec()),
        ("a space before the colon", b"GET / HTTP/1.1\r\nhost : x\r\n\r\n".to_vec()),
        ("a folded header", b"GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n".to_vec()),
        ("a zero byte", b"GET / HTTP/1.1\r\nhost: x\r\na: \0\r\n\r\n".to_vec()),
        ("many headers", format!("GET / HTTP/1.1\r\nhost: x\r\n{many}\r\n").into_bytes()),
        (
            "a large header",
            format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "x".repeat(200_000)).into_bytes(),
        ),
        (
            "a long target",
            format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(70_000)).into_bytes(),
        ),
        (
            "a length that is none",
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n".to_vec(),
        ),
        ("a negative length", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_vec()),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"
                .to_vec(),
        ),
        (
            "an unknown framing",
            b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\nab".to_vec(),
        ),
        (
            "a framing that HTTP/1.0 has not",
            b"POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
        ),
    ];
    for (name, bytes) in cases {
        let received = exchange(&world, &bytes).await;
        let found = answers(&received);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        let message = found[0].refused(400, "BadRequestException");
        assert!(message.contains("; s"), "{name} is told no remedy: {message}");
        assert!(is_request_id(found[0].header("x-amzn-requestid").unwrap()), "{name}");
        assert_eq!(found[0].header("connection"), Some("close"), "{name}");
        assert!(found[0].header("date").is_some(), "{name}");
    }
    world.call("GET", "/voice-connectors", "").await.expect(200);
}

#[tokio::test]
async fn a_client_that_is_still_writing_gets_to_read_its_refusal() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}", "x".repeat(100_000));
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut first)).await.unwrap().unwrap();
    // It has not noticed the answer and goes on.
    for _ in 0..50 {
        stream.write_all(&[b'x'; 1000]).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    let mut received = first.to_vec();
    timeout(PATIENCE, stream.read_to_end(&mut received)).await.unwrap().unwrap();
    let message = Answer::parse(&received).refused(400, "BadRequestException");
    assert!(message.contains("headers"), "{message}");
}

#[tokio::test]
async fn a_request_for_no_host_or_for_two_is_refused() {
    let world = World::start().await;
    for head in [
        "GET /voice-connectors HTTP/1.1\r\n",
        "GET /voice-connectors HTTP/1.1\r\nhost: a\r\nhost: b\r\n",
        "GET /voice-connectors HTTP/1.1\r\nhost: a\r\nhost: a\r\n",
    ] {
        let bytes = format!("{head}connection: close\r\n\r\n");
        let found = answers(&exchange(&world, bytes.as_bytes()).await);
        let message = found[0].refused(400, "BadRequestException");
        assert!(message.contains("Host headers"), "{message}");
    }
    // HTTP/1.0 knows no Host; what is then missing is the signature.
    let found = answers(&exchange(&world, b"GET /voice-connectors HTTP/1.0\r\n\r\n").await);
    found[0].refused(403, "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order() {
    let world = World::start().await;
    let mut bytes = Vec::new();
    let create = br#"{"Name":"piped","RequireEncryption":false}"#;
    let targets = ["/voice-connectors", "/nowhere", "/settings", "/voice-connectors"];
    bytes.extend(world.signed(&world.key, "POST", "/voice-connectors", create).bytes("keep-alive"));
    for target in targets {
        bytes.extend(world.signed(&world.key, "GET", target, b"").bytes("keep-alive"));
    }
    bytes.extend(b"GET /junk\r\n\r\n");
    let found = answers(&exchange(&world, &bytes).await);
    let statuses: Vec<u16> = found.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [201, 200, 404, 200, 200, 400]);
    assert_eq!(found[1].json()["VoiceConnectors"][0]["Name"], "piped");
    assert!(found.iter().all(|it| is_request_id(it.header("x-amzn-requestid").unwrap())));
}

#[tokio::test]
async fn a_body_in_chunks_is_taken_with_its_extensions_and_trailers() {
    let world = World::start().await;
    let body = br#"{"Name":"chunked","RequireEncryption":false}"#;
    let request = world.signed(&world.key, "POST", "/voice-connectors", body);
    let mut head = String::from("POST /voice-connectors HTTP/1.1\r\n");
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "transfer-encoding: chunked\r\ntrailer: x-check\r\nconnection: close\r\n\r\n";
    let mut bytes = head.clone().into_bytes();
    for chunk in body.chunks(7) {
        bytes.extend(format!("{:x};note=\"a;b\"\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\nx-check: 1\r\nx-amz-date: 19700101T000000Z\r\n\r\n");
    answers(&exchange(&world, &bytes).await)[0].expect(201);

    for bad in [
        "zz\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nx\r\n",
        "3\r\nab",
    ] {
        let found = answers(&exchange(&world, format!("{head}{bad}").as_bytes()).await);
        assert_eq!(found.len(), 1, "{bad:?}");
        let message = found[0].refused(400, "BadRequestException");
        assert!(message.contains("ended before it was complete"), "{bad:?}: {message}");
    }
}

#[tokio::test]
async fn a_target_may_name_the_server_too() {
    let world = World::start().await;
    let request = world.signed(&world.key, "GET", "/voice-connectors?max-results=1", b"");
    let plain = String::from_utf8(request.bytes("close")).unwrap();
    let absolute = plain.replacen(" /voice", &format!(" http://{}/voice", world.address), 1);
    answers(&exchange(&world, absolute.as_bytes()).await)[0].expect(200);
}

#[tokio::test]
async fn methods_that_no_operation_has_are_refused_by_name() {
    let world = World::start().await;
    for method in ["HEAD", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "X"] {
        let answer = world.call(method, "/voice-connectors", "").await;
        assert_eq!((answer.status, answer.error()), (405, "UnknownOperationException"), "{method}");
        assert_eq!(answer.header("allow"), Some("GET, POST"), "RFC 9110 §15.5.6");
        if method == "HEAD" {
            assert!(answer.body.is_empty(), "an answer to HEAD has no body (RFC 9110 §9.3.2)");
        } else {
            let message = answer.message();
            assert!(message.contains(method) && message.contains("GET or POST"), "{message}");
        }
    }
    for line in ["OPTIONS * HTTP/1.1", "CONNECT a:1 HTTP/1.1"] {
        let bytes = format!("{line}\r\nhost: a:1\r\nconnection: close\r\n\r\n");
        let found = answers(&exchange(&world, bytes.as_bytes()).await);
        found[0].refused(403, "MissingAuthenticationTokenException");
    }
}

#[tokio::test]
async fn who_waits_for_leave_to_send_a_body_is_told_before_it_is_sent() {
    let world = World::start().await;
    let body = br#"{"Name":"patient","RequireEncryption":false}"#;
    let request = world.signed(&world.key, "POST", "/voice-connectors", body);
    let bytes = String::from_utf8(request.bytes("close")).unwrap();
    let (head, _) = bytes.split_once("\r\n\r\n").unwrap();
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(format!("{head}\r\nexpect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    let mut leave = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut leave)).await.unwrap().unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body).await.unwrap();
    let mut received = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut received)).await.unwrap().unwrap();
    Answer::parse(&received).expect(201);
}

#[tokio::test]
async fn who_trickles_is_cut_off_in_time_wherever_in_the_request() {
    let header_time = Duration::from_millis(200);
    let body_time = Duration::from_millis(200);
    let limits = Limits { header_time, body_time, ..Limits::default() };
    let world = World::with_config(ApiConfig { limits, ..ApiConfig::default() }).await;
    let body = br#"{"Name":"slow","RequireEncryption":false}"#;
    let whole = world.signed(&world.key, "POST", "/voice-connectors", body).bytes("keep-alive");
    let head = whole.len() - body.len();
    // Each byte comes soon after the one before it; what counts is when the last one comes.
    for start in [0, 10, head - 2, head + 1] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(&whole[..start]).await.unwrap();
        let (mut reading, mut writing) = stream.split();
        let trickle = async {
            let mut pace = tokio::time::interval(Duration::from_millis(60));
            for byte in &whole[start..] {
                pace.tick().await;
                if writing.write_all(&[*byte]).await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await;
        };
        let mut received = Vec::new();
        tokio::select! {
            () = trickle => {}
            ended = timeout(PATIENCE, reading.read_to_end(&mut received)) => { ended.unwrap().ok(); }
        }
        assert!(!received.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&received));
        if start > head {
            let message = Answer::parse(&received).refused(400, "BadRequestException");
            assert!(message.contains("did not arrive within"), "{message}");
        }
    }
    world.call("GET", "/voice-connectors", "").await.expect(200);
}
