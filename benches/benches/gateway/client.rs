//! Many sockets that speak raw frames, in one thread.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::Context;
use rustix::event::{Timespec, epoll};

/// Open sockets, by number.
pub(crate) struct Clients {
    epoll: OwnedFd,
    all: Vec<Client>,
    scratch: Vec<u8>,
    events: Vec<epoll::Event>,
    /// Bytes of the newest frame's text.
    pub(crate) frame_bytes: usize,
    /// Frames that came.
    pub(crate) frames: u64,
}

struct Client {
    socket: TcpStream,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    is_upgraded: bool,
}

impl Clients {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            all: Vec::new(),
            scratch: vec![0; 1 << 18],
            events: Vec::with_capacity(1024),
            frame_bytes: 0,
            frames: 0,
        })
    }

    /// Opens one more socket. With an upgrade the first line that comes for it is empty.
    pub(crate) fn open(&mut self, address: SocketAddr, upgrades: bool) -> anyhow::Result<usize> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let number = self.all.len();
        epoll::add(&self.epoll, &socket, epoll::EventData::new_u64(number as u64), epoll::EventFlags::IN)?;
        if upgrades {
            let request = format!(
                "GET /connection/websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            socket.write_all(request.as_bytes())?;
        }
        self.all.push(Client { socket, rest: Vec::new(), is_upgraded: !upgrades });
        Ok(number)
    }

    pub(crate) fn close_all(&mut self) {
        self.all.clear();
    }

    pub(crate) fn send(&mut self, number: usize, text: &str) -> anyhow::Result<()> {
        self.all.get_mut(number).context("an open socket")?.send(text)
    }

    /// Takes what comes within `timeout`: each line with its socket's number. What is returned is sent. Pings are answered.
    pub(crate) fn poll(
        &mut self,
        timeout: Duration,
        mut line: impl FnMut(usize, &str) -> Option<String>,
    ) -> anyhow::Result<bool> {
        let timeout =
            Timespec { tv_sec: timeout.as_secs().try_into()?, tv_nsec: timeout.subsec_nanos().into() };
        self.events.clear();
        epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout))?;
        for event in &self.events {
            let number = usize::try_from(event.data.u64())?;
            let client = self.all.get_mut(number).context("an open socket")?;
            let read = match client.socket.read(&mut self.scratch) {
                Ok(0) => anyhow::bail!("the server closed connection {number}"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            let mut bytes = self.scratch.get(..read).unwrap_or_default();
            let joined;
            if !client.rest.is_empty() {
                client.rest.extend_from_slice(bytes);
                joined = std::mem::take(&mut client.rest);
                bytes = &joined;
            }
            if !client.is_upgraded {
                let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                    client.rest = bytes.to_vec();
                    continue;
                };
                anyhow::ensure!(bytes.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(bytes));
                client.is_upgraded = true;
                bytes = bytes.get(end + 4..).unwrap_or_default();
                if let Some(reply) = line(number, "") {
                    client.send(&reply)?;
                }
            }
            while let Some((opcode, text, after)) = parse(bytes) {
                anyhow::ensure!(opcode == 1, "connection {number}: {}", String::from_utf8_lossy(text));
                (self.frame_bytes, bytes) = (text.len(), after);
                self.frames += 1;
                for text in std::str::from_utf8(text)?.split('\n') {
                    let reply = if text == "{}" { Some("{}".to_owned()) } else { line(number, text) };
                    if let Some(reply) = reply {
                        client.send(&reply)?;
                    }
                }
            }
            client.rest.extend_from_slice(bytes);
        }
        Ok(!self.events.is_empty())
    }
}

impl Client {
    fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let mut frame = Vec::with_capacity(text.len() + 14);
        head(&mut frame, text.len(), 0x80);
        // A mask of zeros leaves the text as it is.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        Ok(self.socket.write_all(&frame)?)
    }
}

/// An unmasked text frame, as a server sends it.
pub(crate) fn text_frame(text: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(text.len() + 10);
    head(&mut frame, text.len(), 0);
    frame.extend_from_slice(text);
    frame
}

fn head(frame: &mut Vec<u8>, len: usize, mask: u8) {
    frame.push(0x81);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < 126 => frame.push(mask | len),
        (_, Ok(len)) => {
            frame.push(mask | 126);
            frame.extend_from_slice(&len.to_be_bytes());
        }
        _ => {
            frame.push(mask | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// The first frame's opcode and text, and what stands behind it.
fn parse(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (len, rest) = match second {
        126 => rest.split_first_chunk().map(|(len, rest)| (u16::from_be_bytes(*len).into(), rest))?,
        127 => rest.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len) as usize, rest))?,
        len => (usize::from(len), rest),
    };
    let (text, after) = rest.split_at_checked(len)?;
    Some((first & 0xf, text, after))
}
