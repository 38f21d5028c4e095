//! `trunkline carrier`: the upstream SIP gateways.

use api::operator::dto;
use model::CarrierTransport;

use super::read_password;
use crate::cli::{CarrierAddArgs, CarrierCommand, Common, OutputForm, Transport};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Cell, Paint, Screen, Table};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    command: CarrierCommand,
) -> Result<(), Failure> {
    match command {
        CarrierCommand::Add(args) => {
            let request = request_of(args)?;
            let added = Connection::open(common)?.add_carrier(&request).await?;
            match screen.form {
                OutputForm::Json => screen.json(&added),
                OutputForm::Text => screen.done(&format!(
                    "carrier {} is added: calls out go to {}:{} from now on",
                    added.name, added.host, added.port
                )),
            }
        }
        CarrierCommand::List => {
            let mut list = Connection::open(common)?.carriers().await?;
            list.carriers.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
            show_list(screen, &list);
        }
        CarrierCommand::Show { name } => {
            let carrier = Connection::open(common)?.carrier(&name).await?;
            show(screen, &carrier);
        }
        CarrierCommand::Remove { name } => {
            Connection::open(common)?.remove_carrier(&name).await?;
            screen.done(&format!("carrier {name} is removed; calls that go on stay"));
        }
    }
    Ok(())
}

fn request_of(args: CarrierAddArgs) -> Result<dto::AddCarrier, Failure> {
    let password = args.password_file.as_deref().map(read_password).transpose()?;
    Ok(dto::AddCarrier {
        name: args.name,
        host: args.host,
        port: args.port,
        transport: match args.transport {
            Transport::Udp => CarrierTransport::Udp,
            Transport::Tcp => CarrierTransport::Tcp,
        },
        priority: args.priority,
        weight: args.weight,
        username: args.username,
        password,
        sources: args.sources,
    })
}

const fn transport_name(transport: CarrierTransport) -> &'static str {
    match transport {
        CarrierTransport::Udp => "udp",
        CarrierTransport::Tcp => "tcp",
    }
}

fn show_list(screen: &Screen, list: &dto::CarrierList) {
    if screen.form == OutputForm::Json {
        return screen.json(list);
    }
    if list.carriers.is_empty() {
        return screen
            .line("no carrier is added; `trunkline carrier add NAME --host HOST` adds one");
    }
    let mut table =
        Table::new(["NAME", "HOST", "PORT", "TRANSPORT", "PRIORITY", "WEIGHT", "USER", "SOURCES"]);
    for it in &list.carriers {
        table.row([
            Cell::painted(Paint::Name, &it.name),
            it.host.clone().into(),
            it.port.to_string().into(),
            transport_name(it.transport).into(),
            it.priority.to_string().into(),
            it.weight.to_string().into(),
            it.username.clone().unwrap_or_default().into(),
            it.sources.join(" ").into(),
        ]);
    }
    screen.table(&table);
}

fn show(screen: &Screen, carrier: &dto::Carrier) {
    if screen.form == OutputForm::Json {
        return screen.json(carrier);
    }
    screen.fields(&[
        ("name", carrier.name.clone()),
        ("host", carrier.host.clone()),
        ("port", carrier.port.to_string()),
        ("transport", transport_name(carrier.transport).into()),
        ("priority", carrier.priority.to_string()),
        ("weight", carrier.weight.to_string()),
        ("user", carrier.username.clone().unwrap_or_else(|| "(does not challenge)".into())),
        ("sources", carrier.sources.join(" ")),
        ("added", carrier.added.to_string()),
    ]);
}
