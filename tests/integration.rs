//! The one integration-test binary (each further one would link DataFusion again).

#![allow(unreachable_pub)]

mod architecture;
mod faults;
mod kill;
mod resources;
mod sample;
mod support;
