//! `fullsync sif check`: the seven steps of a setup.

use super::super::runs::{chosen, context};
use super::super::scope::scoped;
use crate::cli::{Choice, Session, SifCheckArgs, print_line};
use crate::run::zone::check::check as steps;
use crate::run::{Options, Until};

pub(super) async fn check(session: &Session, args: SifCheckArgs) -> anyhow::Result<u8> {
    let options = Options {
        school_year: args.year.school_year,
        demo: true,
        verb: Some("sif check"),
        ..Options::default()
    };
    let scope = chosen(
        args.scope,
        Choice::default(),
        &options,
        Until::Transformed,
        !args.json,
    )?;
    let pipeline = super::pipeline_of(&scope)?;
    let options = scoped(&pipeline, options, Until::Transformed)?;
    let context = context(session, scope, options)?;
    let found = steps(&context, &session.progress).await?;
    let missing = found.iter().any(|step| !step.ok);
    if args.json {
        print_line(&serde_json::to_string_pretty(&found)?)?;
        return Ok(u8::from(missing));
    }
    for step in &found {
        let state = if step.ok { "ok" } else { "missing" };
        print_line(&format!(
            "{}. {}: {state}: {}",
            step.number, step.title, step.found
        ))?;
        if let Some(todo) = &step.todo {
            print_line(&format!("   to do: {todo}"))?;
        }
    }
    if missing {
        print_line("the steps behind it need this one, and were not looked at")?;
    }
    Ok(u8::from(missing))
}
