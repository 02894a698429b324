//! Query strings of collections: filters, offset and cursor paging.
//!
//! Reads: query strings. Writes: nothing. Never: ignores a parameter that it does not know.

use serde_json::Value;

use super::check::push_text;
use super::layout::{Resource, Scalar, Shape, key_hash};
use super::problem::Problem;
use super::scalar;

/// Records per page when the client does not say.
const DEFAULT_LIMIT: usize = 25;
/// Most records per page.
pub(super) const MAX_LIMIT: usize = 500;

/// What a GET on a collection asks for.
#[derive(Debug)]
pub(super) struct Query {
    /// Records to pass over; `None` when not given.
    pub(super) offset: Option<usize>,
    /// Records at most.
    pub(super) limit: usize,
    /// Whether to count all that match.
    pub(super) total: bool,
    /// Positions to look at: start, and end if there is one.
    pub(super) window: (usize, Option<usize>),
    /// Version numbers to look at.
    pub(super) versions: (u64, u64),
    /// Number of partitions.
    pub(super) partitions: usize,
    /// Everything else.
    pub(super) filters: Vec<(String, String)>,
}

impl Query {
    /// Reads a query string.
    ///
    /// # Errors
    /// A paging parameter has a wrong value, or offset and cursor paging are mixed.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut query = Self {
            offset: None,
            limit: DEFAULT_LIMIT,
            total: false,
            window: (0, None),
            versions: (0, u64::MAX),
            partitions: 10,
            filters: Vec::new(),
        };
        let (mut by_offset, mut by_cursor) = (false, false);
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match name.to_ascii_lowercase().as_str() {
                "offset" => {
                    query.offset = Some(number("offset", &value)?);
                    by_offset = true;
                }
                "limit" => {
                    query.limit = size("limit", &value)?;
                    by_offset = true;
                }
                "totalcount" => {
                    query.total = value.eq_ignore_ascii_case("true");
                    by_offset |= query.total;
                }
                "pagesize" => {
                    query.limit = size("pageSize", &value)?;
                    by_cursor = true;
                }
                "pagetoken" => {
                    query.window = token(&value).ok_or_else(|| {
                        Problem::parameter("pageToken", "The page token is not valid.")
                    })?;
                    by_cursor = true;
                }
                "minchangeversion" => query.versions.0 = number("minChangeVersion", &value)?,
                "maxchangeversion" => query.versions.1 = number("maxChangeVersion", &value)?,
                "number" => {
                    query.partitions = match number("number", &value)? {
                        n @ 1..=200 => n,
                        _ => return Err(between("number", 1, 200)),
                    }
                }
                _ => query.filters.push((name.into_owned(), value.into_owned())),
            }
        }
        if by_offset && by_cursor {
            return Err(Problem::parameter(
                "pageToken",
                "Cursor paging cannot be used with offset, limit or totalCount.",
            ));
        }
        Ok(query)
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, Problem> {
    value
        .parse()
        .map_err(|_| Problem::parameter(name, format!("The value '{value}' is not valid.")))
}

fn size(name: &str, value: &str) -> Result<usize, Problem> {
    match value.parse() {
        Ok(n @ 0..=MAX_LIMIT) => Ok(n),
        _ => Err(between(name, 0, MAX_LIMIT)),
    }
}

fn between(name: &str, low: usize, high: usize) -> Problem {
    let title = super::layout::capital(name);
    let error = format!("{title} must be omitted or set to a value between {low} and {high}.");
    Problem::parameter(name, error)
}

/// The token of a page that starts at a position and ends before another.
pub(super) fn page_token(start: usize, end: Option<usize>) -> String {
    match end {
        Some(end) => format!("{start:x}-{end:x}"),
        None => format!("{start:x}-"),
    }
}

fn token(text: &str) -> Option<(usize, Option<usize>)> {
    let (start, end) = text.split_once('-')?;
    let position = |text| usize::from_str_radix(text, 16).ok();
    let end = match end {
        "" => None,
        end => Some(position(end)?),
    };
    Some((position(start)?, end))
}

/// Filters on the members of one resource.
#[derive(Debug)]
pub(super) struct Filters<'a> {
    tests: Vec<Test<'a>>,
    /// The id that is asked for.
    pub(super) id: Option<u128>,
    /// The key, when every part of it is asked for.
    pub(super) key: Option<u128>,
}

#[derive(Debug)]
struct Test<'a> {
    name: &'a str,
    paths: Vec<Vec<&'a str>>,
    scalar: Scalar,
    value: String,
}

impl<'a> Filters<'a> {
    /// Compiles the filters of a query.
    ///
    /// # Errors
    /// A name is no member of the resource, or a value does not fit its type.
    pub(super) fn new(resource: &'a Resource, query: &Query) -> Result<Self, Problem> {
        let mut filters = Self {
            tests: Vec::new(),
            id: None,
            key: None,
        };
        for (name, value) in &query.filters {
            if name == "id" {
                let id = u128::from_str_radix(value, 16).ok();
                filters.id = Some(id.ok_or_else(|| Problem::parameter(name, "No such id."))?);
                continue;
            }
            let (name, paths, scalar) = find(resource, name).ok_or_else(|| {
                let error = format!("'{name}' is not a property of '{}'.", resource.title);
                Problem::parameter(name, error)
            })?;
            let value = scalar::from_query(scalar, value).ok_or_else(|| {
                Problem::parameter(name, format!("The value '{value}' is not valid."))
            })?;
            filters.tests.push(Test {
                name,
                paths,
                scalar,
                value,
            });
        }
        filters.key = filters.whole_key(resource);
        Ok(filters)
    }

    fn whole_key(&self, resource: &Resource) -> Option<u128> {
        let mut text = String::new();
        for part in &resource.key {
            let test = self.tests.iter().find(|t| t.name == part.name)?;
            push_text(&mut text, &part.name, &test.value);
        }
        (!resource.key.is_empty()).then(|| key_hash(&text))
    }

    /// Whether there is nothing to test.
    pub(super) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Whether a record passes.
    pub(super) fn pass(&self, body: &[u8]) -> bool {
        if self.tests.is_empty() {
            return true;
        }
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return false;
        };
        self.tests.iter().all(|test| {
            test.paths.iter().any(|path| {
                let value = path.iter().fold(&body, |value, name| &value[*name]);
                let mut text = String::new();
                match scalar::canonical(test.scalar, value, "") {
                    Ok(value) => value.push_text(&mut text),
                    Err(_) => return false,
                }
                text == test.value
            })
        })
    }
}

type Place<'a> = (&'a str, Vec<Vec<&'a str>>, Scalar);

/// Where a filter's name stands in a body: a part of the key, else a value at the root, else a
/// member of any reference at the root.
fn find<'a>(resource: &'a Resource, name: &str) -> Option<Place<'a>> {
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    if let Some(part) = resource.key.iter().find(|p| same(&p.name)) {
        let path = part.path.iter().map(String::as_str).collect();
        return Some((&part.name, vec![path], part.scalar));
    }
    let mut found: Option<Place<'a>> = None;
    for member in &resource.members {
        match &member.shape {
            Shape::Scalar(scalar) if same(&member.name) => {
                return Some((&member.name, vec![vec![&member.name]], *scalar));
            }
            Shape::Reference(reference) => {
                for inner in reference.members.iter().filter(|m| same(&m.name)) {
                    if let Shape::Scalar(scalar) = inner.shape {
                        let (_, paths, _) =
                            found.get_or_insert_with(|| (&inner.name, Vec::new(), scalar));
                        paths.push(vec![&member.name, &inner.name]);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paging_parameters_are_checked() {
        let query = Query::parse("offset=3&limit=500&totalCount=TRUE&x=a%20b").unwrap();
        assert_eq!(
            (query.offset, query.limit, query.total),
            (Some(3), 500, true)
        );
        assert_eq!(query.filters, [("x".to_owned(), "a b".to_owned())]);
        for bad in [
            "limit=501",
            "limit=-1",
            "limit=x",
            "offset=-1",
            "pageSize=501",
            "pageToken=zz",
            "pageToken=0-&offset=1",
            "pageSize=5&totalCount=true",
            "number=0",
            "number=201",
        ] {
            assert!(Query::parse(bad).is_err(), "{bad}");
        }
        assert!(Query::parse("pageSize=5&totalCount=false").is_ok());
    }

    proptest! {
        #[test]
        fn a_token_reads_as_it_is_written(start: usize, end: Option<usize>) {
            prop_assert_eq!(token(&page_token(start, end)), Some((start, end)));
        }
    }
}
