//! Tests of `monitor` and `libgimli` with real processes. Each test has its own folder and its own monitor, whose
//! guard kills and reaps everything that was started under it. Tracers are small scripts unless a test says
//! otherwise: what is tested here is the monitor, not glider.

#[cfg(test)]
mod c_interface;
#[cfg(test)]
mod crash_modes;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod hangs;
#[cfg(test)]
mod killed_monitor;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod old_peers;
#[cfg(test)]
mod size;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod with_glider;
