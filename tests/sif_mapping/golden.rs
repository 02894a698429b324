//! What objects look like, in every version that differs.

use std::fs;

use super::{VERSIONS, root, sample, sendable, xml};

/// Objects that a golden shows: the first by RefId.
const SHOWN: usize = 2;

/// The same text, an element per line.
fn lines(xml: &str) -> String {
    xml.replace("><", ">\n<")
}

#[test]
fn item_4_objects_of_the_sample_equal_the_goldens() {
    let folder = root().join("tests/golden/sif");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut drifts = Vec::new();
    for (object, all) in sample() {
        let objects = sendable(all);
        assert!(objects.num_rows() > 0, "{object}: nothing to show");
        let mut shown = String::new();
        let mut of: Vec<(&str, &str, String)> = Vec::new();
        for version in VERSIONS {
            let text = xml(object, &objects, version, SHOWN);
            match of.last_mut() {
                Some((_, last, same)) if *same == text => *last = version,
                _ => of.push((version, version, text)),
            }
        }
        for (first, last, text) in of {
            shown += &format!("<!-- {first} to {last} -->\n{}", lines(&text));
        }
        let file = folder.join(format!("{object}.xml"));
        if update {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &shown).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != shown {
            drifts.push(format!("{object}, now:\n{shown}"));
        }
    }
    assert!(
        drifts.is_empty(),
        "objects have changed; if that is meant: UPDATE_GOLDEN=1 cargo test sif_mapping\n{}",
        drifts.join("\n")
    );
}
