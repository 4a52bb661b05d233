//! The `glider` program.

fn main() {}
