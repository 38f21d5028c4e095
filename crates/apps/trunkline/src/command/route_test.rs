//! `trunkline route-test`: which rules a call would meet, without placing it.

use model::{Direction, Verdict};

use super::explain::decisions;
use crate::cli::{Common, OutputForm, RouteTestArgs};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::screen::{Paint, Screen};

pub(crate) async fn run(
    screen: &Screen,
    common: &Common,
    args: RouteTestArgs,
) -> Result<(), Failure> {
    let told = Connection::open(common)?.route_test(&args).await?;
    if screen.form == OutputForm::Json {
        screen.json(&told);
        return Ok(());
    }
    let direction = match told.direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
    };
    screen.line(format!("a call {direction}, {} → {} from {}", args.from, args.to, args.src));
    screen.line("");
    decisions(screen, &told.decisions);
    screen.line("");
    match &told.refused {
        Some(refused) => {
            let last = told.decisions.iter().rev().find(|it| it.verdict == Verdict::Refuse);
            let remedy =
                last.map(|it| format!(" To let it in: {}.", it.remedy)).unwrap_or_default();
            screen.line(screen.paint(
                Paint::Bad,
                format!("It would be refused: {} {}.{remedy}", refused.sip_status, refused.reason),
            ));
        }
        None => screen.line(screen.paint(
            Paint::Good,
            "It would be let in. The places are in one order that chance may give them.",
        )),
    }
    Ok(())
}
