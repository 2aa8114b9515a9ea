use super::*;
use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, channel};

/// Nothing on a healthy machine takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What `work` returns, which it is to do in time.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = channel();
    std::thread::spawn(move || done.send(work()));
    result.recv_timeout(PATIENCE).unwrap()
}

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
    in_time(move || pinger.finish());
    received.iter().map(|ping| (ping.address, ping)).collect()
}

#[test]
fn delays_are_measured_and_losses_are_counted() {
    let nothing = |_| false;
    let near = game_server("127.0.0.1:0", Duration::from_millis(40), nothing);
    let far = game_server("127.0.0.1:0", Duration::from_millis(120), nothing);
    let lossy = game_server("127.0.0.1:0", Duration::from_millis(40), |n| {
        n % 5 == 2 || n % 5 == 3
    });
    let silent = game_server("127.0.0.1:0", Duration::ZERO, |_| true);
    let nobody: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let everybody: SocketAddr = "224.0.0.1:5".parse().unwrap();
    // A busy machine adds what it likes to a ping, or keeps an answer until it is too late: of
    // several tries one has to be right.
    let is_counted = (0..20).any(|_| {
        let pings = measured(Limits::default(), &[lossy, silent, nobody, everybody]);
        for address in [silent, nobody, everybody] {
            assert_eq!((pings[&address].mean, pings[&address].answered), (None, 0));
        }
        assert_eq!(pings[&everybody].sent, 1, "it is not asked again");
        let Ping {
            mean,
            sent,
            answered,
            ..
        } = pings[&lossy];
        assert!(sent == 5 && answered <= 3, "{answered} of {sent}");
        assert!(mean.is_none_or(|mean| mean >= Duration::from_millis(40)));
        answered == 3
    });
    assert!(is_counted, "never three of five");
    // One probe each, since five in a row are seldom undisturbed where others are busy.
    let once = Limits {
        probes: 1,
        ..Limits::default()
    };
    let delays = [(near, 40), (far, 120)].map(|(a, ms)| (a, Duration::from_millis(ms)));
    let mut quickest = delays.map(|_| Duration::MAX);
    let is_measured = (0..100).any(|_| {
        let pings = measured(once, &[near, far]);
        for ((address, delay), quickest) in delays.iter().zip(&mut quickest) {
            let mean = pings[address].mean.unwrap_or(Duration::MAX);
            assert!(mean >= *delay, "{mean:?} for {delay:?}");
            *quickest = mean.min(*quickest);
        }
        let mut both = delays.iter().zip(&quickest);
        both.all(|((_, delay), quickest)| *quickest < delay.mul_f64(1.2))
    });
    assert!(is_measured, "never within 20 %: {quickest:?}");
}

#[test]
fn both_families_are_measured_and_results_come_as_they_are_there() {
    let near = game_server("127.0.0.1:0", Duration::ZERO, |_| false);
    let silent = game_server("127.0.0.1:0", Duration::ZERO, |_| true);
    let mut targets = vec![silent, near];
    if UdpSocket::bind("[::1]:0").is_ok() {
        targets.push(game_server("[::1]:0", Duration::ZERO, |_| false));
    }
    // Nobody is given up while this test is looked at.
    let limits = Limits {
        timeout: PATIENCE * 10,
        patience: PATIENCE * 10,
        ..Limits::default()
    };
    let (results, received) = channel();
    let pinger = Pinger::start(limits, move |ping| {
        let _ = results.send(ping);
    })
    .unwrap();
    targets.iter().for_each(|target| pinger.ping(*target));
    for _ in 1..targets.len() {
        let ping = received.recv_timeout(PATIENCE).unwrap();
        assert!(ping.address != silent && ping.answered == 5, "{ping:?}");
    }
    // What is wanted later is measured while others are waited for.
    pinger.ping(near);
    assert_eq!(received.recv_timeout(PATIENCE).unwrap().address, near);
    in_time(move || drop(pinger));
    let over = received.recv_timeout(PATIENCE).unwrap_err();
    assert_eq!(
        over,
        RecvTimeoutError::Disconnected,
        "it stops in the middle of things"
    );
}

#[test]
fn an_answer_from_another_address_of_the_host_counts_by_its_word() {
    let (asked, answering) = ["127.0.0.1:0"; 2]
        .map(|any| UdpSocket::bind(any).unwrap())
        .into();
    let address = asked.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((length, from)) = asked.recv_from(&mut buffer) {
            let _ = answering.send_to(b"PONG 0000000000000001", from);
            buffer[1] = b'O';
            let _ = answering.send_to(&buffer[..length], from);
        }
    });
    // On a busy machine one answer may be too late, not all of them.
    let is_counted =
        (0..20).any(|_| measured(Limits::default(), &[address])[&address].answered > 0);
    assert!(is_counted);
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
/// time the last was measured, and how many probes were lost.
fn many(count: usize) -> (Duration, usize) {
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
    let finish = move || {
        pinger.finish();
        received.iter().collect()
    };
    let pings: Vec<Ping> = in_time(finish);
    let last = start.elapsed();
    is_over.store(true, Ordering::Relaxed);
    responder.join().unwrap();
    let answered: u32 = pings.iter().map(|ping| ping.answered).sum();
    let lost = 5 * count - answered as usize;
    println!("{count} game servers: last {last:?}, lost {lost}");
    assert_eq!(pings.len(), count);
    (last, lost)
}

#[test]
fn hundreds_are_measured_at_the_same_time() {
    // Of several tries one has to be right: it is one machine that asks and answers, and others
    // may keep it busy.
    let is_right = (0..5).any(|_| {
        let (last, lost) = many(300);
        last < Duration::from_secs(10) && lost * 100 <= 300
    });
    assert!(is_right, "never within 10 s and without losses");
}
