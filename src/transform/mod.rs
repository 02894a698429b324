//! SIS rows to finished objects: one SQL file per resource, run by DataFusion over the staged
//! tables, then shaped, checked, keyed and hashed batch by batch.
//!
//! Reads: staged Parquet, crosswalks, SQL, the standard. Writes: `objects/*.parquet`. Never:
//! sends anything, drops a row, or stops good rows for a bad one.

mod crosswalk;
mod error;
mod place;
mod session;
mod sql;
mod unmapped;

pub use error::{Problem, TransformError};
pub use session::{DEFAULT_MEMORY, Inputs, Session, TableFile};
pub use sql::tables_used;
