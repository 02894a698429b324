//! What each verb needs of the rights, and what of it goes into the audit log: ONE table.
//!
//! A new verb does not compile without a line here. `docs/rights.md` lists the same, which a test
//! checks.

use super::{
    Command, CrosswalkCommand, DisCommand, ErrorsAction, HistoryCommand, LedgerCommand,
    MessagesCommand, SifCommand,
};
use crate::rights::Act;

/// What a command is to rights and audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need<'a> {
    /// The verb, as it is typed.
    pub verb: &'static str,
    /// What it does.
    pub act: Act,
    /// The pipeline, as it is typed.
    pub pipeline: Option<&'a str>,
    /// Whether objects are chosen by their ids (the state's Selective Sync).
    pub selective: bool,
}

impl<'a> Need<'a> {
    /// The table.
    pub fn of(command: &'a Command) -> Self {
        use Act::{Audit, Empty, Forget, Look, Make, Sync, View};
        let need = |verb, act, pipeline| Self {
            verb,
            act,
            pipeline,
            selective: false,
        };
        // Of verbs that can hold back, only what changes something needs the right to.
        let unless = |dry: bool, act| if dry { View } else { act };
        match command {
            Command::Run(a) => {
                let act = unless(a.sending.dry_run, Sync);
                Self {
                    selective: a.resync.object.is_some(),
                    ..need("run", act, Some(&a.scope.pipeline))
                }
            }
            Command::Load(a) => {
                let act = unless(a.sending.dry_run, Sync);
                need("load", act, Some(&a.scope.pipeline))
            }
            Command::Delete(a) => {
                let act = unless(!a.yes, Empty);
                need("delete", act, Some(&a.scope.pipeline))
            }
            Command::Truncate(a) => {
                let act = unless(!a.yes, Empty);
                need("truncate", act, Some(&a.scope.pipeline))
            }
            Command::Ledger(a) => match &a.command {
                LedgerCommand::Rebuild(a) => need("ledger", Sync, Some(&a.scope.pipeline)),
            },
            Command::Dis(a) => match &a.command {
                DisCommand::Poll(a) => need("dis", Sync, Some(&a.pipeline)),
                DisCommand::Request(a) => need("dis", Sync, Some(&a.pipeline)),
            },
            Command::Sif(a) => sif(&a.command),
            Command::Extract(a) => need("extract", View, Some(&a.scope.pipeline)),
            Command::Transform(a) => need("transform", View, Some(&a.scope.pipeline)),
            Command::Plan(a) => need("plan", View, Some(&a.scope.pipeline)),
            Command::Errors(a) => match &a.action {
                None => need("errors", View, a.list.pipeline.as_deref()),
                Some(ErrorsAction::Retry(a)) => {
                    let act = unless(a.sending.dry_run, Sync);
                    need("errors retry", act, Some(&a.scope.pipeline))
                }
                Some(ErrorsAction::Archive(a)) => {
                    // The log of what the selective tool has sent, too.
                    Self {
                        selective: true,
                        ..need("errors archive", Forget, Some(&a.scope.pipeline))
                    }
                }
            },
            Command::History(a) => match &a.command {
                HistoryCommand::List(a) => Self {
                    selective: a.which.selective,
                    ..need("history", Look, Some(&a.pipeline))
                },
                HistoryCommand::Show(a) => Self {
                    selective: a.which.selective,
                    ..need("history", Look, Some(&a.pipeline))
                },
                HistoryCommand::Delete(a) => Self {
                    selective: a.which.selective,
                    ..need("history delete", Forget, Some(&a.pipeline))
                },
            },
            Command::Explain(a) => need("explain", View, Some(&a.pipeline)),
            Command::Diff(a) => need("diff", View, Some(&a.scope.pipeline)),
            Command::Fetch(a) => need("fetch", View, Some(&a.scope.pipeline)),
            // Counts for all, keys for the owner: as much as a plan shows.
            Command::Check(a) => need("check", View, Some(&a.scope.pipeline)),
            Command::Validate(a) => {
                let act = if a.data { View } else { Look };
                need("validate", act, Some(&a.scope.pipeline))
            }
            Command::Status(a) => need("status", Look, Some(&a.scope.pipeline)),
            Command::Wait(a) => need("wait", Look, Some(&a.pipeline)),
            Command::Verify(a) => need("verify", Look, Some(&a.scope.pipeline)),
            Command::Count(a) => need("count", Look, Some(&a.scope.pipeline)),
            Command::Schools(a) => need("schools", Look, Some(&a.pipeline)),
            Command::Locks(a) => need("locks", Look, a.pipeline.as_deref()),
            Command::Audit(a) => need("audit", Audit, a.pipeline.as_deref()),
            Command::List(_) => need("list", Look, None),
            Command::Show(a) => need("show", Look, Some(&a.pipeline)),
            Command::Resources(a) => need("resources", Look, Some(&a.pipeline)),
            Command::New(a) => need("new", Make, Some(&a.pipeline)),
            Command::Crosswalk(a) => match &a.command {
                CrosswalkCommand::Import(a) => need("crosswalk", Make, Some(&a.to)),
            },
            Command::Generate(_) => need("generate", Make, None),
            Command::Metadata(_) => need("metadata", Make, None),
            #[cfg(feature = "sandbox")]
            Command::Sandbox(_) => need("sandbox", Make, None),
        }
    }
}

/// The part of the table for the agent of a zone.
fn sif(command: &SifCommand) -> Need<'_> {
    use Act::{Forget, Sync, View};
    let (verb, act, pipeline) = match command {
        SifCommand::Check(a) => ("sif check", View, &a.scope.pipeline),
        SifCommand::Register(a) => ("sif register", Sync, &a.scope.pipeline),
        SifCommand::Sync(a) => ("sif sync", Sync, &a.run.scope.pipeline),
        SifCommand::Serve(a) => ("sif serve", Sync, &a.run.scope.pipeline),
        SifCommand::Events(a) => {
            let act = if a.dry_run { View } else { Sync };
            ("sif events", act, &a.run.scope.pipeline)
        }
        SifCommand::Messages(a) => match &a.command {
            MessagesCommand::List(a) => ("sif messages", View, &a.pipeline),
            MessagesCommand::Show(a) => ("sif messages", View, &a.pipeline),
            MessagesCommand::Delete(a) => ("sif messages delete", Forget, &a.pipeline),
        },
        SifCommand::Sleep(a) => ("sif sleep", Sync, &a.of.pipeline),
        SifCommand::Wakeup(a) => ("sif wakeup", Sync, &a.of.pipeline),
        SifCommand::Unregister(a) => ("sif unregister", Sync, &a.of.pipeline),
    };
    Need {
        verb,
        act,
        pipeline: Some(pipeline),
        selective: false,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;

    /// The table of `docs/rights.md` has a row for every verb.
    #[test]
    fn no_verb_is_missing_in_the_docs() {
        let docs = include_str!("../../docs/rights.md");
        let cli = Cli::command();
        let missing: Vec<&str> = cli
            .get_subcommands()
            .map(clap::Command::get_name)
            .filter(|verb| *verb != "help")
            .filter(|verb| {
                !docs
                    .lines()
                    .any(|l| l.starts_with('|') && l.contains(&format!("`{verb}`")))
            })
            .collect();
        assert!(
            missing.is_empty(),
            "not in a table of docs/rights.md: {missing:?}"
        );
    }
}
