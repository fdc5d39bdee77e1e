//! Addresses in 127.0.0.0/8 for servers that must not share one.

use std::{
    net::{Ipv4Addr, SocketAddrV4, TcpListener},
    process,
    sync::atomic::{AtomicU8, Ordering},
};

/// The second octet of the address that was given last; 127.0.0.0/16 is left to everybody else.
static LAST: AtomicU8 = AtomicU8::new(0);

/// An address that no other server of this run has, nor of another run at the same time. The first
/// 254 of a process differ in their /16.
pub fn unique_host() -> Ipv4Addr {
    let next = |last: u8| Some(if last >= 254 { 1 } else { last + 1 });
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    let second = match last {
        Ok(254) | Err(_) => 1,
        Ok(last) => last + 1,
    };
    // 64,770 processes later the same comes again.
    let run = process::id() % (255 * 254);
    Ipv4Addr::new(127, second, (run / 254) as u8, (run % 254 + 1) as u8)
}

/// Such an address with a port that is free there, for a program that can't choose one itself.
#[track_caller]
pub fn unique_addr() -> SocketAddrV4 {
    let host = unique_host();
    let listener = TcpListener::bind((host, 0)).expect("an address of our own");
    let addr = listener.local_addr().expect("a bound socket has an address");
    SocketAddrV4::new(host, addr.port())
}
