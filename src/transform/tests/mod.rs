//! The transform as a whole, over small tables and a standard made by hand.

mod district;
mod problems;
mod results;
