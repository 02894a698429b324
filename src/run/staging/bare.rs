//! A run folder without staging, for work that has no source.

use std::collections::BTreeMap;

use super::{Staged, about};
use crate::run::{Context, RunError};
use crate::stage::{RunState, StateDir};

impl Staged {
    /// Makes a run folder for work that has no source.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(in crate::run) fn without_source(
        context: &Context,
        school_year: i32,
    ) -> Result<Self, RunError> {
        let pipeline = &context.pipeline;
        let state = StateDir::new(&pipeline.state_dir, &pipeline.name);
        let folder = state.create(about(context), context.now)?;
        folder.update(|manifest| manifest.school_year = Some(school_year))?;
        Ok(Self {
            out: folder.path().to_owned(),
            folder,
            school_year,
            state,
            objects: BTreeMap::new(),
            made: Default::default(),
            before: RunState::Running,
            unclean: false,
        })
    }
}
