//! The plugins of this repository on real programs.

mod locks;
mod process;
mod ringlog;
