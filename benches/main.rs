//! Benchmarks of the hot path: `cargo bench`. `cargo test --benches` runs each once.

mod load;

criterion::criterion_group!(benches, load::bench);
criterion::criterion_main!(benches);
