// SPDX-License-Identifier: GPL-3.0-or-later
//! The only file with unsafe code: options and infos of libcurl that the curl crate lacks. Each
//! function says why its call is sound.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_long};

use curl::easy::{Easy2, Handler};
use curl::multi::Easy2Handle;

// Numbers of curl/curl.h that curl-sys has no names for.
const CURLOPT_PROTOCOLS_STR: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_OBJECTPOINT + 318;
const CURLOPT_REDIR_PROTOCOLS_STR: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_OBJECTPOINT + 319;
const CURLOPT_QUICK_EXIT: curl_sys::CURLoption = curl_sys::CURLOPTTYPE_LONG + 322;
const CURLINFO_OFF_T: curl_sys::CURLINFO = 0x0060_0000;
const CURLINFO_FILETIME_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 14;
const CURLINFO_CONTENT_LENGTH_DOWNLOAD_T: curl_sys::CURLINFO = CURLINFO_OFF_T + 15;

/// Allows only these schemes, comma separated, for the first request and for redirects
/// (`CURLOPT_PROTOCOLS_STR(3)`, since 7.85).
pub fn set_protocols<H: Handler>(easy: &Easy2<H>, first: &CStr, redirects: &CStr) -> Result<(), curl::Error> {
    for (option, value) in [(CURLOPT_PROTOCOLS_STR, first), (CURLOPT_REDIR_PROTOCOLS_STR, redirects)] {
        // SAFETY: the handle is alive as long as `easy` is borrowed; both options take a pointer to
        // a string, which libcurl copies before it returns.
        let code = unsafe { curl_sys::curl_easy_setopt(easy.raw(), option, value.as_ptr()) };
        check(code)?;
    }
    Ok(())
}

/// Lets a removal skip the wait for a name lookup (`CURLOPT_QUICK_EXIT(3)`, since 7.87). The lookup
/// thread ends by itself later. Meant for the end of the program; older versions do not know it.
pub fn set_quick_exit<H: Handler>(handle: &Easy2Handle<H>) -> Result<(), curl::Error> {
    let on: c_long = 1;
    // SAFETY: the handle is alive as long as `handle` is borrowed; the option takes a long.
    check(unsafe { curl_sys::curl_easy_setopt(handle.raw(), CURLOPT_QUICK_EXIT, on) })
}

/// The easy handle that a handler belongs to, for questions from inside its callbacks.
#[derive(Clone, Copy, Debug)]
pub struct EasyRef(*mut curl_sys::CURL);

impl EasyRef {
    /// Of the handle that owns the handler which keeps this; see [`EasyRef::infos`].
    pub fn of<H: Handler>(easy: &Easy2<H>) -> Self {
        Self(easy.raw())
    }

    /// What libcurl knows of the answer that is being delivered.
    ///
    /// Only the handler of this very handle keeps an `EasyRef`, and it is dropped with the handle;
    /// `curl_easy_getinfo` is allowed in callbacks.
    pub fn infos(self) -> Infos {
        Infos {
            status: u16::try_from(self.long(curl_sys::CURLINFO_RESPONSE_CODE)).unwrap_or_default(),
            length: u64::try_from(self.offset(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)).ok(),
            filetime: u64::try_from(self.offset(CURLINFO_FILETIME_T)).ok(),
            url: self.text(curl_sys::CURLINFO_EFFECTIVE_URL),
        }
    }

    fn long(self, info: curl_sys::CURLINFO) -> c_long {
        let mut value: c_long = 0;
        // SAFETY: the handle is alive (see `infos`); infos of this class are written as one long.
        let code = unsafe { curl_sys::curl_easy_getinfo(self.0, info, &raw mut value) };
        if code == curl_sys::CURLE_OK { value } else { 0 }
    }

    fn offset(self, info: curl_sys::CURLINFO) -> i64 {
        let mut value: i64 = -1;
        // SAFETY: the handle is alive (see `infos`); infos of this class are written as one
        // curl_off_t, which is 64 bits wide on every platform.
        let code = unsafe { curl_sys::curl_easy_getinfo(self.0, info, &raw mut value) };
        if code == curl_sys::CURLE_OK { value } else { -1 }
    }

    fn text(self, info: curl_sys::CURLINFO) -> Option<CString> {
        let mut value: *const c_char = std::ptr::null();
        // SAFETY: the handle is alive (see `infos`); infos of this class are written as one pointer,
        // null or to a string that libcurl keeps until the next transfer. It is copied at once.
        unsafe {
            let code = curl_sys::curl_easy_getinfo(self.0, info, &raw mut value);
            (code == curl_sys::CURLE_OK && !value.is_null()).then(|| CStr::from_ptr(value).to_owned())
        }
    }
}

/// See [`EasyRef::infos`].
#[derive(Debug)]
pub struct Infos {
    /// The HTTP status or the last reply code of another protocol.
    pub status: u16,
    /// Bytes that the body will have.
    pub length: Option<u64>,
    /// Seconds since 1970.
    pub filetime: Option<u64>,
    /// The address after redirects.
    pub url: Option<CString>,
}

fn check(code: curl_sys::CURLcode) -> Result<(), curl::Error> {
    if code == curl_sys::CURLE_OK { Ok(()) } else { Err(curl::Error::new(code)) }
}
