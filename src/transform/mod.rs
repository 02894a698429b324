//! SIS rows to finished objects: one SQL file per resource, run by DataFusion over the staged
//! tables, then shaped, checked, keyed and hashed batch by batch.
//!
//! Reads: staged Parquet, crosswalks, SQL, the standard. Writes: `objects/*.parquet`. Never:
//! sends anything, drops a row, or stops good rows for a bad one.

mod additions;
mod check;
mod crosswalk;
mod descriptors;
mod error;
mod held_ids;
mod hold;
mod key;
mod lineage;
mod narrow;
mod objects;
mod place;
mod prune;
mod ref_id;
mod rules;
mod run;
mod scope;
mod session;
mod shape;
mod skeleton;
mod sql;
mod survey;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod unmapped;
mod validate;
mod views;
mod yields;

pub use crosswalk::{Rows, rows as crosswalk_rows};
pub use error::{Problem, TransformError};
pub use narrow::{Narrow, ScopeColumns, Seen};
pub use ref_id::RefIdSettings;
pub use rules::{ResourceSpec, effective_meta};
pub use run::{Options, Transformed, transform};
pub use scope::object_schema;
pub use session::{DEFAULT_MEMORY, Inputs, Session, TableFile};
pub use skeleton::skeleton;
pub use sql::{Uses, tables_used, uses};
pub use survey::{Effect, Persons, Survey, survey};
pub use validate::{Validated, validate, validate_all, validate_fully};
pub use views::Views;
