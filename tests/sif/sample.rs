//! The shipped pipeline and the sample district, once.

use super::*;
use crate::sif_mapping::schema::{faults, schemas};

/// Every object of the shipped mapping, complete and as the data model says.
#[test]
fn item_4_the_sample_district_is_synced_completely() {
    let sif = Sif::with(0, |o| {
        o.third = Some(Third {
            max_buffer: 1 << 20,
            ..Third::new()
        });
    });
    let text = std::fs::read_to_string(repository("pipelines/sif.toml")).expect("shipped");
    let sis = format!(
        "target = \"sif\"\nsis_schema = \"{}\"",
        repository("pipelines/sis.toml").display()
    );
    let mut text = text;
    let sql = repository("sql");
    let sample = repository("sample-data");
    for (from, to) in [
        ("target = \"sif\"", sis),
        (
            "\"../sql/sif/crosswalk\"",
            format!("\"{}/sif/crosswalk\"", sql.display()),
        ),
        ("\"../sql\"", format!("\"{}\"", sql.display())),
        ("\"../sample-data\"", format!("\"{}\"", sample.display())),
        ("\"../fullsync-data\"", "\"../state\"".to_owned()),
        ("sandbox = true ", "url = \"${ZONE}\" ".to_owned()),
        ("[sif]", "[sif]\npoll_every_ms = 10".to_owned()),
    ] {
        assert!(text.contains(from), "the shipped pipeline has no {from}");
        text = text.replacen(from, &to, 1);
    }
    sif.write("pipelines/mini.toml", &text);
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert!(
        matches!(ran.code, Some(0 | 1)),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    let objects = answered(&sif);
    assert!(objects > 1000, "{objects} objects");
    valid(&sif.held());
}

/// Fails unless the newest answer of each object is complete, fine, and what is held; how many objects.
#[track_caller]
fn answered(sif: &Sif) -> u64 {
    let answers = sif.zone().answers();
    let newest: BTreeMap<&str, &Answer> = answers.iter().map(|a| (a.object.as_str(), a)).collect();
    let counts = sif.zone().counts();
    let mut objects = 0;
    for (object, answer) in newest {
        fine(answer);
        let held = counts.get(object).copied().unwrap_or(0) as u64;
        assert_eq!(answer.objects, held, "{object}");
        let sent = ["created", "updated", "unchanged"].map(|n| sif.tally(object, n));
        assert_eq!(sent.iter().sum::<u64>(), held, "{object}");
        objects += held;
    }
    objects
}

/// Fails unless everything is valid by the public data model, where it and xmllint are there.
#[allow(clippy::print_stdout)]
fn valid(held: &Held) {
    let Some(schemas) = schemas() else {
        println!("not validated: no public schemas");
        return;
    };
    let model = schemas.join("na-2.8-datamodel/DataModel.xsd");
    let mut wrong = String::new();
    for (object, objects) in held {
        let objects: String = objects.values().map(String::as_str).collect();
        let collection = format!(
            "<{object}s xmlns=\"http://www.sifinfo.org/infrastructure/2.x\">{objects}</{object}s>"
        );
        if let Some(said) = faults(&model, &collection) {
            let said: String = said.chars().take(2000).collect();
            wrong.push_str(&format!("== {object}\n{said}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
