//! Receiving and sending many datagrams with one system call each.
#![allow(unsafe_code)]

use std::{
    io, mem,
    os::fd::{AsRawFd, RawFd},
    ptr,
};

use libc::{iovec, mmsghdr, sockaddr_storage};

/// The most datagrams of one system call.
const BATCH: usize = 32;
/// The longest datagram that is read.
const LONGEST: usize = 4096;
/// QR in the third byte of a DNS message (RFC 1035 section 4.1.1).
const QR: u8 = 0x80;

/// Sends everything that comes back to where it came from, with QR set, until an error.
pub(crate) fn echo(socket: &impl AsRawFd) -> io::Result<()> {
    let socket = socket.as_raw_fd();
    let mut buffers = vec![[0u8; LONGEST]; BATCH];
    // SAFETY: all-zero bytes are a valid sockaddr_storage.
    let mut peers: Vec<sockaddr_storage> = vec![unsafe { mem::zeroed() }; BATCH];
    let mut parts: Vec<iovec> = (0..BATCH)
        .map(|i| iovec { iov_base: buffers[i].as_mut_ptr().cast(), iov_len: LONGEST })
        .collect();
    // SAFETY: all-zero bytes are a valid mmsghdr.
    let mut messages: Vec<mmsghdr> = vec![unsafe { mem::zeroed() }; BATCH];
    for ((message, part), peer) in messages.iter_mut().zip(&mut parts).zip(&mut peers) {
        message.msg_hdr.msg_iov = part;
        message.msg_hdr.msg_iovlen = 1;
        message.msg_hdr.msg_name = ptr::from_mut(peer).cast();
    }
    loop {
        let count = receive(socket, &mut messages, &mut parts)?;
        for i in 0..count {
            parts[i].iov_len = messages[i].msg_len as usize;
            buffers[i][2] |= QR;
        }
        send(socket, &mut messages[..count])?;
    }
}

/// Waits for at least one datagram and takes what else is there.
fn receive(socket: RawFd, messages: &mut [mmsghdr], parts: &mut [iovec]) -> io::Result<usize> {
    for (message, part) in messages.iter_mut().zip(parts) {
        part.iov_len = LONGEST;
        message.msg_hdr.msg_namelen = size_of::<sockaddr_storage>() as libc::socklen_t;
    }
    loop {
        // SAFETY: each header points to one iovec, buffer and address of `echo`, which outlive this.
        let count = unsafe {
            libc::recvmmsg(
                socket,
                messages.as_mut_ptr(),
                messages.len() as libc::c_uint,
                libc::MSG_WAITFORONE,
                ptr::null_mut(),
            )
        };
        match usize::try_from(count) {
            Ok(count) => return Ok(count),
            Err(_) => retry_or_give(io::Error::last_os_error())?,
        }
    }
}

fn send(socket: RawFd, mut messages: &mut [mmsghdr]) -> io::Result<()> {
    while !messages.is_empty() {
        // SAFETY: as in `receive`; the lengths are those that were received.
        let count = unsafe {
            libc::sendmmsg(socket, messages.as_mut_ptr(), messages.len() as libc::c_uint, 0)
        };
        match usize::try_from(count) {
            Ok(count) => messages = &mut messages[count..],
            // The first of them can't be sent: go on with the next.
            Err(_) => {
                retry_or_give(io::Error::last_os_error())?;
                messages = &mut messages[1..];
            }
        }
    }
    Ok(())
}

/// An interrupted call and an ICMP error of an earlier datagram are nothing.
fn retry_or_give(err: io::Error) -> io::Result<()> {
    use io::ErrorKind::{ConnectionRefused, Interrupted, WouldBlock};
    match err.kind() {
        ConnectionRefused | Interrupted | WouldBlock => Ok(()),
        _ => Err(err),
    }
}
