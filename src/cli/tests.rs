use clap::{CommandFactory as _, Parser as _};

use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("fullsync").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

/// The help of every verb, as `fullsync VERB --help` prints it at 100 columns.
#[test]
fn help_texts() {
    let mut cli = Cli::command().term_width(100).version("X");
    cli.build();
    insta::assert_snapshot!("help", cli.render_long_help());
    let verbs: Vec<String> = cli
        .get_subcommands()
        .map(|c| c.get_name().to_owned())
        .collect();
    for verb in verbs.iter().filter(|verb| *verb != "help") {
        let sub = cli.find_subcommand_mut(verb).unwrap();
        let nested: Vec<String> = sub
            .get_subcommands()
            .map(|c| c.get_name().to_owned())
            .collect();
        insta::assert_snapshot!(format!("help_{verb}"), sub.render_long_help());
        for name in nested.iter().filter(|name| *name != "help") {
            let text = sub.find_subcommand_mut(name).unwrap().render_long_help();
            insta::assert_snapshot!(format!("help_{verb}_{name}"), text);
        }
    }
}

#[test]
fn every_verb_of_a_pipeline_has_an_example_that_parses() {
    let mut cli = Cli::command();
    cli.build();
    let mut examples = 0;
    let mut all: Vec<&clap::Command> = cli.get_subcommands().collect();
    while let Some(command) = all.pop() {
        all.extend(command.get_subcommands());
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let help = help.replace("\\\n    ", "").replace('\'', "");
        let lines = help
            .lines()
            .map(str::trim)
            .filter(|l| l.starts_with("fullsync "));
        for line in lines {
            // What comes after two spaces is a remark.
            let line = line
                .split("   ")
                .next()
                .unwrap_or(line)
                .split(" | ")
                .next()
                .unwrap_or("");
            let line = line.strip_prefix("fullsync ").unwrap_or(line);
            assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
            examples += 1;
        }
        let takes_pipeline = command.get_arguments().any(|a| a.get_id() == "pipeline");
        assert!(
            !takes_pipeline || help.contains("fullsync "),
            "{}",
            command.get_name()
        );
    }
    assert!(examples > 25, "{examples}");
}

#[test]
fn a_run_with_everything() {
    let cli = parse(
        "run edfi students student* --resume latest --dry-run --resend-all --demo \
         --school-year 2026 --quiet -vv --log-format json",
    )
    .unwrap();
    assert!(cli.global.quiet);
    assert_eq!(
        (cli.global.verbose, cli.global.log_format),
        (2, LogFormat::Json)
    );
    let Command::Run(run) = cli.command else {
        panic!()
    };
    assert_eq!(run.scope.pipeline, "edfi");
    assert_eq!(run.scope.resources, ["students", "student*"]);
    assert_eq!(run.resume.as_deref(), Some("latest"));
    assert_eq!(run.year.school_year, Some(2026));
    assert_eq!(
        run.sending,
        Sending {
            dry_run: true,
            resend_all: true,
            allow_partial: false,
            demo: true
        }
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    for line in [
        "run",
        "run edfi --school-year 26",
        "truncate edfi",
        "explain edfi students",
        "explain edfi students 1 --source-key 2",
        "errors edfi --outcome created",
        "diff edfi",
        "fetch edfi",
        "ran edfi",
        "sandbox edfi --quirk none",
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    assert_eq!(parse("--help").unwrap_err().exit_code(), 0);
    assert_eq!(parse("--version").unwrap_err().exit_code(), 0);
}

#[test]
fn defaults() {
    let Command::Load(load) = parse("load edfi").unwrap().command else {
        panic!()
    };
    assert_eq!(
        (load.from.run.as_str(), load.sending),
        ("latest", Sending::default())
    );
    let Command::Generate(generate) = parse("generate --out x").unwrap().command else {
        panic!()
    };
    assert_eq!(
        (generate.schools, generate.students, generate.seed),
        (3, 300, 1)
    );
    let Command::Sandbox(SandboxArgs {
        command: SandboxCommand::Edfi(edfi),
    }) = parse("sandbox edfi --fault 500 --fault 503:every=2 --quirk no-etag")
        .unwrap()
        .command
    else {
        panic!()
    };
    assert_eq!(
        (edfi.port, edfi.fault.len(), edfi.quirk),
        (0, 2, vec!["no-etag".to_owned()])
    );
}
