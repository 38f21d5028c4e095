//! The arguments of `trunkline carrier`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Transport;

#[derive(Debug, Subcommand)]
pub(crate) enum CarrierCommand {
    /// Add an upstream SIP gateway.
    #[command(
        after_help = "Example:\n  trunkline carrier add upstream --host sip.example.net \\\n    \
        --source 198.51.100.0/28 --username 4711 --password-file carrier.pw"
    )]
    Add(Box<CarrierAddArgs>),
    /// List the carriers in the order they are tried.
    #[command(after_help = "Example:\n  trunkline carrier list")]
    List,
    /// Show one carrier, without its password.
    #[command(after_help = "Example:\n  trunkline carrier show upstream")]
    Show {
        /// The carrier's name.
        name: String,
    },
    /// Remove a carrier. Calls that go on stay.
    #[command(after_help = "Example:\n  trunkline carrier remove upstream")]
    Remove {
        /// The carrier's name.
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CarrierAddArgs {
    /// Its name: 1 to 64 of a-z, 0-9 and -.
    pub(crate) name: String,
    /// The host name or IP address that calls out are sent to.
    #[arg(long)]
    pub(crate) host: String,
    /// The port there. Without one, a host name's SRV records are asked for it, and the transport's
    /// own is taken if there are none.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// The transport there. Without it and without a port, a host name's NAPTR records choose; UDP if
    /// there are none.
    #[arg(long, value_enum)]
    pub(crate) transport: Option<Transport>,
    #[command(flatten)]
    pub(crate) tls: CarrierTlsArgs,
    /// Whether media to and from it is encrypted (SRTP, keys by SDES): never; offered beside media in
    /// clear, and either is taken; or always. Keys stand in the SIP messages: use it with TLS.
    #[arg(long, value_enum, default_value = "never")]
    pub(crate) srtp: CarrierSrtp,
    /// 1 to 100; 1 is tried first.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) priority: u8,
    /// 1 to 100; the share among carriers of equal priority.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) weight: u8,
    /// The user name that its challenges are answered with.
    #[arg(long, requires = "password_file")]
    pub(crate) username: Option<String>,
    /// A file with the password; `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "username")]
    pub(crate) password_file: Option<PathBuf>,
    /// A network that its calls in come from, in CIDR form; may be repeated.
    #[arg(long = "source", value_name = "CIDR")]
    pub(crate) sources: Vec<String>,
    /// The user that it is when its calls come in from anywhere else: they are challenged (digest).
    #[arg(long, value_name = "NAME", requires = "inbound_password_file")]
    pub(crate) inbound_username: Option<String>,
    /// A file with that user's password; `-` is standard input.
    #[arg(long, value_name = "FILE", requires = "inbound_username")]
    pub(crate) inbound_password_file: Option<PathBuf>,
    /// Follow its redirections (3xx) to carriers that were added and numbers that may be called.
    /// Without it a redirection is the carrier's failure, and the next carrier is asked.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) redirects: Redirects,
    /// Where its calls in name the called number.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) called_number: CalledNumber,
    /// Never ask it by OPTIONS if it is there, whatever sip.probe_interval_s says.
    #[arg(long)]
    pub(crate) no_probe: bool,
}

/// TLS toward a carrier.
#[derive(Debug, Args)]
pub(crate) struct CarrierTlsArgs {
    /// The name that the carrier's certificate must bear, sent in the handshake; the host if absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,
    /// A PEM file of authorities that are believed instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The SHA-256 fingerprint of the one certificate that is believed.
    #[arg(long, value_name = "SHA256", conflicts_with = "tls_ca")]
    pub(crate) tls_pin: Option<String>,
    /// Believe any certificate: calls are encrypted, but to nobody knows whom. For tests only.
    #[arg(long, conflicts_with_all = ["tls_ca", "tls_pin"])]
    pub(crate) tls_insecure: bool,
    /// A PEM file with the certificate chain shown to a carrier that asks for one.
    #[arg(long, value_name = "FILE", requires = "tls_client_key")]
    pub(crate) tls_client_cert: Option<PathBuf>,
    /// A PEM file with its private key.
    #[arg(long, value_name = "FILE", requires = "tls_client_cert")]
    pub(crate) tls_client_key: Option<PathBuf>,
}

/// What becomes of a carrier's redirections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Redirects {
    /// The next carrier is asked.
    #[default]
    Refuse,
    /// The places they name are asked.
    Follow,
}

/// Where a carrier's INVITE names the called number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CalledNumber {
    /// The user part of the Request-URI, else of To.
    #[default]
    RequestUri,
    /// The user part of To.
    To,
    /// P-Called-Party-ID.
    PCalledPartyId,
}

/// Whether media to and from a carrier is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CarrierSrtp {
    Never,
    Offer,
    Require,
}
