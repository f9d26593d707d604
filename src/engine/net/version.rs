// SPDX-License-Identifier: GPL-3.0-or-later
//! Which libcurl is at work, what it can do, and whether it is known to be bad for us.

/// A libcurl version as numbers.
pub type Number = (u8, u8, u8);

/// What is wrong with a libcurl, where something is. Read off curl's issue tracker.
pub fn known_fault(version: Number) -> Option<&'static str> {
    match version {
        (8, 9, 0) => Some("8.9.0 spins in the multi-socket interface (curl issue 14280)"),
        (8, 9, 1) => Some("8.9.1 lets SIGPIPE end the program"),
        (8, 20, 0) => Some("8.20.0 wakes up a million times a second (curl issue 21547)"),
        (8, 21, 0) => Some("8.21.0 leaks descriptors when TLS connections end (curl issue 22282)"),
        _ => None,
    }
}

/// The libcurl that runs (not the one of the build).
pub fn running() -> Number {
    let number = curl::Version::get().version_num();
    let byte = |shift: u32| u8::try_from((number >> shift) & 0xff).unwrap_or_default();
    (byte(16), byte(8), byte(0))
}

/// Warns once in the log about a libcurl that is known to be bad.
pub fn warn_if_faulty() {
    if let Some(fault) = known_fault(running()) {
        tracing::warn!("this libcurl is known to be faulty: {fault}; a newer one is advised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_version_is_a_supported_one_and_faults_are_known_by_number() {
        assert!(running() >= (7, 85, 0), "{:?}", running());
        assert!(known_fault((8, 20, 0)).is_some());
        assert!(known_fault((7, 88, 1)).is_none());
    }
}
