//! A server that gives the replies it was told to give and remembers what it saw. It checks
//! signatures with code of its own.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What the server does with one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        error_type: Option<&'static str>,
        body: &'static str,
    },
    /// Closes the connection instead of answering.
    Hangup,
    /// Never answers.
    Silence,
}

impl Reply {
    pub(crate) fn ok(body: &'static str) -> Self {
        Self::Answer { status: 200, error_type: None, body }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Answer { status, error_type: None, body: "" }
    }

    pub(crate) fn error(status: u16, error_type: &'static str, body: &'static str) -> Self {
        Self::Answer { status, error_type: Some(error_type), body }
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    seen: Vec<Seen>,
    connections: usize,
}

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let replies = replies.into_iter().collect();
        let state = Arc::new(Mutex::new(State { replies, ..State::default() }));
        tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().expect("no test panics while it holds the lock").seen.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().expect("no test panics while it holds the lock").connections
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        state.lock().expect("no test panics while it holds the lock").connections += 1;
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(request, Arc::clone(&state)));
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// An error here closes the connection.
async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let headers = head.headers.iter().map(|(name, value)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
    };
    let (reply, number) = {
        let mut state = state.lock().expect("no test panics while it holds the lock");
        state.seen.push(seen);
        (state.replies.pop_front().expect("the test foresaw this request"), state.seen.len())
    };
    match reply {
        Reply::Answer { status, error_type, body } => {
            let mut response = Response::builder()
                .status(status)
                .header("x-amzn-RequestId", format!("request-{number}"));
            if let Some(error_type) = error_type {
                response = response.header("x-amzn-ErrorType", error_type);
            }
            Ok(response.body(Full::new(Bytes::from_static(body.as_bytes()))).expect("it is valid"))
        }
        Reply::Hangup => Err(std::io::Error::other("the test wants it so")),
        Reply::Silence => {
            std::future::pending::<Result<_, Infallible>>().await.map_err(std::io::Error::other)
        }
    }
}

impl Seen {
    /// Method, path and query.
    pub(crate) fn line(&self) -> String {
        let separator = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{separator}{}", self.method, self.path, self.query)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// Recomputes the signature from what arrived, by the four steps of Signature Version 4.
    pub(crate) fn assert_signed(&self, signed_headers: &str, secret: &str) {
        let authorization = self.header("authorization").expect("the request is signed");
        let date_time = self.header("x-amz-date").expect("the request is dated");
        let date = &date_time[..8];
        let scope = format!("{date}/us-east-1/chime/aws4_request");

        let headers: String = signed_headers
            .split(';')
            .map(|name| format!("{name}:{}\n", self.header(name).expect("it is signed, so sent")))
            .collect();
        let path = self.path.replace('%', "%25");
        let canonical = format!(
            "{}\n{path}\n{}\n{headers}\n{signed_headers}\n{}",
            self.method,
            self.query,
            hex(digest::digest(&digest::SHA256, &self.body).as_ref())
        );
        let canonical_hash = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("AWS4-HMAC-SHA256\n{date_time}\n{scope}\n{canonical_hash}");
        let key = [date, "us-east-1", "chime", "aws4_request"]
            .iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
        let signature = hex(&mac(&key, &to_sign));
        assert_eq!(
            authorization,
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, \
                 SignedHeaders={signed_headers}, Signature={signature}"
            )
        );
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
