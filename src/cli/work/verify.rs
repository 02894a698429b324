//! `fullsync verify` of a pipeline to a state edition: staging against the state, for sign-off.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::account::Account;
use crate::cli::{VerifyArgs, print, print_line};
use crate::files;
use crate::load::Objects;
use crate::pipeline::Pipeline;
use crate::run::compare::{Compared, compare};
use crate::run::connect::{self, Target};
use crate::run::may_send;
use crate::scope::Scope;
use crate::stage::{RunFolder, StateDir};

/// Differences that are shown at most; all are in the file.
const SHOWN: usize = 20;

/// What was compared.
struct Verified {
    run: RunFolder,
    school_year: i32,
    /// What the staged objects were made for.
    scope: Scope,
    state: String,
    compared: Vec<Compared>,
}

pub(super) async fn verify(pipeline: &Pipeline, args: &VerifyArgs) -> anyhow::Result<u8> {
    may_send(pipeline)?;
    let target = Target::connect(pipeline, &connect::standard(pipeline)?).await?;
    let verified = ask(pipeline, args, &target).await;
    target.disconnect().await;
    let verified = verified?;
    let file = verified.run.path().join("verification.json");
    let text = serde_json::to_vec_pretty(&verified.as_value())?;
    files::write(&file, &text)?;
    print(&verified.table(std::io::stdout().is_terminal()))?;
    print_line(&format!("every difference: {}", file.display()))?;
    if args.certify {
        let file = verified.certify(pipeline)?;
        print_line(&format!("for sign-off: {}", file.display()))?;
    }
    let equal = verified.differences() == 0;
    print_line(match equal {
        true => "staging and state agree",
        false => "staging and state differ",
    })?;
    Ok(u8::from(!equal))
}

async fn ask(pipeline: &Pipeline, args: &VerifyArgs, target: &Target) -> anyhow::Result<Verified> {
    let state = target
        .state()
        .ok_or_else(|| anyhow::anyhow!("the target is no state edition"))?;
    let run = StateDir::new(&pipeline.state_dir, &pipeline.name).open("latest")?;
    let manifest = run.manifest();
    let Some(school_year) = manifest.school_year else {
        anyhow::bail!("run {} has staged nothing yet", run.id());
    };
    if let Some(asked) = args.year.school_year.filter(|asked| *asked != school_year) {
        anyhow::bail!(
            "run {} has staged the school year {}-{school_year}; `fullsync transform {} \
             --school-year {asked}` stages the other one",
            run.id(),
            school_year - 1,
            pipeline.name
        );
    }
    let wanted = pipeline.select(&args.scope.resources).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    let scope = manifest.scope.clone().unwrap_or_default();
    let mut compared = Vec::new();
    for resource in wanted {
        let name = &resource.name;
        if !manifest.objects.iter().any(|o| o.resource == *name) {
            anyhow::ensure!(
                args.scope.resources.is_empty(),
                "run {} has not staged {name}; `fullsync transform {}` stages all objects",
                run.id(),
                pipeline.name
            );
            continue;
        }
        let objects = Objects::open(&run.objects(name))?;
        compared.extend(compare(state, school_year, name, &objects, &scope).await?);
    }
    Ok(Verified {
        run,
        school_year,
        scope,
        state: target.fingerprint.clone(),
        compared,
    })
}

impl Verified {
    fn differences(&self) -> usize {
        self.compared.iter().map(|c| c.differences.len()).sum()
    }

    /// Per object; keys of records on a terminal only: they name persons.
    fn table(&self, keys: bool) -> String {
        let mut objects: Vec<(&str, [u64; 3])> = Vec::new();
        for c in &self.compared {
            let counts = [c.staged, c.at_state, c.differences.len() as u64];
            match objects.last_mut().filter(|(name, _)| *name == c.object) {
                Some((_, sums)) => sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n),
                None => objects.push((&c.object, counts)),
            }
        }
        let names = objects.iter().map(|(name, _)| name.len());
        let width = names.max().unwrap_or(0).max("DIS Objects".len());
        let year = self.school_year;
        let run = self.run.id();
        // Writing to a String cannot fail.
        let mut text = format!("run {run}, school year {}-{year}\n", year - 1);
        if !self.scope.is_whole() {
            let schools = self.scope.schools.as_ref();
            let schools = schools.map_or("all".to_owned(), |s| s.len().to_string());
            let some = match self.scope.names_ids() {
                true => ", some persons, courses or sections",
                false => "",
            };
            let _ = writeln!(
                text,
                "the run was about {schools} schools{some}: nothing else is compared"
            );
        }
        let head = ["Staged", "State", "Differences"];
        let [staged, at_state, differ] = head;
        let _ = writeln!(
            text,
            "{:width$}  {staged:>12}  {at_state:>12}  {differ:>12}",
            "DIS Objects"
        );
        for (name, [staged, at_state, differ]) in &objects {
            let _ = writeln!(
                text,
                "{name:width$}  {staged:>12}  {at_state:>12}  {differ:>12}"
            );
        }
        for c in self.compared.iter().filter(|c| !c.differences.is_empty()) {
            let school = c
                .school
                .map_or("district".to_owned(), |s| format!("school {s}"));
            let (object, count) = (&c.object, c.differences.len());
            let _ = writeln!(text, "{object} {school}: {count} differences");
            for d in c.differences.iter().take(SHOWN).filter(|_| keys) {
                let _ = writeln!(text, "    {}  {}", d.kind.as_str(), d.key);
            }
        }
        text
    }

    fn as_value(&self) -> Value {
        let compared: Vec<Value> = self
            .compared
            .iter()
            .map(|c| {
                let differences: Vec<Value> = c
                    .differences
                    .iter()
                    .map(|d| json!({"key": d.key, "kind": d.kind.as_str()}))
                    .collect();
                json!({
                    "object": c.object,
                    "school": c.school,
                    "staged": c.staged,
                    "at_state": c.at_state,
                    "differences": differences,
                })
            })
            .collect();
        json!({
            "run": self.run.id(),
            "school_year": self.school_year,
            "state": self.state,
            "compared": compared,
        })
    }

    /// Writes the dated counts: who, when, what, per object and school.
    fn certify(&self, pipeline: &Pipeline) -> anyhow::Result<PathBuf> {
        let now = Utc::now();
        let folder = StateDir::new(&pipeline.state_dir, &pipeline.name)
            .path()
            .join("certified");
        files::create_dir(&folder)?;
        let year = self.school_year;
        let file = folder.join(format!("{}-{year}.csv", now.format("%Y-%m-%dT%H%M%SZ")));
        let mut out = csv::Writer::from_writer(Vec::new());
        let head = [
            "certified_at",
            "certified_by",
            "school_year",
            "state",
            "run",
            "object",
            "school",
            "staged",
            "at_state",
            "differences",
        ];
        out.write_record(head)?;
        let at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
        let by = Account::current().user;
        for c in &self.compared {
            out.write_record([
                at.as_str(),
                &by,
                &year.to_string(),
                &self.state,
                &self.run.id(),
                &c.object,
                &c.school.map(|s| s.to_string()).unwrap_or_default(),
                &c.staged.to_string(),
                &c.at_state.to_string(),
                &c.differences.len().to_string(),
            ])?;
        }
        let bytes = out
            .into_inner()
            .map_err(|e| std::io::Error::other(e.to_string()))?;
        files::write(&file, &bytes)?;
        Ok(file)
    }
}
