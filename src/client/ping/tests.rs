use super::*;
use std::collections::HashMap;
use std::sync::mpsc::channel;

/// A game server's UDP port, which answers after `delay`, except for the probes whose number (1,
/// 2, …) `is_lost`.
fn game_server(local: &str, delay: Duration, is_lost: fn(u32) -> bool) -> SocketAddr {
    let socket = UdpSocket::bind(local).unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        let mut number = 0;
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            number += 1;
            assert_eq!(&buffer[..5], b"PING ");
            buffer[1] = b'O';
            std::thread::sleep(delay);
            if !is_lost(number) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        }
    });
    address
}

fn measured(limits: Limits, targets: &[SocketAddr]) -> HashMap<SocketAddr, Ping> {
    let (results, received) = channel();
    let pinger = Pinger::start(limits, move |ping| {
        let _ = results.send(ping);
    })
    .unwrap();
    targets.iter().for_each(|target| pinger.ping(*target));
    pinger.finish();
    received.iter().map(|ping| (ping.address, ping)).collect()
}

#[test]
fn delays_are_measured_and_losses_are_counted() {
    let nothing = |_| false;
    let near = game_server("127.0.0.1:0", Duration::from_millis(40), nothing);
    let far = game_server("127.0.0.1:0", Duration::from_millis(120), nothing);
    let lossy = game_server("127.0.0.1:0", Duration::from_millis(40), |n| {
        n == 2 || n == 3
    });
    let silent = game_server("127.0.0.1:0", Duration::ZERO, |_| true);
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let everybody: SocketAddr = "224.0.0.1:5".parse().unwrap();
    let pings = measured(Limits::default(), &[lossy, silent, nobody, everybody]);
    assert_eq!((pings[&lossy].sent, pings[&lossy].answered), (5, 3));
    assert!(pings[&lossy].mean.unwrap() >= Duration::from_millis(40));
    for address in [silent, nobody, everybody] {
        assert_eq!((pings[&address].mean, pings[&address].answered), (None, 0));
    }
    assert_eq!(pings[&everybody].sent, 1, "it is not asked again");
    // A busy machine adds what it likes: of several tries one has to be right.
    let is_right = |ping: &Ping, delay: Duration| {
        let mean = ping.mean.unwrap();
        assert!(mean >= delay, "{mean:?} for {delay:?}");
        mean < delay.mul_f64(1.2)
    };
    let is_measured = (0..20).any(|_| {
        let pings = measured(Limits::default(), &[near, far]);
        is_right(&pings[&near], Duration::from_millis(40))
            && is_right(&pings[&far], Duration::from_millis(120))
    });
    assert!(is_measured, "never within 20 %");
}

#[test]
fn both_families_are_measured_and_results_come_as_they_are_there() {
    let near = game_server("127.0.0.1:0", Duration::ZERO, |_| false);
    let silent = game_server("127.0.0.1:0", Duration::ZERO, |_| true);
    let mut targets = vec![silent, near];
    if UdpSocket::bind("[::1]:0").is_ok() {
        targets.push(game_server("[::1]:0", Duration::ZERO, |_| false));
    }
    let (results, received) = channel();
    let pinger = Pinger::start(Limits::default(), move |ping| {
        let _ = results.send(ping);
    })
    .unwrap();
    targets.iter().for_each(|target| pinger.ping(*target));
    for _ in 1..targets.len() {
        let ping = received.recv().unwrap();
        assert!(ping.address != silent && ping.answered == 5, "{ping:?}");
    }
    // What is wanted later is measured while others are waited for.
    pinger.ping(near);
    assert_eq!(received.recv().unwrap().address, near);
    let start = Instant::now();
    drop(pinger);
    assert!(received.recv().is_err(), "it stops in the middle of things");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn only_a_pong_with_a_number_is_an_answer() {
    let word = Some(0x5f1c_9a3e_77b0_4d21);
    for (datagram, is) in [
        (&b"PONG 5f1c9a3e77b04d21"[..], word),
        (b"PONG 5f1c9a3e77b04d21\r\n", word),
        (b"PING 5f1c9a3e77b04d21", None),
        (b"PONG 5f1c9a3e77b04d21 ", None),
        (b"PONG", None),
        (b"\xff", None),
        (b"", None),
    ] {
        assert_eq!(answered_word(datagram), is);
    }
}

/// As many answers as Linux has room for in the buffer of a socket, while a busy machine does not
/// let anybody read them.
const IN_FLIGHT: usize = 200;

/// Pings `count` game servers on loopback, each with a socket of its own, and returns after what
/// time the first and the last was measured.
fn many(count: usize) -> (Duration, Duration) {
    let sockets: Vec<UdpSocket> = (0..count)
        .map(|_| UdpSocket::bind("127.0.0.1:0").unwrap())
        .collect();
    let addresses: Vec<SocketAddr> = sockets.iter().map(|s| s.local_addr().unwrap()).collect();
    let is_over = Arc::<AtomicBool>::default();
    let until = Arc::clone(&is_over);
    let responder = std::thread::spawn(move || {
        let mut buffer = [0; 64];
        sockets
            .iter()
            .for_each(|s| s.set_nonblocking(true).unwrap());
        while !until.load(Ordering::Relaxed) {
            for socket in &sockets {
                while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    buffer[1] = b'O';
                    let _ = socket.send_to(&buffer[..length], from);
                }
            }
        }
    });
    let limits = Limits {
        in_flight: IN_FLIGHT,
        ..Limits::default()
    };
    let start = Instant::now();
    let (results, received) = channel();
    let pinger = Pinger::start(limits, move |ping| {
        let _ = results.send(ping);
    })
    .unwrap();
    addresses.iter().for_each(|address| pinger.ping(*address));
    let mut pings = vec![received.recv().unwrap()];
    let first = start.elapsed();
    pinger.finish();
    pings.extend(received.iter());
    let last = start.elapsed();
    is_over.store(true, Ordering::Relaxed);
    responder.join().unwrap();
    let answered: u32 = pings.iter().map(|ping| ping.answered).sum();
    let lost = 5 * count - answered as usize;
    println!("{count} game servers: first {first:?}, last {last:?}, lost {lost}");
    assert_eq!(pings.len(), count);
    assert!(lost * 100 <= count, "{lost} probes are lost");
    (first, last)
}

#[test]
fn hundreds_are_measured_at_the_same_time() {
    let (_, last) = many(300);
    assert!(last < Duration::from_secs(10), "{last:?}");
}
