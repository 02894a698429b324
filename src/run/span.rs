//! From where to where a run goes.

/// Where a run starts from. A run is named by its id, or `latest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The source, read afresh.
    #[default]
    Source,
    /// The staged tables of this run, transformed again (so that a mended mapping takes effect).
    Staging(String),
    /// The objects of this run as they are.
    Objects(String),
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// SIS tables are staged.
    Extracted,
    /// Objects are staged.
    Transformed,
    /// What would be sent is known; nothing is sent.
    Planned,
    /// Everything is delivered, as far as it goes.
    Loaded,
}
