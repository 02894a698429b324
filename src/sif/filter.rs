//! The conditions of a query, evaluated on record batches of the columns that they name, and on the
//! elements of lists in them.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, ListArray, RecordBatch, StructArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::predicate::{Predicate, any_of};

/// Why conditions cannot be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("a condition cannot be evaluated")]
pub struct FilterError(#[from] DataFusionError);

/// Conditions over some columns of an objects file.
#[derive(Debug)]
pub struct Filter {
    test: Test,
    columns: Vec<usize>,
}

/// Conditions over rows, or over the elements of a list.
#[derive(Debug)]
struct Test {
    predicate: Arc<dyn PhysicalExpr>,
    /// The columns, and one for each list that is looked into.
    schema: SchemaRef,
    lists: Vec<Elements>,
}

/// A list that is looked into.
#[derive(Debug)]
struct Elements {
    path: Vec<String>,
    test: Test,
}

impl Filter {
    /// A predicate over the columns `names` of a file.
    ///
    /// # Errors
    /// It does not fit the columns' types.
    pub fn new(
        schema: &SchemaRef,
        wanted: &Predicate,
        names: &[&str],
    ) -> Result<Self, FilterError> {
        let fields = schema.fields().iter().enumerate();
        let columns: Vec<usize> = fields
            .filter(|(_, field)| names.contains(&field.name().as_str()))
            .map(|(place, _)| place)
            .collect();
        let narrow: Schema = schema.project(&columns).map_err(DataFusionError::from)?;
        let mut config = SessionConfig::new();
        config.options_mut().sql_parser.enable_ident_normalization = false;
        let context = SessionContext::new_with_config(config);
        Ok(Self {
            test: Test::new(&context, &narrow, wanted)?,
            columns,
        })
    }

    /// The columns that it reads, by their places in the file.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// For each row of a batch of these columns whether it is wanted; NULL counts as not.
    ///
    /// # Errors
    /// A value that cannot be compared.
    pub fn matches(&self, batch: &RecordBatch) -> Result<BooleanArray, FilterError> {
        Ok(self.test.matches(batch)?)
    }
}

impl Test {
    fn new(
        context: &SessionContext,
        schema: &Schema,
        wanted: &Predicate,
    ) -> Result<Self, DataFusionError> {
        let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
        let mut lists = Vec::new();
        for (number, list) in wanted.lists.iter().enumerate() {
            let element = element(schema, &list.path)?;
            lists.push(Elements {
                path: list.path.clone(),
                test: Self::new(context, &element, &list.element)?,
            });
            let stands = Field::new(any_of(number), DataType::Boolean, true);
            fields.push(Arc::new(stands));
        }
        let schema = Arc::new(Schema::new(fields));
        let named = DFSchema::try_from(Arc::clone(&schema))?;
        let expression = context.parse_sql_expr(&wanted.sql, &named)?;
        Ok(Self {
            predicate: context.create_physical_expr(expression, &named)?,
            schema,
            lists,
        })
    }

    fn matches(&self, batch: &RecordBatch) -> Result<BooleanArray, DataFusionError> {
        let mut columns = batch.columns().to_vec();
        for list in &self.lists {
            columns.push(Arc::new(list.any(batch)?));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let value = self.predicate.evaluate(&batch)?;
        let array = value.into_array(batch.num_rows())?;
        match array.as_boolean_opt() {
            Some(matches) => Ok(matches.clone()),
            None => Ok(BooleanArray::from(vec![false; batch.num_rows()])),
        }
    }
}

impl Elements {
    /// For each row whether any element of its list is as wanted.
    fn any(&self, batch: &RecordBatch) -> Result<BooleanArray, DataFusionError> {
        let none = || BooleanArray::from(vec![false; batch.num_rows()]);
        let Some((first, inside)) = self.path.split_first() else {
            return Ok(none());
        };
        let Some(mut column) = batch.column_by_name(first).cloned() else {
            return Ok(none());
        };
        // A row has no list where what would hold it is missing.
        let mut holders: Vec<ArrayRef> = Vec::new();
        for name in inside {
            let member = column.as_struct_opt().and_then(|s| s.column_by_name(name));
            let Some(member) = member.cloned() else {
                return Ok(none());
            };
            holders.push(std::mem::replace(&mut column, member));
        }
        let Some((lists, elements)) = elements_of(&column) else {
            return Ok(none());
        };
        let (fields, members, _) = elements.clone().into_parts();
        let members = RecordBatch::try_new(Arc::new(Schema::new(fields)), members)?;
        let wanted = self.test.matches(&members)?;
        let hit = |element: usize| {
            elements.is_valid(element) && wanted.is_valid(element) && wanted.value(element)
        };
        let offsets = lists.value_offsets();
        let place = |row: usize| {
            let at = offsets.get(row).copied().unwrap_or_default();
            usize::try_from(at).unwrap_or_default()
        };
        let rows = (0..lists.len()).map(|row| {
            let there = lists.is_valid(row) && holders.iter().all(|h| h.is_valid(row));
            Some(there && (place(row)..place(row + 1)).any(hit))
        });
        Ok(rows.collect())
    }
}

/// A column of lists of elements with members.
fn elements_of(column: &ArrayRef) -> Option<(&ListArray, &StructArray)> {
    let lists = column.as_list_opt::<i32>()?;
    Some((lists, lists.values().as_struct_opt()?))
}

/// The members of the elements of a list.
fn element(schema: &Schema, path: &[String]) -> Result<Schema, DataFusionError> {
    let none = || DataFusionError::Plan("there is no such list".to_owned());
    let mut fields = schema.fields();
    for (i, name) in path.iter().enumerate() {
        let (_, field) = fields.find(name).ok_or_else(none)?;
        match field.data_type() {
            DataType::Struct(members) => fields = members,
            DataType::List(element) if i + 1 == path.len() => match element.data_type() {
                DataType::Struct(members) => return Ok(Schema::new(members.clone())),
                _ => return Err(none()),
            },
            _ => return Err(none()),
        }
    }
    Err(none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sif::predicate::AnyOf;
    use arrow_json::ReaderBuilder;

    /// Persons as the staged file has them: lists that are missing, empty, or below another element.
    fn batch() -> RecordBatch {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let list = |name: &str, members: Vec<Field>| {
            let element = Field::new("item", DataType::Struct(members.into()), true);
            Field::new(name, DataType::List(Arc::new(element)), true)
        };
        let codes = list("OtherCodeList", vec![text("value")]);
        let races = list("RaceList", vec![text("Code"), codes]);
        let schema = Schema::new(vec![
            text("LocalId"),
            list("PhoneNumberList", vec![text("Type"), text("Number")]),
            Field::new("Demographics", DataType::Struct(vec![races].into()), true),
        ]);
        let rows = r#"
            {"LocalId":"1","PhoneNumberList":[{"Type":"A","Number":"5"},{"Type":"B","Number":"6"}]}
            {"LocalId":"2","PhoneNumberList":[{"Type":"B","Number":"5"},null]}
            {"LocalId":"3","PhoneNumberList":[],"Demographics":{"RaceList":[{"Code":"X"}]}}
            {"LocalId":"4","Demographics":{"RaceList":[{"Code":"X","OtherCodeList":[{"value":"q"}]}]}}
        "#;
        let mut reader = ReaderBuilder::new(Arc::new(schema))
            .build(rows.as_bytes())
            .unwrap();
        reader.next().unwrap().unwrap()
    }

    fn any(path: &[&str], sql: &str, lists: Vec<AnyOf>) -> AnyOf {
        AnyOf {
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            element: Predicate {
                sql: sql.to_owned(),
                lists,
            },
        }
    }

    /// The LocalIds of the rows that are wanted, also of a slice of the batch.
    #[track_caller]
    fn finds(sql: &str, lists: Vec<AnyOf>, found: &[&str]) {
        let whole = batch();
        let wanted = Predicate {
            sql: sql.to_owned(),
            lists,
        };
        let names = ["LocalId", "PhoneNumberList", "Demographics"];
        let filter = Filter::new(&whole.schema(), &wanted, &names).unwrap();
        for from in 0..whole.num_rows() {
            let batch = whole.slice(from, whole.num_rows() - from);
            let matches = filter.matches(&batch).unwrap();
            let ids = batch.column(0).as_string::<i32>();
            let hits = (0..batch.num_rows()).filter(|i| matches.is_valid(*i) && matches.value(*i));
            let hits: Vec<&str> = hits.map(|i| ids.value(i)).collect();
            let left = found
                .iter()
                .filter(|id| id.parse::<usize>().unwrap() > from);
            assert_eq!(hits, left.copied().collect::<Vec<_>>(), "{sql} from {from}");
        }
    }

    #[test]
    fn any_element_of_a_list_is_enough() {
        let number = |sql: &str| any(&["PhoneNumberList"], sql, Vec::new());
        finds("\"_any0\"", vec![number("\"Number\" = '5'")], &["1", "2"]);
        // Both of one element, not of two.
        let both = number("\"Type\" = 'B' AND \"Number\" = '5'");
        finds("\"_any0\"", vec![both], &["2"]);
        let two = vec![number("\"Type\" = 'A'"), number("\"Number\" = '6'")];
        finds("\"_any0\" AND \"_any1\"", two.clone(), &["1"]);
        finds("\"LocalId\" = '3' OR \"_any1\"", two, &["1", "3"]);
    }

    #[test]
    fn lists_in_elements_and_in_lists_are_looked_into() {
        let path = ["Demographics", "RaceList"];
        finds(
            "\"_any0\"",
            vec![any(&path, "\"Code\" = 'X'", Vec::new())],
            &["3", "4"],
        );
        let codes = any(&["OtherCodeList"], "\"value\" = 'q'", Vec::new());
        let races = any(&path, "\"Code\" = 'X' AND \"_any0\"", vec![codes]);
        finds("\"_any0\"", vec![races], &["4"]);
    }

    #[test]
    fn a_list_that_the_file_lacks_is_told() {
        let wanted = Predicate {
            sql: "\"_any0\"".to_owned(),
            lists: vec![any(&["EmailList"], "\"value\" = 'x'", Vec::new())],
        };
        assert!(Filter::new(&batch().schema(), &wanted, &["EmailList"]).is_err());
    }
}
