//! A service that runs, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use store::Store;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use crate::admin::{Phase, PhaseCell};
use crate::config::{Config, ConfigError};
use crate::media::{MediaHandle, Order};
use crate::records::Recorder;
use crate::signalling::live::{Ask, Asker, SignallingCounters, Work};
use crate::simulated::Simulated;
use crate::start::{Addresses, watched};
use crate::tls::SipTls;

/// How often the end of the last call is looked for while draining.
const DRAIN_LOOK: Duration = Duration::from_millis(20);
/// How long hung-up calls may take to say goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(2);
/// How long the last records may take to be written.
const RECORDS_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether a thread has ended by itself.
const THREAD_LOOK: Duration = Duration::from_millis(500);

/// A service that is ready. Dropping it without [`Running::shutdown`] leaves it running.
pub struct Running(Parts);

/// What a running service is made of.
pub(crate) struct Parts {
    pub(crate) addresses: Addresses,
    pub(crate) config: Config,
    pub(crate) phase: Arc<PhaseCell>,
    pub(crate) asker: Asker,
    pub(crate) media: MediaHandle,
    pub(crate) recorder: Recorder,
    pub(crate) simulated: Option<Simulated>,
    pub(crate) store: Store,
    /// Tasks that are simply cut.
    pub(crate) background: Vec<JoinHandle<()>>,
    /// The API's TLS, if it speaks TLS.
    pub(crate) tls: Option<Arc<api::Tls>>,
    pub(crate) sip_tls: SipTls,
    pub(crate) api: JoinHandle<api::Drained>,
    pub(crate) stop_api: oneshot::Sender<()>,
    pub(crate) writer: JoinHandle<()>,
    pub(crate) signalling: std::thread::JoinHandle<()>,
    pub(crate) media_thread: std::thread::JoinHandle<()>,
}

/// A part of the service ended by itself; the log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {part} thread has ended by itself; the log says why, and the service must be restarted"
)]
pub struct PartEnded {
    /// Which part.
    pub part: &'static str,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("addresses", &self.0.addresses).finish_non_exhaustive()
    }
}

impl Running {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// Where the service listens.
    pub fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    /// What the service was configured with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Reads the certificates, keys and authorities of the HTTP API and of SIP over TLS again;
    /// connections that begin from now on see them. It waits for the disk.
    ///
    /// # Errors
    /// [`ConfigError`]; then all that was served before is served on.
    pub fn reread_certificates(&self) -> Result<(), ConfigError> {
        let http = self.0.config.http_identity()?;
        self.0.sip_tls.reread(&self.0.config)?;
        if let (Some(tls), Some(identity)) = (&self.0.tls, http) {
            tls.replace(watched(identity));
        }
        Ok(())
    }

    /// Resolves when a part of the service ends by itself, which none should.
    pub async fn failed(&mut self) -> PartEnded {
        loop {
            if self.0.signalling.is_finished() {
                return PartEnded { part: "signalling" };
            }
            if self.0.media_thread.is_finished() {
                return PartEnded { part: "media" };
            }
            if self.0.store.has_ended() {
                return PartEnded { part: "database" };
            }
            sleep(THREAD_LOOK).await;
        }
    }

    /// Takes no new calls, lets those that go on finish within `calls.drain_max_s`, hangs up the
    /// rest, makes their records durable, and stops.
    pub async fn shutdown(self) {
        let patience = self.0.config.calls.drain_max;
        self.stop(patience).await;
    }

    /// As [`Running::shutdown`], without waiting for calls: after a part has [`failed`](Self::failed)
    /// there is nothing to wait for.
    pub async fn shutdown_now(self) {
        self.stop(Duration::ZERO).await;
    }

    async fn stop(self, patience: Duration) {
        let Parts {
            phase,
            asker,
            media,
            recorder,
            simulated,
            store,
            background,
            api,
            stop_api,
            writer,
            signalling,
            media_thread,
            ..
        } = self.0;
        phase.set(Phase::Draining);
        drain(&asker, patience).await;
        // The API answers until the calls are over, so that an operator can watch them end.
        let _ = stop_api.send(());
        match api.await {
            Ok(api::Drained::Clean) => {}
            Ok(api::Drained::Cut(connections)) => {
                warn!(connections, "API requests were cut because they took too long");
            }
            Err(error) => warn!(%error, "the API ended badly"),
        }
        // Either thread may have ended by itself; then there is nobody to tell.
        let _ = asker.order(Ask::Stop);
        join(signalling).await;
        media.order(Order::Stop);
        media.wake();
        join(media_thread).await;
        // It is stopped by dropping it, which waits for its thread.
        let _ = tokio::task::spawn_blocking(move || drop(simulated)).await;
        if timeout(RECORDS_MAX, recorder.flush()).await.is_err() {
            warn!(
                records = recorder.waiting(),
                "the last call records could not be written in time"
            );
        }
        for task in background.into_iter().chain([writer]) {
            task.abort();
            // Its hold on the store is gone once it has ended.
            let _ = task.await;
        }
        store.close().await;
    }
}

/// Waits for calls to end, then ends them.
async fn drain(asker: &Asker, patience: Duration) {
    if asker.order(Ask::Command(call::Command::Drain)).is_err() {
        return;
    }
    until(asker, patience, |counted| counted.calls_live == 0).await;
    if let Ok(counted) = asker.counters().await
        && counted.calls_live > 0
    {
        info!(calls = counted.calls_live, "hanging up the calls that still go on");
    }
    if asker.order(Ask::Command(call::Command::HangUpAll)).is_ok() {
        until(asker, GOODBYE_MAX, |counted| counted.work == Work::Done).await;
    }
}

/// Waits until it is so, but no longer than `patience`.
async fn until(asker: &Asker, patience: Duration, is_so: impl Fn(&SignallingCounters) -> bool) {
    let end = Instant::now() + patience;
    while Instant::now() < end {
        match asker.counters().await {
            Ok(counted) if !is_so(&counted) => sleep(DRAIN_LOOK).await,
            // A thread that is gone has no calls.
            Ok(_) | Err(_) => return,
        }
    }
}

async fn join(thread: std::thread::JoinHandle<()>) {
    // A thread that panicked has said so by itself.
    let _ = tokio::task::spawn_blocking(move || thread.join()).await;
}

#[cfg(test)]
mod tests {
    use model::{AccountId, Tags};
    use store::{Committed, Observer, StoreError, TypedTx as _, WriteError};

    use super::*;
    use crate::Server;
    use crate::config::Sources;

    /// Fails as a projection with a mistake in it would.
    struct Panics;

    impl Observer for Panics {
        fn committed(&self, _: &Committed) {
            panic!("on purpose");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_among_those_who_follow_the_store_ends_the_service() {
        let dir = tempfile::tempdir().unwrap();
        let free = "'127.0.0.1:0'";
        let text = format!(
            "data_dir = {:?}\nhttp.listen = {free}\nadmin.listen = {free}\nsip.listen = {free}\n\
             sip.tls.listen = {free}\nmedia.port_min = 0\ncarriers.simulated = false\n",
            dir.path().display().to_string()
        );
        let config = Config::load(Sources::text(&text)).unwrap();
        let mut running = Server::start(config).await.unwrap();
        running.0.store.subscribe(Arc::new(Panics));

        let tags =
            Tags { account: AccountId::DEFAULT, arn: "a".into(), values: Default::default() };
        let written = running.0.store.write(move |tx| tx.put(&tags)).await;

        assert!(matches!(written, Err(WriteError::Store(StoreError::Closed))), "{written:?}");
        assert_eq!(running.failed().await, PartEnded { part: "database" });
        running.shutdown().await;
    }

    const FREE_PORTS: &str = "
        http.listen = '127.0.0.1:0'
        admin.listen = '127.0.0.1:0'
        sip.listen = '127.0.0.1:0'
        media.port_min = 0
    ";

    async fn started(dir: &tempfile::TempDir) -> Running {
        let data_dir = Some(dir.path().join("data"));
        let config = Config::load(Sources { data_dir, ..Sources::text(FREE_PORTS) }).unwrap();
        Server::start(config).await.unwrap()
    }

    #[tokio::test]
    async fn a_thread_that_panics_ends_the_service_and_is_told_by_name() {
        for part in ["signalling", "media"] {
            let dir = tempfile::tempdir().unwrap();
            let mut running = started(&dir).await;
            match part {
                "signalling" => running.0.asker.order(Ask::Panic).unwrap(),
                _ => {
                    running.0.media.order(Order::Panic);
                    running.0.media.wake();
                }
            }
            let failed = timeout(Duration::from_secs(20), running.failed()).await.unwrap();
            assert_eq!(failed, PartEnded { part });
            timeout(Duration::from_secs(30), running.shutdown_now()).await.unwrap();
        }
    }
}
