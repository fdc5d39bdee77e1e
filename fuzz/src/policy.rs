//! The reader of policy requests, which is a part of a program and of no library.

#![expect(dead_code, reason = "the program uses the rest")]

#[path = "../../dnsbl-client/command/src/policy_service/codec.rs"]
mod codec;
#[path = "../../dnsbl-client/command/src/policy_service/request.rs"]
mod request;

use codec::Decoder;

/// All requests in what came in these pieces, up to the first that can't be read, as text.
pub(crate) fn requests<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = Decoder::default();
    let mut requests = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(request)) => requests.push(format!("{request:?}")),
                Ok(None) => break,
                Err(_) => return requests,
            }
        }
    }
    requests.extend(decoder.finish().ok().flatten().map(|request| format!("{request:?}")));
    requests
}
