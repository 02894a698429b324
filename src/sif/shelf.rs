//! The staged objects of one resource, as requests find them: which rows may be sent at all, which
//! of them a query wants, and the columns that it takes to write them.
//!
//! Reads: one objects file, row group by row group. Writes: nothing. Never: a row that is held
//! back, or one whose key another row has, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow::array::{Array as _, AsArray as _, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::code::SifError;
use super::filter::{Filter, FilterError};
use super::query::Query;
use crate::ledger::{Decision, Disposition, Due, DueOptions, LedgerError, Snapshot, due};
use crate::load::{Columns, Objects, ObjectsError};
use crate::metadata::{ResourceMeta, XmlNode};
use crate::xml::{Version, XmlPlan};

/// The objects of one resource.
#[derive(Debug)]
pub struct Shelf {
    /// ObjectName.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The object in the standard.
    pub meta: ResourceMeta,
    /// The open file.
    pub objects: Objects,
    /// What is to become of each row.
    pub due: Due,
}

/// Why objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The file.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// The file does not keep to the contract.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A condition that cannot be evaluated.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A value that has no text form.
    #[error("an object cannot be written as XML")]
    Xml(#[from] arrow::error::ArrowError),
}

/// What a query comes to with one shelf.
#[derive(Debug)]
pub struct Wanted {
    /// How objects are written.
    pub plan: XmlPlan,
    /// Which rows; None: all.
    filter: Option<Filter>,
    /// Columns that are read, by their places in the file.
    columns: Vec<usize>,
}

impl Shelf {
    /// Opens an objects file. With what the ledger knows, errors of earlier runs are told from new
    /// ones; who is sent what does not depend on it.
    ///
    /// # Errors
    /// [`ShelfError`].
    pub fn open(
        name: &str,
        path: &Path,
        meta: &ResourceMeta,
        known: Option<&Snapshot>,
    ) -> Result<Self, ShelfError> {
        let options = DueOptions {
            resend: true,
            ..DueOptions::default()
        };
        Ok(Self {
            name: name.to_owned(),
            path: path.to_owned(),
            meta: meta.clone(),
            objects: Objects::open(path)?,
            due: due(path, known, options)?,
        })
    }

    /// What was decided on a row.
    pub(super) fn decision(&self, row: u64) -> Option<Decision> {
        let row = usize::try_from(row).ok()?;
        self.due.rows.get(row).copied()
    }

    /// Whether a row may be sent.
    pub fn is_fit(&self, row: u64) -> bool {
        self.due.disposition(row).is_send()
    }

    /// Whether a row is held back by a fault of its data: the object is there, and cannot be said.
    pub fn is_rejected(&self, row: u64) -> bool {
        let disposition = self.due.disposition(row);
        matches!(
            disposition,
            Disposition::Rejected | Disposition::RejectedDuplicate
        )
    }

    /// What a query wants, in a version of the standard.
    ///
    /// # Errors
    /// 8/9: conditions that cannot be answered.
    pub fn wanted(&self, query: &Query, version: Version) -> Result<Wanted, SifError> {
        let keep = |path: &str| query.keeps(path);
        let plan = XmlPlan::new(&self.name, &self.meta.fields, version, &keep);
        let filter = match query.predicate(&self.meta.fields)? {
            None => None,
            Some(wanted) => Some(
                Filter::new(self.objects.schema(), &wanted, &query.columns()).map_err(|error| {
                    tracing::debug!(%error, "a condition cannot be evaluated");
                    let what = "the conditions cannot be evaluated over this object";
                    SifError::new(SifError::UNSUPPORTED_QUERY, what)
                })?,
            ),
        };
        let attributes = self.meta.fields.iter().filter(|(_, field)| {
            let form = field.xml.as_ref().map(|xml| xml.form);
            form == Some(XmlNode::Attribute)
        });
        let mut names: BTreeSet<&str> = attributes.map(|(name, _)| name.as_str()).collect();
        names.extend(plan.root().children.iter().map(|child| child.name.as_str()));
        names.insert("_key");
        let columns = self.places(&names);
        Ok(Wanted {
            plan,
            filter,
            columns,
        })
    }

    fn places(&self, names: &BTreeSet<&str>) -> Vec<usize> {
        let fields = self.objects.schema().fields().iter().enumerate();
        fields
            .filter(|(_, field)| names.contains(field.name().as_str()))
            .map(|(place, _)| place)
            .collect()
    }

    /// Visits the fit rows that are wanted, from row `from` on, in the order of the file; the
    /// visitor ends the reading by returning false.
    ///
    /// # Errors
    /// [`ShelfError`], or the visitor's.
    pub fn read<E: From<ShelfError>>(
        &self,
        wanted: &Wanted,
        from: u64,
        mut visit: impl FnMut(&[u64], &RecordBatch) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.walk(wanted, from, |group, fits| {
            let mut on = true;
            let read = self.objects.read(
                group,
                Columns::Only(&wanted.columns),
                fits,
                |rows, batch| {
                    on = visit(&rows, &batch).map_err(Stop::Visitor)?;
                    Ok::<_, Stop<E>>(on)
                },
            );
            read.map(|()| on).map_err(Stop::into_error)
        })
    }

    /// The fit rows that are wanted, from row `from` on, without reading them.
    ///
    /// # Errors
    /// [`ShelfError`].
    pub fn rows(
        &self,
        wanted: &Wanted,
        from: u64,
        mut visit: impl FnMut(u64),
    ) -> Result<(), ShelfError> {
        self.walk(wanted, from, |(_, first, rows), fits| {
            (first..first + rows)
                .filter(|row| fits(*row))
                .for_each(&mut visit);
            Ok(true)
        })
    }

    /// Visits the row groups, each with which of its rows are fit and wanted.
    fn walk<E: From<ShelfError>>(
        &self,
        wanted: &Wanted,
        from: u64,
        mut visit: impl FnMut((usize, u64, u64), &dyn Fn(u64) -> bool) -> Result<bool, E>,
    ) -> Result<(), E> {
        for group in self.objects.groups() {
            let (_, first, rows) = group;
            if first + rows <= from {
                continue;
            }
            let fits = |row: u64| row >= from && self.is_fit(row);
            let on = match &wanted.filter {
                None => visit(group, &fits)?,
                Some(filter) => {
                    // Only the columns of the conditions are read to find the rows.
                    let mut hits = vec![false; usize::try_from(rows).unwrap_or(0)];
                    let columns = Columns::Only(filter.columns());
                    let found = self.objects.read(group, columns, fits, |numbers, batch| {
                        let matches = filter.matches(&batch).map_err(ShelfError::from)?;
                        for (i, row) in numbers.iter().enumerate() {
                            let place = usize::try_from(row - first).unwrap_or(usize::MAX);
                            if let Some(hit) = hits.get_mut(place) {
                                *hit = matches.is_valid(i) && matches.value(i);
                            }
                        }
                        Ok::<_, ShelfError>(true)
                    });
                    found?;
                    let hit = |row: u64| {
                        let place = row.checked_sub(first).and_then(|p| usize::try_from(p).ok());
                        place.and_then(|p| hits.get(p)).copied().unwrap_or(false)
                    };
                    visit(group, &hit)?
                }
            };
            if !on {
                break;
            }
        }
        Ok(())
    }
}

impl Wanted {
    /// The columns that are read, by their places in the file.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }
}

/// RefIds of a batch; where an object has none in this standard, its key.
pub(super) fn ref_ids(batch: &RecordBatch) -> Option<StringArray> {
    let column = batch
        .column_by_name("RefId")
        .or_else(|| batch.column_by_name("_key"))?;
    let text = cast(column, &DataType::Utf8).ok()?;
    text.as_string_opt::<i32>().cloned()
}

/// What ends the reading.
enum Stop<E> {
    Objects(ObjectsError),
    Visitor(E),
}

impl<E> From<ObjectsError> for Stop<E> {
    fn from(error: ObjectsError) -> Self {
        Self::Objects(error)
    }
}

impl<E: From<ShelfError>> Stop<E> {
    fn into_error(self) -> E {
        match self {
            Self::Objects(error) => E::from(error.into()),
            Self::Visitor(error) => error,
        }
    }
}
