//! What a run has left undelivered, from its results.

use std::collections::HashMap;

use arrow::array::Array as _;

use super::archive::Archive;
use super::detail::{Details, sorted};
use super::filter::Filter;
use super::record::Record;
use super::search::{CHUNK, ErrorsError};
use crate::load::{Answers, Objects, ObjectsError, Width};
use crate::object::KeyHash;
use crate::stage::RunFolder;

/// Visits the rows of the newest run that has results of this resource. False: the visitor has
/// ended the search.
pub(super) fn visit<E: From<ErrorsError>>(
    archive: &Archive,
    details: &Details<'_>,
    filter: &Filter,
    visit: &mut dyn FnMut(Record) -> Result<bool, E>,
) -> Result<bool, E> {
    let resource = details.resource;
    let newest = details
        .runs
        .iter()
        .find(|run| run.results(resource).exists());
    let Some(run) = newest else {
        return Ok(true);
    };
    let id = run.id();
    let answers = Answers::open(&run.results(resource)).map_err(ErrorsError::from)?;
    let (mut chunk, mut going): (Vec<Record>, bool) = (Vec::new(), true);
    answers
        .read(Width::Wide, None, |answer| {
            let reason = (filter.reason.as_deref()).is_none_or(|reason| reason == answer.reason);
            if going && reason && filter.wants_outcome(answer.outcome) {
                let mut record = Record::of_answer(resource, answer, &id);
                record.archived = archive.has(resource, record.key_hash, &record.reason);
                chunk.push(record);
            }
            if chunk.len() >= CHUNK {
                going = tell(std::mem::take(&mut chunk), run, details, filter, visit)
                    .map_err(Stop::Visitor)?;
            }
            Ok(())
        })
        .map_err(|stop: Stop<E>| stop.into_error())?;
    match going {
        true => tell(chunk, run, details, filter, visit),
        false => Ok(false),
    }
}

/// What ends the reading of results.
enum Stop<E> {
    Objects(ObjectsError),
    Visitor(E),
}

impl<E> From<ObjectsError> for Stop<E> {
    fn from(error: ObjectsError) -> Self {
        Self::Objects(error)
    }
}

impl<E: From<ErrorsError>> Stop<E> {
    fn into_error(self) -> E {
        match self {
            Self::Objects(error) => ErrorsError::from(error).into(),
            Self::Visitor(error) => error,
        }
    }
}

fn tell<E: From<ErrorsError>>(
    mut chunk: Vec<Record>,
    run: &RunFolder,
    details: &Details<'_>,
    filter: &Filter,
    visit: &mut dyn FnMut(Record) -> Result<bool, E>,
) -> Result<bool, E> {
    scope(&mut chunk, run, details.resource).map_err(ErrorsError::from)?;
    chunk.retain(|record| filter.admits_early(record));
    details.tell(chunk, filter, visit)
}

/// Source row and ids, from the objects file. Rows of one key are given out in its order.
fn scope(chunk: &mut [Record], run: &RunFolder, resource: &str) -> Result<(), ObjectsError> {
    let path = run.objects(resource);
    if chunk.is_empty() || !path.exists() {
        return Ok(());
    }
    let mut open: HashMap<KeyHash, Vec<usize>> = HashMap::new();
    for (i, record) in chunk.iter().enumerate().rev() {
        open.entry(record.key_hash).or_default().push(i);
    }
    let objects = Objects::open(&path)?;
    objects.find(&sorted(open.keys().copied()), |batch| {
        let scope = objects.scope(&batch)?;
        for i in 0..batch.num_rows() {
            let hash = KeyHash::from_bytes(scope.key_hash.value(i)).unwrap_or(KeyHash(0));
            let next = open.get_mut(&hash).and_then(Vec::pop);
            if let Some(record) = next.and_then(|next| chunk.get_mut(next)) {
                let id =
                    |column: &arrow::array::Int64Array| column.is_valid(i).then(|| column.value(i));
                let [school, person, course, section] = &scope.ids;
                record.school_id = id(school);
                record.person_id = id(person);
                record.course_id = id(course);
                record.section_id = id(section);
                record.source_table = scope.source_table.value(i).to_owned();
                record.source_key = scope.source_key.value(i).to_owned();
            }
        }
        Ok(())
    })
}
