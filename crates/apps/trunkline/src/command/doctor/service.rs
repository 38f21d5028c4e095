//! The service: whether it runs, whether its clock and release are ours, where its calls can go, and
//! what happened to the latest ones.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::SystemTime;

use api::operator::dto::{Call, CallState, Status};
use server::config::Config;

use super::finding::Finding;
use super::holder::{self, Carries, Holder};
use super::network::resolve;
use crate::cli::Common;
use crate::connection::{CallQuery, Connection};

/// Ended calls that are looked at.
const CALLS: u32 = 200;
/// Signatures are good for five minutes; a clock that is off by a fifth of it is worth a word.
const SKEW_MS_WANTED: u64 = 60_000;

pub(super) async fn findings(common: &Common, config: &Config) -> Vec<Finding> {
    let connection = match Connection::open(common) {
        Ok(connection) => connection,
        Err(failure) => {
            let mut findings =
                vec![Finding::note("service", format!("it cannot be asked: {failure}"), "")];
            findings.extend(ports(config));
            return findings;
        }
    };
    let status = match connection.status().await {
        Ok(status) => status,
        Err(failure) => {
            let start = "`trunkline serve` starts it; --endpoint-url names another one";
            let mut findings = vec![Finding::note("service", failure.to_string(), start)];
            findings.extend(ports(config));
            return findings;
        }
    };
    let mut findings = vec![release(&status), clock(&status, unix_ms())];
    findings.extend(carriers(&connection, &status).await);
    let query = CallQuery { state: Some("ended"), connector: None, limit: CALLS };
    if let Ok(calls) = connection.calls(&query).await {
        findings.push(latest_calls(&calls));
    }
    findings
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn release(status: &Status) -> Finding {
    const RULE: &str = "service";
    let listeners: Vec<String> =
        status.listeners.iter().map(|it| format!("{} {}", it.name, it.address)).collect();
    let ours = server::VERSION;
    if status.version != ours {
        return Finding::warning(
            RULE,
            format!("it is of release {}, this command of {ours}", status.version),
            "restart the service, or use its own release of this command",
        );
    }
    Finding::good(RULE, format!("release {ours} runs: {}", listeners.join(", ")))
}

fn clock(status: &Status, here_ms: u64) -> Finding {
    const RULE: &str = "clock";
    let there = u64::try_from(status.now.unix_ms()).unwrap_or_default();
    let skew = there.abs_diff(here_ms);
    if skew <= SKEW_MS_WANTED {
        return Finding::good(RULE, "the service's clock and this machine's agree");
    }
    Finding::warning(
        RULE,
        format!("the service's clock and this machine's differ by {} s", skew / 1000),
        "set both by NTP: requests signed more than five minutes away are refused",
    )
}

async fn carriers(connection: &Connection, status: &Status) -> Vec<Finding> {
    const RULE: &str = "carriers";
    let Ok(list) = connection.carriers().await else { return Vec::new() };
    if list.carriers.is_empty() {
        return vec![if status.simulated_carrier {
            Finding::note(
                RULE,
                "the simulated carrier takes every call",
                "`trunkline carrier add` puts a real one in its place",
            )
        } else {
            Finding::bad(
                RULE,
                "there is none: every call out is refused",
                "`trunkline carrier add NAME --host HOST`",
            )
        }];
    }
    let mut findings = Vec::new();
    for carrier in &list.carriers {
        let host = carrier.host.trim_start_matches('[').trim_end_matches(']');
        findings.push(match resolve(host).await {
            Some(_) => {
                Finding::good(RULE, format!("{} at {} has an address", carrier.name, carrier.host))
            }
            None => Finding::warning(
                RULE,
                format!(
                    "{}'s host {} has no address as this machine asks for it",
                    carrier.name, carrier.host
                ),
                "check the name, and the name servers in /etc/resolv.conf",
            ),
        });
    }
    findings
}

/// The most frequent reason among the latest calls that did not come to be.
fn latest_calls(calls: &[Call]) -> Finding {
    const RULE: &str = "latest calls";
    let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for call in calls.iter().filter(|it| it.state == CallState::Rejected) {
        reasons.entry(&call.reason).or_insert((0, &call.transaction_id)).0 += 1;
    }
    let rejected: usize = reasons.values().map(|(count, _)| count).sum();
    let Some((reason, (count, latest))) = reasons.into_iter().max_by_key(|(_, (count, _))| *count)
    else {
        return Finding::good(RULE, format!("none of the latest {} was rejected", calls.len()));
    };
    Finding::note(
        RULE,
        format!(
            "{rejected} of the latest {} were rejected, {count} of them by {reason}",
            calls.len()
        ),
        format!("`trunkline explain {latest}`"),
    )
}

/// Whether the service could have its ports, as it does not run.
fn ports(config: &Config) -> Vec<Finding> {
    let tcp = |key, address| (key, address, Carries::Tcp);
    let mut wanted = vec![
        tcp("http.listen", config.http.listen),
        tcp("admin.listen", config.admin.listen),
        ("sip.listen", config.sip.listen, Carries::Udp),
        tcp("sip.listen", config.sip.listen),
    ];
    wanted.extend(config.sip.tls.listen.map(|address| tcp("sip.tls.listen", address)));
    wanted.into_iter().map(|(key, address, carries)| port(key, address, carries)).collect()
}

fn port(key: &str, address: SocketAddr, carries: Carries) -> Finding {
    const RULE: &str = "ports";
    let (bound, over) = match carries {
        Carries::Tcp => (TcpListener::bind(address).map(drop), "TCP"),
        Carries::Udp => (UdpSocket::bind(address).map(drop), "UDP"),
    };
    let Err(error) = bound else {
        return Finding::good(RULE, format!("{key} {address} is free ({over})"));
    };
    let mut seen = format!("{key} {address} cannot be listened on over {over}: {error}");
    if error.kind() != ErrorKind::AddrInUse {
        return Finding::bad(RULE, seen, format!("change {key} to an address of this machine"));
    }
    let holder = holder::of(address, carries);
    seen.push_str(&format!("; {holder}"));
    let remedy = match holder {
        Holder::Process(number, name) => {
            format!("stop {name} (`ps -fp {number}` tells more), or change {key}")
        }
        Holder::Unseen | Holder::Nobody => format!(
            "stop the other program (`sudo ss -lnptu 'sport = :{}'` tells which), or change {key}",
            address.port()
        ),
    };
    Finding::bad(RULE, seen, remedy)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named_with_the_process_that_holds_it() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let found = port("http.listen", other.local_addr().unwrap(), Carries::Tcp);
        let us = std::process::id();
        assert_eq!(found.verdict, Verdict::Bad);
        assert!(found.seen.contains(&format!("(process {us}) holds it")), "{}", found.seen);
        assert!(found.remedy.contains(&format!("`ps -fp {us}`")), "{}", found.remedy);
        assert!(found.remedy.ends_with("or change http.listen"), "{}", found.remedy);
    }

    fn call(reason: &str, state: &str, id: &str) -> Call {
        serde_json::from_value(serde_json::json!({
            "transaction_id": id, "call_id": "a", "state": state, "direction": "Outbound", "reason": reason,
            "from": "", "to": "", "source": "", "started": "2026-11-23T09:59:59.000Z", "duration_ms": 0,
        }))
        .unwrap()
    }

    #[test]
    fn the_most_frequent_reason_is_named_with_its_latest_call() {
        let calls = [
            call("caller-id-not-owned", "rejected", "newest"),
            call("host-unknown", "rejected", "other"),
            call("caller-id-not-owned", "rejected", "older"),
            call("completed", "completed", "good"),
        ];
        let found = latest_calls(&calls);
        assert_eq!(found.seen, "3 of the latest 4 were rejected, 2 of them by caller-id-not-owned");
        assert_eq!(found.remedy, "`trunkline explain newest`");
        assert_eq!(latest_calls(&calls[3..]).verdict, Verdict::Good);
    }

    fn status(version: &str) -> Status {
        serde_json::from_value(serde_json::json!({
            "version": version, "started": "2026-11-23T09:59:59.000Z", "now": "2026-11-23T10:00:00.000Z",
            "account": "000000000000", "revision": 1, "listeners": [], "simulated_carrier": true, "calls_live": 0,
        }))
        .unwrap()
    }

    #[test]
    fn clocks_that_differ_by_more_than_a_minute_are_a_warning() {
        let status = status(server::VERSION);
        let there = u64::try_from(status.now.unix_ms()).unwrap();
        assert_eq!(clock(&status, there + 59_000).verdict, Verdict::Good);
        assert_eq!(clock(&status, there - 61_000).verdict, Verdict::Warning);
    }

    #[test]
    fn another_release_than_this_commands_is_a_warning() {
        assert_eq!(release(&status("0.0.1")).verdict, Verdict::Warning);
        assert_eq!(release(&status(server::VERSION)).verdict, Verdict::Good);
    }
}
