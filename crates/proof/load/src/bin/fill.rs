//! Fills a data directory with Voice Connectors, their users, and owned numbers, for `bench/`.
//!
//! It writes through the store as the service does, in large transactions. The sealing key is made
//! in the directory, so that `trunkline serve --data-dir` opens what was made.

use std::num::NonZeroU32;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use model::{
    AccountId, DigestKeys, E164Number, PhoneNumber, Region, Secret, SipUser, Termination,
    UnixMillis, Username, VoiceConnector, VoiceConnectorId,
};
use store::{Keyring, Store, StoreConfig, StoreError, TypedTx as _};

/// Fills a data directory with Voice Connectors, their users, and owned numbers.
///
/// Example: fill --data-dir bench-data --connectors 1000000 --numbers 10000000
#[derive(Parser)]
struct Arguments {
    /// The directory; made if it is missing.
    #[arg(long)]
    data_dir: PathBuf,
    /// Voice Connectors of the operator's account.
    #[arg(long, default_value_t = 0)]
    connectors: u64,
    /// Gives each connector a termination and one user, as a connector that takes calls has.
    #[arg(long)]
    credentials: bool,
    /// Numbers that the account owns.
    #[arg(long, default_value_t = 0)]
    numbers: u64,
}

/// Resources in one transaction.
const SLICE: u64 = 50_000;
const HOME: AccountId = AccountId::DEFAULT;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { data_dir, connectors, credentials, numbers } = Arguments::parse();
    let began = Instant::now();
    let keyring = Keyring::load_or_create(&data_dir.join("seal.key"))?;
    let mut config = StoreConfig::new(data_dir.join("trunkline.db"), keyring);
    config.log_bytes = 256 << 20;
    let store = Store::open(config)?;
    for slice in slices(connectors) {
        store
            .write(move |tx| slice.map(connector).try_for_each(|it| tx.put(&it)))
            .await
            .map_err(StoreError::from)?;
    }
    for slice in slices(if credentials { connectors } else { 0 }) {
        store
            .write(move |tx| {
                slice.map(connector).try_for_each(|it| {
                    tx.put(&termination(&it))?;
                    tx.put(&user(&it))
                })
            })
            .await
            .map_err(StoreError::from)?;
    }
    for slice in slices(numbers) {
        store
            .write(move |tx| slice.map(number).try_for_each(|it| tx.put(&it)))
            .await
            .map_err(StoreError::from)?;
    }
    store.close().await;
    println!(
        "{connectors} connectors and {numbers} numbers in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn slices(count: u64) -> impl Iterator<Item = Range<u64>> {
    (0..count).step_by(SLICE as usize).map(move |from| from..(from + SLICE).min(count))
}

fn connector(at: u64) -> VoiceConnector {
    let id = VoiceConnectorId::parse(&format!("bench{at:017}")).expect("22 of a-z and 0-9");
    VoiceConnector {
        account: HOME,
        region: Region::UsEast1,
        name: format!("connector {at}"),
        require_encryption: false,
        outbound_host_name: format!("{id}.voiceconnector.localhost"),
        integration_type: None,
        network_type: Default::default(),
        created: UnixMillis(at),
        updated: UnixMillis(at),
        id,
    }
}

fn termination(connector: &VoiceConnector) -> Termination {
    Termination {
        account: HOME,
        connector: connector.id.clone(),
        cps_limit: NonZeroU32::MIN,
        default_phone_number: None,
        calling_regions: vec!["US".into()],
        cidr_allowed_list: vec!["192.0.2.0/27".parse().expect("a network of the documentation")],
        disabled: false,
    }
}

fn user(connector: &VoiceConnector) -> SipUser {
    let username = Username::parse("pbx").expect("three letters");
    let password = Secret::new("secret".into());
    let keys = DigestKeys::derive(username.as_str(), &connector.outbound_host_name, password);
    SipUser { account: HOME, connector: connector.id.clone(), username, keys }
}

/// Twelve digits, so that there is room for more numbers than a country of the plan has.
fn number(at: u64) -> PhoneNumber {
    let number = E164Number::parse(&format!("+49{:010}", 3_000_000_000 + at)).expect("12 digits");
    PhoneNumber::new(number, Some(HOME), UnixMillis(at))
}
