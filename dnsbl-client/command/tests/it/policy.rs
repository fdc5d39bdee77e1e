//! The policy service, as mail servers see it.

mod decisions;
mod judgement;
mod service;
mod sockets;
mod wire;

pub(crate) use service::{Log, PATIENCE, Service, request};
