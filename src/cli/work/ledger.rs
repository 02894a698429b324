//! `fullsync ledger rebuild`.

use super::runs::context;
use crate::checks::ReadBack;
use crate::cli::{LedgerArgs, LedgerCommand, Session, print_line};
use crate::run::{Options, Start, rebuild};

pub(super) async fn ledger(session: &Session, args: LedgerArgs) -> anyhow::Result<u8> {
    let LedgerCommand::Rebuild(args) = args.command;
    let options = Options {
        start: args.run.map_or(Start::Source, Start::Staging),
        school_year: args.year.school_year,
        wait_lock: args.locking.wait_lock.unwrap_or_default(),
        demo: true,
        ..Options::default()
    };
    let context = context(session, args.scope, options)?;
    let done = match rebuild::rebuild(&context, &session.progress).await {
        Err(error) if *context.cancel.borrow() => {
            tracing::warn!(%error, "stopped; the ledger knows what was read back until then");
            return Ok(3);
        }
        done => done?,
    };
    if args.json {
        print_line(&serde_json::to_string_pretty(&done)?)?;
    } else {
        print(&done)?;
    }
    Ok(u8::from(done.iter().any(|d| d.unread.is_some())))
}

/// A column: its title and its number.
type Column = (&'static str, fn(&ReadBack) -> u64);

const COLUMNS: [Column; 6] = [
    ("At target", |d| d.found),
    ("As staged", |d| d.same),
    ("Differ", |d| d.differ),
    ("Gone here", |d| d.gone_here),
    ("Others'", |d| d.others),
    ("Lost", |d| d.lost),
];

fn print(done: &[ReadBack]) -> anyhow::Result<()> {
    let width = done.iter().map(|d| d.resource.len()).max().unwrap_or(0);
    let titles: String = COLUMNS.iter().map(|(t, _)| format!("  {t:>10}")).collect();
    print_line(&format!("{:width$}{titles}", "Resource"))?;
    for d in done {
        let rest = match &d.unread {
            Some(why) => format!("  could not be read: {why}; the ledger is as it was"),
            None => COLUMNS
                .iter()
                .map(|(_, n)| format!("  {:>10}", n(d)))
                .collect(),
        };
        print_line(&format!("{:width$}{rest}", d.resource))?;
    }
    let sum = |n: fn(&ReadBack) -> u64| -> u64 { done.iter().map(n).sum() };
    print_line(&format!(
        "\n{} records of ours are known again, {} of them due because they differ; {} that were \
         acknowledged are lost and due again; {} records of other writers were left alone",
        sum(|d| d.same + d.differ + d.gone_here),
        sum(|d| d.differ),
        sum(|d| d.lost),
        sum(|d| d.others)
    ))?;
    Ok(())
}
