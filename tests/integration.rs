//! The one integration-test binary (each further one would link DataFusion again).

mod architecture;
mod faults;
mod kill;
mod support;
