//! Arguments that choose resources.
//!
//! Reads: arguments. Writes: nothing. Never: files.

use clap::Args;

/// Which resources, beside those named behind PIPELINE.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Choice {
    /// Further resources, by name or pattern: --resources 'student*,sections'.
    #[arg(
        help_heading = "Resources",
        long = "resources",
        value_name = "RESOURCE",
        value_delimiter = ','
    )]
    pub also: Vec<String>,

    /// All but these resources, by name or pattern.
    #[arg(
        help_heading = "Resources",
        long,
        value_name = "RESOURCE",
        value_delimiter = ','
    )]
    pub except: Vec<String>,

    /// Only the resources of these steps of the recommended order: --step 1, --step 2,3.
    #[arg(help_heading = "Resources", long, value_name = "1..5", value_delimiter = ',',
        value_parser = clap::value_parser!(u8).range(1..=5))]
    pub step: Vec<u8>,

    /// Also everything that these resources depend on and that is switched on: courseOfferings
    /// brings sessions. What is added is printed with the reason.
    #[arg(help_heading = "Resources", long)]
    pub with_dependencies: bool,

    /// Also everything that depends on these resources and that is switched on.
    #[arg(help_heading = "Resources", long)]
    pub with_dependents: bool,
}

impl Choice {
    /// Whether nothing but steps of the recommended order says which resources are meant.
    pub fn is_stepwise(&self, named: &[String]) -> bool {
        !self.step.is_empty()
            && named.is_empty()
            && self.also.is_empty()
            && self.except.is_empty()
            && !self.with_dependencies
            && !self.with_dependents
    }
}
