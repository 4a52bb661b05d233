//! Why a value is not shown as what its type promises.

use gimli_plugin_api::Error;

/// What a printer gives up with.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The type has not the members that this plugin knows: another library, or a later version.
    Unknown,
    /// The object is none: uninitialised, destroyed or overwritten. Says in what.
    Invalid(String),
}

impl Fault {
    /// An object that is none.
    pub(crate) fn invalid(why: impl Into<String>) -> Fault {
        Fault::Invalid(why.into())
    }
}

impl From<Error> for Fault {
    /// What cannot be read is not there: the object itself, or what it points at.
    fn from(error: Error) -> Fault {
        Fault::Invalid(error.message().to_owned())
    }
}

/// `Err` with these words unless `holds`.
pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault::Invalid(why())) }
}
