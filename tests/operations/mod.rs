//! Operations of resync, one file per subject.

mod new_target;
