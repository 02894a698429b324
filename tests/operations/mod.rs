//! Operations on a loaded target, one file per subject.

mod deletes;
