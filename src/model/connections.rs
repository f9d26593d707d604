// SPDX-License-Identifier: GPL-3.0-or-later
//! The connections of a download in words: who each speaks to and how, what it brings, and how long it
//! took to get there.

use super::amounts::{duration, size, speed, step};
use crate::engine::details::{Details as Picture, Segment};
use crate::engine::net::contact::{Contact, Steps};
use crate::engine::store::redact::without_password;
use crate::engine::types::Speed;
use crate::i18n::{gettext, gettext_f, in_one_line, pgettext_f};

/// A connection that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The number by which the picture of the bytes shows it; the first is 1.
    pub number: usize,
    /// Who it speaks to.
    pub host: String,
    /// What it does, in words.
    pub words: String,
}

pub(super) fn list(picture: &Picture) -> Vec<Connection> {
    (1..).zip(&picture.segments).map(|(number, segment)| connection(number, segment, picture)).collect()
}

fn connection(number: usize, segment: &Segment, picture: &Picture) -> Connection {
    let source = picture.sources.get(segment.source);
    let answered = segment.contact.as_ref().and_then(|contact| contact.addresses.last()).and_then(|url| url.host_str());
    let host = answered.or_else(|| source.and_then(|source| source.url.host_str())).unwrap_or_default().to_owned();
    let Some(contact) = &segment.contact else {
        // Translators: {time} is a duration like “3 s”.
        let words = gettext_f("Connecting for {time}", &[("time", &duration(segment.age))]);
        return Connection { number, host, words };
    };
    let came = segment.next.saturating_sub(segment.range.start);
    // Translators: what a connection fetches; {from} and {to} are places in the file, like “4.2 MB”.
    let stretch = pgettext_f(
        "bytes",
        "{from} to {to}",
        &[("from", &size(segment.range.start)), ("to", &size(segment.range.end))],
    );
    let pace = match segment.speed {
        Speed(0) => None,
        pace => Some(speed(pace)),
    };
    // Translators: how long a connection has been open; {time} is a duration like “3 min”.
    let age = gettext_f("for {time}", &[("time", &duration(segment.age))]);
    let copy = segment.is_copy.then(|| gettext("fetches what another one fetches, too"));
    // Of a file of unknown length the end is not known.
    let stretch = Some(stretch).filter(|_| picture.total.is_some());
    // Translators: how much a connection has brought; {size} is an amount like “4.2 MB”.
    let came = gettext_f("{size} received", &[("size", &size(came))]);
    let parts = [Some(protocol(contact)), stretch, Some(came), pace, Some(age), copy];
    let words = in_one_line(parts.into_iter().flatten());
    Connection { number, host, words }
}

/// `HTTP/1.1, encrypted`
pub(super) fn protocol(contact: &Contact) -> String {
    if contact.is_secure {
        // Translators: {protocol} is a name like HTTP/1.1.
        gettext_f("{protocol}, encrypted", &[("protocol", &contact.protocol)])
    } else {
        gettext_f("{protocol}, not encrypted", &[("protocol", &contact.protocol)])
    }
}

/// `nginx at 93.184.216.34`
pub(super) fn server(contact: &Contact) -> Option<String> {
    let peer = contact.peer.map(|peer| peer.to_string());
    match (&contact.server, peer) {
        // Translators: {server} is what a server calls itself, {address} its IP address.
        (Some(server), Some(peer)) => {
            Some(gettext_f("{server} at {address}", &[("server", server), ("address", &peer)]))
        }
        (server, peer) => server.clone().or(peer),
    }
}

/// Where the address led, a line for each redirect; nothing where there was none.
pub(super) fn redirects(contact: &Contact) -> Option<String> {
    let hops = contact.addresses.iter().skip(1).map(|url| without_password(url).to_string());
    Some(hops.collect::<Vec<_>>().join("\n")).filter(|hops| !hops.is_empty())
}

/// How long each step to the last answer took.
pub(super) fn timings(steps: &Steps) -> String {
    let answer = gettext_f("first byte {time}", &[("time", &step(steps.answer))]);
    if steps.is_reused {
        // Translators: of a connection that was open already; {answer} is a text like “first byte 20 ms”.
        return gettext_f("connected before, {answer}", &[("answer", &answer)]);
    }
    let agree = (!steps.agree.is_zero()).then(|| gettext_f("encryption {time}", &[("time", &step(steps.agree))]));
    let parts = [
        Some(gettext_f("name lookup {time}", &[("time", &step(steps.lookup))])),
        Some(gettext_f("connection {time}", &[("time", &step(steps.connect))])),
        agree,
        Some(answer),
    ];
    // Translators: between the parts of a list within a line.
    parts.into_iter().flatten().collect::<Vec<_>>().join(&gettext(", "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn contact() -> Contact {
        Contact {
            addresses: ["http://a/x", "https://ann:hunter2@b/y"].map(|url| url.parse().unwrap()).to_vec(),
            protocol: "HTTP/1.1".into(),
            is_secure: true,
            peer: Some("192.0.2.1".parse().unwrap()),
            server: Some("nginx".into()),
            steps: Steps::default(),
        }
    }

    #[test]
    fn a_server_is_told_by_its_name_and_its_address() {
        assert_eq!(server(&contact()).unwrap(), "nginx at 192.0.2.1");
        assert_eq!(server(&Contact { server: None, ..contact() }).unwrap(), "192.0.2.1");
        assert_eq!(server(&Contact::default()), None);
        assert_eq!(protocol(&contact()), "HTTP/1.1, encrypted");
    }

    #[test]
    fn redirects_are_told_without_passwords() {
        assert_eq!(redirects(&contact()).unwrap(), "https://ann@b/y");
        let direct = Contact { addresses: vec!["http://a/x".parse().unwrap()], ..contact() };
        assert_eq!(redirects(&direct), None);
    }

    #[test]
    fn each_step_has_its_time_and_one_that_was_not_is_left_out() {
        let ms = Duration::from_millis;
        let steps = Steps { is_reused: false, lookup: ms(4), connect: ms(20), agree: ms(0), answer: ms(2500) };
        assert_eq!(timings(&steps), "name lookup 4 ms, connection 20 ms, first byte 2 s");
        assert!(timings(&Steps { agree: ms(60), ..steps }).contains("encryption 60 ms"));
        assert_eq!(timings(&Steps { is_reused: true, ..steps }), "connected before, first byte 2 s");
    }
}
