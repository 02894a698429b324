//! The transform as a whole, over small tables and a standard made by hand.

mod depth;
mod district;
mod memory;
mod problems;
mod ref_ids;
mod results;
