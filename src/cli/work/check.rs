//! `fullsync check`.

use super::runs::context;
use crate::cli::{CheckArgs, CheckWhat, Session, print, print_line};
use crate::run::setup::{Wanted, setup};
use crate::run::{Options, Start};

pub(super) async fn check(session: &Session, args: CheckArgs) -> anyhow::Result<u8> {
    let wanted = |what: CheckWhat| args.what == CheckWhat::All || args.what == what;
    let wanted = Wanted {
        connection: wanted(CheckWhat::Connection),
        ids: wanted(CheckWhat::Ids),
        mappings: wanted(CheckWhat::Mappings),
    };
    if args.list.is_some() && !wanted.ids {
        anyhow::bail!("--list lists persons without an id: fullsync check ids ... --list");
    }
    // Nothing is sent: the source may be a real one.
    let options = Options {
        start: args.run.map_or(Start::Source, Start::Staging),
        school_year: args.year.school_year,
        demo: true,
        ..Options::default()
    };
    let context = context(session, args.scope, options)?;
    let report = match setup(&context, wanted, &session.progress).await {
        Err(error) if *context.cancel.borrow() => {
            tracing::warn!(%error, "stopped");
            return Ok(3);
        }
        report => report?,
    };
    if let Some(list) = &args.list {
        let persons = report.ids.iter().flat_map(|ids| &ids.list);
        let lines: String = persons.map(|id| format!("{id}\n")).collect();
        match list {
            None => {
                print(&lines)?;
                return Ok(u8::from(!report.ok));
            }
            Some(file) => crate::files::write(file, lines.as_bytes())?,
        }
    }
    if args.json {
        print_line(&serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&report.text())?;
    }
    Ok(u8::from(!report.ok))
}
