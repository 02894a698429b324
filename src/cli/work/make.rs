//! Verbs that make something: generate, metadata import, sandbox.

use crate::cli::{GenerateArgs, MetadataArgs, MetadataCommand, Planted, print_line};
use crate::generate::{Dirty, Format, Options};
use crate::metadata::import::{ImportFiles, from_files};

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

/// Serves until it is interrupted.
#[cfg(feature = "sandbox")]
pub(super) async fn sandbox(args: crate::cli::SandboxArgs) -> anyhow::Result<u8> {
    use crate::metadata::Standard;
    use crate::sandbox::edfi::{ErrorStyle, Options, Sandbox};

    let crate::cli::SandboxCommand::Edfi(args) = args.command;
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
