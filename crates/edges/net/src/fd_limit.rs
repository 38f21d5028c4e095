//! How many files this process may have open: one for each socket.

use std::io;

use crate::sys;

/// The limit as it is after raising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FdLimit {
    /// Files that may be open at once.
    pub files: u64,
}

/// Raises the soft limit to `wanted`, or as near to it as the system lets us.
///
/// A process with the right to (root, `CAP_SYS_RESOURCE`) raises the hard limit as well. The limit is
/// never lowered.
pub fn raise_fd_limit(wanted: u64) -> io::Result<FdLimit> {
    let (soft, hard) = sys::fd_limit()?;
    if soft >= wanted {
        return Ok(FdLimit { files: soft });
    }
    if hard < wanted && sys::set_fd_limit(wanted, wanted).is_ok() {
        return Ok(FdLimit { files: wanted });
    }
    let files = wanted.min(hard);
    sys::set_fd_limit(files, hard)?;
    Ok(FdLimit { files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_rises_as_far_as_it_may_and_never_falls() {
        let (soft, hard) = sys::fd_limit().unwrap();
        assert_eq!(raise_fd_limit(1).unwrap(), FdLimit { files: soft });
        assert_eq!(raise_fd_limit(hard).unwrap(), FdLimit { files: hard });
    }
}
