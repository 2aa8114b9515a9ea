//! A list as datagrams.

use std::net::SocketAddr;

/// The most bytes of a datagram. Routers pass it on whole, and old clients have room for it.
const MAX_DATAGRAM: usize = 1400;

/// The end of a list.
const END: &[u8; 7] = b"\\EOT\0\0\0";

/// A list as it is sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The datagrams, in order. The last one ends with the mark.
    pub datagrams: Vec<Box<[u8]>>,
    /// The bytes of all of them.
    pub bytes: usize,
}

impl Answer {
    /// A list of these game servers.
    pub(super) fn of(addresses: impl Iterator<Item = SocketAddr>, is_extended: bool) -> Self {
        let head: &[u8] = match is_extended {
            true => b"\xff\xff\xff\xffgetserversExtResponse",
            false => b"\xff\xff\xff\xffgetserversResponse",
        };
        let mut datagrams: Vec<Box<[u8]>> = Vec::new();
        let mut datagram = head.to_vec();
        let mut make_room = |datagram: &mut Vec<u8>, bytes: usize| {
            if datagram.len() + bytes > MAX_DATAGRAM {
                datagrams.push(datagram.as_slice().into());
                datagram.truncate(head.len());
            }
        };
        for address in addresses {
            match address {
                SocketAddr::V4(address) => {
                    make_room(&mut datagram, 7);
                    datagram.push(b'\\');
                    datagram.extend(address.ip().octets());
                }
                SocketAddr::V6(address) => {
                    make_room(&mut datagram, 19);
                    datagram.push(b'/');
                    datagram.extend(address.ip().octets());
                }
            }
            datagram.extend(address.port().to_be_bytes());
        }
        make_room(&mut datagram, END.len());
        datagram.extend(END);
        datagrams.push(datagram.into());
        let bytes = datagrams.iter().map(|datagram| datagram.len()).sum();
        Self { datagrams, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    /// The addresses in the datagrams, as a client reads them.
    fn addresses(answer: &Answer, head: &[u8]) -> Vec<SocketAddr> {
        let mut all = Vec::new();
        for (at, datagram) in answer.datagrams.iter().enumerate() {
            let mut rest = datagram.strip_prefix(head).expect("each has the head");
            while let Some((sign, after)) = rest.split_first() {
                if let Some(end) = rest.strip_prefix(END) {
                    assert_eq!((end.len(), at + 1), (0, answer.datagrams.len()));
                    return all;
                }
                let size = if *sign == b'/' { 16 } else { 4 };
                let (ip, after) = after.split_at(size);
                let (port, after) = after.split_at(2);
                let port = u16::from_be_bytes(port.try_into().unwrap());
                all.push(match <[u8; 4]>::try_from(ip) {
                    Ok(ip) => (ip, port).into(),
                    Err(_) => (<[u8; 16]>::try_from(ip).unwrap(), port).into(),
                });
                rest = after;
            }
        }
        panic!("there is no mark at the end")
    }

    #[test]
    fn a_list_has_the_bytes_that_clients_know() {
        let servers: [SocketAddr; 2] = [
            "198.51.100.7:27960".parse().unwrap(),
            "[2001:db8::1]:26000".parse().unwrap(),
        ];
        assert_eq!(
            *Answer::of(servers[..1].iter().copied(), false).datagrams[0],
            *b"\xff\xff\xff\xffgetserversResponse\\\xc6\x33\x64\x07\x6d\x38\\EOT\0\0\0"
        );
        assert_eq!(
            *Answer::of(servers.into_iter(), true).datagrams[0],
            *b"\xff\xff\xff\xffgetserversExtResponse\\\xc6\x33\x64\x07\x6d\x38\
               /\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x65\x90\\EOT\0\0\0"
        );
        let none = Answer::of([].into_iter(), false);
        assert_eq!(
            *none.datagrams[0],
            *b"\xff\xff\xff\xffgetserversResponse\\EOT\0\0\0"
        );
    }

    #[test]
    fn four_thousand_fit_into_twenty_one_datagrams() {
        let all = (0..4000u32).map(|n| SocketAddr::from((n.to_be_bytes(), 1)));
        let answer = Answer::of(all, false);
        assert_eq!((answer.datagrams.len(), answer.bytes), (21, 28_469));
    }

    quickcheck! {
        fn decoding_undoes_encoding(v4: Vec<(u32, u16)>, v6: Vec<(u128, u16)>, times: u8) -> bool {
            let v4 = v4.into_iter().map(|(ip, port)| (ip.to_be_bytes(), port).into());
            let v6 = v6.into_iter().map(|(ip, port)| (ip.to_be_bytes(), port).into());
            let all: Vec<SocketAddr> = v4.chain(v6).collect();
            let all = all.repeat(usize::from(times) / 4);
            let answer = Answer::of(all.iter().copied(), true);
            let mut datagrams = answer.datagrams.iter();
            addresses(&answer, b"\xff\xff\xff\xffgetserversExtResponse") == all
                && datagrams.all(|datagram| datagram.len() <= MAX_DATAGRAM)
        }
    }
}
