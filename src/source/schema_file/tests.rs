//! Every way a schema file can be wrong.

use super::*;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/sis.toml");

fn problems(text: &str) -> Vec<String> {
    match SisSchema::parse(Path::new("sis.toml"), text) {
        Err(SchemaError::Wrong { problems }) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn the_shipped_schema_loads_in_file_order() {
    let schema = SisSchema::load(Path::new(SHIPPED)).unwrap();
    assert_eq!(schema.tables[0].name, "District");
    let enrollment = schema.table("Enrollment").unwrap();
    assert_eq!(enrollment.key, ["enrollmentID"]);
    assert_eq!(enrollment.columns[0].name, "enrollmentID");
    let no_show = enrollment
        .columns
        .iter()
        .find(|c| c.name == "noShow")
        .unwrap();
    assert!(no_show.optional && no_show.kind == ColumnType::Bit);
    let weight = &schema.table("Course").unwrap().columns;
    assert!(weight.iter().any(|c| c.kind == ColumnType::Decimal(6, 3)));
}

#[test]
fn every_problem_is_listed_with_its_line() {
    let text = "\
[table.Person]
about = \"A person\"
key = [\"personId\"]
columns = [
  \"personID int\",
  \"name txt\",
  \"PersonID int\",
  \"grade text maybe\",
]

[table.Roster]
key = [\"rosterID\"]
columns = [\"rosterID int optional\"]
rows = 3

[tables.Other]
about = \"x\"
";
    assert_eq!(
        problems(text),
        [
            "sis.toml:3: table `Person` has no column `personId` for its key, \
             did you mean `personID`?",
            "sis.toml:6: column `name`: unknown type `txt`, did you mean `text`?; there are \
             int, text, date, timestamp, time, bit, decimal(p,s)",
            "sis.toml:7: column `PersonID` is declared twice in `Person`",
            "sis.toml:8: `grade text maybe` is not `name type` or `name type optional`",
            "sis.toml:11: table `Roster` has no `about`",
            "sis.toml:12: key column `rosterID` must not be optional",
            "sis.toml:14: `rows` is not known; about, key and columns are",
            "sis.toml:16: `tables` is not known here; write [table.NAME]",
        ]
    );
}

#[test]
fn toml_mistakes_are_problems_too() {
    let listed = problems("[table.A]\nabout = \nkey = [\"a\"\ncolumns = [1]\n");
    assert!(
        listed.iter().any(|p| p.starts_with("sis.toml:2: ")),
        "{listed:?}"
    );
    assert!(listed.len() > 1, "{listed:?}");
    assert_eq!(
        problems(""),
        ["sis.toml:1: no table is declared; write [table.NAME]"]
    );
}

#[test]
fn decimals_need_a_precision_that_exists() {
    assert_eq!(parse_type("decimal(6,3)"), Some(ColumnType::Decimal(6, 3)));
    for wrong in [
        "decimal(0,0)",
        "decimal(39,1)",
        "decimal(3,4)",
        "decimal(3,-1)",
        "decimal",
    ] {
        assert_eq!(parse_type(wrong), None, "{wrong}");
    }
}

#[test]
fn an_unreadable_file_says_which() {
    let error = SisSchema::load(Path::new("no/such/sis.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the SIS schema no/such/sis.toml"
    );
}

proptest::proptest! {
    #[test]
    fn a_damaged_file_is_refused_or_read_and_never_a_panic(
        from in 0usize..12_000,
        length in 0usize..40,
        put in ".{0,8}",
    ) {
        let mut chars: Vec<char> = std::fs::read_to_string(SHIPPED).unwrap().chars().collect();
        let from = from.min(chars.len());
        let to = (from + length).min(chars.len());
        chars.splice(from..to, put.chars());
        let text: String = chars.into_iter().collect();
        if let Err(SchemaError::Wrong { problems }) = SisSchema::parse(Path::new("x"), &text) {
            proptest::prop_assert!(!problems.is_empty());
            let lines = text.split('\n').count();
            proptest::prop_assert!(problems.iter().all(|p| (1..=lines).contains(&p.line)));
        }
    }
}
