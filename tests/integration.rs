//! The one integration-test binary (each further one would link DataFusion again).

// A test that cannot set up its case has failed; that is what a panic says.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod architecture;
mod dis;
mod faults;
mod kill;
mod operations;
mod resources;
mod sample;
mod servers;
mod sif;
mod sif3;
mod sif_mapping;
mod support;
