//! Datagrams in batches: `recvmmsg` and `sendmmsg` behind a safe interface.
//!
//! A server that answers each datagram reads up to a batch of them with one system call, writes its
//! replies into buffers that are there already, and sends them with another. A single datagram is
//! not held back for others to come. Replies leave from the address that was asked, also where the
//! socket is bound to all addresses (see [`learn_local_addresses`]).
//!
//! ```no_run
//! # fn main() -> std::io::Result<()> {
//! let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
//! let mut batch = udp_batch::Batch::new(64, 512, 512);
//! batch.receive(&socket)?;
//! for mut datagram in batch.received() {
//!     let len = datagram.bytes.len();
//!     datagram.reply[..len].copy_from_slice(datagram.bytes);
//!     datagram.reply(len);
//! }
//! batch.send(&socket);
//! # Ok(())
//! # }
//! ```
//!
//! All unsafe code of the programs is in this crate.

mod address;
mod batch;

pub use address::{ReturnPath, learn_local_addresses, send};
pub use batch::{Batch, Datagram};
