//! Addresses that customers name: networks in allow lists, hosts in routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use model::NetworkType;

use crate::config::PrivateNetworks;

/// The shortest IPv6 prefix of an allow list: one subnet.
const IPV6_PREFIX_MIN: u8 = 64;

/// What an operator allows customers to name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressRules {
    /// Whether private addresses may be named.
    pub(crate) private_networks: PrivateNetworks,
    /// The shortest IPv4 prefix.
    pub(crate) cidr_prefix_min: u8,
}

impl AddressRules {
    /// Reads a network of an allow list, or tells the rule it breaks.
    pub(crate) fn parse_network(&self, text: &str, allowed: NetworkType) -> Result<IpNet, String> {
        if let Ok(address) = text.parse::<IpAddr>() {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            return Err(format!(
                "has no prefix length; for this one address write {address}/{bits}"
            ));
        }
        let network: IpNet = text.parse().map_err(|_| {
            "is no network in CIDR notation; write it like 203.0.113.32/27".to_owned()
        })?;
        if network.trunc() != network {
            return Err(format!(
                "has bits set after its prefix; the network is {}",
                network.trunc()
            ));
        }
        let (kind, prefix_min) = match network {
            IpNet::V4(_) => ("IPv4", self.cidr_prefix_min),
            IpNet::V6(_) => ("IPv6", IPV6_PREFIX_MIN),
        };
        if network.prefix_len() < prefix_min {
            return Err(format!(
                "is too large; an {kind} prefix is /{prefix_min} to /{}",
                network.max_prefix_len()
            ));
        }
        self.check_address(network.network(), allowed)?;
        Ok(network)
    }

    /// Checks a route's host: a fully qualified name or an address. Returns it without brackets.
    pub(crate) fn parse_host(&self, text: &str, allowed: NetworkType) -> Result<String, String> {
        let unbracketed =
            text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = unbracketed.parse::<IpAddr>() {
            self.check_address(address, allowed)?;
            return Ok(unbracketed.to_owned());
        }
        if is_host_name(text) {
            return Ok(text.to_owned());
        }
        Err("is neither a host name nor an IP address; write it like sip.example.com or 203.0.113.7"
            .into())
    }

    fn check_address(&self, address: IpAddr, allowed: NetworkType) -> Result<(), String> {
        if address.is_ipv6() && allowed == NetworkType::Ipv4Only {
            return Err(
                "is IPv6, but the Voice Connector is IPV4_ONLY; create one with the NetworkType \
                        DUAL_STACK"
                    .into(),
            );
        }
        if address.is_unspecified() || address.is_multicast() || address == Ipv4Addr::BROADCAST {
            return Err("is no address of a host; name one that can send and receive".into());
        }
        if self.private_networks == PrivateNetworks::Refused && is_private(address) {
            return Err("is private, and this installation takes public addresses only; name a public one, \
                        or have the operator allow private ones"
                .into());
        }
        Ok(())
    }
}

/// Loopback, private, link-local and carrier-shared addresses: RFC 1918, 3927, 4193, 4291, 6598.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => {
            v6 == Ipv6Addr::LOCALHOST || v6.is_unique_local() || v6.is_unicast_link_local()
        }
    }
}

/// Whether a text is a host name by RFC 1123 §2.1, with underscores as they occur in practice.
fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    // A last label of digits alone would be read as an address by some resolvers.
    let numeric_end =
        name.rsplit('.').next().is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && !numeric_end && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: AddressRules =
        AddressRules { private_networks: PrivateNetworks::Allowed, cidr_prefix_min: 27 };
    const LIKE_AWS: AddressRules =
        AddressRules { private_networks: PrivateNetworks::Refused, cidr_prefix_min: 27 };

    #[test]
    fn networks_of_27_to_32_bits_without_host_bits_are_taken() {
        for good in ["50.35.78.96/32", "50.35.78.96/27", "10.0.0.0/28", "127.0.0.1/32"] {
            let network = OURS.parse_network(good, NetworkType::Ipv4Only);
            assert_eq!(network.map(|it| it.to_string()).as_deref(), Ok(good));
        }
        for bad in [
            "50.35.78.97/27",
            "50.35.78.0/26",
            "0.0.0.0/0",
            "0.0.0.0/32",
            "224.0.0.1/32",
            "50.35.78.96",
            "50.35.78/27",
            "x",
            "",
            "50.35.78.96/33",
        ] {
            assert!(OURS.parse_network(bad, NetworkType::Ipv4Only).is_err(), "{bad}");
        }
    }

    #[test]
    fn ipv6_needs_a_dual_stack_connector() {
        assert!(OURS.parse_network("2001:db8::/64", NetworkType::DualStack).is_ok());
        assert!(OURS.parse_network("2001:db8::/64", NetworkType::Ipv4Only).is_err());
        assert!(OURS.parse_network("2001:db8::/48", NetworkType::DualStack).is_err());
        assert!(OURS.parse_host("2001:db8::1", NetworkType::Ipv4Only).is_err());
        assert_eq!(
            OURS.parse_host("[2001:db8::1]", NetworkType::DualStack).as_deref(),
            Ok("2001:db8::1")
        );
    }

    #[test]
    fn private_addresses_are_refused_when_the_operator_wants_it_as_aws_does() {
        for private in
            ["10.0.0.0/28", "127.0.0.1/32", "169.254.0.0/28", "100.64.0.0/27", "192.168.1.0/28"]
        {
            assert!(OURS.parse_network(private, NetworkType::Ipv4Only).is_ok(), "{private}");
            assert!(LIKE_AWS.parse_network(private, NetworkType::Ipv4Only).is_err(), "{private}");
        }
        assert!(LIKE_AWS.parse_host("192.168.1.7", NetworkType::Ipv4Only).is_err());
        assert!(LIKE_AWS.parse_host("200.100.12.1", NetworkType::Ipv4Only).is_ok());
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in
            ["sip.example.com", "sip.example.com.", "pbx", "_sip.x-y.example", "200.100.12.1"]
        {
            assert!(OURS.parse_host(good, NetworkType::Ipv4Only).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "a..b",
            "-a.example",
            "a b",
            "1.2.3.999",
            "sip:host",
            "host:5060",
            "é.example",
        ] {
            assert!(OURS.parse_host(bad, NetworkType::Ipv4Only).is_err(), "{bad}");
        }
    }
}
