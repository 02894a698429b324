//! How much one request carries: as much as the provider takes, learnt from what it takes and
//! refuses.
//!
//! Reads: sizes of requests, and whether they were taken. Writes: nothing. Never: I/O, clocks.
//!
//! A provider says that a request is too large, never what would fit, nor whether it has counted
//! objects or bytes. Between the largest request that was taken and the smallest that was refused
//! the middle is tried next, until both are close to each other; after many requests of a settled
//! size a larger one once more, for the provider may have been short of something for a while. What
//! is tried is one request at a time, so that a try that fails costs one request.

use crate::target::{Operation, Packing, Unit};

/// Requests of full size that are taken before a larger one is tried.
const STEADY: u32 = 3;

/// The same at a settled size; doubled with each try that fails.
const PATIENCE: (u32, u32) = (12, 768);

/// A provider that is slow is not asked for less than this at a time.
const FEWEST: (usize, usize) = (16, 4096);

/// Sizes of the requests to come.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    objects: Side,
    bytes: Side,
}

/// Objects and bytes of a request that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) objects: usize,
    /// 0 of deletes, which have no bodies.
    pub(super) bytes: usize,
}

impl Size {
    pub(super) fn of(unit: &Unit) -> Self {
        let bytes = match unit.operation {
            Operation::Delete => 0,
            _ => {
                let bodies = &unit.chunk.bodies;
                let first = bodies.range(unit.range.start).start;
                let last = unit.range.clone().next_back().unwrap_or_default();
                bodies.range(last).end.saturating_sub(first)
            }
        };
        Self {
            objects: unit.len(),
            bytes,
        }
    }
}

impl Batch {
    pub(super) fn new(most: Packing) -> Self {
        Self {
            objects: Side::new(most.objects),
            bytes: Side::new(most.bytes),
        }
    }

    /// What the next request is to carry: now and then more than is known to be taken.
    pub(super) fn next(&mut self) -> Packing {
        let mut packing = Packing {
            objects: self.objects.limit,
            bytes: self.bytes.limit,
        };
        // Not both at once: it would not be known which was too much.
        if let Some(bytes) = self.bytes.try_more() {
            packing.bytes = bytes;
        } else if let Some(objects) = self.objects.try_more() {
            packing.objects = objects;
        }
        packing
    }

    /// The most that may be sent now: what was cut for larger requests goes out in several.
    pub(super) fn most(&self) -> Packing {
        Packing {
            objects: self.objects.allowed(),
            bytes: self.bytes.allowed(),
        }
    }

    /// A request of this size was taken.
    pub(super) fn taken(&mut self, size: Size) {
        self.objects.taken(size.objects);
        self.bytes.taken(size.bytes);
    }

    /// A request of this size was too large. Most providers count bytes; where as many were taken
    /// before, or there are none, it was the number of objects.
    pub(super) fn refused(&mut self, size: Size) {
        let more = |side: &Side, size| size > side.took;
        match size.bytes > 0
            && (more(&self.bytes, size.bytes) || !more(&self.objects, size.objects))
        {
            true => self.bytes.refused(size.bytes, 1),
            false => self.objects.refused(size.objects, 1),
        }
    }

    /// A request of this size took the provider too long.
    pub(super) fn slow(&mut self, size: Size) {
        self.objects.refused(size.objects, FEWEST.0);
        self.bytes.refused(size.bytes, FEWEST.1);
    }
}

/// Objects, or bytes.
#[derive(Clone, Debug)]
struct Side {
    most: usize,
    limit: usize,
    /// The largest that was taken, as far as it still counts.
    took: usize,
    /// The smallest that was refused since.
    refused: Option<usize>,
    /// What is being tried.
    tried: Option<usize>,
    /// Requests of full size that were taken since the limit or a try.
    steady: u32,
    patience: u32,
}

impl Side {
    fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            most,
            limit: most,
            took: 0,
            refused: None,
            tried: None,
            steady: 0,
            patience: PATIENCE.0,
        }
    }

    fn allowed(&self) -> usize {
        self.tried.map_or(self.limit, |tried| tried.max(self.limit))
    }

    /// A larger size, when it is time to try one.
    fn more(&self) -> Option<usize> {
        if self.limit == self.most || self.steady < STEADY {
            return None;
        }
        let more = match self.refused {
            None => self.limit * 2,
            Some(refused) => {
                let room = refused.saturating_sub(self.limit);
                match room > (self.limit / 6).max(1) {
                    true => self.limit + room / 2,
                    false if self.steady < self.patience => return None,
                    false => refused.max(self.limit) + self.limit.div_ceil(8),
                }
            }
        };
        Some(more.min(self.most))
    }

    /// The same, once: until it is known what becomes of it, requests are as they were.
    fn try_more(&mut self) -> Option<usize> {
        self.tried = Some(self.more()?);
        self.steady = 0;
        self.tried
    }

    fn taken(&mut self, size: usize) {
        self.took = self.took.max(size);
        let nearly = |wanted: usize| size >= wanted - wanted / 8;
        // Whole objects only: a try does not use all of its room.
        let limit = match self
            .tried
            .filter(|tried| size > self.limit && nearly(*tried))
        {
            Some(tried) => tried,
            None => size,
        };
        if self.refused.is_some_and(|refused| limit >= refused) {
            self.refused = None;
            self.patience = PATIENCE.0;
        }
        if limit > self.limit {
            self.set(limit);
        } else if nearly(self.limit) {
            // Smaller ones say nothing of the limit.
            self.steady = self.steady.saturating_add(1);
        }
    }

    fn refused(&mut self, size: usize, fewest: usize) {
        if size <= fewest {
            return;
        }
        if size <= self.took {
            // It takes less than it did.
            self.took = 0;
        }
        if self.tried.take().is_some() {
            self.patience = (self.patience * 2).min(PATIENCE.1);
        }
        self.refused = Some(self.refused.map_or(size, |refused| refused.min(size)));
        let close = size - self.took <= self.took / 8;
        let limit = match close {
            true => self.took,
            false => (self.took + size) / 2,
        };
        // Requests that were made before the limit fell say nothing of it.
        if limit < self.limit {
            self.set(limit.max(fewest));
        }
    }

    fn set(&mut self, limit: usize) {
        self.limit = limit.clamp(1, self.most);
        self.tried = None;
        self.steady = 0;
    }
}

#[cfg(test)]
mod tests;
