//! Benchmarks of the hot path: `cargo bench`. `cargo test --bench main` runs each once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod dis;
mod encode;
mod ledger;
mod load;
mod person;
mod server;
mod sif;
mod sif3;
mod sif_zone;
mod stage;
mod transform;

criterion::criterion_group!(
    benches,
    stage::bench,
    transform::bench,
    person::bench,
    encode::bench,
    ledger::bench,
    load::bench,
    dis::bench,
    sif::bench,
    sif_zone::bench,
    sif3::bench
);
criterion::criterion_main!(benches);
