//! Limits, connections, faults.

use std::sync::Arc;
use std::time::Duration;

use api::{ApiConfig, Drained, HungUp, Limits, LiveCall, LiveCalls, LiveFuture, ServiceInfo};
use model::TransactionId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{Answer, World};

fn limits(limits: Limits) -> ApiConfig {
    ApiConfig { limits, ..ApiConfig::default() }
}

/// Reads one answer with a Content-Length from a connection that stays open.
async fn read_one(stream: &mut TcpStream) -> Answer {
    let mut received = Vec::new();
    loop {
        let mut chunk = [0; 1024];
        let count = stream.read(&mut chunk).await.unwrap();
        assert_ne!(count, 0, "closed early: {}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&received);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |it| it.parse().unwrap()) {
            return Answer::parse(&received);
        }
    }
}

#[tokio::test]
async fn a_connection_serves_request_after_request() {
    let world = World::start().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let request = world.signed(&world.key, "GET", "/voice-connectors", b"").bytes("keep-alive");
    let mut ids = Vec::new();
    for _ in 0..3 {
        stream.write_all(&request).await.unwrap();
        let answer = read_one(&mut stream).await;
        answer.expect(200);
        ids.push(answer.header("x-amzn-requestid").unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each request has an id of its own");
}

#[tokio::test]
async fn a_body_at_the_limit_is_taken_and_one_beyond_is_refused_by_name() {
    let world = World::with_config(limits(Limits { body_bytes: 1000, ..Limits::default() })).await;
    let padded = |length: usize| {
        let body = r#"{"Name":"x","RequireEncryption":false}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    world.call("POST", "/voice-connectors", padded(1000)).await.expect(201);
    for length in [1001, 7000, 100_000] {
        let answer = world.call("POST", "/voice-connectors", padded(length)).await;
        let message = answer.refused(400, "BadRequestException");
        assert!(message.contains("1000 bytes"), "{message}");
    }
}

#[tokio::test]
async fn bodies_that_are_held_together_have_a_limit_and_strangers_a_smaller_one() {
    let budget = Limits { body_bytes_all: 16 << 10, ..Limits::default() };
    let world = World::with_config(limits(budget)).await;
    let body = |bytes: usize| format!("{:bytes$}", r#"{"Name":"x","RequireEncryption":false}"#);
    let mut stranger = world.key.clone();
    stranger.id = "AKIANOBODY".into();
    let ask = |key, bytes| world.call_as(key, "POST", "/voice-connectors", body(bytes));

    // A quarter of it is for requests that name a key nobody has.
    ask(&stranger, 4 << 10).await.refused(401, "UnauthorizedClientException");
    let refused = ask(&stranger, (4 << 10) + 1).await;
    refused.refused(503, "ServiceUnavailableException");
    assert_eq!(refused.header("retry-after"), Some("1"));
    ask(&world.key, 16 << 10).await.expect(201);

    // What begins to come and does not end holds its share until it is cut.
    let mut slow = TcpStream::connect(world.address).await.unwrap();
    let half = world.signed(&world.key, "POST", "/voice-connectors", body(12 << 10).as_bytes());
    let half = half.bytes("close");
    slow.write_all(&half[..half.len() - 1]).await.unwrap();
    loop {
        // Until the service has seen the slow one.
        let answer = ask(&world.key, 8 << 10).await;
        if answer.status == 503 {
            answer.refused(503, "ServiceUnavailableException");
            break;
        }
        answer.expect(201);
    }
    ask(&world.key, 4 << 10).await.expect(201);
    slow.write_all(&half[half.len() - 1..]).await.unwrap();
    let mut received = Vec::new();
    slow.read_to_end(&mut received).await.unwrap();
    Answer::parse(&received).expect(201);
    ask(&world.key, 16 << 10).await.expect(201);
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused_by_name() {
    let world = World::start().await;
    let mut request = world.signed(&world.key, "GET", "/voice-connectors", b"");
    request.set("x-padding", Some(&"x".repeat(17_000)));
    let message = world.send(&request).await.refused(400, "BadRequestException");
    assert!(message.contains("16384 bytes"), "{message}");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_gives_its_place_up() {
    let header_time = Duration::from_millis(300);
    let config = limits(Limits { header_time, connections: 1, ..Limits::default() });
    let world = World::with_config(config).await;
    let request = b"GET /voice-connectors HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    let greedy = TcpStream::connect(world.address).await.unwrap();
    // Asks until the answers have filled every buffer between, and the questions too.
    let mut asking = Box::pin(async {
        loop {
            greedy.writable().await?;
            match greedy.try_write(&request) {
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
    });
    let thrown_out: std::io::Result<()> =
        tokio::time::timeout(Duration::from_secs(60), asking.as_mut()).await.unwrap();
    assert!(thrown_out.is_err());
    // Its place is free as soon as the server has noticed; until then others are turned away.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while world.call("GET", "/voice-connectors", "").await.status != 200 {
        assert!(std::time::Instant::now() < deadline, "the place was never given up");
    }
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_headers_is_cut_off() {
    let header_time = Duration::from_millis(50);
    let world = World::with_config(limits(Limits { header_time, ..Limits::default() })).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET /voice-connectors HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert!(!received.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&received));
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_body_is_told_so() {
    let body_time = Duration::from_millis(50);
    let world = World::with_config(limits(Limits { body_time, ..Limits::default() })).await;
    let body = br#"{"Name":"x","RequireEncryption":false}"#;
    let bytes = world.signed(&world.key, "POST", "/voice-connectors", body).bytes("keep-alive");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    let answer = read_one(&mut stream).await;
    let message = answer.refused(400, "BadRequestException");
    assert!(message.contains("did not arrive"), "{message}");
}

#[tokio::test]
async fn a_connection_beyond_the_limit_is_told_to_come_back() {
    let world = World::with_config(limits(Limits { connections: 1, ..Limits::default() })).await;
    let request = world.signed(&world.key, "GET", "/voice-connectors", b"").bytes("keep-alive");
    let mut first = TcpStream::connect(world.address).await.unwrap();
    first.write_all(&request).await.unwrap();
    read_one(&mut first).await.expect(200);

    let answer = world.call("GET", "/voice-connectors", "").await;
    answer.refused(503, "ServiceUnavailableException");
    assert_eq!(answer.header("retry-after"), Some("1"));

    first.write_all(&request).await.unwrap();
    read_one(&mut first).await.expect(200);
}

#[tokio::test]
async fn malformed_json_is_a_bad_request() {
    let world = World::start().await;
    let deep = format!("{{\"Name\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "{",
        "[]",
        "null",
        "7",
        "\"x\"",
        "{\"Name\":}",
        "{'Name':'x'}",
        "{\"Name\":\"x\"}}",
        "\u{feff}{}",
        r#"{"Name":"x","Name":"y","RequireEncryption":false}"#,
        r#"{"Name":"\ud800","RequireEncryption":false}"#,
        deep.as_str(),
    ] {
        let answer = world.call("POST", "/voice-connectors", body).await;
        answer.refused(400, "BadRequestException");
    }
    let not_utf8 = world.signed(&world.key, "POST", "/voice-connectors", b"{\"Name\":\"\xff\"}");
    world.send(&not_utf8).await.refused(400, "BadRequestException");
}

/// A signalling side that panics, as ours must not.
struct Panics;

impl LiveCalls for Panics {
    fn list(&self) -> LiveFuture<'_, Vec<LiveCall>> {
        panic!("list")
    }
    fn find<'a>(&'a self, _call: &'a str) -> LiveFuture<'a, Option<LiveCall>> {
        Box::pin(std::future::pending())
    }
    fn hang_up(&self, _call: TransactionId) -> LiveFuture<'_, HungUp> {
        Box::pin(async { Err(api::LiveError::Busy) })
    }
    fn service(&self) -> LiveFuture<'_, ServiceInfo> {
        Box::pin(async { panic!("service") })
    }
}

#[tokio::test]
async fn a_panic_is_a_service_failure_of_one_request_alone() {
    let world = World::with(ApiConfig::default(), Arc::new(Panics)).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    for target in ["/operator/status", "/operator/calls"] {
        let request = world.signed(&world.key, "GET", target, b"").bytes("keep-alive");
        stream.write_all(&request).await.unwrap();
        let answer = read_one(&mut stream).await;
        answer.refused(500, "ServiceFailureException");
        assert!(!answer.body.contains("panic"), "the cause is for the log: {answer:?}");
    }
    let request = world.signed(&world.key, "GET", "/voice-connectors", b"").bytes("keep-alive");
    stream.write_all(&request).await.unwrap();
    read_one(&mut stream).await.expect(200);
}

#[tokio::test]
async fn a_signalling_side_that_is_busy_or_silent_is_a_503() {
    let request_time = Duration::from_millis(50);
    let config = limits(Limits { request_time, ..Limits::default() });
    let world = World::with(config, Arc::new(Panics)).await;
    let call = "/operator/calls/00000000-0000-4000-8000-000000000000/hang-up";
    world.call("POST", call, "").await.refused(503, "ServiceUnavailableException");
    let silent = world.call("GET", "/operator/explain?call=x", "").await;
    silent.refused(503, "ServiceUnavailableException");
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_refuses_new_ones() {
    let world = World::start().await;
    let address = world.address;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let request = world.signed(&world.key, "GET", "/voice-connectors", b"").bytes("keep-alive");
    idle.write_all(&request).await.unwrap();
    read_one(&mut idle).await.expect(200);

    assert_eq!(world.stop().await, Drained::Clean);
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "the idle connection is closed");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn shutdown_waits_for_a_request_that_has_begun_and_then_cuts_it() {
    let drain_time = Duration::from_millis(50);
    let world = World::with_config(limits(Limits { drain_time, ..Limits::default() })).await;
    let bytes = world.signed(&world.key, "POST", "/voice-connectors", b"{}").bytes("keep-alive");
    let mut stuck = TcpStream::connect(world.address).await.unwrap();
    stuck.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
    // A request that is answered shows that the one before it was accepted.
    world.call("GET", "/voice-connectors", "").await.expect(200);
    assert_eq!(world.stop().await, Drained::Cut(1));
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_status() {
    let world = World::start().await;
    world.connector().await;
    for _ in 0..2 {
        world.call("GET", "/voice-connectors", "").await.expect(200);
    }
    world.call("GET", "/voice-connectors/x", "").await.refused(400, "BadRequestException");
    world.call("GET", "/nowhere", "").await.refused(404, "UnknownOperationException");
    world.call("GET", "/operator/keys", "").await.expect(200);
    let served: Vec<_> =
        world.context.served().iter().map(|it| (it.operation, it.status, it.count)).collect();
    assert_eq!(
        served,
        [
            ("CreateVoiceConnector", 201, 1),
            ("GetVoiceConnector", 400, 1),
            ("ListVoiceConnectors", 200, 2),
            ("none", 404, 1),
            ("operator", 200, 1),
        ]
    );
}
