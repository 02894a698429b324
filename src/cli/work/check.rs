//! `fullsync check`.

use super::pipeline_of;
use super::runs::{chosen, context};
use super::scope::scoped;
use crate::cli::{CheckArgs, CheckWhat, Session, print, print_line};
use crate::run::setup::{Wanted, setup};
use crate::run::{Options, Start, Until};

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
        asked: args.places.asked(),
        ..Options::default()
    };
    // A target is reached whichever schools are meant.
    let until = match wanted.ids || wanted.mappings {
        true => Until::Transformed,
        false => Until::Extracted,
    };
    let scope = chosen(args.scope, args.choice, &options, until, !args.json)?;
    let options = scoped(&pipeline_of(&scope)?, options, until)?;
    let context = context(session, scope, options)?;
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
