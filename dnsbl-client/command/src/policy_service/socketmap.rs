//! One connection of a mail server that looks up clients in a map of those who have a grant.
//!
//! Postfix's `check_client_access` asks for the client's name too, and whatever is no address is not in the
//! map. Neither is a client of whom it can't be told: another reply would have Postfix defer all mail.

use dnsbl_daemon::{Guarded, Stream};
use tokio_util::sync::CancellationToken;

use super::{
    netstring::{Decoder, Lookup, Reply},
    service::Service,
    wire::{CHUNK, Received, Trouble, Wire},
};

/// Answers lookups until the mail server leaves, says what is no lookup, or is silent too long.
pub(super) async fn serve(
    stream: Guarded<Stream>,
    service: &Service,
    stop: &CancellationToken,
) -> Result<(), Trouble> {
    let mut wire = Wire::new(stream, service.limits().idle);
    let (mut decoder, mut chunk) = (Decoder::default(), [0; CHUNK]);
    loop {
        match wire.receive(&mut chunk, decoder.is_within_lookup(), stop).await? {
            Received::Some(len) => decoder.push(&chunk[..len]),
            Received::End | Received::Idle => return Ok(()),
        }
        while let Some(lookup) = decoder.next()? {
            let _busy = wire.answering();
            let reply = reply(&lookup, service).await;
            wire.send(reply.encoded()).await?;
        }
    }
}

async fn reply(lookup: &Lookup, service: &Service) -> Reply {
    let Some(client) = lookup.client() else { return Reply::NotFound };
    if service.has_grant(&lookup.map, client).await { Reply::Found } else { Reply::NotFound }
}
