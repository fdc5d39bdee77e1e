//! The batch: buffers for so many datagrams and as many replies.

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd},
    ptr,
};

use crate::address::{Control, Name, ReturnPath, header};

/// A batch: room for so many datagrams and a reply to each, made once and used again and again.
pub struct Batch {
    slots: Vec<Slot>,
    queries: Buffers,
    replies: Buffers,
    /// How many of the slots hold a datagram.
    received: usize,
    /// What the kernel reads and writes; only valid during a call.
    buffers: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

/// The state of one datagram and of the reply to it.
#[derive(Clone)]
struct Slot {
    path: ReturnPath,
    query_len: usize,
    is_truncated: bool,
    /// 0: none.
    reply_len: usize,
}

/// A datagram that was received, and room for the reply.
pub struct Datagram<'a> {
    /// What it says.
    pub bytes: &'a [u8],
    /// Whether it was longer than the buffer.
    pub is_truncated: bool,
    /// Room for the reply.
    pub reply: &'a mut [u8],
    path: &'a ReturnPath,
    reply_len: &'a mut usize,
}

impl<'a> Datagram<'a> {
    /// Who sent it, and to which address.
    pub fn path(&self) -> &'a ReturnPath {
        self.path
    }

    /// Replies with the first `len` bytes of `reply`, once the batch is sent; 0 is no reply.
    pub fn reply(&mut self, len: usize) {
        *self.reply_len = len.min(self.reply.len());
    }
}

impl Batch {
    /// Room for `count` datagrams of up to `query_len` bytes, and replies of up to `reply_len`.
    pub fn new(count: usize, query_len: usize, reply_len: usize) -> Self {
        let empty =
            Slot { path: ReturnPath::EMPTY, query_len: 0, is_truncated: false, reply_len: 0 };
        Self {
            slots: vec![empty; count],
            queries: Buffers::new(count, query_len),
            replies: Buffers::new(count, reply_len),
            received: 0,
            buffers: Vec::with_capacity(count),
            headers: Vec::with_capacity(count),
        }
    }

    /// Waits for a datagram, as long as the socket's own time limit allows, and takes what else is
    /// there; returns how many there are. What was received before is forgotten.
    ///
    /// # Errors
    /// The time limit is over, or the kernel tells of a failure, which may be that of an earlier reply.
    pub fn receive(&mut self, socket: &impl AsFd) -> io::Result<usize> {
        self.received = 0;
        self.prepare_to_receive();
        let (fd, count) = (socket.as_fd().as_raw_fd(), self.headers.len() as libc::c_uint);
        let headers = self.headers.as_mut_ptr();
        // SAFETY: the headers were made just now. Each points to its own name, control and query
        // buffer inside `self`, with their true lengths; none of these is touched during the call.
        let received = unsafe {
            libc::recvmmsg(fd, headers, count, libc::MSG_WAITFORONE as _, ptr::null_mut())
        };
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        self.received = received as usize;
        self.note_received();
        Ok(self.received)
    }

    fn prepare_to_receive(&mut self) {
        self.buffers.clear();
        self.headers.clear();
        self.buffers.extend(self.queries.iter_mut().map(|query| libc::iovec {
            iov_base: query.as_mut_ptr().cast(),
            iov_len: query.len(),
        }));
        for (slot, buffer) in self.slots.iter_mut().zip(&mut self.buffers) {
            slot.path.name_len = mem::size_of::<Name>() as libc::socklen_t;
            slot.path.control_len = mem::size_of::<Control>();
            let msg_hdr = header(&mut slot.path, buffer);
            self.headers.push(libc::mmsghdr { msg_hdr, msg_len: 0 });
        }
    }

    fn note_received(&mut self) {
        for (slot, header) in self.slots.iter_mut().zip(&self.headers[..self.received]) {
            slot.path.name_len = header.msg_hdr.msg_namelen;
            slot.path.control_len = header.msg_hdr.msg_controllen;
            slot.path.turn_around();
            slot.query_len = header.msg_len as usize;
            slot.is_truncated = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            slot.reply_len = 0;
        }
    }

    /// The datagrams that were received last.
    pub fn received(&mut self) -> impl Iterator<Item = Datagram<'_>> {
        let buffers = self.queries.iter_mut().zip(self.replies.iter_mut());
        let slots = self.slots[..self.received].iter_mut();
        slots.zip(buffers).map(|(slot, (query, reply))| Datagram {
            bytes: &query[..slot.query_len.min(query.len())],
            is_truncated: slot.is_truncated,
            reply,
            path: &slot.path,
            reply_len: &mut slot.reply_len,
        })
    }

    /// Sends the replies; returns how many could not be sent, such as to a port that nobody listens on.
    pub fn send(&mut self, socket: &impl AsFd) -> usize {
        self.prepare_to_send();
        let fd = socket.as_fd().as_raw_fd();
        let (mut done, mut failed) = (0, 0);
        while done < self.headers.len() {
            let rest = &mut self.headers[done..];
            // SAFETY: the headers were made by `prepare_to_send`. Each points to its own name,
            // control and reply buffer inside `self`, none of which is touched before the loop ends.
            match unsafe { libc::sendmmsg(fd, rest.as_mut_ptr(), rest.len() as _, 0) } {
                sent @ 1.. => done += sent as usize,
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // The first of the rest is the one that failed.
                _ => (done, failed) = (done + 1, failed + 1),
            }
        }
        self.received = 0;
        failed
    }

    fn prepare_to_send(&mut self) {
        self.buffers.clear();
        self.headers.clear();
        let slots = self.slots[..self.received].iter_mut();
        for (slot, reply) in
            slots.zip(self.replies.iter_mut()).filter(|(slot, _)| slot.reply_len > 0)
        {
            // The vector has room for all, so that no address of what is in it changes.
            self.buffers
                .push(libc::iovec { iov_base: reply.as_mut_ptr().cast(), iov_len: slot.reply_len });
            let buffer = self.buffers.as_mut_ptr().wrapping_add(self.buffers.len() - 1);
            let msg_hdr = header(&mut slot.path, buffer);
            self.headers.push(libc::mmsghdr { msg_hdr, msg_len: 0 });
        }
    }
}

/// The buffers of one kind: of one length, some way apart.
struct Buffers {
    bytes: Vec<u8>,
    len: usize,
    stride: usize,
}

impl Buffers {
    /// The size of a cache line, in bytes.
    const LINE: usize = 64;

    fn new(count: usize, len: usize) -> Self {
        // An odd number of cache lines, so that the beginnings do not crowd into a few sets of a cache.
        let lines = len.div_ceil(Self::LINE).max(1) | 1;
        let stride = lines * Self::LINE;
        Self { bytes: vec![0; count * stride], len, stride }
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let len = self.len;
        self.bytes.chunks_exact_mut(self.stride).map(move |chunk| &mut chunk[..len])
    }
}
