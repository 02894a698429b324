//! Verbs that ask the target: verify, count, fetch.

use std::sync::Arc;

use super::pipeline_of;
use crate::cli::{CountArgs, FetchArgs, FetchFormat, Scope, TruncateArgs, VerifyArgs, print_line};
use crate::ledger::Ledger;
use crate::pipeline::{Pipeline, TargetKind};
use crate::run::connect::{self, Target};
use crate::run::fetch::{self, Fetch, Format, Keys};
use crate::run::{Selection, inspect};
use crate::source::SisSchema;
use crate::stage::StateDir;

/// A connected target and the resources asked for.
struct Asked {
    pipeline: Pipeline,
    target: Target,
    selection: Selection,
}

async fn ask(scope: &Scope) -> anyhow::Result<Asked> {
    ask_of(pipeline_of(scope)?, scope).await
}

async fn ask_of(pipeline: Pipeline, scope: &Scope) -> anyhow::Result<Asked> {
    let base = connect::standard(&pipeline)?;
    let sis = SisSchema::load(&pipeline.sis_schema)?;
    // Names are checked before anything is asked of the target.
    Selection::new(&pipeline, &scope.resources, &base, &sis)?;
    let target = Target::connect(&pipeline, &base).await?;
    let standard = Arc::clone(&target.standard);
    let selection = Selection::new(&pipeline, &scope.resources, &standard, &sis)?;
    Ok(Asked {
        pipeline,
        target,
        selection,
    })
}

impl Asked {
    /// The school year given, configured, or last run.
    fn year(&self, year: Option<i32>) -> anyhow::Result<i32> {
        let state = StateDir::new(&self.pipeline.state_dir, &self.pipeline.name);
        let last = || state.open("latest").ok()?.manifest().school_year;
        let year = year.or(self.pipeline.school_year).or_else(last);
        year.ok_or_else(|| {
            anyhow::anyhow!("which school year? Nothing has run yet; give --school-year")
        })
    }

    /// The ledger of this target in that year.
    fn ledger(&self, year: i32) -> anyhow::Result<Ledger> {
        let state = StateDir::new(&self.pipeline.state_dir, &self.pipeline.name);
        Ok(Ledger::open(&Ledger::folder(
            &state.ledger(),
            &self.target.fingerprint,
            year,
        ))?)
    }

    /// Counts records at the target; a state edition has them by school year.
    async fn count(
        &self,
        year: Option<i32>,
        filters: &[(String, String)],
    ) -> anyhow::Result<Vec<inspect::Count>> {
        let year = match self.pipeline.target {
            TargetKind::Dis => self.year(year)?,
            _ => 0,
        };
        Ok(inspect::count(&self.target, year, &self.selection, filters, None).await?)
    }
}

pub(super) async fn verify(args: &VerifyArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline_of(&args.scope)?;
    if pipeline.target == TargetKind::Dis {
        return super::verify::verify(&pipeline, args).await;
    }
    anyhow::ensure!(
        !args.certify,
        "--certify is for a pipeline to a state edition"
    );
    let asked = ask(&args.scope).await?;
    let year = asked.year(args.year.school_year)?;
    let ledger = Some(asked.ledger(year)?);
    let counts =
        inspect::count(&asked.target, year, &asked.selection, &[], ledger.as_ref()).await?;
    asked.target.disconnect().await;
    let width = counts
        .iter()
        .map(|c| c.resource.len())
        .max()
        .unwrap_or(0)
        .max(8);
    print_line(&format!(
        "{:width$}  {:>12}  {:>12}  {:>12}",
        "Resource", "Ledger", "Target", "More"
    ))?;
    let mut differ = 0;
    for (count, p) in counts.iter().zip(&asked.selection.resources) {
        let known = count.ledger.unwrap_or_default();
        let more = i128::from(count.target) - i128::from(known);
        // Records that the target owns are not in the ledger.
        let owned = p.resource.mode == crate::pipeline::Mode::Verify;
        differ += u32::from(more != 0 && !owned);
        print_line(&format!(
            "{:width$}  {:>12}  {:>12}  {:>12}",
            count.resource,
            if owned {
                "-".to_owned()
            } else {
                known.to_string()
            },
            count.target,
            if owned {
                "-".to_owned()
            } else {
                format!("{more:+}")
            },
        ))?;
    }
    print_line(match differ {
        0 => "every count agrees",
        _ => "counts differ: records of other senders, or the target has lost or kept some",
    })?;
    Ok(u8::from(differ > 0))
}

pub(super) async fn count(args: &CountArgs) -> anyhow::Result<u8> {
    let asked = ask(&args.scope).await?;
    let counts = asked
        .count(args.year.school_year, &args.filters.query)
        .await;
    asked.target.disconnect().await;
    let counts = counts?;
    if args.json {
        let map: serde_json::Map<String, serde_json::Value> = counts
            .into_iter()
            .map(|c| (c.resource, c.target.into()))
            .collect();
        print_line(&serde_json::to_string_pretty(&map)?)?;
        return Ok(0);
    }
    let width = counts.iter().map(|c| c.resource.len()).max().unwrap_or(0);
    for count in counts {
        print_line(&match args.tsv {
            true => format!("{}\t{}", count.resource, count.target),
            false => format!("{:width$}  {:>12}", count.resource, count.target),
        })?;
    }
    Ok(0)
}

pub(super) async fn fetch(args: &FetchArgs) -> anyhow::Result<u8> {
    let asked = ask(&args.scope).await?;
    let wanted = Fetch {
        out: args.out.clone(),
        format: match args.format {
            FetchFormat::Jsonl => Format::Jsonl,
            FetchFormat::Parquet => Format::Parquet,
        },
        filters: args.filters.query.clone(),
        keys: Keys {
            keep: args.keep.clone(),
            drop: args.drop.clone(),
        },
        page: usize::from(args.page_size),
    };
    let copies = fetch::fetch(asked.target.api()?, &asked.selection, &wanted).await;
    asked.target.disconnect().await;
    for copy in copies? {
        print_line(&format!(
            "{}  {} records",
            copy.path.display(),
            copy.records
        ))?;
    }
    Ok(0)
}

/// What `truncate` would delete, and how to have it deleted.
pub(super) async fn would_truncate(args: &TruncateArgs) -> anyhow::Result<u8> {
    let asked = ask(&args.scope).await?;
    let counts = asked.count(args.year.school_year, &[]).await;
    asked.target.disconnect().await;
    for count in counts?.iter().rev() {
        print_line(&format!(
            "would delete {:>12}  {}",
            count.target, count.resource
        ))?;
    }
    print_line("nothing was deleted; give --yes to delete these")?;
    Ok(0)
}
