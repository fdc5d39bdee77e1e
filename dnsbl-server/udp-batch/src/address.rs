//! Addresses of datagrams, peer and local, in the kernel's own form.

use std::{
    io, mem,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    ptr,
};

/// Room for a peer's address of either family.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union Name {
    v4: libc::sockaddr_in,
    pub(crate) v6: libc::sockaddr_in6,
}

/// Room for one control message with the local address.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) union Control {
    pub(crate) words: [usize; 8],
    header: libc::cmsghdr,
}

/// The way back to who sent a datagram, from the address that it was sent to.
#[derive(Clone, Copy)]
pub struct ReturnPath {
    pub(crate) name: Name,
    pub(crate) name_len: libc::socklen_t,
    pub(crate) control: Control,
    pub(crate) control_len: usize,
}

impl ReturnPath {
    pub(crate) const EMPTY: Self = Self {
        // SAFETY: the structures are plain numbers, for which zero is a value.
        name: Name { v6: unsafe { mem::zeroed() } },
        name_len: 0,
        control: Control { words: [0; 8] },
        control_len: 0,
    };

    /// Who sent the datagram.
    pub fn peer(&self) -> SocketAddr {
        // SAFETY: both members begin with the family, and all of the union is initialised.
        let family = unsafe { self.name.v4.sin_family };
        if i32::from(family) == libc::AF_INET6 {
            // SAFETY: the union is initialised, and any bits make a `sockaddr_in6`.
            let v6 = unsafe { self.name.v6 };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into()
        } else {
            // SAFETY: the union is initialised, and any bits make a `sockaddr_in`.
            let v4 = unsafe { self.name.v4 };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into()
        }
    }

    /// Turns what the kernel said of the way in into what it shall do on the way out.
    ///
    /// The interface is left to routing, except for a link-local address, which means nothing without.
    pub(crate) fn turn_around(&mut self) {
        if self.control_len < mem::size_of::<libc::cmsghdr>() {
            self.control_len = 0;
            return;
        }
        // SAFETY: the union is initialised, and any bits make a header.
        let header = unsafe { self.control.header };
        match (header.cmsg_level, header.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let info: *mut libc::in_pktinfo = self.control_data();
                // SAFETY: `control_data` points to room for it inside `self.control`.
                unsafe { (*info).ipi_ifindex = 0 };
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                let info: *mut libc::in6_pktinfo = self.control_data();
                // SAFETY: as above.
                let addr = unsafe { (*info).ipi6_addr.s6_addr };
                if !Ipv6Addr::from(addr).is_unicast_link_local() {
                    // SAFETY: as above.
                    unsafe { (*info).ipi6_ifindex = 0 };
                }
            }
            _ => self.control_len = 0,
        }
    }

    fn control_data<T>(&mut self) -> *mut T {
        const { assert!(data_offset() + mem::size_of::<T>() <= mem::size_of::<Control>()) };
        // SAFETY: by the assertion above the offset lies inside `self.control`.
        unsafe { (&raw mut self.control).byte_add(data_offset()).cast() }
    }
}

/// Where the data of the first control message begins.
const fn data_offset() -> usize {
    // SAFETY: it computes a length and reads nothing.
    unsafe { libc::CMSG_LEN(0) as usize }
}

/// Makes the kernel say, for a socket bound to all addresses, which one each datagram was sent to.
///
/// Costs time for each datagram; a socket that is bound to one address has no need of it.
///
/// # Errors
/// The kernel refuses, as where `is_ipv6` is not what the socket is.
pub fn learn_local_addresses(socket: &impl AsFd, is_ipv6: bool) -> io::Result<()> {
    let (level, option) = if is_ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    } else {
        (libc::IPPROTO_IP, libc::IP_PKTINFO)
    };
    let on: libc::c_int = 1;
    let (fd, len) = (socket.as_fd().as_raw_fd(), mem::size_of_val(&on) as libc::socklen_t);
    // SAFETY: the option's value is `len` bytes at `on`, which outlives the call.
    match unsafe { libc::setsockopt(fd, level, option, (&raw const on).cast(), len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sends one datagram along a return path.
///
/// # Errors
/// The kernel refuses: the peer can't be reached, or there is no room.
pub fn send(socket: &impl AsFd, bytes: &[u8], path: &ReturnPath) -> io::Result<()> {
    let socket: BorrowedFd<'_> = socket.as_fd();
    let mut path = *path;
    let mut buffer =
        libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let header = header(&mut path, &raw mut buffer);
    // SAFETY: the header points to `path` and `buffer`, which outlive the call, and the kernel only
    // reads what they point to.
    match unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, 0) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A message header over a return path and one buffer.
pub(crate) fn header(path: &mut ReturnPath, buffer: *mut libc::iovec) -> libc::msghdr {
    // SAFETY: the structure is plain numbers and pointers, for which zero is a value.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = (&raw mut path.name).cast();
    header.msg_namelen = path.name_len;
    header.msg_iov = buffer;
    header.msg_iovlen = 1;
    if path.control_len > 0 {
        header.msg_control = (&raw mut path.control).cast();
        header.msg_controllen = path.control_len;
    } else {
        header.msg_control = ptr::null_mut();
    }
    header
}
