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
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A provider that takes so much at most, and requests of objects of many sizes: cut some time
    /// before they are sent, and cut again when they are sent, as the loop does.
    struct Model {
        batch: Batch,
        random: fastrand::Rng,
        cut: VecDeque<Vec<usize>>,
        /// What was taken and refused, since the last look.
        taken: Vec<Size>,
        refused: usize,
    }

    fn size(bytes: &[usize]) -> Size {
        Size {
            objects: bytes.len(),
            bytes: bytes.iter().sum(),
        }
    }

    impl Model {
        fn new(most: Packing) -> Self {
            Self {
                batch: Batch::new(most),
                random: fastrand::Rng::with_seed(5),
                cut: VecDeque::new(),
                taken: Vec::new(),
                refused: 0,
            }
        }

        /// Some requests of so many objects in all; looks from now on.
        fn send(&mut self, objects: usize, fits: impl Fn(Size) -> bool) {
            (self.taken, self.refused) = (Vec::new(), 0);
            let mut sent = 0;
            while sent < objects {
                while self.cut.len() < 8 {
                    let packing = self.batch.next();
                    let (mut request, mut bytes) = (Vec::new(), 0);
                    while request.len() < packing.objects {
                        let next = self.random.usize(200..1200);
                        if bytes + next > packing.bytes && !request.is_empty() {
                            break;
                        }
                        bytes += next;
                        request.push(next);
                    }
                    self.cut.push_back(request);
                }
                let mut parts = vec![self.cut.pop_front().unwrap()];
                while let Some(part) = parts.pop() {
                    let most = self.batch.most();
                    let mut room = most.bytes;
                    let count = part.iter().take(most.objects).take_while(|bytes| {
                        let fits = **bytes <= room;
                        room = room.saturating_sub(**bytes);
                        fits
                    });
                    let count = count.count().max(1);
                    if count < part.len() {
                        let (first, second) = part.split_at(count);
                        parts.extend([second.to_vec(), first.to_vec()]);
                    } else if fits(size(&part)) {
                        self.batch.taken(size(&part));
                        self.taken.push(size(&part));
                        sent += part.len();
                    } else {
                        assert!(part.len() > 1, "no object is too large by itself");
                        self.batch.refused(size(&part));
                        self.refused += 1;
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second.to_vec(), first.to_vec()]);
                    }
                }
            }
        }

        fn mean(&self, of: impl Fn(&Size) -> usize) -> usize {
            self.taken.iter().map(of).sum::<usize>() / self.taken.len()
        }
    }

    const MOST: Packing = Packing {
        objects: 500,
        bytes: 1 << 20,
    };

    #[test]
    fn a_limit_in_bytes_or_objects_is_found_and_kept_to() {
        for limit in [3_000, 8_000, 50_000, 200_000, 330_000] {
            let mut model = Model::new(MOST);
            let objects = limit / 700;
            model.send(60 * objects, |size| size.bytes <= limit);
            model.send(300 * objects, |size| size.bytes <= limit);
            let mean = model.mean(|size| size.bytes);
            // Whole objects only: half of one is left free.
            let wanted = (limit - 700) * 80 / 100;
            assert!(mean >= wanted, "{mean} bytes of {limit}");
            assert!(model.refused <= 9, "{} of {limit}", model.refused);
        }
        for limit in [2, 7, 60, 333, 499] {
            let mut model = Model::new(MOST);
            model.send(60 * limit, |size| size.objects <= limit);
            model.send(300 * limit, |size| size.objects <= limit);
            let mean = model.mean(|size| size.objects);
            assert!(mean >= limit * 80 / 100, "{mean} objects of {limit}");
            assert!(model.refused <= 9, "{} of {limit}", model.refused);
        }
    }

    #[test]
    fn requests_grow_to_the_most_again_when_a_shortage_is_over() {
        let mut model = Model::new(MOST);
        model.send(1_000, |size| size.bytes <= 20_000);
        assert!(model.batch.most().bytes <= 22_000);
        model.send(15_000, |_| true);
        model.send(20_000, |_| true);
        assert!(model.mean(|size| size.objects) > 450);
        assert_eq!(model.batch.most().objects, MOST.objects);
    }

    #[test]
    fn a_provider_that_takes_less_than_before_is_followed() {
        let mut model = Model::new(MOST);
        model.send(10_000, |size| size.bytes <= 100_000);
        model.send(1_000, |size| size.bytes <= 10_000);
        model.send(3_000, |size| size.bytes <= 10_000);
        assert!(model.refused <= 9, "{}", model.refused);
        assert!(model.mean(|size| size.bytes) >= 7_000);
    }

    #[test]
    fn a_try_is_one_request() {
        let mut batch = Batch::new(MOST);
        let of = |objects| Size { objects, bytes: 0 };
        batch.refused(of(400));
        for _ in 0..STEADY {
            batch.taken(of(200));
        }
        assert_eq!(batch.next().objects, 300);
        assert_eq!(batch.next().objects, 200, "nobody knows yet");
        assert_eq!(batch.most().objects, 300);
        batch.refused(of(300));
        assert_eq!(batch.most().objects, 200);
        for _ in 0..STEADY {
            batch.taken(of(200));
        }
        assert_eq!(batch.next().objects, 250);
        batch.taken(of(250));
        assert_eq!(batch.next().objects, 250);
    }

    #[test]
    fn a_limit_in_bytes_does_not_hold_small_objects_back() {
        let mut batch = Batch::new(MOST);
        let of = |objects, bytes| Size { objects, bytes };
        batch.taken(of(500, 50_000));
        batch.refused(of(500, 400_000));
        let packing = batch.most();
        assert_eq!(packing.objects, 500, "as many were taken before");
        assert!(packing.bytes < 400_000);
    }

    #[test]
    fn a_slow_provider_is_asked_for_less_but_not_for_next_to_nothing() {
        let mut batch = Batch::new(MOST);
        for _ in 0..20 {
            let packing = batch.next();
            batch.slow(Size {
                objects: packing.objects,
                bytes: packing.bytes,
            });
        }
        let packing = batch.most();
        assert_eq!((packing.objects, packing.bytes), FEWEST);
        for _ in 0..200 {
            let packing = batch.next();
            batch.taken(Size {
                objects: packing.objects,
                bytes: packing.bytes,
            });
        }
        assert_eq!(batch.most().objects, MOST.objects);
    }

    #[test]
    fn deletes_have_no_bytes() {
        let mut batch = Batch::new(MOST);
        batch.refused(Size {
            objects: 500,
            bytes: 0,
        });
        assert_eq!(
            (batch.next().objects, batch.next().bytes),
            (250, MOST.bytes)
        );
    }
}
