use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::metadata::{Field, Standard};
use crate::sif::ack::parse;
use crate::sif::{AnyOf, Predicate};

fn student() -> BTreeMap<String, Field> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/metadata/sif-na2.json");
    let standard = Standard::load(&file).unwrap();
    standard.resource("StudentPersonal").unwrap().fields.clone()
}

fn query(inside: &str) -> Result<Query, SifError> {
    let text = format!(
        "<SIF_Query><SIF_QueryObject ObjectName=\"StudentPersonal\">\
         <SIF_Element>Name/LastName</SIF_Element><SIF_Element>@RefId</SIF_Element>\
         </SIF_QueryObject>{inside}</SIF_Query>"
    );
    let document = parse(&text).unwrap();
    Query::read(document.root_element())
}

fn condition(path: &str, operator: &str, value: &str) -> String {
    format!(
        "<SIF_Condition><SIF_Element>{path}</SIF_Element><SIF_Operator>{operator}\
         </SIF_Operator><SIF_Value>{value}</SIF_Value></SIF_Condition>"
    )
}

fn predicate(kind: &str, conditions: &[String]) -> Result<String, SifError> {
    let found = whole_predicate(kind, conditions)?;
    assert_eq!(found.lists, []);
    Ok(found.sql)
}

fn whole_predicate(kind: &str, conditions: &[String]) -> Result<Predicate, SifError> {
    let all = conditions.concat();
    let group = format!(
        "<SIF_ConditionGroup Type=\"None\"><SIF_Conditions Type=\"{kind}\">{all}\
         </SIF_Conditions></SIF_ConditionGroup>"
    );
    Ok(query(&group)?.predicate(&student())?.unwrap())
}

#[test]
fn conditions_become_sql() {
    let one = |path, operator, value| predicate("None", &[condition(path, operator, value)]);
    assert_eq!(one("@RefId", "EQ", "AB").unwrap(), "(((\"RefId\" = 'AB')))");
    assert_eq!(
        one("Name/LastName", "GE", "O'Neill").unwrap(),
        "(((\"Name\"['LastName'] >= 'O''Neill')))"
    );
    assert_eq!(
        one("Name[@Type='04']/FirstName", "NE", "x/y").unwrap(),
        "(((\"Name\"['Type'] = '04' AND \"Name\"['FirstName'] <> 'x/y')))"
    );
    let both = [
        condition("LocalId", "LT", "5"),
        condition("@RefId", "GT", "A"),
    ];
    assert_eq!(
        predicate("Or", &both).unwrap(),
        "(((\"LocalId\" < '5') OR (\"RefId\" > 'A')))"
    );
}

#[test]
fn what_cannot_be_answered_is_refused() {
    for (path, operator, value) in [
        ("Nme/LastName", "EQ", "x"),
        ("Name", "EQ", "x"),
        ("PhoneNumberList", "EQ", "x"),
        ("PhoneNumberList/PhoneNumber", "EQ", "x"),
        ("PhoneNumberList/Number", "EQ", "x"),
        ("PhoneNumberList/Phone/Number", "EQ", "x"),
        (
            "PhoneNumberList[@Type='0096']/PhoneNumber/Number",
            "EQ",
            "x",
        ),
        (
            "PhoneNumberList/PhoneNumber[@Nothing='1']/Number",
            "EQ",
            "x",
        ),
        ("PhoneNumberList/PhoneNumber/Number/Digit", "EQ", "x"),
        ("Name[Type='04']/FirstName", "EQ", "x"),
        ("Name[@Nothing='04']/FirstName", "EQ", "x"),
        ("LocalId", "LIKE", "x"),
        ("Demographics/BirthDate", "EQ", "yesterday"),
        ("", "EQ", "x"),
    ] {
        let error = predicate("And", &[condition(path, operator, value)]).unwrap_err();
        assert_eq!(
            (error.category, error.code),
            SifError::UNSUPPORTED_QUERY,
            "{path}"
        );
    }
}

#[test]
fn an_example_is_a_set_of_equalities() {
    let example = "<SIF_Example><StudentPersonal RefId=\"AB\"><Name Type=\"04\">\
        <LastName>Doe</LastName></Name></StudentPersonal></SIF_Example>";
    let sql = query(example)
        .unwrap()
        .predicate(&student())
        .unwrap()
        .unwrap()
        .sql;
    assert_eq!(
        sql,
        "(((\"RefId\" = 'AB') AND (\"Name\"['Type'] = '04') AND (\"Name\"['LastName'] = 'Doe')))"
    );
}

#[test]
fn conditions_in_lists_are_about_one_of_their_elements() {
    let paths = [
        condition(
            "PhoneNumberList/PhoneNumber[@Type='0096']/Number",
            "EQ",
            "5",
        ),
        condition("EmailList/Email", "NE", "a@example.org"),
        condition(
            "Demographics/RaceList/Race/OtherCodeList/OtherCode/@Codeset",
            "EQ",
            "T",
        ),
    ];
    let found = whole_predicate("And", &paths).unwrap();
    assert_eq!(found.sql, "(((\"_any0\") AND (\"_any1\") AND (\"_any2\")))");
    let any = |path: &[&str], sql: &str, lists: Vec<AnyOf>| AnyOf {
        path: path.iter().map(|name| (*name).to_owned()).collect(),
        element: Predicate {
            sql: sql.to_owned(),
            lists,
        },
    };
    let codes = any(&["OtherCodeList"], "((\"Codeset\" = 'T'))", Vec::new());
    assert_eq!(
        found.lists,
        [
            any(
                &["PhoneNumberList"],
                "(\"Type\" = '0096' AND (\"Number\" = '5'))",
                Vec::new()
            ),
            any(&["EmailList"], "(\"value\" <> 'a@example.org')", Vec::new()),
            any(&["Demographics", "RaceList"], "((\"_any0\"))", vec![codes]),
        ]
    );
    // The values of an example would have to be of one element.
    let example = "<SIF_Example><StudentPersonal><EmailList><Email Type=\"Primary\">a</Email>\
        </EmailList></StudentPersonal></SIF_Example>";
    let error = query(example).unwrap().predicate(&student()).unwrap_err();
    assert_eq!((error.category, error.code), SifError::UNSUPPORTED_QUERY);
}

#[test]
fn a_projection_names_paths() {
    let query = query("").unwrap();
    assert_eq!(query.predicate(&student()).unwrap(), None);
    assert!(query.keeps("Name/LastName") && query.keeps("@RefId"));
    assert!(!query.keeps("Name") && !query.keeps("Name/LastNameX") && !query.keeps("LocalId"));
}
