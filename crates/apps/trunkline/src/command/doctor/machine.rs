//! This machine: what Linux lets a busy service do, and what stands in SIP's way.

use std::ops::RangeInclusive;
use std::path::Path;

use server::config::Config;

use super::finding::Finding;

/// Files beside sockets of calls and connections: the database, logs, HTTP.
const FILES_BESIDE: u64 = 1_024;

pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let ports = config.media.ports.clone();
    let mut findings = Vec::new();
    if let Some(hard) = read("/proc/self/limits").as_deref().and_then(open_files) {
        findings.push(files_limit(hard, files_wanted(ports.as_ref(), config.sip.connections_max)));
    }
    let ephemeral = read("/proc/sys/net/ipv4/ip_local_port_range").as_deref().and_then(range);
    if let (Some(ports), Some(ephemeral)) = (&ports, &ephemeral) {
        let reserved = read("/proc/sys/net/ipv4/ip_local_reserved_ports").unwrap_or_default();
        findings.push(ephemeral_ports(ports, ephemeral, &ranges(&reserved)));
    }
    if let Some(modules) = read("/proc/modules") {
        findings.push(helper(&modules));
    }
    let container = ["/.dockerenv", "/run/.containerenv"].iter().any(|it| Path::new(it).exists());
    if container {
        findings.push(in_container(config));
    }
    findings
}

/// The hard limit of open files in `/proc/self/limits`; `u64::MAX` if there is none.
fn open_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find(|it| it.starts_with("Max open files"))?;
    match line.split_whitespace().nth(4)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// One file for each port of media, each connection, and some beside.
fn files_wanted(ports: Option<&RangeInclusive<u16>>, connections: usize) -> u64 {
    let media = ports.map_or(0, |it| u64::from(it.end() - it.start()) + 1);
    media + connections as u64 + FILES_BESIDE
}

fn files_limit(hard: u64, wanted: u64) -> Finding {
    const RULE: &str = "open files";
    if hard >= wanted {
        return Finding::good(RULE, format!("{wanted} are needed at most, and can be open"));
    }
    Finding::warning(
        RULE,
        format!("{hard} can be open; all media ports and connections together need {wanted}"),
        format!(
            "LimitNOFILE={wanted} in the systemd unit, or `ulimit -Hn {wanted}` before the start"
        ),
    )
}

fn ephemeral_ports(
    media: &RangeInclusive<u16>,
    ephemeral: &RangeInclusive<u16>,
    reserved: &[RangeInclusive<u16>],
) -> Finding {
    const RULE: &str = "media ports";
    let (first, last) = (media.start(), media.end());
    let calls = (u32::from(last - first) + 1) / 4;
    let apart = last < ephemeral.start() || ephemeral.end() < first;
    let covered = reserved.iter().any(|it| it.start() <= first && last <= it.end());
    if apart || covered {
        return Finding::good(RULE, format!("{first}–{last}, enough for {calls} calls at once"));
    }
    Finding::warning(
        RULE,
        format!(
            "{first}–{last} overlap the ports that Linux gives to any program ({}–{})",
            ephemeral.start(),
            ephemeral.end()
        ),
        format!("sysctl -w net.ipv4.ip_local_reserved_ports={first}-{last}"),
    )
}

/// Two numbers with white space between.
fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = text.split_whitespace().map(str::parse);
    Some(numbers.next()?.ok()?..=numbers.next()?.ok()?)
}

/// `20000-29999,35000`.
fn ranges(text: &str) -> Vec<RangeInclusive<u16>> {
    let one = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(one).collect()
}

/// The kernel's own SIP rewriter, which changes addresses and drops what it does not understand.
fn helper(modules: &str) -> Finding {
    const RULE: &str = "SIP helper";
    let loaded = modules
        .lines()
        .any(|it| it.starts_with("nf_nat_sip ") || it.starts_with("nf_conntrack_sip "));
    if !loaded {
        return Finding::good(RULE, "the kernel does not rewrite SIP");
    }
    Finding::warning(
        RULE,
        "the kernel's SIP helper is loaded; it rewrites messages on port 5060 and drops some",
        "modprobe -r nf_nat_sip nf_conntrack_sip, and keep them out in /etc/modprobe.d",
    )
}

fn in_container(config: &Config) -> Finding {
    const RULE: &str = "container";
    let told = config.sip.advertised_address.is_some()
        && config.media.advertised_address != config.media.address;
    if config.sip.listen.ip().is_loopback() {
        return Finding::note(
            RULE,
            "this is a container, and SIP is listened on where only it can reach",
            "sip.listen and media.address on the container's address or 0.0.0.0, with the advertised addresses set",
        );
    }
    if told {
        return Finding::good(RULE, "this is a container, and peers are told an address outside");
    }
    Finding::warning(
        RULE,
        "this is a container, and peers are told its inner addresses",
        "set sip.advertised_address and media.advertised_address to the host's address, or use the host's network; \
         the media ports must be mapped one to one",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_read_and_compared_with_what_media_needs() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files  1024  4096  files\n";
        assert_eq!(open_files(limits), Some(4096));
        assert_eq!(open_files("Max open files  1024  many  files"), None);
        assert_eq!(open_files("Max open files   1  unlimited   files"), Some(u64::MAX));
        let wanted = files_wanted(Some(&(20_000..=29_999)), 4_096);
        assert_eq!(wanted, 10_000 + 4_096 + FILES_BESIDE);
        assert_eq!(files_limit(4_096, wanted).verdict, Verdict::Warning);
        assert_eq!(files_limit(wanted, wanted).verdict, Verdict::Good);
    }

    #[test]
    fn media_ports_that_other_programs_may_get_are_named_with_the_sysctl_that_keeps_them() {
        let (media, ephemeral) = (20_000..=29_999, 15_000..=60_999);
        let found = ephemeral_ports(&media, &ephemeral, &[]);
        assert_eq!(found.verdict, Verdict::Warning);
        assert!(found.remedy.ends_with("ip_local_reserved_ports=20000-29999"), "{}", found.remedy);
        let kept = ephemeral_ports(&media, &ephemeral, &ranges("8080,20000-30000\n"));
        assert_eq!(kept.verdict, Verdict::Good);
        let apart = ephemeral_ports(&media, &range("32768\t60999\n").unwrap(), &[]);
        assert!(apart.seen.contains("2500 calls"), "{}", apart.seen);
    }

    #[test]
    fn the_kernels_sip_helper_is_noticed() {
        assert_eq!(
            helper("nf_conntrack 1 2\nnf_conntrack_sip 45056 0 - Live\n").verdict,
            Verdict::Warning
        );
        assert_eq!(helper("nf_conntrack 1 2\n").verdict, Verdict::Good);
    }
}
