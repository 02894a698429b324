//! `[sif3]`: the environment at a SIF 3 provider, and how objects are sent to it.
//!
//! Reads: the section. Writes: nothing. Never: asks the provider.

use super::check::choice;
use super::problem::Problem;
use super::resources::Queries;
use super::section::{Document, Section};
use super::{Mode, RefIdFile, TargetKind, sif};

/// The data model that objects are of, unless a pipeline says otherwise.
const DATA_MODEL: &str = "http://www.sifassociation.org/datamodel/na/4.x";

/// Most objects and bytes of one request, unless a pipeline says otherwise.
const BATCH: (i64, i64) = (500, 1 << 20);

/// What a pipeline to a SIF 3 provider has beside the others.
#[derive(Clone, Debug)]
pub struct Sif3 {
    /// The district's GUID, which all RefIds are made in. Changing it changes every RefId.
    pub district_guid: String,
    /// RefIds that others already hold.
    pub ref_ids: Option<RefIdFile>,
    /// How calls are signed.
    pub authentication: Authentication,
    /// The zone; None: the provider's own for the application.
    pub zone: Option<String>,
    /// The context; None: `DEFAULT`.
    pub context: Option<String>,
    /// The solution that the application belongs to.
    pub solution: Option<String>,
    /// Which of several installations of the application this is.
    pub instance: Option<String>,
    /// The name in the provider's listings.
    pub consumer: String,
    /// Infrastructure version.
    pub infrastructure: String,
    /// Namespace of the data model.
    pub data_model: String,
    /// Whether the provider must keep our RefIds.
    pub must_use_advisory: bool,
    /// Whether a create whose answer was lost is looked up before it is sent again, at a provider
    /// that assigns ids.
    pub look_up: bool,
    /// Most objects of one request.
    pub batch_objects: usize,
    /// Most bytes of one request's objects.
    pub batch_bytes: usize,
    /// Whether bodies are compressed.
    pub gzip: bool,
}

/// How calls show who makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// HTTP Basic.
    Basic,
    /// `SIF_HMACSHA256`.
    Hmac,
}

/// Reads `[sif3]`; None for other targets, or with a problem recorded.
pub(super) fn read(top: &mut Section<'_>, target: Option<TargetKind>) -> Option<Sif3> {
    if target != Some(TargetKind::Sif3) {
        return None;
    }
    let Some(mut section) = top.section("sif3") else {
        if !top.has("sif3") {
            let what = "[sif3] is missing: it needs district_guid = \"...\"";
            let problem = Problem::new(top.document.path, what);
            top.document.problem(&(0..0), problem);
        }
        return None;
    };
    let document = section.document;
    let guid = sif::district_guid(&mut section, "sif3");
    let ref_ids = sif::ref_ids(&mut section);
    let ways = [
        ("hmac", Authentication::Hmac),
        ("basic", Authentication::Basic),
    ];
    let authentication = match section.text("authentication") {
        Some(text) => choice(document, "sif3.authentication", &text, &ways),
        None => Some(Authentication::Hmac),
    };
    let mut name = |key| section.text(key).map(|text| text.value);
    let (zone, context) = (name("zone"), name("context"));
    let (solution, instance) = (name("solution"), name("instance"));
    let consumer = name("consumer").unwrap_or_else(|| "FullSync".to_owned());
    let data_model = name("data_model").unwrap_or_else(|| DATA_MODEL.to_owned());
    let infrastructure = match section.text("infrastructure") {
        None => "3.3".to_owned(),
        Some(text) => {
            let parts: Vec<&str> = text.value.split('.').collect();
            let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            if parts.first() != Some(&"3") || parts.len() < 2 || !parts.iter().all(number) {
                let what = "`sif3.infrastructure` is a version of SIF 3, as 3.3 or 3.2.1";
                document.wrong(&text.span, what);
            }
            text.value
        }
    };
    let size = |value: Option<i64>, default| {
        usize::try_from(value.unwrap_or(default)).unwrap_or(usize::MAX)
    };
    let objects = section.integer("batch_objects", (1, 100_000));
    let bytes = section.integer("batch_bytes", (1024, 1 << 30));
    let must_use_advisory = section.flag("must_use_advisory", true);
    let look_up = section.flag("look_up", true);
    let gzip = section.flag("gzip", false);
    section.finish();
    Some(Sif3 {
        district_guid: guid?,
        ref_ids,
        authentication: authentication?,
        zone,
        context,
        solution,
        instance,
        consumer,
        infrastructure,
        data_model,
        must_use_advisory,
        look_up,
        batch_objects: size(objects, BATCH.0),
        batch_bytes: size(bytes, BATCH.1),
        gzip,
    })
}

/// A provider takes objects, it does not own any, and knows them by their RefIds alone.
pub(super) fn check(document: &Document<'_>, target: Option<TargetKind>, queries: &Queries) {
    if target != Some(TargetKind::Sif3) {
        return;
    }
    for resource in &queries.resources {
        let name = &resource.name;
        let what = match resource.mode {
            Mode::Verify => format!(
                "`resources.{name}.mode` cannot be \"verify\": a provider takes objects, `fullsync \
                 verify` counts them"
            ),
            Mode::Post if resource.key.is_some() => format!(
                "`resources.{name}.key` cannot be changed: a SIF object is known by its RefId alone"
            ),
            Mode::Post => continue,
        };
        document.problem(&(0..0), Problem::new(document.path, what));
    }
}
