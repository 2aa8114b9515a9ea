use super::*;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
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
    received
        .iter()
        .map(|ping| (ping.target.address, ping))
        .collect()
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
        assert!(
            ping.target.address != silent && ping.answered == 5,
            "{ping:?}"
        );
    }
    // What is wanted later is measured while others are waited for.
    pinger.ping(near);
    assert_eq!(received.recv_timeout(PATIENCE).unwrap().target, near.into());
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

/// A Minecraft server that answers a status request after a while, and sends back what comes after it. Or,
/// if `is_asked_in_vain`, it accepts connections and says nothing.
fn minecraft(delay: Duration, is_asked_in_vain: bool) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream?;
                let mut buffer = [0; 256];
                if stream.read(&mut buffer)? == 0 {
                    return Ok(());
                }
                std::thread::sleep(if is_asked_in_vain { PATIENCE } else { delay });
                let text = br#"{"players":{"online":3,"max":8}}"#;
                let length = text.len() as u8;
                stream.write_all(&[&[length + 2, 0, length], &text[..]].concat())?;
                let length = stream.read(&mut buffer)?;
                std::thread::sleep(delay);
                stream.write_all(&buffer[..length])
            });
        }
    });
    Target {
        address,
        kind: Some(Kind::Minecraft),
    }
}

/// The results in the order in which they come, of one after the other.
fn measured_alone(limits: Limits, targets: &[Target]) -> Vec<Ping> {
    let limits = Limits {
        in_flight: 1,
        ..limits
    };
    let (results, received) = channel();
    let pinger = Pinger::start(limits, move |ping| drop(results.send(ping))).unwrap();
    targets.iter().for_each(|target| pinger.ping(*target));
    in_time(move || pinger.finish());
    received.iter().collect()
}

#[test]
fn on_a_connection_it_is_accepted_answered_and_sent_back_what_is_measured() {
    let delay = Duration::from_millis(40);
    let [slow, silent] = [false, true].map(|is_in_vain| minecraft(delay, is_in_vain));
    let nobody = Target {
        address: "127.0.0.1:1".parse().unwrap(),
        ..slow
    };
    let everybody = Target {
        address: "224.0.0.1:5".parse().unwrap(),
        ..slow
    };
    let limits = Limits {
        timeout: PATIENCE,
        ..Limits::default()
    };
    let pings = measured_alone(limits, &[slow, nobody, everybody, slow]);
    for ping in pings {
        if ping.target != slow {
            assert_eq!((ping.mean, ping.sent, ping.answered), (None, 5, 0));
            continue;
        }
        assert_eq!((ping.sent, ping.answered), (5, 5));
        assert_eq!(ping.status.unwrap().players, Some(3));
        // Three of the five waited.
        assert!(ping.mean.unwrap() >= delay * 3 / 5);
    }
    let brief = Limits {
        timeout: Duration::from_millis(100),
        ..limits
    };
    let pings = measured_alone(brief, &[silent]);
    assert_eq!((pings[0].mean, pings[0].answered), (None, 0));
    assert_eq!(pings[0].status, None);
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
