//! Verbs that make something: generate, metadata import, new, sandbox.

use std::io::Write as _;
use std::path::PathBuf;

use super::pipeline;
use crate::cli::{GenerateArgs, Kind, MetadataArgs, MetadataCommand, NewArgs, Planted, print_line};
use crate::generate::{Dirty, Format, Options, Profile};
use crate::metadata::import::{ImportFiles, from_files};
use crate::pipeline::closest;
use crate::run::connect;
use crate::transform::skeleton;

pub(super) fn generate(args: GenerateArgs) -> anyhow::Result<u8> {
    let summary = crate::generate::generate(&Options {
        schools: args.schools,
        students: args.students,
        seed: args.seed,
        out: args.out,
        year: args.school_year,
        dirty: match args.dirty {
            Planted::None => Dirty::None,
            Planted::Sample => Dirty::Sample,
        },
        format: Format::Csv,
        profile: match args.profile {
            Kind::District => Profile::District,
            Kind::SeedDis => Profile::SeedDis,
        },
    })?;
    print_line(&format!(
        "{}: {} rows; what a first load must come to is in expected.json",
        summary.folder.display(),
        summary.rows
    ))?;
    Ok(0)
}

pub(super) fn metadata(args: MetadataArgs) -> anyhow::Result<u8> {
    let MetadataCommand::Import(args) = args.command;
    let imported = from_files(&ImportFiles {
        openapi: args.openapi,
        dependencies: args.dependencies,
        descriptors: args.descriptors,
        ddl: args.ddl,
        name: args.name.unwrap_or_default(),
        notice: args.notice.unwrap_or_default(),
    })?;
    for warning in &imported.warnings {
        print_line(&format!("warning: {warning}"))?;
    }
    std::fs::write(&args.out, imported.standard.to_json())
        .map_err(|e| crate::files::at(&args.out, &e))?;
    print_line(&format!(
        "{}: {} resources, {} descriptor types, {} edges",
        args.out.display(),
        imported.standard.resources.len(),
        imported.standard.descriptors.len(),
        imported.standard.edges.len()
    ))?;
    Ok(0)
}

/// Begins a resource: its SQL file and its stanza.
pub(super) fn resource(args: &NewArgs) -> anyhow::Result<u8> {
    let pipeline = pipeline(&args.pipeline)?;
    let name = args.resource.as_str();
    let standard = connect::standard(&pipeline)?;
    let Some(meta) = standard.resource(name) else {
        let names = standard.resources.keys().map(String::as_str);
        let near = closest(name, names).map(|near| format!("; did you mean `{near}`?"));
        anyhow::bail!(
            "{} has no resource `{name}`{}",
            standard.name,
            near.unwrap_or_default()
        );
    };
    let mut known = pipeline.resources.iter().chain(&pipeline.disabled);
    if known.any(|r| r.name == name) {
        anyhow::bail!(
            "pipeline `{}` has a resource `{name}`; `fullsync show {} {name} --origin` tells where",
            pipeline.name,
            args.pipeline
        );
    }
    if pipeline.layers.first().is_none_or(|layer| layer.shipped) {
        anyhow::bail!(
            "pipeline `{0}` is part of this program; begin a file of your own, such as \
             pipelines/district.toml with the line extends = \"{0}\"",
            pipeline.name
        );
    }
    // From the pipeline's own folder, so that the stanza is right wherever this is run.
    let target = pipeline.target.as_str();
    let sql = match pipeline.sql_dir.join(target).join(format!("{name}.sql")) {
        path if path.exists() => anyhow::bail!("{} is there already", path.display()),
        path => path,
    };
    let stanza = format!("\n[resources.{name}]\nsql = \"{target}/{name}.sql\"\n");
    if let Some(folder) = sql.parent() {
        std::fs::create_dir_all(folder).map_err(|e| crate::files::at(folder, &e))?;
    }
    // Neither holds data: they are the author's files, with the modes that these have.
    write_new(&sql, &skeleton(name, meta))?;
    let appended = std::fs::OpenOptions::new()
        .append(true)
        .open(&pipeline.file)
        .and_then(|mut file| file.write_all(stanza.as_bytes()));
    appended.map_err(|e| crate::files::at(&pipeline.file, &e))?;
    print_line(&format!("{}: written, it yields no row yet", sql.display()))?;
    print_line(&format!(
        "{}: [resources.{name}] added at the end",
        pipeline.file.display()
    ))?;
    print_line(&format!(
        "next: fill in the SQL, then fullsync validate {}",
        args.pipeline
    ))?;
    Ok(0)
}

fn write_new(path: &PathBuf, text: &str) -> std::io::Result<()> {
    let created = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path);
    created
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| crate::files::at(path, &e))
}

/// Serves until it is interrupted.
#[cfg(feature = "sandbox")]
pub(super) async fn sandbox(args: crate::cli::SandboxArgs) -> anyhow::Result<u8> {
    match args.command {
        crate::cli::SandboxCommand::Edfi(args) => edfi_sandbox(args).await,
        crate::cli::SandboxCommand::Dis(args) => dis_sandbox(args).await,
        crate::cli::SandboxCommand::Sif(args) => super::zone::sandbox(*args).await,
        crate::cli::SandboxCommand::Sif3(args) => sif3_sandbox(*args).await,
    }
}

#[cfg(feature = "sandbox")]
async fn sif3_sandbox(args: crate::cli::Sif3SandboxArgs) -> anyhow::Result<u8> {
    use crate::metadata::Standard;
    use crate::sandbox::sif3::{Options, Sandbox};

    let standard = match &args.metadata {
        Some(path) => std::sync::Arc::new(Standard::load(path)?),
        None => Standard::sif_4(),
    };
    let mut options = Options::new(standard);
    options.listen.set_port(args.port);
    options.state_dir = args.state;
    options.hmac = !args.basic;
    options.zone = args.zone;
    options.objects = args.objects.max(1);
    options.bytes = args.bytes;
    options.omit = args.omit_status;
    options.references = !args.unchecked_references;
    for text in &args.reject {
        let Some((service, right)) = text.split_once('=') else {
            anyhow::bail!("--reject {text}: write SERVICE=RIGHT, as StudentPersonals=CREATE");
        };
        options
            .rejected
            .push((service.to_owned(), right.to_uppercase()));
    }
    options.faults = args
        .fault
        .iter()
        .map(|f| f.parse())
        .collect::<Result<_, _>>()?;
    let method = if options.hmac { "hmac" } else { "basic" };
    let server = Sandbox::start(options).await?;
    let (application, password) = server.application();
    print_line(&format!(
        "SIF 3 sandbox at {} (application {application}, password {password}, {method}); Ctrl-C \
         ends it",
        server.base_url()
    ))?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(0)
}

#[cfg(feature = "sandbox")]
async fn dis_sandbox(args: crate::cli::DisSandboxArgs) -> anyhow::Result<u8> {
    use crate::metadata::Standard;
    use crate::sandbox::dis::{Options, Sandbox};

    let standard = match &args.metadata {
        Some(path) => std::sync::Arc::new(Standard::load(path)?),
        None => Standard::dis(),
    };
    let mut options = Options::new(standard);
    options.listen.set_port(args.port);
    options.state_dir = args.state;
    options.district.clone_from(&args.district);
    options.records = args.records.max(1);
    options.faults = args
        .fault
        .iter()
        .map(|f| f.parse())
        .collect::<Result<_, _>>()?;
    let (token, operator) = (options.token.clone(), options.operator_token.clone());
    let server = Sandbox::start(options).await?;
    if !args.request.is_empty() {
        let all = args.request.iter().any(|object| object == "all");
        let objects = args.request.iter().map(String::as_str);
        let objects: Vec<&str> = objects.filter(|_| !all).collect();
        let district = args.district.unwrap_or_default();
        let request = server.request(&district, &objects, None)?;
        server.stop().await;
        print_line(&format!(
            "request {}: district {district} resyncs with its next poll",
            request.id
        ))?;
        return Ok(0);
    }
    print_line(&format!(
        "DIS sandbox at {} (token {token}, operator's token {operator}); Ctrl-C ends it",
        server.base_url()
    ))?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(0)
}

#[cfg(feature = "sandbox")]
async fn edfi_sandbox(args: crate::cli::EdfiArgs) -> anyhow::Result<u8> {
    use crate::metadata::Standard;
    use crate::sandbox::edfi::{ErrorStyle, Options, Sandbox};

    let standard = match &args.metadata {
        Some(path) => std::sync::Arc::new(Standard::load(path)?),
        None => Standard::shipped(),
    };
    let mut options = Options::new(standard);
    options.listen.set_port(args.port);
    options.state_dir = args.state;
    options.faults = args
        .fault
        .iter()
        .map(|f| f.parse())
        .collect::<Result<_, _>>()?;
    options.capacity = args
        .capacity
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error: String| anyhow::anyhow!("--capacity: {error}"))?;
    for quirk in &args.quirk {
        match quirk.as_str() {
            "expires-in-epoch" => options.quirks.expires_in_epoch = true,
            "relative-location" => options.quirks.relative_location = true,
            "no-etag" => options.quirks.no_etag = true,
            "missing-token-400" => options.quirks.missing_token_400 = true,
            _ => options.error_style = ErrorStyle::MessageModelState,
        }
    }
    let (key, secret) = (options.key.clone(), options.secret.clone());
    let server = Sandbox::start(options).await?;
    print_line(&format!(
        "Ed-Fi sandbox at {} (key {key}, secret {secret}); Ctrl-C ends it",
        server.base_url()
    ))?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(0)
}
