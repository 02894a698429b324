//! Sizes against a provider that is modelled.

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
