//! The README of a generated folder.
//!
//! Reads: nothing. Writes: nothing; yields Markdown. Never: says what the marker and the
//! expectation do not.

use std::fmt::Write as _;

use super::expect::Expected;
use super::marker::Marker;
use super::{Dirty, codes};

/// The page of the DIS seed's district.
pub(super) const SEED_DIS: &str = "\
# A fictional district: the DIS seed

Nothing here describes a real person, school or district. Made by

```
fullsync generate --profile seed-dis
```

194 schools with calendars, months, structures, schedules, days and sections, as many of each as the
screen of the Resync State Data tool shows; 11 schools have no state number, so that a state refuses
them. There are no people. `expected.json` holds Processed and Errors of a first resync.
";

/// The page.
pub(super) fn page(marker: &Marker, expected: &Expected) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = head(&mut page, marker)
        .and_then(|()| tables(&mut page, expected))
        .and_then(|()| planted(&mut page, expected))
        .and_then(|()| code_lists(&mut page));
    page
}

fn head(page: &mut String, marker: &Marker) -> std::fmt::Result {
    let dirty = match marker.dirty {
        Dirty::None => "none",
        Dirty::Sample => "sample",
    };
    writeln!(
        page,
        "# A fictional district\n\n\
         Nothing here describes a real person, school or district. Names are put together from \
         syllables,\nmail addresses end in example.org, phone numbers are 555-01xx, and there are \
         no social security\nnumbers.\n\n\
         Made by\n\n\
         ```\nfullsync generate --schools {} --students {} --seed {} --school-year {} --dirty {dirty}\n\
         ```\n\n\
         Equal options make equal bytes. `generated.json` holds the options and a fingerprint of \
         each file;\n`expected.json` holds what a first load into an empty target has to report. \
         The generator computes\nit while it makes the rows, never by running the pipeline.",
        marker.schools, marker.students, marker.seed, marker.year
    )
}

fn tables(page: &mut String, expected: &Expected) -> std::fmt::Result {
    writeln!(
        page,
        "\n## Rows\n\n| table | rows | unreadable |\n|---|---:|---:|"
    )?;
    for (table, counts) in &expected.rows {
        writeln!(
            page,
            "| {table} | {} | {} |",
            counts.read,
            counts.read - counts.staged
        )?;
    }
    writeln!(
        page,
        "\nAlso here, and never sent: last year's calendars, an excluded calendar in each \
         elementary school,\nan excluded school, inactive trials and courses, older identities, \
         former staff, guardians who are\nno longer guardians, and enrollments for services only."
    )
}

fn planted(page: &mut String, expected: &Expected) -> std::fmt::Result {
    if expected.planted.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "\n## Planted rows\n\nLines count from 1, the header.\n\n\
         | what it shows | file | line | what is planted |\n|---|---|---:|---|"
    )?;
    for row in &expected.planted {
        writeln!(
            page,
            "| {} | {}.csv | {} | {} |",
            row.kind, row.table, row.line, row.about
        )?;
    }
    Ok(())
}

fn code_lists(page: &mut String) -> std::fmt::Result {
    writeln!(
        page,
        "\n## Codes\n\n| column | code | meaning |\n|---|---|---|"
    )?;
    for list in codes::LISTS {
        for (code, meaning) in list.codes {
            writeln!(page, "| {} | {code} | {meaning} |", list.column)?;
        }
    }
    Ok(())
}
