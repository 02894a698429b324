//! The one integration-test binary (each further one would link DataFusion again).

mod faults;
mod kill;
mod support;
