//! `trunkline serve`: runs the service until it is told to stop.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;
use server::config::{Config, LogConfig, LogFormat};
use server::{Addresses, Running, Server};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::filter::LevelFilter;

use crate::cli::ServeArgs;
use crate::failure::Failure;
use crate::screen::{Colour, colour_wanted};

pub(crate) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let config = super::config::load(args.clone())?;
    start_log(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no thread could be started: {error}")))?;
    let served = runtime.block_on(serve(config));
    // A blocking name lookup that is still under way must not hold up the end.
    runtime.shutdown_background();
    served
}

async fn serve(config: Config) -> Result<(), Failure> {
    // The signals are ours from here on, so that none is lost while the service starts.
    let mut signals = Signals::install(&config)?;
    let data_dir = config.storage.data_dir.clone();
    let mut running = Server::start(config).await?;
    say_ready(running.addresses(), &data_dir);
    let failure = loop {
        tokio::select! {
            told = signals.next() => match told {
                Told::Reread => reread(&running),
                Told::Stop(name) => {
                    info!(signal = name, "stopping: calls that go on may finish; a second signal stops at once");
                    break None;
                }
            },
            failure = running.failed() => break Some(failure),
        }
    };
    if let Some(failure) = failure {
        error!(part = failure.part, "{failure}");
        running.shutdown_now().await;
        return Err(Failure::of(failure));
    }
    stop(running, &mut signals).await
}

/// Takes up a renewed certificate; one that cannot be served leaves the old one in its place.
fn reread(running: &Running) {
    match running.reread_certificates() {
        Ok(()) => info!("the certificates were read again; connections that are open go on"),
        Err(error) => warn!(%error, "the certificates stay as they were"),
    }
}

/// Lets calls finish; a second signal stops at once.
async fn stop(running: Running, signals: &mut Signals) -> Result<(), Failure> {
    tokio::select! {
        () = running.shutdown() => {
            info!("stopped");
            Ok(())
        }
        name = signals.stop() => {
            warn!(signal = name, "stopped at once: calls were cut");
            Err(Failure::Failed("stopped by a second signal while calls were going on".into()))
        }
    }
}

/// The line that tells programs where we listen, once we do.
#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    http: SocketAddr,
    admin: SocketAddr,
    sip_udp: SocketAddr,
    sip_tcp: SocketAddr,
    /// Absent where TLS is off.
    sip_tls: Option<SocketAddr>,
    data_dir: Cow<'a, str>,
}

fn say_ready(addresses: &Addresses, data_dir: &Path) {
    let data_dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.into());
    let ready = Ready {
        event: "ready",
        http: addresses.http,
        admin: addresses.admin,
        sip_udp: addresses.sip_udp,
        sip_tcp: addresses.sip_tcp,
        sip_tls: addresses.sip_tls,
        data_dir: data_dir.to_string_lossy(),
    };
    let line = serde_json::to_string(&ready).expect("the line has text keys");
    let mut out = std::io::stdout();
    // Whoever started us may not read what we print; that is no reason not to serve.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The log goes to standard error; standard output carries the ready line alone.
fn start_log(config: &LogConfig) {
    let terminal = std::io::stderr().is_terminal();
    let level = LevelFilter::from_level(config.level);
    let lines = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        // A log on a full disk loses lines. By default the loss is printed to the same place, and
        // failing at that would end the task that had something to say.
        .log_internal_errors(false)
        .with_target(false);
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    if json {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    } else {
        lines.with_ansi(terminal && colour_wanted() == Colour::On).init();
    }
}

/// SIGTERM and SIGINT, SIGHUP where a certificate can be read again, and SIGXFSZ.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Option<Signal>,
    /// Taken, so that a write beyond the limit of file sizes fails as one to a full disk does; left
    /// alone, it ends the process.
    _file_too_large: Signal,
}

/// SIGXFSZ, as Linux numbers it on every processor that Rust's standard library is made for but MIPS.
const FILE_TOO_LARGE: i32 = 25;

/// What a signal asks for.
enum Told {
    /// To stop, by the signal of this name.
    Stop(&'static str),
    /// To read the certificate again.
    Reread,
}

impl Signals {
    /// Where no certificate is named, SIGHUP is left to end the process with its terminal.
    fn install(config: &Config) -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::Failed(format!("cannot take signals: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: config
                .names_certificates()
                .then(|| listen(SignalKind::hangup()))
                .transpose()?,
            _file_too_large: listen(SignalKind::from_raw(FILE_TOO_LARGE))?,
        })
    }

    async fn next(&mut self) -> Told {
        let hung_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Told::Stop("SIGINT"),
            _ = hung_up => Told::Reread,
        }
    }

    /// The next signal that asks to stop; by then a certificate no longer matters.
    async fn stop(&mut self) -> &'static str {
        loop {
            if let Told::Stop(name) = self.next().await {
                return name;
            }
        }
    }
}
