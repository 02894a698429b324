//! One person of a large district: the slice of the staging, and the objects made of it, with the
//! views computed once and planned with each resource.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use criterion::Criterion;
use fullsync::generate::{Dirty, Format as Generated, Options as District, Profile, generate};
use fullsync::metadata::Standard;
use fullsync::pipeline::{Pipeline, Setting};
use fullsync::source::{Format, SisSchema, open};
use fullsync::stage::{Cut, Persons, RunAbout, Slicer, StateDir, extract};
use fullsync::transform::{
    DEFAULT_MEMORY, Inputs, Options, ResourceSpec, Session, TableFile, Views, transform, uses,
};

const STUDENTS: usize = 20_000;

const RESOURCES: [&str; 3] = [
    "students",
    "studentSchoolAssociations",
    "studentSectionAssociations",
];

/// A student in the middle of the generated district, enrolled in its year.
fn student(csv: &Path) -> i64 {
    let text = std::fs::read_to_string(csv.join("Enrollment.csv")).expect("enrollments");
    let of_year = text.lines().filter(|line| line.contains(",2026,"));
    let row = of_year.into_iter().nth(STUDENTS / 2).expect("a student");
    let person = row.split(',').nth(1).expect("a person");
    person.parse().expect("a personID")
}

struct Staged {
    person: i64,
    pipeline: Pipeline,
    sis: SisSchema,
    names: BTreeSet<String>,
    views: BTreeSet<String>,
    files: BTreeMap<String, PathBuf>,
    folder: PathBuf,
}

impl Staged {
    /// Generates and stages a district.
    fn new(folder: &Path) -> Self {
        let csv = folder.join("csv");
        let options = District {
            schools: 20,
            students: STUDENTS,
            seed: 1,
            out: csv.clone(),
            year: 2026,
            dirty: Dirty::None,
            format: Generated::Csv,
            profile: Profile::District,
        };
        generate(&options).expect("a district");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/edfi.toml");
        let pipeline = Pipeline::load(file, &|_| None).expect("the shipped pipeline");
        let sis = SisSchema::load(&pipeline.sis_schema).expect("its tables");
        let (mut names, mut views) = (BTreeSet::new(), BTreeSet::new());
        for r in pipeline.resources.iter() {
            let used = uses(&r.sql, &r.additions, &pipeline.views).expect("SQL in order");
            names.extend(used.tables);
            if RESOURCES.contains(&r.name.as_str()) {
                views.extend(used.views);
            }
        }
        fullsync::stage::with_owners(&sis, &mut names);
        names.retain(|name| sis.table(name).is_some());
        let source = open(&csv, Format::Csv).expect("a source");
        let state = StateDir::new(folder, "bench");
        let run = state.create(RunAbout::default(), DateTime::UNIX_EPOCH);
        let run = run.expect("a run folder");
        let all: Vec<String> = names.iter().cloned().collect();
        let go = |_: fullsync::stage::Extracting<'_>| ControlFlow::Continue(());
        extract(source.as_ref(), &sis, &all, &run, &go).expect("staged rows");
        let file = |name: &String| (name.clone(), run.stage(name));
        let files = names.iter().map(file).collect();
        let folder = folder.to_owned();
        Self {
            person: student(&csv),
            pipeline,
            sis,
            names,
            views,
            files,
            folder,
        }
    }

    /// The rows of one person and its family.
    fn slice(&self) -> BTreeMap<String, PathBuf> {
        let tables = self.sis.tables.iter();
        let tables = tables.filter_map(|t| Some((t.clone(), self.files.get(&t.name)?.clone())));
        let slicer = Slicer::new(tables.collect(), 2026).expect("staged tables");
        let persons = BTreeSet::from([self.person]);
        let schools = slicer.schools_of(Some(&persons), None, None);
        let cut = Cut {
            schools: Some(schools.expect("its schools")),
            nowhere: true,
            persons: Persons::These(persons),
        };
        let out = self.folder.join("slice");
        fullsync::files::create_dir(&out).expect("a folder");
        slicer.slice(&cut, &self.names, &out).expect("a slice")
    }

    async fn objects(&self, slice: &BTreeMap<String, PathBuf>, views_as: Views) -> u64 {
        let table = |t: &fullsync::source::TableSchema| {
            let file = match slice.get(&t.name) {
                Some(path) => TableFile::Parquet(path.clone(), t.arrow()),
                None => TableFile::Empty(t.arrow()),
            };
            (t.name.clone(), file)
        };
        let mut settings: Vec<(String, Setting)> =
            self.pipeline.settings.clone().into_iter().collect();
        settings.push(("school_year".to_owned(), Setting::Integer(2026)));
        settings.push(("all_schools".to_owned(), Setting::Boolean(true)));
        let inputs = Inputs {
            tables: self.sis.tables.iter().map(table).collect(),
            crosswalks: self.pipeline.crosswalks.clone().into_iter().collect(),
            settings,
            views: self.pipeline.views.clone(),
            views_as,
            ref_ids: None,
            temp_dir: self.folder.join("spill"),
            memory: DEFAULT_MEMORY,
        };
        let session = Session::new(&inputs).await.expect("a session");
        let standard = Standard::shipped();
        let mut rows = 0;
        let ours = |name: &str| RESOURCES.contains(&name);
        for r in self.pipeline.resources.iter().filter(|r| ours(&r.name)) {
            let spec = ResourceSpec {
                name: &r.name,
                sql: r.sql.clone(),
                additions: &r.additions,
                meta: &standard.resources[&r.name],
                required: &r.required,
                key: r.key.as_deref(),
            };
            let out = self.folder.join("objects.parquet");
            let options = Options::default();
            let done = transform(&session, &spec, &standard, &out, &options).await;
            rows += done.expect("objects").rows;
        }
        rows
    }
}

/// One person of 20,000 students.
pub(crate) fn bench(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let staged = Staged::new(dir.path());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut group = c.benchmark_group("one person");
    group.sample_size(10);
    group.bench_function("slice", |b| b.iter(|| staged.slice().len()));
    let slice = staged.slice();
    let computed = Views::Computed(staged.views.clone());
    for (name, views) in [
        ("computed views", computed),
        ("inlined views", Views::Inlined),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let rows = runtime.block_on(staged.objects(&slice, views.clone()));
                assert!(rows > 2, "the person and what is theirs");
            });
        });
    }
    group.finish();
}
