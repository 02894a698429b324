//! A run to a SIF zone as its messages: requests that were answered, events that were told, what was
//! expected and never asked for; of a plan, what they would be.
//!
//! Reads: what the agent counted. Writes: `zone` of `tallies.json` and `plan.json`, text. Never: names
//! of persons, or texts of a server.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::table::grouped;

/// Requests and lines of events that are listed, each; further ones are counted.
pub const LISTED: usize = 1000;
/// Those of them that the text has.
const SHOWN: usize = 100;

/// The messages of a run, or of what a run would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneReport {
    /// Messages to the zone, repeated ones and polls included.
    pub messages: u64,
    /// Requests of other agents.
    pub answered: u64,
    /// Packets that the zone has taken.
    pub packets: u64,
    /// Objects in them.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects per second, from the first message to the last.
    pub objects_per_second: u64,
    /// Of a plan: the objects that may be asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scope: Vec<ScopeLine>,
    /// Requests, in the order in which they ended.
    pub requests: Vec<RequestLine>,
    /// Events by object and the agents that they are for; of a plan, those that are due.
    pub events: Vec<EventsLine>,
    /// What is expected and was never asked for.
    pub not_requested: Vec<Missing>,
}

/// The objects of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeLine {
    /// ObjectName.
    pub object: String,
    /// All that the mapping makes: ready + rejected + left out.
    pub in_scope: u64,
    /// Given to whoever asks.
    pub ready: u64,
    /// Held back for a fault of their own.
    pub rejected: u64,
    /// Left out by the mapping, or equal to another one.
    pub left_out: u64,
}

/// One request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLine {
    /// SIF_MsgId of the request.
    pub msg_id: String,
    /// The agent that asked.
    pub agent: String,
    /// ObjectName.
    pub object: String,
    /// Packets that the zone has taken.
    pub packets: u64,
    /// Objects in them.
    pub objects: u64,
    /// Objects that it is about.
    pub wanted: u64,
    /// Objects that are larger than its buffer.
    pub too_large: u64,
    /// Bytes of the packets.
    pub bytes: u64,
    /// `complete`, or why not.
    pub end: String,
}

/// Events of one object for some agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsLine {
    /// ObjectName.
    pub object: String,
    /// The agents.
    pub agents: Vec<String>,
    /// New objects.
    pub add: u64,
    /// Changed ones.
    pub change: u64,
    /// Those that are gone.
    pub delete: u64,
    /// Refused for good.
    pub refused: u64,
    /// Still to be sent.
    pub to_send: u64,
}

/// What an agent is expected to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// The agent.
    pub agent: String,
    /// ObjectName.
    pub object: String,
}

impl ZoneReport {
    /// How many events its lines are about.
    pub fn due(&self) -> u64 {
        let each = self.events.iter();
        each.map(|e| e.add + e.change + e.delete).sum()
    }

    /// As text: the tables that have lines.
    pub(super) fn write(&self, out: &mut String, dry_run: bool) -> std::fmt::Result {
        if !dry_run {
            writeln!(
                out,
                "\n{} messages; {} requests answered with {} packets, {} objects, {} bytes; {} \
                 objects/s",
                grouped(self.messages),
                grouped(self.answered),
                grouped(self.packets),
                grouped(self.objects),
                grouped(self.bytes),
                grouped(self.objects_per_second),
            )?;
        }
        let of = |n: u64, all: u64| format!("{} of {}", grouped(n), grouped(all));
        let requests = self.requests.iter().take(SHOWN).map(|r| {
            let mut end = r.end.clone();
            if r.too_large > 0 {
                let _ = write!(end, "; {} larger than its buffer", grouped(r.too_large));
            }
            vec![
                r.agent.clone(),
                r.object.clone(),
                grouped(r.packets),
                of(r.objects, r.wanted),
                grouped(r.bytes),
                end,
            ]
        });
        let titles = ["Agent", "Object", "Packets", "Objects", "Bytes", "End"];
        columns(out, "Requests", &titles, "llrrrl", requests.collect())?;
        self.more(out, self.answered, "requests")?;
        let events = self.events.iter().take(SHOWN).map(|e| {
            let counts = [e.add, e.change, e.delete, e.refused, e.to_send];
            let counts = counts.into_iter().take(if dry_run { 3 } else { 5 });
            let names = [e.object.clone(), e.agents.join(", ")];
            names.into_iter().chain(counts.map(grouped)).collect()
        });
        let events = events.collect();
        match dry_run {
            true => {
                let titles = ["Object", "Agents", "Add", "Change", "Delete"];
                columns(out, "Events that are due", &titles, "llrrr", events)?;
            }
            false => {
                let titles = [
                    "Object", "Agents", "Add", "Change", "Delete", "Refused", "To send",
                ];
                columns(out, "Events", &titles, "llrrrrr", events)?;
            }
        }
        self.more(out, self.events.len() as u64, "lines of events")?;
        let missing = self.not_requested.iter().take(SHOWN);
        let missing = missing.map(|m| vec![m.agent.clone(), m.object.clone()]);
        columns(
            out,
            "Expected and never requested",
            &["Agent", "Object"],
            "ll",
            missing.collect(),
        )?;
        self.more(out, self.not_requested.len() as u64, "of these")
    }

    /// The objects that may be asked for, with the sums of all.
    pub(super) fn scope_table(&self, out: &mut String) -> std::fmt::Result {
        let mut total = ScopeLine {
            object: "Total".to_owned(),
            ..ScopeLine::default()
        };
        for line in &self.scope {
            total.in_scope += line.in_scope;
            total.ready += line.ready;
            total.rejected += line.rejected;
            total.left_out += line.left_out;
        }
        let lines = self.scope.iter().chain([&total]).map(|line| {
            let counts = [line.in_scope, line.ready, line.rejected, line.left_out];
            let counts = counts.into_iter().map(grouped);
            [line.object.clone()].into_iter().chain(counts).collect()
        });
        let titles = ["Object", "In scope", "Ready", "Rejected", "Left out"];
        columns(out, "", &titles, "lrrrr", lines.collect())
    }

    fn more(&self, out: &mut String, all: u64, what: &str) -> std::fmt::Result {
        match all.saturating_sub(SHOWN as u64) {
            0 => Ok(()),
            more => writeln!(out, "and {} more {what}", grouped(more)),
        }
    }
}

/// A table with a heading; nothing where it has no lines. `sides`: `l` or `r` for each column.
fn columns(
    out: &mut String,
    heading: &str,
    titles: &[&str],
    sides: &str,
    lines: Vec<Vec<String>>,
) -> std::fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    if !heading.is_empty() {
        writeln!(out, "\n{heading}")?;
    }
    let widths: Vec<usize> = (titles.iter().enumerate())
        .map(|(i, title)| {
            let cells = lines.iter().filter_map(|line| line.get(i));
            let cells = cells.map(|cell| cell.chars().count());
            cells.chain([title.len()]).max().unwrap_or(0)
        })
        .collect();
    let titles = titles.iter().map(|t| (*t).to_owned()).collect();
    for line in [titles].iter().chain(&lines) {
        let mut text = String::new();
        for ((cell, width), side) in line.iter().zip(&widths).zip(sides.chars()) {
            match side {
                'r' => write!(text, "{cell:>width$}  ")?,
                _ => write!(text, "{cell:width$}  ")?,
            }
        }
        let indent = if heading.is_empty() { "" } else { "  " };
        writeln!(out, "{indent}{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn sample() -> ZoneReport {
        let request = |object: &str, objects: u64, end: &str| RequestLine {
            msg_id: "A3E90785EFDA330DACB00785EFDA330D".to_owned(),
            agent: "LibAgent".to_owned(),
            object: object.to_owned(),
            packets: objects.div_ceil(500),
            objects,
            wanted: 12_000,
            bytes: objects * 400,
            end: end.to_owned(),
            ..RequestLine::default()
        };
        ZoneReport {
            messages: 12_345,
            answered: 3,
            packets: 26,
            objects: 13_000,
            bytes: 5_200_000,
            objects_per_second: 20_000,
            scope: Vec::new(),
            requests: vec![
                RequestLine {
                    too_large: 2,
                    ..request("StudentPersonal", 12_000, "complete")
                },
                request(
                    "StudentSchoolEnrollment",
                    1_000,
                    "SIF error 8/11 (request and response)",
                ),
                request(
                    "SchoolInfo",
                    0,
                    "refused: 8/9 the object has no element `ShoeSize`",
                ),
            ],
            events: vec![EventsLine {
                object: "StudentPersonal".to_owned(),
                agents: vec!["LibAgent".to_owned(), "Transport".to_owned()],
                add: 1,
                change: 1_024,
                delete: 3,
                refused: 0,
                to_send: 12,
            }],
            not_requested: vec![Missing {
                agent: "Transport".to_owned(),
                object: "SchoolInfo".to_owned(),
            }],
        }
    }

    #[test]
    fn the_tables_of_a_run_and_of_a_plan() {
        let mut text = String::new();
        sample().write(&mut text, false).unwrap();
        insta::assert_snapshot!("zone_run", text);
        let mut plan = ZoneReport {
            requests: Vec::new(),
            ..sample()
        };
        plan.scope = vec![ScopeLine {
            object: "StudentPersonal".to_owned(),
            in_scope: 12_010,
            ready: 12_000,
            rejected: 4,
            left_out: 6,
        }];
        let mut text = String::new();
        plan.scope_table(&mut text).unwrap();
        plan.write(&mut text, true).unwrap();
        insta::assert_snapshot!("zone_plan", text);
    }

    #[test]
    fn what_is_too_much_to_read_is_counted() {
        let one = EventsLine::default();
        let report = ZoneReport {
            events: vec![one; SHOWN + 7],
            ..ZoneReport::default()
        };
        let mut text = String::new();
        report.write(&mut text, true).unwrap();
        assert!(text.ends_with("and 7 more lines of events\n"), "{text}");
        assert_eq!(text.lines().count(), SHOWN + 4);
    }
}
