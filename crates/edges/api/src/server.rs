//! Connections: accepted, limited, drained.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::context::Context;
use crate::error::{ApiError, ErrorKind};
use crate::origin::Origin;
use crate::service;
use crate::tls::Encryption;
use crate::unreadable::Explained;

/// Connections beyond the limit that are told to come back; still more wait to be accepted.
const TURNED_AWAY_MAX: usize = 64;
/// How long a connection that is told to come back may take to ask.
const TURNED_AWAY_TIME: Duration = Duration::from_secs(5);
/// Headers of one request, by count.
const HEADERS_MAX: usize = 100;
/// What the HTTP library buffers of one request's head; what is beyond it is [`Explained`].
const HEAD_BUFFER_BYTES: usize = 64 << 10;
/// The rest after an accept that failed for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long the last audit records may take to be written at shutdown.
const AUDIT_FLUSH_TIME: Duration = Duration::from_secs(5);

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request that had begun was answered.
    Clean,
    /// So many connections were cut when their time was up.
    Cut(usize),
}

/// Serves the control plane on `listener`, encrypted or not, until `shutdown` resolves, then lets open requests finish
/// within [`Limits::drain_time`](crate::config::Limits::drain_time).
pub async fn serve(
    listener: TcpListener,
    encryption: Encryption,
    context: Arc<Context>,
    shutdown: impl Future<Output = ()> + Send,
) -> Drained {
    let limit = context.config.limits.connections;
    let served = Arc::new(Semaphore::new(limit));
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
    let (stop, stopping) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &served, &turned_away) => accepted,
        };
        match accepted {
            Ok((stream, origin, Place::Served(permit))) => {
                let connection = serve_connection(
                    (stream, Origin::of(origin, &encryption)),
                    encryption.clone(),
                    Arc::clone(&context),
                    stopping.clone(),
                );
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Ok((stream, _origin, Place::TurnedAway(permit))) => {
                let patience = context.config.limits.header_time.min(TURNED_AWAY_TIME);
                let connection = turn_away(stream, encryption.clone(), limit, patience);
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drop(stopping);
    drop(stop);
    let all = u32::try_from(limit).unwrap_or(u32::MAX);
    let drained = match timeout(context.config.limits.drain_time, served.acquire_many(all)).await {
        Ok(_every_connection_is_gone) => Drained::Clean,
        Err(_elapsed) => Drained::Cut(limit - served.available_permits()),
    };
    if timeout(AUDIT_FLUSH_TIME, context.audit.flush()).await.is_err() {
        tracing::warn!("the last audit records could not be written in time");
    }
    drained
}

/// Whether a connection found room.
enum Place {
    Served(OwnedSemaphorePermit),
    TurnedAway(OwnedSemaphorePermit),
}

/// Accepts a connection and gives it a place; waits when even turning away has no room.
async fn accept(
    listener: &TcpListener,
    served: &Arc<Semaphore>,
    turned_away: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, Place)> {
    let spare = Arc::clone(turned_away)
        .acquire_owned()
        .await
        .expect("the semaphore lives as long as the accept loop and is never closed");
    let (stream, peer) = listener.accept().await?;
    Ok(match Arc::clone(served).try_acquire_owned() {
        Ok(permit) => (stream, peer, Place::Served(permit)),
        Err(_full) => (stream, peer, Place::TurnedAway(spare)),
    })
}

/// Serves one connection, inside TLS if it is so.
async fn serve_connection(
    (stream, origin): (TcpStream, Origin),
    encryption: Encryption,
    context: Arc<Context>,
    mut stopping: watch::Receiver<()>,
) {
    // Answers are small and complete when written; waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    // Who asks and does not read the answer keeps its place no longer than who does not ask.
    let patience = Some(context.config.limits.header_time);
    if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(patience) {
        tracing::debug!(%error, "TCP_USER_TIMEOUT could not be set");
    }
    match encryption {
        Encryption::Plaintext => serve_requests(stream, origin, context, stopping).await,
        Encryption::Tls(tls) => {
            let greeted = tokio::select! {
                greeted = tls.accept(stream, context.config.limits.header_time) => greeted,
                // No request has begun, so nothing is owed.
                _sender_is_gone = stopping.changed() => None,
            };
            if let Some(stream) = greeted {
                serve_requests(stream, origin, context, stopping).await;
            }
        }
    }
}

/// Serves one connection's requests until it ends, idles too long, or the service stops.
async fn serve_requests(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    origin: Origin,
    context: Arc<Context>,
    mut stopping: watch::Receiver<()>,
) {
    let header_time = context.config.limits.header_time;
    let service = service_fn(move |request| {
        let context = Arc::clone(&context);
        async move { Ok::<_, Infallible>(service::respond(context, origin, request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_time)
            // Who has said all it has to say still wants to hear the answer.
            .half_close(true)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_BUFFER_BYTES)
            .serve_connection(TokioIo::new(Explained::new(stream)), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _sender_is_gone = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers one request with 503 and closes, inside TLS if it is so.
async fn turn_away(stream: TcpStream, encryption: Encryption, limit: usize, patience: Duration) {
    match encryption {
        Encryption::Plaintext => refuse_request(stream, limit).await,
        Encryption::Tls(tls) => {
            if let Some(stream) = tls.accept(stream, patience).await {
                refuse_request(stream, limit).await;
            }
        }
    }
}

async fn refuse_request(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    limit: usize,
) {
    let service = service_fn(move |_request: http::Request<hyper::body::Incoming>| async move {
        let request_id = model::TransactionId::from_random(crate::random::bytes()).to_string();
        let error = ApiError::new(
            ErrorKind::ServiceUnavailable,
            format!(
                "all {limit} connections are in use; reuse connections, or come back in a moment"
            ),
        );
        let response =
            error.retry_after(1).into_response(&request_id, crate::answer::Dialect::Json);
        Ok::<_, Infallible>(response)
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(Explained::new(stream)), service);
    if timeout(TURNED_AWAY_TIME, connection).await.is_err() {
        tracing::debug!("a connection beyond the limit asked nothing");
    }
}
