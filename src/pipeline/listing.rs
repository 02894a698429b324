//! How resources are listed, and which state's rules a configuration follows: `profile`,
//! `categories`, `sort`.
//!
//! Reads: sections. Writes: problems. Never: files; the order of loading (the data standard has it).
//! Sources: Category Sort and Dependency Sort of the Resync tool, the recommended resync order.

use super::check::choice;
use super::section::Section;

/// How resources are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Name of the profile that the configuration follows; None: core.
    pub profile: Option<String>,
    /// Categories in the order of listings; others follow in file order.
    pub categories: Vec<String>,
    /// The order that holds unless another is asked for.
    pub sort: Sort,
}

/// Orders of a listing of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By step of the recommended resync order, then by dependency.
    #[default]
    Step,
    /// By category, then by dependency.
    Category,
    /// Prerequisites first, as they are executed.
    Dependency,
}

impl Sort {
    /// The word in pipeline files and flags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Category => "category",
            Self::Dependency => "dependency",
        }
    }
}

/// Reads the three keys of the top level.
pub(super) fn read(top: &mut Section<'_>) -> Listing {
    let document = top.document;
    let profile = top.text("profile").map(|text| text.value);
    let categories = top.list("categories").unwrap_or_default();
    let legal = [Sort::Step, Sort::Category, Sort::Dependency].map(|sort| (sort.as_str(), sort));
    let sort = top
        .text("sort")
        .and_then(|text| choice(document, "sort", &text, &legal));
    Listing {
        profile,
        categories: categories.into_iter().map(|text| text.value).collect(),
        sort: sort.unwrap_or_default(),
    }
}
