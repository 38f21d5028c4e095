//! Health and metrics on a listener of their own: `/livez`, `/readyz`, `/metrics`, `/version`.
//!
//! Plain text without authentication, so it binds to the loopback unless told otherwise. Nothing
//! here names a caller, a number or a key.

mod exposition;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

pub(crate) use exposition::Exposition;

/// Connections served at once: a scraper, an orchestrator, a person.
const CONNECTIONS_MAX: usize = 64;
/// How long a connection may take to ask, or to be idle.
const HEADER_TIME: Duration = Duration::from_secs(20);

/// Where a process stands between its start and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Not serving yet.
    Starting,
    /// Serving.
    Ready,
    /// Finishing the calls it has; new ones should go elsewhere.
    Draining,
}

/// The phase, as everybody sees it.
#[derive(Debug)]
pub(crate) struct PhaseCell(AtomicU8);

impl PhaseCell {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(Phase::Starting as u8))
    }

    pub(crate) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Release);
    }

    pub(crate) fn get(&self) -> Phase {
        let seen = self.0.load(Ordering::Acquire);
        [Phase::Starting, Phase::Ready, Phase::Draining]
            .into_iter()
            .find(|it| *it as u8 == seen)
            .expect("only phases are stored")
    }
}

/// What the metrics page is made of.
pub(crate) trait Scrape: Send + Sync + 'static {
    /// The page, as it is now.
    fn scrape(&self) -> Pin<Box<dyn Future<Output = String> + Send + '_>>;
}

/// Serves until dropped.
pub(crate) async fn serve(listener: TcpListener, phase: Arc<PhaseCell>, scrape: Arc<dyn Scrape>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = Arc::clone(&places)
            .acquire_owned()
            .await
            .expect("the semaphore lives as long as this loop and is never closed");
        let stream = match listener.accept().await {
            Ok((stream, _peer)) => stream,
            Err(error) => {
                warn!(%error, "a connection to the admin listener could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Who does not read what was asked for gives its place up.
        if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(Some(HEADER_TIME)) {
            debug!(%error, "TCP_USER_TIMEOUT could not be set");
        }
        let (phase, scrape) = (Arc::clone(&phase), Arc::clone(&scrape));
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let (phase, scrape) = (Arc::clone(&phase), Arc::clone(&scrape));
                async move { Ok::<_, Infallible>(answer(&request, &phase, &*scrape).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                debug!(%error, "a connection to the admin listener ended early");
            }
            drop(place);
        });
    }
}

async fn answer(
    request: &Request<Incoming>,
    phase: &PhaseCell,
    scrape: &dyn Scrape,
) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n");
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "alive\n"),
        "/readyz" => match phase.get() {
            Phase::Ready => text(StatusCode::OK, "ready\n"),
            Phase::Starting => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
            Phase::Draining => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        },
        "/version" => {
            let version = serde_json::json!({ "name": "trunkline", "version": crate::VERSION });
            response(StatusCode::OK, "application/json", format!("{version}\n"))
        }
        "/metrics" => response(StatusCode::OK, Exposition::CONTENT_TYPE, scrape.scrape().await),
        _ => text(
            StatusCode::NOT_FOUND,
            "there is /livez, /readyz, /metrics and /version here; the API is on http.listen\n",
        ),
    }
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", text.to_owned())
}

fn response(status: StatusCode, content_type: &str, body: String) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CACHE_CONTROL, "no-store")
        .body(Full::new(body.into()))
        .expect("the parts are fixed and well-formed")
}
