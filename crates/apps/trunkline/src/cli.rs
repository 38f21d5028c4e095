//! The grammar of the command line: every command, its flags, and an example of each.

mod audit;
mod call;
mod carrier;
mod quota;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use audit::{AuditArgs, AuditCommand, AuditFilterArgs};
pub(crate) use call::CallArgs;
pub(crate) use carrier::{
    CalledNumber, CarrierAddArgs, CarrierCommand, CarrierSrtp, CarrierTlsArgs, Redirects,
};
pub(crate) use quota::QuotaCommand;

/// A self-hosted SIP trunking service that speaks the Amazon Chime SDK Voice API.
#[derive(Debug, Parser)]
#[command(
    name = "trunkline",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
        trunkline demo                 watch a first call, offline\n  \
        trunkline serve                run the service on this machine\n  \
        trunkline explain <CALL>       why was my call rejected?\n\n\
        trunkline is not affiliated with Amazon."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// How results are written: for people, or one JSON document for programs.
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORM")]
    pub(crate) output: OutputForm,
    /// The API to talk to. Otherwise AWS_ENDPOINT_URL_CHIME_SDK_VOICE, AWS_ENDPOINT_URL, the
    /// profile's endpoint_url, then the service on this machine.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// The profile of the AWS credentials and configuration files to use.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The region that requests are signed for.
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

const API_EXAMPLES: &str = "Examples:\n  \
    trunkline api ListVoiceConnectors --all\n  \
    trunkline api create-voice-connector --json '{\"Name\":\"office\",\"RequireEncryption\":false}'\n  \
    trunkline api PutVoiceConnectorTermination --json-file termination.json\n  \
    echo '{\"VoiceConnectorId\":\"…\"}' | trunkline api get-voice-connector --json -\n  \
    trunkline api --list";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a first call on this machine: no account, no network, no configuration.
    #[command(after_help = "Example:\n  trunkline demo\n\n\
        Starts a private service with a simulated carrier in a temporary directory, puts a SIP\n\
        credential through its API, places a call with it, and checks the audio of both sides.\n\
        Exit code 0 only if all of it held.")]
    Demo,
    /// Run the service.
    #[command(after_help = "Example:\n  trunkline serve --data-dir ./trunkline-data\n\n\
        Prints one line of JSON on standard output when ready, with the addresses it listens on.\n\
        The first start writes an access key to <data-dir>/credentials.\n\
        SIGTERM or SIGINT lets calls finish, then stops; a second signal stops at once.")]
    Serve(ServeArgs),
    /// Call any of the API's 96 operations, signed.
    #[command(
        after_help = API_EXAMPLES,
        after_long_help = crate::command::api::family::help(API_EXAMPLES)
    )]
    Api(ApiArgs),
    /// Access keys that sign requests to the API.
    #[command(
        subcommand,
        after_help = "Example:\n  trunkline key create --policy read-only --name monitoring"
    )]
    Key(KeyCommand),
    /// Upstream SIP gateways: where calls out go, and where calls in come from.
    #[command(
        subcommand,
        after_help = "Example:\n  trunkline carrier add upstream --host sip.example.net"
    )]
    Carrier(CarrierCommand),
    /// The inventory of telephone numbers.
    #[command(
        subcommand,
        after_help = "Example:\n  trunkline number add +12065550150 --account 000000000000"
    )]
    Number(NumberCommand),
    /// How much of each thing an account may have.
    #[command(subcommand, after_help = "Example:\n  trunkline quota list --account 111122223333")]
    Quota(QuotaCommand),
    /// Who asked for which change, from where, and what came of it.
    #[command(after_help = "Examples:\n  trunkline audit\n  \
        trunkline audit --account 111122223333 --outcome refused\n  \
        trunkline audit --operation DeleteVoiceConnector --since 2026-11-23T00:00:00Z --output json\n  \
        trunkline audit export --file audit.jsonl\n\n\
        Every request that would change something has a record, refused ones included; no record\n\
        holds a password, a secret key or a request's body.")]
    Audit(AuditArgs),
    /// Place a test call from this terminal and show its messages and its quality.
    #[command(after_help = "Examples:\n  \
        trunkline call --from +12065550150 --to +12065550100 --username pbx --password-file pw\n  \
        trunkline call --from +12065550150 --to +12065550130 --connector abcdefghijklmnopqrstuv\n  \
        trunkline call --in --from +13125550142 --to +12065550150\n\n\
        The simulated carrier behaves by the last two digits of the number called: 00 answers\n\
        and echoes, 20 plays a tone, 30 is busy, 31 never answers. With --in the call comes as a\n\
        carrier's would, to a number of yours; this machine must be a carrier's source for that\n\
        (trunkline carrier add test --host 127.0.0.1 --port 5099 --source 127.0.0.1/32). If the\n\
        call is rejected, the reason is printed and the exit code is 1.")]
    Call(CallArgs),
    /// Calls that go on, and calls that were.
    #[command(after_help = "Examples:\n  trunkline calls\n  trunkline calls --live\n  \
        trunkline calls --connector abcdefghijklmnopqrstuv --limit 100 --output json")]
    Calls(CallsArgs),
    /// Every decision that was taken for one call: why was my call rejected?
    #[command(after_help = "Examples:\n  \
        trunkline explain 4f0c6a52-2f5e-4a3e-9df0-6f3c2a1b9e77\n  \
        trunkline explain 'a84b4c76e66710@192.0.2.7'\n  \
        trunkline explain last")]
    Explain(ExplainArgs),
    /// Which rules a call would meet, and where it would go, without placing it.
    #[command(after_help = "Examples:\n  \
        trunkline route-test --from +12065550150 --to +12065550100 --src 192.0.2.10 --connector ID\n  \
        trunkline route-test --from +13125550142 --to +12065550150 --src 198.51.100.20\n\n\
        With --connector it is a call out, from a PBX at --src; without, a call in from the carrier\n\
        whose source --src is, or with --carrier from the one that proves to be it. Limits are shown, not what is used of them now. Exit code 0 if the\n\
        question could be answered, whatever the answer.")]
    RouteTest(RouteTestArgs),
    /// The SIP messages of one call, on both legs, as they were on the wire.
    #[command(after_help = "Examples:\n  \
        trunkline trace last\n  \
        trunkline trace 4f0c6a52-2f5e-4a3e-9df0-6f3c2a1b9e77 --messages\n  \
        trunkline trace 'a84b4c76e66710@192.0.2.7' --pcap call.pcap\n\n\
        The service keeps its latest messages in memory (sip.trace_bytes_max), so a call can be\n\
        looked at after it went wrong. Digest responses and media keys are overwritten with x.\n\
        The file opens in Wireshark and sngrep; messages that were inside TLS stand there as TCP.")]
    Trace(TraceArgs),
    /// Look for what is wrong with this machine, the configuration and the service.
    #[command(after_help = "Examples:\n  trunkline doctor\n  trunkline doctor --output json\n\n\
        Each finding that is not good names its remedy. Nothing is changed. Exit code 1 if anything\n\
        is broken, 78 if the configuration is.")]
    Doctor(ServeArgs),
    /// Check or print the configuration.
    #[command(subcommand, after_help = "Example:\n  trunkline config print")]
    Config(ConfigCommand),
    /// Write all durable state to one file, while the service goes on.
    #[command(after_help = "Examples:\n  \
        trunkline backup /backup/trunkline-2026-11-23\n  \
        trunkline backup FILE --data-dir ./trunkline-data    when the service is not running\n  \
        trunkline backup --inspect FILE                      what a backup holds\n\n\
        Secrets stay sealed in it, and the seal key is not in it: keep a copy of seal.key apart.\n\
        trunkline.toml and TLS certificates are not in it either.\n\
        An existing file is never overwritten.")]
    Backup(BackupArgs),
    /// Make a data directory from a backup. The service must not be running on it.
    #[command(after_help = "Examples:\n  \
        trunkline restore FILE --data-dir ./trunkline-data --seal-key seal.key\n  \
        trunkline restore FILE --check --seal-key seal.key   read it, compare every checksum\n\n\
        Everything is checked before anything is touched: the file, its schema, the seal key.\n\
        A backup of an earlier release is brought to this release's schema.")]
    Restore(RestoreArgs),
    /// Print a script that makes a shell complete commands, flags and operation names.
    #[command(after_help = "Examples:\n  \
        source <(trunkline completions bash)\n  \
        trunkline completions zsh > \"${fpath[1]}/_trunkline\"\n  \
        trunkline completions fish > ~/.config/fish/completions/trunkline.fish")]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// The key that seals secrets in the database.
    #[command(subcommand, after_help = "Example:\n  trunkline seal rotate")]
    Seal(SealCommand),
}

/// A shell that completes words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU Bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive shell.
    Fish,
}

/// Where `serve` and `config` find the configuration.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// The configuration file. Otherwise TRUNKLINE_CONFIG, then trunkline.toml in this directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The directory of all durable state (data_dir).
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ApiArgs {
    /// The operation: ListVoiceConnectors or list-voice-connectors.
    #[arg(
        required_unless_present = "list",
        value_parser = crate::command::api::OperationName,
        hide_possible_values = true
    )]
    pub(crate) operation: Option<String>,
    /// `-` reads the request's members as JSON from standard input.
    #[arg(value_parser = ["-"], conflicts_with_all = ["json", "json_file"])]
    pub(crate) stdin: Option<String>,
    /// The request's members as JSON; `-` reads them from standard input.
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) json: Option<String>,
    /// A file with the request's members as JSON; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) json_file: Option<PathBuf>,
    /// Follow the pages of a list to its end.
    #[arg(long, conflicts_with = "list")]
    pub(crate) all: bool,
    /// List the operations by family, and whether this release implements them.
    #[arg(long, conflicts_with_all = ["operation", "stdin", "json", "json_file"])]
    pub(crate) list: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an access key. Its secret is shown once.
    #[command(after_help = "Examples:\n  \
        trunkline key create --account 111122223333 --name terraform\n  \
        trunkline key create --policy read-only --name monitoring\n  \
        trunkline key create --policy office-trunk.json --name pbx\n  \
        trunkline key create --data-dir /var/lib/trunkline    every key is lost\n\n\
        A policy in a file is written in IAM's JSON policy language; docs/policies.md has examples.\n\
        With --data-dir the key is written into the database of a service that is stopped: the way\n\
        back in when no key is left that could ask the service for one.")]
    Create {
        /// The account that the key acts for: twelve digits.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// What people call it.
        #[arg(long)]
        name: Option<String>,
        /// What it may do: `full` is everything in its account, `read-only` every operation that only
        /// reads, anything else a file with a policy in IAM's language; `-` is standard input.
        #[arg(long, default_value = "full", value_name = "full|read-only|FILE")]
        policy: PathBuf,
        /// Write it into the database in this directory, whose service is stopped, and ask nobody.
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Show what a key may do, or give it another policy, effective at once.
    #[command(after_help = "Examples:\n  \
        trunkline key policy AKIA0123456789ABCDEF\n  \
        trunkline key policy AKIA0123456789ABCDEF --set read-only\n  \
        trunkline key policy AKIA0123456789ABCDEF --set office-trunk.json")]
    Policy {
        /// The access key id.
        id: String,
        /// What it may do from now on: `full`, `read-only`, or a file with a policy in IAM's language.
        #[arg(long, value_name = "full|read-only|FILE")]
        set: Option<PathBuf>,
    },
    /// List access keys, never their secrets.
    #[command(after_help = "Example:\n  trunkline key list")]
    List {
        /// Only this account's keys.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Refuse requests signed by a key until it is enabled again.
    #[command(after_help = "Example:\n  trunkline key disable AKIA0123456789ABCDEF")]
    Disable {
        /// The access key id.
        id: String,
    },
    /// Serve requests signed by a key again.
    #[command(after_help = "Example:\n  trunkline key enable AKIA0123456789ABCDEF")]
    Enable {
        /// The access key id.
        id: String,
    },
    /// Delete a key for good.
    #[command(after_help = "Example:\n  trunkline key delete AKIA0123456789ABCDEF")]
    Delete {
        /// The access key id.
        id: String,
    },
}

/// The transport toward a carrier or from a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transport {
    Udp,
    Tcp,
    Tls,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NumberCommand {
    /// Add numbers to the inventory.
    #[command(after_help = "Example:\n  \
        trunkline number add +12065550150 +12065550151 --account 000000000000")]
    Add {
        /// Numbers in E.164 form.
        #[arg(required = true, value_name = "E164")]
        numbers: Vec<String>,
        /// The account that owns them at once; without it they are free to be ordered.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// List the inventory.
    #[command(after_help = "Example:\n  trunkline number list --account 000000000000")]
    List {
        /// Only the numbers that this account owns.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Take numbers out of the inventory.
    #[command(after_help = "Example:\n  trunkline number remove +12065550150")]
    Remove {
        /// Numbers in E.164 form.
        #[arg(required = true, value_name = "E164")]
        numbers: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CallsArgs {
    /// Only calls that go on now.
    #[arg(long, conflicts_with = "past")]
    pub(crate) live: bool,
    /// Only calls that are over.
    #[arg(long)]
    pub(crate) past: bool,
    /// Only calls of this Voice Connector.
    #[arg(long, value_name = "ID")]
    pub(crate) connector: Option<String>,
    /// The most calls to show, newest first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The call: its transaction id, the Call-ID of either leg, or `last` for the latest one.
    pub(crate) call: String,
}

#[derive(Debug, Args)]
pub(crate) struct RouteTestArgs {
    /// The caller's number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) from: String,
    /// The called number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: String,
    /// The address, and the port if it matters, that the INVITE would come from.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) src: String,
    /// The Voice Connector that is called out through.
    #[arg(long, value_name = "ID")]
    pub(crate) connector: Option<String>,
    /// The carrier that calls in from anywhere and proves who it is.
    #[arg(long, value_name = "NAME", conflicts_with = "connector")]
    pub(crate) carrier: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The call: its transaction id, the Call-ID of either leg, or `last` for the latest one.
    pub(crate) call: String,
    /// Show every message in full, not only the ladder.
    #[arg(long)]
    pub(crate) messages: bool,
    /// Write the messages to a capture file as well; `-` is standard output, and nothing else is
    /// written there then.
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write, or to look into.
    pub(crate) file: PathBuf,
    /// Tell what the backup holds instead of making one.
    #[arg(long, conflicts_with_all = ["config", "data_dir"])]
    pub(crate) inspect: bool,
    /// Back up this data directory itself; its service must not be running.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file of the service that is not running.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup.
    pub(crate) file: PathBuf,
    /// The data directory to make. Otherwise the configuration's data_dir.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file of the service that is restored.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The seal key file that belongs to the backup; it is copied to its place. Otherwise the one
    /// that is in its place already.
    #[arg(long, value_name = "FILE")]
    pub(crate) seal_key: Option<PathBuf>,
    /// Restore over what is there. The database that is there is moved aside, never deleted.
    #[arg(long, conflicts_with = "check")]
    pub(crate) overwrite: bool,
    /// Read the backup, compare every checksum and, with --seal-key, the key; write nothing.
    #[arg(long, conflicts_with_all = ["data_dir", "config"])]
    pub(crate) check: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the configuration; exit code 78 if anything is wrong.
    #[command(
        after_help = "Example:\n  trunkline config check --config /etc/trunkline/trunkline.toml"
    )]
    Check(ServeArgs),
    /// Print every key with its value and where that came from.
    #[command(after_help = "Example:\n  trunkline config print")]
    Print(ServeArgs),
}

/// `trunkline seal …`
#[derive(Debug, Subcommand)]
pub(crate) enum SealCommand {
    /// Make a new seal key and seal every secret anew under it.
    #[command(after_help = "Example:\n  trunkline seal rotate\n\n\
        The service goes on meanwhile. Old keys stay in the seal key file, since backups made\n\
        before need them. If it is cut short, run it again: it goes on where it stopped.")]
    Rotate,
}
