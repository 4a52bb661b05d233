//! Tests of `monitor` and `libgimli` with real processes. Each test has its own folder and its own monitor, whose
//! guard kills and reaps everything that was started under it. Tracers are small scripts unless a test says
//! otherwise: what is tested here is the monitor, not glider.

mod c_interface;
mod crash_modes;
mod effects;
mod hangs;
mod killed_monitor;
mod lifecycle;
mod old_peers;
mod stage;
