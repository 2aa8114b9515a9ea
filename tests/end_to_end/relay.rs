//! A way between a tracker and its engine that can be slow, and cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::spawn;
use std::time::{Duration, Instant};

/// A way to an address. It ends for those on it when this is dropped.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    way: Arc<Mutex<Way>>,
}

#[derive(Default)]
struct Way {
    is_cut: bool,
    on_it: Vec<TcpStream>,
}

impl Relay {
    /// A way that takes so long in each direction.
    pub(crate) fn new(to: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self {
            address: listener.local_addr().unwrap(),
            way: Arc::default(),
        };
        let way = Arc::clone(&relay.way);
        spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let mut way = way.lock().unwrap();
                // Who comes while it is cut is let in and hung up on, as proxies do.
                if !way.is_cut
                    && let Ok(far) = TcpStream::connect(to)
                {
                    let both = [near.try_clone().unwrap(), far.try_clone().unwrap()];
                    way.on_it.extend(both);
                    carry(near.try_clone().unwrap(), far.try_clone().unwrap(), delay);
                    carry(far, near, delay);
                }
            }
        });
        relay
    }

    /// Ends all connections, and takes no more.
    pub(crate) fn cut(&self) {
        let mut way = self.way.lock().unwrap();
        way.is_cut = true;
        for stream in way.on_it.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Takes connections again.
    pub(crate) fn join(&self) {
        self.way.lock().unwrap().is_cut = false;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.cut();
    }
}

fn carry(mut from: TcpStream, to: TcpStream, delay: Duration) {
    let (sender, receiver) = channel();
    spawn(move || take(&mut from, &sender));
    spawn(move || hand_over(to, &receiver, delay));
}

fn take(from: &mut TcpStream, sender: &Sender<(Instant, Vec<u8>)>) {
    let mut buffer = [0; 16384];
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        let sent = sender.send((Instant::now(), buffer[..count].to_vec()));
        if count == 0 || sent.is_err() {
            return;
        }
    }
}

fn hand_over(mut to: TcpStream, receiver: &Receiver<(Instant, Vec<u8>)>, delay: Duration) {
    while let Ok((came, bytes)) = receiver.recv() {
        std::thread::sleep(delay.saturating_sub(came.elapsed()));
        if bytes.is_empty() || to.write_all(&bytes).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}
