//! What objects look like, in every version that differs.

use super::{VERSIONS, sample, sendable, xml};
use crate::support::Goldens;

/// Objects that a golden shows: the first by RefId.
const SHOWN: usize = 2;

/// The same text, an element per line.
fn lines(xml: &str) -> String {
    xml.replace("><", ">\n<")
}

#[test]
fn item_4_objects_of_the_sample_equal_the_goldens() {
    let mut goldens = Goldens::new("sif", "sif_mapping");
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
        goldens.check(&format!("{object}.xml"), &shown);
    }
    goldens.finish();
}
