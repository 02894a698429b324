//! The shipped pipeline and the sample district, once.

use super::*;
use crate::sif_mapping::schema::{faults, schemas};

/// 1 MB, 64 KB, 4 KB.
const BUFFERS: [u64; 3] = [1 << 20, 65_536, 4096];

/// Every object of the shipped mapping, complete, as the data model says, and the same set under buffers
/// of 1 MB, 64 KB and 4 KB.
#[test]
fn item_4_the_sample_district_is_synced_completely() {
    let sif = Sif::with(0, |o| {
        o.third = Some(Third {
            max_buffer: 1 << 20,
            ask: fullsync::sandbox::sif::Ask::Manual,
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
        ("LibAgent = [\"*\"]", String::new()),
    ] {
        assert!(text.contains(from), "the shipped pipeline has no {from}");
        text = text.replacen(from, &to, 1);
    }
    sif.write("pipelines/mini.toml", &text);
    // One sync answers them all: each object under three buffers.
    sif.fullsync(&["sif", "register", "mini"]).expect(0);
    for buffer in BUFFERS {
        for object in sif.zone().objects() {
            sif.ask(&object, |asked| asked.max_buffer = buffer);
        }
    }
    let ran = sif.fullsync(&["sif", "sync", "mini"]);
    assert!(
        matches!(ran.code, Some(0 | 1)),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    let objects = answered(&sif);
    assert!(objects > 1000, "{objects} objects");
    identical(&sif);
    let stats = sif.zone().stats();
    assert!(stats.messages["SIF_Response"] > 500, "{stats:?}");
    valid(&sif.held());
}

/// Fails unless the answers about one object hold the same objects, byte for byte.
#[track_caller]
fn identical(sif: &Sif) {
    let mut sets: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
    for answer in sif.zone().answers() {
        let set = sets.entry(answer.object).or_default();
        set.push((answer.max_buffer, answer.digest));
    }
    for (object, set) in sets {
        let buffers: Vec<u64> = set.iter().map(|(buffer, _)| *buffer).collect();
        assert_eq!(buffers, BUFFERS, "{object}");
        assert!(
            set.windows(2).all(|w| w[0].1 == w[1].1),
            "{object}: {set:?}"
        );
    }
}

/// Fails unless each answer is complete, fine, and as many objects as are held; how many objects.
#[track_caller]
fn answered(sif: &Sif) -> u64 {
    let answers = sif.zone().answers();
    let counts = sif.zone().counts();
    let mut objects = 0;
    for answer in answers {
        fine(&answer);
        let object = answer.object.as_str();
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
