//! `fullsync sandbox sif`: the zone of SIF 2.x with its third party.

use crate::cli::{SifSandboxArgs, print_line};
use crate::metadata::Standard;
use crate::sandbox::sif::{Acl, Options, Sandbox, Third};

/// Serves until it is interrupted; or works on the state folder, and ends.
pub(super) async fn sandbox(args: SifSandboxArgs) -> anyhow::Result<u8> {
    let options = options(&args)?;
    let third = options.third.clone();
    let zone = Sandbox::start(options).await?;
    if !args.request.is_empty() {
        let Some(third) = &third else {
            anyhow::bail!("--request needs a third party; leave --third-party none out");
        };
        request(&args, &zone, third)?;
    }
    if args.holds {
        holds(&zone)?;
    }
    if args.request.is_empty() && !args.holds {
        let asks = third
            .as_ref()
            .map(|third| format!(", third party {}", third.source_id));
        print_line(&format!(
            "SIF zone at {}{}; Ctrl-C ends it",
            zone.zone_url(),
            asks.unwrap_or_default()
        ))?;
        tokio::signal::ctrl_c().await?;
    }
    zone.stop().await;
    Ok(0)
}

fn options(args: &SifSandboxArgs) -> anyhow::Result<Options> {
    let standard = match &args.metadata {
        Some(path) => std::sync::Arc::new(Standard::load(path)?),
        None => Standard::sif_2(),
    };
    let named = args.object.iter().chain(&args.request);
    for object in named.filter(|o| *o != "all") {
        if standard.resource(object).is_none() {
            anyhow::bail!("{} has no object `{object}`", standard.name);
        }
    }
    let mut options = Options::new(standard);
    options.listen.set_port(args.port);
    options.state_dir.clone_from(&args.state);
    options.zone.clone_from(&args.zone);
    for context in args.context.iter().chain([&args.third_context]) {
        if !options.contexts.contains(context) {
            options.contexts.push(context.clone());
        }
    }
    if let Some(basic) = &args.basic {
        let Some((user, password)) = basic.split_once(':') else {
            anyhow::bail!("--basic: write USER:PASSWORD");
        };
        options.basic = Some((user.to_owned(), password.to_owned()));
    }
    options.secure = args.secure;
    let mut acl = Acl::default();
    for text in &args.deny {
        acl.deny(text).map_err(|e| anyhow::anyhow!("--deny: {e}"))?;
    }
    options.acl = acl;
    for quirk in &args.quirk {
        options.quirks.set(quirk).map_err(anyhow::Error::msg)?;
    }
    let faults = args.fault.iter().map(|f| f.parse());
    options.faults = faults.collect::<Result<_, _>>()?;
    options.third = (args.third_party != "none").then(|| Third {
        source_id: args.third_party.clone(),
        objects: args.object.clone(),
        max_buffer: args.buffer,
        version: args.version.clone(),
        context: args.third_context.clone(),
        ..Third::new()
    });
    if let Some(third) = &mut options.third {
        // Who only asks what is held, or for one object, wants no further requests.
        let ask = match args.holds || !args.request.is_empty() {
            true => "manual",
            false => &args.ask,
        };
        third.ask = ask.parse().map_err(anyhow::Error::msg)?;
    }
    Ok(options)
}

fn request(args: &SifSandboxArgs, zone: &Sandbox, third: &Third) -> anyhow::Result<()> {
    let all = args.request.iter().any(|object| object == "all");
    let objects = match all {
        false => args.request.clone(),
        true => zone.objects(),
    };
    for object in objects {
        let mut asked = third.asks(&object);
        asked.elements.clone_from(&args.element);
        asked.extended = args.extended;
        asked
            .conditions(&args.condition)
            .map_err(|e| anyhow::anyhow!("--where: {e}"))?;
        let id = zone.ask(&asked)?;
        let answers = zone.answers();
        let error = answers
            .iter()
            .find(|a| a.request == id)
            .and_then(|a| a.error);
        match error {
            None => print_line(&format!("{object}: request {id} waits for its provider"))?,
            Some((category, code)) => {
                print_line(&format!("{object}: the zone refuses, {category}/{code}"))?;
            }
        }
    }
    Ok(())
}

fn holds(zone: &Sandbox) -> anyhow::Result<()> {
    for (object, count) in zone.counts() {
        print_line(&format!("{object}: {count} held"))?;
    }
    for answer in zone.answers() {
        let standing = match (answer.complete, answer.error) {
            (_, Some((category, code))) => format!("refused with {category}/{code}"),
            (true, None) => "complete".to_owned(),
            (false, None) => "open".to_owned(),
        };
        print_line(&format!(
            "request {} of {}: {standing}, {} packets, {} objects, largest packet {} bytes, {} problems",
            answer.request,
            answer.object,
            answer.packets,
            answer.objects,
            answer.largest,
            answer.problems.len() as u64 + answer.more_problems
        ))?;
        for problem in &answer.problems {
            print_line(&format!("  {problem}"))?;
        }
    }
    let events = zone.events();
    for ((object, action), count) in &events.taken {
        print_line(&format!("events: {count} {action} of {object}"))?;
    }
    for problem in &events.problems {
        print_line(&format!("  {problem}"))?;
    }
    Ok(())
}
