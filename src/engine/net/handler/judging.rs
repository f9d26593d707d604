// SPDX-License-Identifier: GPL-3.0-or-later
//! What the head of an answer means for its body.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Judged, TransferHandler};
use crate::engine::error::Failure;
use crate::engine::net::contact::Contact;
use crate::engine::net::decode::{Decoder, codings};
use crate::engine::net::proof::{self, Answer};
use crate::engine::net::raw::EasyRef;
use crate::engine::net::{Asked, TransferEvent, framing};
use crate::engine::types::ByteRange;

impl TransferHandler {
    /// Judges the head, and tells of it.
    pub(super) fn judge(&mut self) {
        let infos = self.easy.map(EasyRef::infos);
        let is_http = infos.as_ref().is_some_and(|infos| infos.is_http);
        if let Some(infos) = infos {
            self.head.url = infos.url.and_then(|url| self.read_url(url.as_bytes()));
            self.head.length = infos.length;
            if !is_http {
                // A reply code of FTP is no status of HTTP; what it means, libcurl has seen to.
                self.head.status = 0;
                self.head.fields.clear();
                self.head.modified = infos.filetime.map(|age| SystemTime::UNIX_EPOCH + Duration::from_secs(age));
            } else {
                if self.head.status == 0 {
                    self.head.status = infos.status;
                }
                // Which of the sockets that were tried it is; or one that another transfer has left.
                self.ports = self.easy.map(EasyRef::ports);
                self.socket = self.ports.and_then(|ports| self.gate.windows.borrow_mut().find(ports, self.socket));
            }
        }
        if let Some(easy) = self.easy {
            let hops = self.head.hops.clone();
            let version = easy.http_version().filter(|_| is_http);
            let contact = Contact::of(easy, hops, self.head.url.as_ref(), version, self.head.text("server"));
            self.head.contact = Arc::new(contact);
        }
        self.adapt_window();
        if let Some(leads) = self.leads() {
            self.judged = leads;
            return;
        }
        self.judged = match self.prove() {
            Ok((answer, decoder)) => {
                self.decoder = decoder;
                self.sink.begin(answer.start, answer.end);
                if !answer.continues {
                    // Not the range, but the whole file.
                    self.until = None;
                    self.sink.expect(Vec::new());
                }
                let answer = Box::new(answer);
                match &mut self.memory {
                    Some(memory) => memory.answer = Some(answer),
                    None => self.gate.tell(TransferEvent::Answered { id: self.id, answer }),
                }
                Judged::Taken
            }
            Err(failure) => Judged::Refused(failure),
        };
    }

    /// What was asked, as the server was told it.
    fn asked(&self) -> Cow<'_, Asked> {
        let is_to_the_end = self.head.status != 0 && !self.first_url.scheme().starts_with("http");
        match (self.asked.range, self.asked.total) {
            // In the words of FTP, which libcurl has put into those of HTTP for a proxy.
            (Some(range), Some(total)) if is_to_the_end => {
                Cow::Owned(Asked { range: Some(ByteRange::new(range.start, total)), ..self.asked.clone() })
            }
            _ => Cow::Borrowed(&self.asked),
        }
    }

    /// What the answer is, and how its body is to be decoded.
    fn prove(&self) -> Result<(Answer, Option<Decoder>), Failure> {
        let answer = proof::prove(&self.asked(), &self.head, self.gate.clock.today())?;
        self.memory.as_ref().map_or(Ok(()), |memory| memory.check(&answer))?;
        framing::check(&self.head.fields)?;
        let is_encoded = proof::is_encoded(&self.head);
        let decoder = is_encoded.then(|| Decoder::new(&codings(&self.head.fields))).transpose()?;
        Ok((answer, decoder))
    }
}
