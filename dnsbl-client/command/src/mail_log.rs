//! Mail logs: their lines as they are written, and what all programs put in front of a line.
//!
//! What a line says is the business of those who follow a log: `logins/` and `report/`.

mod client;
mod follow;
mod line;
mod source;
mod stamp;
mod zone;

pub(crate) use self::{
    client::{address, is_host},
    follow::{Begin, Saved, load_state, save_state},
    line::LogLine,
    source::{Batch, LineReader, Log},
    stamp::Stamp,
    zone::local,
};
