//! The policy service, as mail servers see it.

mod decisions;
mod grants;
mod judgement;
mod service;
mod socketmap;
mod sockets;
mod wire;

pub(crate) use service::{Service, request};
