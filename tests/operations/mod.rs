//! Operations of a resync, one file per subject.

mod locks;
