//! Exit codes: the contract with scripts.

use std::process::ExitCode;

/// How a command ended. Where several hold, the input error comes first, then what could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All held.
    Held,
    /// Something is not as promised.
    NotAsPromised,
    /// Something could not be looked at.
    CouldNotLook,
    /// Usage or input error.
    Input,
}

impl Exit {
    /// The code that the process ends with.
    #[must_use]
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Held => 0,
            Self::NotAsPromised => 1,
            Self::Input => 2,
            Self::CouldNotLook => 3,
        })
    }
}
