//! `fullsync crosswalk import`: crosswalk rows of another configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::pipeline;
use crate::cli::{CrosswalkArgs, CrosswalkCommand, CrosswalkImportArgs, print_line};
use crate::files;
use crate::pipeline::{Pipeline, Resource};
use crate::transform::{Problem, Rows, crosswalk_rows, tables_used};

/// Resources whose codes are mapped anew each year (source: Import Mappings of the configuration
/// tool does not take them over).
const YEARLY: [&str; 7] = [
    "calendars",
    "classPeriods",
    "grades",
    "graduationPlans",
    "gradingPeriods",
    "sessions",
    "studentAssessments",
];

pub(super) fn crosswalk(args: &CrosswalkArgs) -> anyhow::Result<u8> {
    let CrosswalkCommand::Import(args) = &args.command;
    import(args)
}

fn import(args: &CrosswalkImportArgs) -> anyhow::Result<u8> {
    let (old, new) = (pipeline(&args.from)?, pipeline(&args.to)?);
    let folder = own_folder(&new)?;
    let users = users(&old)?;
    let mut written = 0;
    for (table, files) in &old.crosswalks {
        let name = table.strip_prefix("xwalk_").unwrap_or(table);
        if let Some(users) = users.get(table)
            && users.iter().all(|user| YEARLY.contains(user))
        {
            let users: Vec<&str> = users.iter().copied().collect();
            print_line(&format!(
                "{name}: left out, {} are mapped each year",
                users.join(", ")
            ))?;
            continue;
        }
        let target = folder.join(format!("{name}.csv"));
        let rows = missing(files, new.crosswalks.get(table), &target)?;
        for row in &rows.rows {
            print_line(&format!("{name}: {}", row.join(" = ")))?;
        }
        written += rows.rows.len();
        if !args.dry_run && !rows.rows.is_empty() {
            append(&target, &rows)?;
        }
    }
    let done = match args.dry_run {
        true => "would be written to",
        false => "written to",
    };
    print_line(&format!("{written} rows {done} {}", folder.display()))?;
    Ok(0)
}

/// The crosswalk folder that the pipeline's own file names.
fn own_folder(new: &Pipeline) -> anyhow::Result<PathBuf> {
    let own = new.origins.iter().find(|origin| {
        let place = origin.place.rsplit_once(':').map(|(file, _)| file);
        origin.key.starts_with("crosswalks[") && place == new.file.to_str()
    });
    let Some(own) = own else {
        anyhow::bail!(
            "{} has no crosswalk folder of its own: add crosswalks = \"../crosswalk/{}\" to it and \
             make the folder",
            new.file.display(),
            new.name
        );
    };
    let text = toml::Value::try_from(own.value.trim_matches(['"', '\'']))?;
    let path = text.as_str().unwrap_or_default();
    Ok(new.file.parent().unwrap_or(Path::new("")).join(path))
}

/// Crosswalk -> the resources whose SQL uses it, those that are switched off included.
fn users(pipeline: &Pipeline) -> anyhow::Result<BTreeMap<String, BTreeSet<&str>>> {
    let mut users: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let all = pipeline.resources.iter().chain(&pipeline.disabled);
    for Resource {
        name,
        sql,
        additions,
        ..
    } in all
    {
        for table in tables_used(sql, additions, &pipeline.views).map_err(told)? {
            users.entry(table).or_default().insert(name);
        }
    }
    Ok(users)
}

fn told(problems: Vec<Problem>) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    anyhow::anyhow!("{}", lines.join("\n"))
}

/// The old rows whose code the new configuration maps otherwise or not at all, and which its own
/// file does not have.
fn missing(old: &[PathBuf], new: Option<&Vec<PathBuf>>, own: &Path) -> anyhow::Result<Rows> {
    let read = |files: &[PathBuf]| crosswalk_rows(files).map(|(rows, _)| rows);
    let old = read(old).map_err(|p| told(vec![p]))?;
    let new = match new {
        Some(files) => read(files).map_err(|p| told(vec![p]))?,
        None => Rows::default(),
    };
    if !new.names.is_empty() && new.names != old.names {
        anyhow::bail!(
            "{}: the old configuration has the columns {}, the new one {}",
            own.display(),
            old.names.join(", "),
            new.names.join(", ")
        );
    }
    let kept = match own.is_file() {
        true => read(&[own.to_owned()]).map_err(|p| told(vec![p]))?,
        false => Rows::default(),
    };
    let code = |row: &Vec<String>| row.first().cloned().unwrap_or_default();
    let kept: BTreeSet<String> = kept.rows.iter().map(code).collect();
    let of = |rows: &Rows, wanted: &str| -> BTreeSet<Vec<String>> {
        rows.rows
            .iter()
            .filter(|row| code(row) == wanted)
            .cloned()
            .collect()
    };
    let rows = old.rows.iter().filter(|row| {
        let code = code(row);
        !kept.contains(&code) && of(&old, &code) != of(&new, &code)
    });
    Ok(Rows {
        names: old.names.clone(),
        rows: rows.cloned().collect(),
    })
}

/// Puts rows behind those of a file, or begins it.
fn append(file: &Path, rows: &Rows) -> anyhow::Result<()> {
    let mut text = match file.is_file() {
        true => std::fs::read(file).with_context(|| file.display().to_string())?,
        false => Vec::new(),
    };
    let is_new = text.is_empty();
    if !is_new && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let mut writer = csv::Writer::from_writer(text);
    if is_new {
        writer.write_record(&rows.names)?;
    }
    for row in &rows.rows {
        writer.write_record(row)?;
    }
    let text = writer.into_inner().map_err(|e| anyhow::anyhow!("{e}"))?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|e| files::at(folder, &e))?;
    }
    // A crosswalk holds no data of persons and is shared with others, as the pipeline's file is.
    std::fs::write(file, text).map_err(|e| files::at(file, &e))?;
    Ok(())
}
