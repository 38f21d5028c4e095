//! What the store costs, beside what the disk costs, in one run: `cargo bench -p store`.
//!
//! Everything is a ratio or a figure of this machine; nothing here passes or fails. Runs in a
//! directory beside the build output (`TRUNKLINE_BENCH_DIR` names another), bounded to about a minute.
//! `cargo bench -p store -- audit` does nothing but compare puts with and without an audit record.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on says where it stopped")]

use std::env;
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::{
    AccountId, AuditRecord, E164Number, PhoneNumber, Region, Tags, TransactionId, UnixMillis,
    VoiceConnector, VoiceConnectorId,
};
use store::{Keyring, Page, Store, StoreConfig, StoreError, Tx, TypedTx, TypedView, View};
use tokio::runtime::Runtime;

const HOME: AccountId = AccountId::DEFAULT;
const ROUNDS: usize = 10;
const WRITES: usize = 200;
const CLIENTS: usize = 64;
const CONNECTORS: u64 = 1_000_000;

fn main() {
    let base = env::var_os("TRUNKLINE_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let dir = tempfile::tempdir_in(base).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let store = open(dir.path());

    if env::args().any(|it| it == "audit") {
        return puts_beside_audited_ones(&runtime, &store);
    }
    let single = durable_put_beside_the_disk(&runtime, &store, dir.path());
    concurrent_puts(&runtime, &store, single);
    puts_beside_audited_ones(&runtime, &store);
    point_reads(&runtime, &store);
    a_million_connectors(&runtime, &store);
}

fn open(dir: &Path) -> Store {
    let keyring = Keyring::load_or_create(&dir.join("seal.key")).unwrap();
    Store::open(StoreConfig::new(dir.join("trunkline.db"), keyring)).unwrap()
}

fn put(store: &Store, key: usize) -> impl Future<Output = ()> + Send + use<> {
    let (store, tags) = (store.clone(), tags(key));
    async move { store.write(move |tx| tx.put(&tags)).await.unwrap() }
}

/// The same with the record that a request of the API leaves, in the same transaction.
fn put_audited(store: &Store, key: usize) -> impl Future<Output = ()> + Send + use<> {
    let (store, tags) = (store.clone(), tags(key));
    let record = AuditRecord {
        request_id: TransactionId::from_random([0x5a; 16]),
        at: UnixMillis(1_795_428_672_345 + key as u64),
        account: Some(HOME),
        key: Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
        action: "chime:PutVoiceConnectorTermination".to_owned(),
        resources: vec![format!("vc/{key:022}")],
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        status: 200,
        error: None,
    };
    let work = move |tx: &mut dyn Tx| tx.put(&tags).and_then(|()| tx.append_audit(&record));
    async move { store.write(work).await.unwrap() }
}

fn tags(key: usize) -> Tags {
    let values = (0..4).map(|at| (format!("tag-{at}"), "x".repeat(50))).collect();
    Tags { account: HOME, arn: format!("arn:aws:chime:us-east-1::vc/{key:08}"), values }
}

/// Turns of one and the other, so that what the disk does besides falls on both.
fn durable_put_beside_the_disk(runtime: &Runtime, store: &Store, dir: &Path) -> Duration {
    let block = [0x5a; 4096];
    let over = laid_out(&dir.join("overwritten"), WRITES * ROUNDS);
    let grown = File::create(dir.join("grown")).unwrap();
    let [mut overwrite, mut append, mut replace, mut create] = [const { Vec::new() }; 4];
    let write = |file: &File, at: usize| {
        file.write_all_at(&block, (at * block.len()) as u64).unwrap();
        file.sync_data().unwrap();
    };
    for round in 0..ROUNDS {
        for at in round * WRITES..(round + 1) * WRITES {
            overwrite.push(timed(|| write(&over, at)));
        }
        for at in round * WRITES..(round + 1) * WRITES {
            replace.push(timed(|| runtime.block_on(put(store, at % 100))));
        }
        for at in round * WRITES..(round + 1) * WRITES {
            append.push(timed(|| write(&grown, at)));
        }
        for at in round * WRITES..(round + 1) * WRITES {
            create.push(timed(|| runtime.block_on(put(store, 1000 + at))));
        }
    }
    let floor = mean(&overwrite);
    println!(
        "durable, one client ({} each)          median      mean   ratio of means",
        WRITES * ROUNDS
    );
    for (name, times) in [
        ("4 KiB overwritten + fdatasync", &mut overwrite),
        ("4 KiB appended + fdatasync", &mut append),
        ("put, replacing", &mut replace),
        ("put, creating", &mut create),
    ] {
        let ratio = mean(times).as_secs_f64() / floor.as_secs_f64();
        println!("  {name:<34} {:>9} {:>9}   {ratio:.2}", us(median(times)), us(mean(times)));
    }
    mean(&replace)
}

fn concurrent_puts(runtime: &Runtime, store: &Store, single: Duration) {
    let rate = rate_of_clients(runtime, store, put);
    let alone = 1.0 / single.as_secs_f64();
    println!("durable, {CLIENTS} clients");
    println!("  {rate:.0} puts/s, {:.1} times one client's {alone:.0}", rate / alone);
}

/// Puts per second of [`CLIENTS`] that replace a thousand documents, each waiting for its own put.
fn rate_of_clients<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    store: &Store,
    put: fn(&Store, usize) -> F,
) -> f64 {
    let each = 100;
    let took = timed(|| {
        runtime.block_on(async {
            let mut clients = tokio::task::JoinSet::new();
            for client in 0..CLIENTS {
                let store = store.clone();
                clients.spawn(async move {
                    for at in 0..each {
                        put(&store, client * 10 + at % 10).await;
                    }
                });
            }
            clients.join_all().await;
        });
    });
    (CLIENTS * each) as f64 / took.as_secs_f64()
}

/// What the audit costs: turns of one and the other, first by one client, then by many.
fn puts_beside_audited_ones(runtime: &Runtime, store: &Store) {
    let [mut plain, mut audited, mut plain_rates, mut audited_rates] = [const { Vec::new() }; 4];
    for at in 0..WRITES {
        runtime.block_on(put(store, at % 100));
    }
    for _ in 0..ROUNDS {
        for at in 0..WRITES {
            plain.push(timed(|| runtime.block_on(put(store, at % 100))).as_secs_f64());
        }
        for at in 0..WRITES {
            audited.push(timed(|| runtime.block_on(put_audited(store, at % 100))).as_secs_f64());
        }
    }
    for _ in 0..ROUNDS {
        plain_rates.push(1.0 / rate_of_clients(runtime, store, put));
        audited_rates.push(1.0 / rate_of_clients(runtime, store, put_audited));
    }
    println!("durable put with its audit record, beside one without (replacing, medians)");
    for (name, plain, audited) in [
        ("one client", middle(&mut plain), middle(&mut audited)),
        ("64 clients, for each put", middle(&mut plain_rates), middle(&mut audited_rates)),
    ] {
        let (with, without) = (audited * 1e6, plain * 1e6);
        println!("  {name:<34} {with:>6.1} µs {without:>6.1} µs   {:.2}", audited / plain);
    }
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn point_reads(runtime: &Runtime, store: &Store) {
    let count = 50_000;
    let key = |at: usize| format!("arn:aws:chime:us-east-1::vc/{:08}", at * 37 % 100);
    let at_once = timed(|| {
        runtime.block_on(async {
            for at in 0..count {
                let key = key(at);
                black_box(store.read(move |view| view.get::<Tags>(&HOME, &key)).await.unwrap());
            }
        });
    });
    let handed = timed(|| {
        runtime.block_on(async {
            for at in 0..count {
                let key = key(at);
                let work = move |view: &dyn View| view.get::<Tags>(&HOME, &key);
                black_box(store.read_long(work).await.unwrap());
            }
        });
    });
    println!("point read, a 300-byte document decoded");
    for (name, took) in [("at once (read)", at_once), ("handed to a thread (read_long)", handed)] {
        println!("  {name:<34} {:>6} ns", took.as_nanos() / count as u128);
    }
}

fn a_million_connectors(runtime: &Runtime, store: &Store) {
    let other = AccountId::parse("000000000001").unwrap();
    runtime.block_on(async { fill(store, other, 0..10).await });
    let loading = timed(|| {
        runtime.block_on(async {
            for from in (0..CONNECTORS).step_by(20_000) {
                fill(store, HOME, from..from + 20_000).await;
            }
        });
    });
    println!("{CONNECTORS} connectors, loaded in {:.1} s", loading.as_secs_f64());
    for (name, account, after) in [
        ("page of 10, account with 10", other, None),
        ("page of 10, first", HOME, None),
        ("page of 10, in the middle", HOME, Some(id(CONNECTORS / 2).to_string())),
    ] {
        let count = 2000;
        let took = timed(|| {
            runtime.block_on(async {
                for _ in 0..count {
                    let after = after.clone();
                    let page = move |view: &dyn View| {
                        let page = Page { after: after.as_deref(), limit: 10 };
                        view.list::<VoiceConnector>(&account, page)
                    };
                    assert_eq!(store.read(page).await.unwrap().items.len(), 10);
                }
            });
        });
        println!("  {name:<34} {:>9}", us(took / count));
    }
    for (name, of) in [
        ("all connectors, decoded", walk::<VoiceConnector> as fn(&Store) -> u64),
        ("all numbers, decoded", walk::<PhoneNumber>),
    ] {
        let mut seen = 0;
        let took = timed(|| seen = of(store));
        println!("  {name:<34} {seen:>9} in {:.2} s", took.as_secs_f64());
    }
    let mut owned = 0;
    let took = timed(|| {
        let visit = |view: &dyn View| view.owned::<PhoneNumber>(|_| owned += 1);
        store.read_blocking(visit).unwrap();
    });
    println!("  {:<34} {owned:>9} in {:.2} s", "owned numbers, decoded", took.as_secs_f64());
    let after = timed(|| {
        runtime.block_on(async {
            for at in 0..WRITES {
                put(store, at % 100).await;
            }
        });
    });
    println!("  {:<34} {:>9}", "put, replacing, among them", us(after / WRITES as u32));
}

fn walk<T: model::Resource>(store: &Store) -> u64 {
    let mut seen = 0;
    store.read_blocking(|view| view.all::<T>(|it| drop(black_box((it, seen += 1))))).unwrap();
    seen
}

/// A connector and a number for each, one number in ten owned.
async fn fill(store: &Store, account: AccountId, range: std::ops::Range<u64>) {
    store
        .write(move |tx| {
            for at in range {
                tx.put(&connector(account, at))?;
                if account == HOME {
                    let number = E164Number::parse(&format!("+1206{at:07}")).expect("11 digits");
                    let owner = (at % 10 == 0).then_some(account);
                    tx.put(&PhoneNumber::new(number, owner, UnixMillis(at)))?;
                }
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
}

fn id(at: u64) -> VoiceConnectorId {
    VoiceConnectorId::parse(&format!("bench{at:017}")).expect("22 of a-z and 0-9")
}

fn connector(account: AccountId, at: u64) -> VoiceConnector {
    let id = id(at);
    VoiceConnector {
        account,
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

fn laid_out(path: &Path, blocks: usize) -> File {
    let file = OpenOptions::new().write(true).create_new(true).open(path).unwrap();
    file.write_all_at(&vec![0; blocks * 4096], 0).unwrap();
    file.sync_all().unwrap();
    file
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn mean(times: &[Duration]) -> Duration {
    times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn us(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}
