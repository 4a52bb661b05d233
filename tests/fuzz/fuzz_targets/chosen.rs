//! The target that GIMLI_FUZZ names. Its seeds are written to the folder that GIMLI_FUZZ_SEEDS names.

use super::targets::Target;
use std::sync::OnceLock;

pub(crate) fn chosen(targets: &'static [Target]) -> &'static Target {
    static CHOSEN: OnceLock<&'static Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("GIMLI_FUZZ").unwrap_or_default();
        let names: Vec<&str> = targets.iter().map(|target| target.name).collect();
        let chosen = targets.iter().find(|target| target.name == name);
        chosen.unwrap_or_else(|| panic!("GIMLI_FUZZ is one of {names:?}"))
    })
}

pub(crate) fn write_seeds(target: &Target) {
    let Some(folder) = std::env::var_os("GIMLI_FUZZ_SEEDS") else { return };
    for (number, seed) in (target.seeds)().iter().enumerate() {
        std::fs::write(std::path::Path::new(&folder).join(format!("seed-{number}")), seed).unwrap();
    }
}
