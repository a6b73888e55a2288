//! The yardstick: writes the same bytes to as many sockets at the same rate, and does nothing else.

use std::io::{BufRead, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context;

/// Listens; then, for each line `sockets members per_second seconds bytes`, takes that many sockets, says so, and writes.
pub(crate) fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let mut kept = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let numbers: Vec<usize> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
        let [sockets, members, per_second, seconds, bytes] = *numbers.as_slice() else {
            anyhow::bail!("five numbers, not {line}")
        };
        let mut all = Vec::with_capacity(sockets);
        for _ in 0..sockets {
            let (socket, _) = listener.accept()?;
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            all.push(socket);
        }
        println!("ready");
        let frame = crate::client::text_frame(&vec![b'x'; bytes]);
        write_all(&mut all, members, per_second, seconds, &frame)?;
        println!("written");
        // They stay open until this process ends: its reader may not have read all.
        kept.push(all);
    }
    Ok(())
}

fn write_all(
    all: &mut [TcpStream],
    members: usize,
    per_second: usize,
    seconds: usize,
    frame: &[u8],
) -> anyhow::Result<()> {
    let begin = Instant::now();
    let rooms = all.len() / members;
    for number in 0..per_second * seconds {
        let due = Duration::from_secs_f64(number as f64 / per_second as f64);
        if let Some(left) = due.checked_sub(begin.elapsed()) {
            std::thread::sleep(left);
        }
        let room = number % rooms;
        for socket in all.get_mut(room * members..(room + 1) * members).context("a room")? {
            loop {
                match socket.write(frame) {
                    Ok(written) if written == frame.len() => break,
                    Ok(_) => anyhow::bail!("a socket took a part only: its reader is too slow"),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    Ok(())
}
