// SPDX-License-Identifier: GPL-3.0-or-later
//! The cases by what is wrong, each a line of a table: a name, what the server does, what must come
//! of it. `case.rs` has the words of the tables, `stage.rs` plays many cases at a time.

/// A table of cases: each becomes a test of its name, and an entry of the module's `CASES`.
macro_rules! cases {
    ($($(#[$attribute:meta])* $name:ident = $case:expr),+ $(,)?) => {
        pub const CASES: &[$crate::hostile::stage::Entry] = &[$($crate::hostile::stage::Entry {
            name: concat!(module_path!(), "::", stringify!($name)),
            attributes: &[$(stringify!($attribute)),*],
            make: || $case,
        }),+];

        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                $crate::hostile::stage::judged(concat!(module_path!(), "::", stringify!($name)));
            }
        )+
    };
}

mod case;
mod chunked;
mod cuts;
mod encodings;
mod heads;
mod lengths;
mod names;
mod ranges;
mod redirects;
mod segments;
mod stage;
mod statuses;
mod targets;
mod validators;

/// All cases there are.
fn all() -> impl Iterator<Item = &'static stage::Entry> {
    [
        chunked::CASES,
        cuts::CASES,
        encodings::CASES,
        heads::CASES,
        lengths::CASES,
        names::CASES,
        ranges::CASES,
        redirects::by_libcurl::CASES,
        redirects::by_us::CASES,
        segments::CASES,
        statuses::CASES,
        targets::CASES,
        validators::CASES,
    ]
    .into_iter()
    .flatten()
}
