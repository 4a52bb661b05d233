//! Traces the real server with the plugin.

use gimli_plugin_api::testing::{Failure, Glider, Target, library};
use std::process::Command;

#[test]
fn a_busy_server_says_what_it_does() -> Result<(), Failure> {
    let server = format!("{}/server", env!("CARGO_TARGET_TMPDIR"));
    let compiled = Command::new("cc").args(["-g", "server.c", "-o", &server]).status();
    assert!(compiled.is_ok_and(|status| status.success()), "cannot compile server.c (Debian package: gcc)");

    let target = Target::start(&mut Command::new(&server))?; // waits for the line "ready"
    let report = Glider::find()?.plugin(library("gimli-server")?).trace(&target)?;

    assert!(report.is_complete(), "{:?}", report.problems());
    assert!(report.text().contains("busy with request 7"));
    assert!(report.frame("wait_for_ever").is_none(), "hidden");
    assert!(report.text().contains("= request 7 for /index.html"));
    assert_eq!(report.section("libgimli_server.so"), "demo: 42 requests, 1 errors\n1 in work\n");
    Ok(())
}
