//! Operations of a resync, each subject in a file of its own; tests are named after the sentence
//! of the user's documents (`e22_..`) or the numbered item (`item_3_..`) that they hold to.

mod choice;
mod layers;
