//! Lets C modules find the functions of `libgimli_ana.h` in the glider executable: these symbols,
//! and no others, become dynamic ones.

fn main() {
    for symbol in ["gimli_*", "the_proc"] {
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol={symbol}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=GIMLI_PLUGIN_DIR");
}
