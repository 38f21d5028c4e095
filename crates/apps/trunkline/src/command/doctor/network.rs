//! Addresses and names: who can reach the service, and whether its names lead to it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use server::config::Config;

use super::finding::Finding;

/// How long a name server may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn findings(config: &Config) -> Vec<Finding> {
    let told = config.sip.advertised_address.unwrap_or(config.sip.listen.ip());
    let mut findings = vec![reach(config.sip.listen.ip(), told, config.media.advertised_address)];
    if !config.http.listen.ip().is_loopback() && config.http.tls.is_none() {
        findings.push(Finding::warning(
            "API",
            format!("requests to {} are not encrypted; what they carry, passwords of SIP users among it, can be read on the way", config.http.listen),
            "set http.tls.cert and http.tls.key, or put a TLS proxy before it on the same machine",
        ));
    }
    let name = format!("doctor.{}", config.sip.domain);
    findings.push(domain(&config.sip.domain, told, resolve(&name).await.as_deref()));
    findings
}

/// The addresses of a name; `None` if it has none, or nobody answers.
pub(super) async fn resolve(name: &str) -> Option<Vec<IpAddr>> {
    let asked = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 0)));
    let found: Vec<IpAddr> = asked.await.ok()?.ok()?.map(|it: SocketAddr| it.ip()).collect();
    (!found.is_empty()).then_some(found)
}

fn reach(listens: IpAddr, told: IpAddr, media: IpAddr) -> Finding {
    const RULE: &str = "addresses";
    if listens.is_loopback() {
        return Finding::note(
            RULE,
            format!("SIP listens on {listens}: only programs of this machine can call"),
            "for others, set sip.listen and media.address to an address of this machine's network",
        );
    }
    if media.is_loopback() {
        return Finding::bad(
            RULE,
            format!("peers elsewhere are told to send audio to {media}"),
            "set media.address (or media.advertised_address) to the address that they reach, as sip.listen has it",
        );
    }
    if is_private(told) != is_private(media) {
        return Finding::warning(
            RULE,
            format!(
                "SIP is told to be at {told}, audio at {media}: one is private, the other is not"
            ),
            "set sip.advertised_address and media.advertised_address to addresses of the same network",
        );
    }
    Finding::good(RULE, format!("SIP is told to be at {told}, audio at {media}"))
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn domain(domain: &str, told: IpAddr, found: Option<&[IpAddr]>) -> Finding {
    const RULE: &str = "connectors' names";
    if domain == "localhost" || domain.ends_with(".localhost") {
        return Finding::note(
            RULE,
            format!(
                "outbound host names end in .{domain}, which means this machine wherever it is asked"
            ),
            "for devices elsewhere, set sip.domain to a domain of yours before connectors are made",
        );
    }
    match found {
        Some(addresses) if addresses.contains(&told) => {
            Finding::good(RULE, format!("*.{domain} leads to {told}"))
        }
        Some(addresses) => {
            let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            Finding::warning(
                RULE,
                format!("*.{domain} leads to {}, and not to {told}", shown.join(", ")),
                format!(
                    "point the record *.{domain} to {told}, or tell devices the address as their outbound proxy"
                ),
            )
        }
        None => Finding::warning(
            RULE,
            format!("*.{domain} leads nowhere: devices cannot use a connector's OutboundHostName"),
            format!(
                "add the record *.{domain} with the address {told}, or tell devices that address as their outbound proxy"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn audio_on_the_loopback_of_a_service_for_others_is_bad() {
        let found = reach(ip("192.0.2.5"), ip("192.0.2.5"), ip("127.0.0.1"));
        assert_eq!(found.verdict, Verdict::Bad);
        assert_eq!(reach(ip("127.0.0.1"), ip("127.0.0.1"), ip("127.0.0.1")).verdict, Verdict::Note);
    }

    #[test]
    fn a_public_name_with_private_audio_is_what_one_way_audio_is_made_of() {
        let found = reach(ip("10.0.0.5"), ip("203.0.113.5"), ip("10.0.0.5"));
        assert_eq!(found.verdict, Verdict::Warning);
        let both = reach(ip("10.0.0.5"), ip("203.0.113.5"), ip("203.0.113.6"));
        assert_eq!(both.verdict, Verdict::Good);
    }

    #[test]
    fn a_domain_must_lead_to_the_address_that_peers_are_told() {
        let told = ip("203.0.113.5");
        let leads = |found: Option<&[IpAddr]>| domain("sip.example.com", told, found).verdict;
        assert_eq!(leads(Some(&[told])), Verdict::Good);
        assert_eq!(leads(Some(&[ip("203.0.113.9")])), Verdict::Warning);
        assert_eq!(leads(None), Verdict::Warning);
        assert_eq!(domain("voiceconnector.localhost", told, None).verdict, Verdict::Note);
    }
}
