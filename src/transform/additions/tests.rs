//! Additions to a small SELECT, and what is wrong with them.

use std::path::{Path, PathBuf};

use super::*;

const SQL: &str = "SELECT s.firstName, upper(s.lastName) AS lastSurname,
    CASE WHEN s.school > 0 THEN named_struct('schoolId', s.school) END AS schoolReference,
    'Student' AS _source_table
FROM Student s";

fn addition(path: &str, sql: Option<&str>) -> Addition {
    Addition {
        path: path.split('.').map(str::to_owned).collect(),
        sql: sql.map(str::to_owned),
        file: PathBuf::from("d.toml"),
        line: 7,
        column: 3,
    }
}

fn with(columns: &[(&str, Option<&str>)], joins: &[&str]) -> Result<String, Vec<String>> {
    let mut statement = Statement::parse(Path::new("s.sql"), SQL).unwrap();
    let additions = Additions {
        columns: columns.iter().map(|(p, s)| addition(p, *s)).collect(),
        joins: joins.iter().map(|s| addition("j", Some(s))).collect(),
    };
    put(&mut statement, &additions)
        .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    Ok(statement.query().unwrap().to_string())
}

#[test]
fn columns_are_added_changed_and_taken_out_at_every_depth() {
    let found = with(
        &[
            ("lastSurname", Some("trim(base_value)")),
            ("schoolReference.link.rel", Some("'x'")),
            ("_ext.tn.homeroom", Some("h.room")),
            ("_ext.tn.bus", Some("1")),
            ("firstName", None),
        ],
        &["LEFT JOIN Home h ON h.id = s.id"],
    );
    assert_eq!(
        found.unwrap(),
        "SELECT TRIM((upper(s.lastName))) AS lastSurname, CASE WHEN s.school > 0 THEN \
         named_struct('schoolId', s.school, 'link', named_struct('rel', 'x')) END AS \
         schoolReference, 'Student' AS _source_table, named_struct('tn', \
         named_struct('homeroom', h.room, 'bus', 1)) AS _ext FROM Student s LEFT JOIN Home h \
         ON h.id = s.id"
    );
}

#[test]
fn mistakes_have_their_place_in_the_layer() {
    let found = with(
        &[
            ("a", Some("1 +")),
            ("b", Some("1 2")),
            ("c", None),
            ("d", Some("base_value")),
            ("lastSurname.x", Some("1")),
        ],
        &["WHERE x"],
    );
    let found = found.unwrap_err();
    assert_eq!(found.len(), 6, "{found:#?}");
    assert!(found[0].starts_with("d.toml:7:"), "{found:#?}");
    assert!(found[1].starts_with("d.toml:7:6: "), "{found:#?}");
    assert!(
        found[2].contains("yields no `c` to leave out"),
        "{found:#?}"
    );
    assert!(found[5].contains("is no join"), "{found:#?}");
}
