//! Datagrams in batches: recvmmsg and sendmmsg, with the address a query was sent to, so that the reply leaves from there. The only file with
//! unsafe code: no crate wraps these calls with packet information.

use crate::limits;
use socket2::{SockAddr, SockAddrStorage};
use std::io;
use std::mem;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

/// Octets for control messages: packet information of either family.
const CONTROL: usize = 64;

/// Control messages as the kernel lays them out.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// Who sent a datagram, and to which of our addresses: what a reply needs.
#[derive(Clone)]
pub(super) struct Peer {
    address: libc::sockaddr_storage,
    address_len: libc::socklen_t,
    control: Control,
    control_len: usize,
}

impl Peer {
    /// One of this address, whose packets came to no address of ours in particular.
    #[cfg(test)]
    pub fn of(address: SocketAddr) -> Peer {
        let address = SockAddr::from(address);
        let (address_len, mut storage) = (address.len(), address.as_storage());
        // SAFETY: `SockAddrStorage` is a transparent wrapper of `sockaddr_storage`.
        let storage = unsafe { *storage.view_as::<libc::sockaddr_storage>() };
        Peer { address: storage, address_len, control: Control([0; CONTROL]), control_len: 0 }
    }

    /// The sender.
    pub fn address(&self) -> Option<SocketAddr> {
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: `SockAddrStorage` is a transparent wrapper of `sockaddr_storage`, and the kernel wrote `address_len` octets of it.
        unsafe { *storage.view_as::<libc::sockaddr_storage>() = self.address };
        // SAFETY: the storage holds an address of this length, as the kernel wrote it.
        unsafe { SockAddr::new(storage, self.address_len) }.as_socket()
    }

    /// Which of our addresses it was sent to; zeros on a socket that has only one.
    pub fn local(&self) -> [u8; 16] {
        let (at, width) = match self.information() {
            Some(Information::V4) => (HEADER + 4, 4),
            Some(Information::V6) => (HEADER, 16),
            None => (0, 0),
        };
        let mut address = [0; 16];
        address[..width].copy_from_slice(&self.control.0[at..at + width]);
        address
    }

    /// The packet information among the control messages. In in_pktinfo stand interface (4), address to send from (4) and destination of
    /// the received header (4); in in6_pktinfo address (16) and interface (4).
    fn information(&self) -> Option<Information> {
        // The level and type stand after the length, which has the size of a pointer on Linux.
        let int = |at: usize| {
            self.control.0.get(at..at + 4).and_then(|o| o.try_into().ok()).map_or(0, i32::from_ne_bytes)
        };
        match (int(size_of::<usize>()), int(size_of::<usize>() + 4)) {
            _ if self.control_len == 0 => None,
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => Some(Information::V4),
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => Some(Information::V6),
            _ => None,
        }
    }
}

/// Which packet information a control message holds.
enum Information {
    V4,
    V6,
}

/// Octets of a control message before its data.
const HEADER: usize = size_of::<libc::cmsghdr>();

/// A query received, and room for its reply.
struct Slot {
    received: Box<[u8]>,
    received_len: usize,
    truncated: bool,
    peer: Peer,
    reply: Box<[u8]>,
    reply_len: usize,
}

/// Several datagrams received at once, answered, and sent at once.
pub(super) struct Batch {
    slots: Vec<Slot>,
    filled: usize,
}

/// Dissolves a datagram socket's association with an address, so that the next one chooses its source address anew. Its port stays.
pub(super) fn dissolve(socket: &impl AsRawFd) -> io::Result<()> {
    let nobody =
        libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: Default::default() };
    let len = mem::size_of_val(&nobody) as libc::socklen_t;
    // SAFETY: the address lives for the call and has the length that is given.
    match unsafe { libc::connect(socket.as_raw_fd(), &raw const nobody, len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl Batch {
    pub fn new() -> Batch {
        // SAFETY: all-zero octets are a valid `sockaddr_storage`.
        let address: libc::sockaddr_storage = unsafe { mem::zeroed() };
        let slot = || Slot {
            received: vec![0; limits::UDP_QUERY].into(),
            received_len: 0,
            truncated: false,
            peer: Peer { address, address_len: 0, control: Control([0; CONTROL]), control_len: 0 },
            reply: vec![0; limits::UDP_PAYLOAD as usize].into(),
            reply_len: 0,
        };
        Batch { slots: (0..limits::UDP_BATCH).map(|_| slot()).collect(), filled: 0 }
    }

    /// Receives what is there, up to a batch; returns how many.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        // SAFETY: all-zero octets are a valid array of `mmsghdr` and of `iovec`.
        let mut headers: [libc::mmsghdr; limits::UDP_BATCH] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut pieces: [libc::iovec; limits::UDP_BATCH] = unsafe { mem::zeroed() };
        for ((slot, header), piece) in self.slots.iter_mut().zip(&mut headers).zip(&mut pieces) {
            piece.iov_base = slot.received.as_mut_ptr().cast();
            piece.iov_len = slot.received.len();
            let header = &mut header.msg_hdr;
            header.msg_name = (&raw mut slot.peer.address).cast();
            header.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = piece;
            header.msg_iovlen = 1;
            header.msg_control = slot.peer.control.0.as_mut_ptr().cast();
            header.msg_controllen = CONTROL as _;
        }
        self.filled = 0;
        let count = limits::UDP_BATCH as libc::c_uint;
        // SAFETY: each header points to a name, a piece and a control buffer of the lengths it says, all of which outlive the call and
        // are pointed to by no other header.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        self.filled = received as usize;
        for (slot, header) in self.slots.iter_mut().zip(&headers).take(self.filled) {
            slot.received_len = header.msg_len as usize;
            slot.truncated = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            slot.peer.address_len = header.msg_hdr.msg_namelen;
            slot.peer.control_len = header.msg_hdr.msg_controllen as _;
            slot.reply_len = 0;
        }
        Ok(self.filled)
    }

    /// A query; none when it was longer than its slot.
    pub fn query(&self, i: usize) -> Option<&[u8]> {
        let slot = &self.slots[i];
        (!slot.truncated).then(|| &slot.received[..slot.received_len])
    }

    /// A query, who sent it, and room for the reply.
    pub fn slot(&mut self, i: usize) -> (Option<&[u8]>, &Peer, &mut [u8]) {
        let Slot { received, received_len, truncated, peer, reply, .. } = &mut self.slots[i];
        ((!*truncated).then(|| &received[..*received_len]), peer, reply)
    }

    /// Says how long the reply of a slot is.
    pub fn set_reply(&mut self, i: usize, len: usize) {
        self.slots[i].reply_len = len;
    }

    /// Sends every reply; returns how many the network did not take.
    pub fn send(&mut self, socket: &UdpSocket) -> usize {
        // SAFETY: all-zero octets are a valid array of `mmsghdr` and of `iovec`.
        let mut headers: [libc::mmsghdr; limits::UDP_BATCH] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut pieces: [libc::iovec; limits::UDP_BATCH] = unsafe { mem::zeroed() };
        let mut count = 0;
        for slot in self.slots[..self.filled].iter_mut().filter(|slot| slot.reply_len > 0) {
            pieces[count].iov_base = slot.reply.as_mut_ptr().cast();
            pieces[count].iov_len = slot.reply_len;
            fill(&mut headers[count].msg_hdr, &mut slot.peer, &mut pieces[count]);
            count += 1;
        }
        let (mut done, mut lost) = (0, 0);
        while done < count {
            // SAFETY: the headers from `done` to `count` point to names, pieces and control messages that outlive the call.
            let sent = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    headers[done..].as_mut_ptr(),
                    (count - done) as libc::c_uint,
                    0,
                )
            };
            if sent > 0 {
                done += sent as usize;
            } else {
                // The first of the rest cannot be sent (no route, no buffer): the others still may.
                (done, lost) = (done + 1, lost + 1);
            }
        }
        self.filled = 0;
        lost
    }
}

/// Sends one datagram to a peer, from the address it had sent to.
pub(super) fn send_to(socket: &UdpSocket, peer: &mut Peer, octets: &[u8]) -> io::Result<()> {
    // SAFETY: all-zero octets are a valid `msghdr`.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    let mut piece = libc::iovec { iov_base: octets.as_ptr().cast_mut().cast(), iov_len: octets.len() };
    fill(&mut header, peer, &mut piece);
    // SAFETY: the header points to a name, a piece that is only read, and control messages, all of which outlive the call.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Points a header to a peer and a piece of data.
fn fill(header: &mut libc::msghdr, peer: &mut Peer, piece: &mut libc::iovec) {
    unbind_interface(peer);
    header.msg_name = (&raw mut peer.address).cast();
    header.msg_namelen = peer.address_len;
    header.msg_iov = piece;
    header.msg_iovlen = 1;
    if peer.control_len > 0 {
        header.msg_control = peer.control.0.as_mut_ptr().cast();
        header.msg_controllen = peer.control_len as _;
    }
}

/// Takes the interface out of packet information: the reply is routed as any packet is, from the address the query was sent to. A link-local
/// address means nothing without its interface, which stays.
fn unbind_interface(peer: &mut Peer) {
    match peer.information() {
        Some(Information::V4) => peer.control.0[HEADER..HEADER + 4].fill(0),
        Some(Information::V6) => {
            let link_local = peer.control.0[HEADER] == 0xfe && peer.control.0[HEADER + 1] & 0xc0 == 0x80;
            if !link_local {
                peer.control.0[HEADER + 16..HEADER + 20].fill(0);
            }
        }
        None => (),
    }
}

/// Sets what socket2 cannot: packet information on wildcard sockets, and that datagrams may be fragmented on the way rather than dropped,
/// whatever a forged ICMP message says (RFC 8900; CVE-2021-20322 is about the other way).
pub(super) fn prepare(socket: &UdpSocket) -> io::Result<()> {
    let address = socket.local_addr()?;
    let (level, discover, omit, info) = if address.is_ipv4() {
        (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT, libc::IP_PKTINFO)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT, libc::IPV6_RECVPKTINFO)
    };
    set_option(socket, level, discover, omit)?;
    if address.ip().is_unspecified() {
        set_option(socket, level, info, 1)?;
    }
    Ok(())
}

fn set_option(socket: &UdpSocket, level: i32, option: i32, value: i32) -> io::Result<()> {
    let len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the value is an int of the length given and outlives the call.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const value).cast(), len) };
    if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lets this process have as many descriptors as it may: a resolver has a socket for each query under way.
pub(super) fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit outlives the call, which writes it.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the limit outlives the call, which reads it. The soft limit may always be raised to the hard one.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
}

/// Keeps this thread on one core. A container may forbid it, which is no error.
pub(super) fn pin(core: usize) {
    // SAFETY: all-zero octets are a valid, empty `cpu_set_t`.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    if core < libc::CPU_SETSIZE as usize {
        // SAFETY: the core is within the set.
        unsafe { libc::CPU_SET(core, &mut set) };
        // SAFETY: the set is of the size given; 0 is this thread.
        unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    }
}
