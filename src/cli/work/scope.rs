//! The scope of the verbs that compute or send, consent to all schools, and `fullsync schools`.

use std::io::{IsTerminal as _, Write as _};

use super::pipeline;
use crate::cli::{Filter, SchoolsArgs, print_line};
use crate::pipeline::Pipeline;
use crate::run::{Asked, Estimate, Options, Start, Until, as_configured, resolve, schools};

/// What a filter asks for; lists may come from standard input.
pub(super) fn asked(filter: &Filter) -> anyhow::Result<Asked> {
    filter.asked(&mut std::io::stdin())
}

/// The options with their scope, and consent where all schools are asked for and something is to
/// be sent.
///
/// # Errors
/// Schools that are unknown, ambiguous or not named at all; no consent.
pub(super) fn scoped(
    pipeline: &Pipeline,
    options: Options,
    until: Until,
) -> anyhow::Result<Options> {
    if until == Until::Extracted {
        return Ok(options);
    }
    let scope = resolve(pipeline, &options)?;
    if until == Until::Loaded && options.asked.all_schools {
        consent(pipeline, &options)?;
    }
    let some_schools = !as_configured(pipeline, &options, &scope)?;
    Ok(Options {
        scope,
        some_schools,
        ..options
    })
}

/// Whether the schools that are asked for are there, for verbs that go by them.
///
/// # Errors
/// As [`scoped`], apart from consent.
pub(super) fn schools_are_known(
    pipeline: &Pipeline,
    options: &Options,
    until: Until,
) -> anyhow::Result<()> {
    if until != Until::Extracted {
        resolve(pipeline, options)?;
    }
    Ok(())
}

/// E17: users are highly encouraged not to select all schools.
fn consent(pipeline: &Pipeline, options: &Options) -> anyhow::Result<()> {
    let estimate = Estimate::of(pipeline, &options.start)?;
    tracing::warn!(
        "--all-schools: every school of the district is sent, which may slow the target down for \
         others; off-peak hours are better. Estimate: {estimate}"
    );
    if options.yes {
        return Ok(());
    }
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        let mut screen = std::io::stderr();
        write!(screen, "Send all schools? [y/N] ")?;
        screen.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        anyhow::bail!("not confirmed; nothing was read or sent");
    }
    anyhow::bail!(
        "--all-schools needs --yes where nobody can be asked. Estimate: {estimate}. To have all \
         schools by default, write schools = \"all\" under [scope] in {}",
        pipeline.file.display()
    )
}

/// `fullsync schools`. Exit 1: none is found.
pub(super) fn list(args: &SchoolsArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline(&args.pipeline)?;
    let schools = schools(&pipeline, &Start::Source)?;
    if schools.find(&args.text).is_empty() {
        print_line(&format!("no school is found by `{}`", args.text))?;
        return Ok(1);
    }
    print_line(&schools.whole_table(&args.text))?;
    Ok(0)
}
