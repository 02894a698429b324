//! The data routes: which method does what on collections, records and descriptors.
//!
//! Reads: the request. Writes: through the store. Never: looks at a token (that is done).

use bytes::Bytes;
use hyper::header;

use super::exchange::Exchange;
use super::layout::Endpoint;
use super::options::Operation;
use super::problem::Problem;
use super::profile::Usage;
use super::read::partitions;
use super::route::{Path, Route};
use super::stats::Verb;
use super::write::Written;
use crate::sandbox::answer::Answer;

impl Exchange<'_> {
    /// Answers a data route.
    ///
    /// # Errors
    /// Whatever the request is refused for.
    pub(super) fn data(&self, path: Path<'_>, body: &Bytes) -> Result<Answer, Problem> {
        let query = self.head.uri.query().unwrap_or_default();
        if matches!(self.verb, Verb::Post | Verb::Put) {
            let kind = self.header(&header::CONTENT_TYPE).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if kind != "application/json" && !kind.ends_with("+json") {
                return Err(Problem::media_type());
            }
        }
        let mut body = body;
        let (profile, stripped);
        if let Route::Collection(Endpoint::Resource(number))
        | Route::Item(Endpoint::Resource(number), _) = path.route
        {
            let resource = self.api.layout.resource(number);
            let (usage, kind) = match self.verb {
                Verb::Post | Verb::Put => (Usage::Writable, &header::CONTENT_TYPE),
                _ => (Usage::Readable, &header::ACCEPT),
            };
            if self.verb != Verb::Delete {
                let kind = self.header(kind).unwrap_or_default();
                profile = self.api.profiles.of(resource, kind, usage)?;
                match (profile, usage) {
                    (Some(profile), Usage::Writable) => {
                        stripped = profile.write(resource, body)?;
                        body = &stripped;
                    }
                    (Some(profile), Usage::Readable) => {
                        let mut answer = self.resource(path, body, query)?;
                        answer.body = profile.strip(&answer.body);
                        return Ok(answer);
                    }
                    (None, _) => {}
                }
            }
        }
        self.resource(path, body, query)
    }

    fn resource(&self, path: Path<'_>, body: &Bytes, query: &str) -> Result<Answer, Problem> {
        match path.route {
            Route::Collection(Endpoint::Resource(number)) => match self.verb {
                Verb::Get => self.api.collection(number, query),
                Verb::Post => {
                    let if_match = self.header(&header::IF_MATCH);
                    let written = self.api.post(number, body, if_match)?;
                    Ok(self.written(number, path.data_root, written))
                }
                Verb::Put => Err(Problem::method(
                    "Resource collections cannot be replaced. To \"upsert\" an item in the \
                     collection, use POST. To update a specific item, use PUT and include the \
                     \"id\" in the route.",
                )),
                Verb::Delete => Err(Problem::method(
                    "Resource collections cannot be deleted. To delete a specific item, use \
                     DELETE and include the \"id\" in the route.",
                )),
                Verb::Other => Err(self.unsupported()),
            },
            Route::Item(Endpoint::Resource(number), id) => self.item(number, id, path, body),
            Route::Partitions(Endpoint::Resource(number)) if self.verb == Verb::Get => {
                self.api.partitions(number, query)
            }
            Route::Collection(Endpoint::Descriptor(number))
            | Route::Item(Endpoint::Descriptor(number), _)
            | Route::Partitions(Endpoint::Descriptor(number)) => {
                self.descriptor(number, path.route, query)
            }
            _ => Err(self.unsupported()),
        }
    }

    fn item(&self, number: u16, id: &str, path: Path<'_>, body: &Bytes) -> Result<Answer, Problem> {
        let if_match = self.header(&header::IF_MATCH);
        match self.verb {
            Verb::Get => self
                .api
                .item(number, id, self.header(&header::IF_NONE_MATCH)),
            Verb::Put => {
                let written = self.api.put(number, id, body, if_match)?;
                let mut answer = self.written(number, path.data_root, written);
                answer.status = 204;
                Ok(answer)
            }
            Verb::Delete => {
                self.api.delete(number, id, if_match)?;
                Ok(Answer::empty(204))
            }
            Verb::Post => Err(Problem::method(
                "Resource items can only be updated using PUT. To \"upsert\" an item in the data \
                 collection using POST, remove the \"id\" from the route.",
            )),
            Verb::Other => Err(self.unsupported()),
        }
    }

    fn descriptor(&self, number: u16, route: Route<'_>, query: &str) -> Result<Answer, Problem> {
        let kind = &self.api.layout.descriptors[usize::from(number)];
        let operation = match self.verb {
            Verb::Get => {
                return match route {
                    Route::Item(_, id) => self.api.descriptor(kind, id),
                    Route::Partitions(_) => Ok(partitions(kind.values.len(), 10)),
                    _ => self.api.descriptors(kind, query),
                };
            }
            Verb::Post => Operation::Create,
            Verb::Put => Operation::Update,
            Verb::Delete => Operation::Delete,
            Verb::Other => return Err(self.unsupported()),
        };
        Err(Problem::action_denied(&kind.title, operation))
    }

    fn unsupported(&self) -> Problem {
        let method = &self.head.method;
        let error = format!("The endpoint of the request does not support the '{method}' method.");
        Problem::method(error)
    }

    fn written(&self, number: u16, data_root: &str, written: Written) -> Answer {
        let path = &self.api.layout.resource(number).path;
        let root = match self.api.quirks().relative_location {
            true => String::new(),
            false => self.root(),
        };
        let location = format!("{root}{data_root}{path}/{:032x}", written.id);
        let status = if written.created { 201 } else { 200 };
        let answer = Answer::empty(status).header(header::LOCATION, location);
        self.api.with_etag(answer, written.version)
    }
}
