//! What the call engine is told, out of the configuration.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use call::{CallerIdPolicy, DigestConfig, Limits, Listener, Patience, Probing, Seeds};
use sip_core::digest::Algorithm;
use sip_message::Transport;

use crate::config::{AdvertisedAddress, CallerId, Config, DigestAlgorithm, SipConfig};
use crate::credentials::{CredentialsError, random};
use crate::start::Addresses;

/// The engine's settings.
pub(crate) fn of(config: &Config, addresses: &Addresses) -> call::Config {
    let mut listeners = vec![
        listener(&config.sip, Transport::Udp, addresses.sip_udp),
        listener(&config.sip, Transport::Tcp, addresses.sip_tcp),
    ];
    // Where TLS is not accepted, requests over TLS of ours still need a name to be answered to.
    let tls = addresses.sip_tls.unwrap_or(addresses.sip_tcp);
    listeners.push(listener(&config.sip, Transport::Tls, tls));
    let defaults = call::Config::new(listeners, config.media.advertised_address);
    call::Config {
        advertised: advertised(&config.sip.advertised),
        media_advertised: advertised(&config.media.advertised),
        caller_id: match config.calls.caller_id {
            CallerId::Inventory => CallerIdPolicy::Inventory,
            CallerId::Any => CallerIdPolicy::Any,
        },
        limits: Limits {
            account_calls_max: config.calls.account_calls_max,
            connector_calls_max: config.calls.connector_calls_max,
            calls_max: config.calls.calls_max,
            emergency_calls_max: config.calls.emergency_calls_max,
        },
        patience: Patience {
            ring: config.calls.ring_timeout,
            duration: config.calls.length_max,
            ..defaults.patience
        },
        dtmf: config.calls.dtmf,
        session: config.calls.session,
        headers: config.calls.headers.clone(),
        reliable: config.calls.reliable_progress,
        replaces: config.calls.replaces,
        probing: Probing {
            interval: config.sip.probe_interval,
            failures_max: config.sip.probe_failures_max,
            rest: config.sip.probe_rest,
            rest_max: config.sip.probe_rest * 10,
        },
        sip: sip_core::Config {
            timing: sip_core::Timing { t1: config.sip.t1, t2: config.sip.t2, t4: config.sip.t4 },
            ..defaults.sip
        },
        digest: DigestConfig {
            algorithms: config.sip.digest_algorithms.iter().map(|it| algorithm(*it)).collect(),
            ..DigestConfig::default()
        },
        ..defaults
    }
}

fn advertised(addresses: &[AdvertisedAddress]) -> Vec<call::Advertised> {
    let told = |it: &AdvertisedAddress| call::Advertised { toward: it.toward, address: it.address };
    addresses.iter().map(told).collect()
}

fn listener(config: &SipConfig, transport: Transport, local: SocketAddr) -> Listener {
    let address = config.advertised_address.unwrap_or(local.ip());
    Listener { transport, local, advertised: SocketAddr::new(address, local.port()) }
}

const fn algorithm(chosen: DigestAlgorithm) -> Algorithm {
    match chosen {
        DigestAlgorithm::Md5 => Algorithm::Md5,
        DigestAlgorithm::Sha256 => Algorithm::Sha256,
        DigestAlgorithm::Sha512_256 => Algorithm::Sha512_256,
    }
}

/// What nobody may guess. The secret that signs nonces is kept in the data directory, so that a
/// nonce from before a restart is known as ours, and stale.
pub(crate) fn seeds(data_dir: &Path) -> Result<Seeds, CredentialsError> {
    let path = data_dir.join("nonce.key");
    let nonce_secret = nonce_secret(&path)
        .map_err(|error| CredentialsError::File { path: path.clone(), error })?;
    Ok(Seeds { random: random(), nonce_secret, process: u64::from_be_bytes(random()) })
}

/// The secret in the file, made on the first start. A file of another length is made anew: the
/// worst that follows is one more challenge for callers who hold an old nonce.
fn nonce_secret(path: &Path) -> std::io::Result<[u8; 16]> {
    match std::fs::read(path) {
        Ok(bytes) => {
            if let Ok(secret) = bytes.try_into() {
                return Ok(secret);
            }
            std::fs::remove_file(path)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let secret = random();
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_nonce_secret_is_made_once_and_kept_and_nobody_else_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nonce.key");
        let made = nonce_secret(&path).unwrap();
        assert_eq!(nonce_secret(&path).unwrap(), made);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "cut short").unwrap();
        assert_ne!(nonce_secret(&path).unwrap(), made);
    }
}
