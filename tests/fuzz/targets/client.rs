//! A client's list, of what a hostile tracker says.
#![no_main]

use gltracker::client::Change;
use gltracker::client::KnownList;
use gltracker::protocol::command::ClientCommand;
use gltracker::protocol::fields::Infos;
use gltracker_fuzz::checks::{plain_line, shown};
use gltracker_fuzz::naive;
use gltracker_fuzz::script::grown;
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::net::SocketAddr;

fuzz_target!(|data: &[u8]| {
    let data = &grown(data)[..];
    let text = String::from_utf8_lossy(data);
    let mut list = KnownList::default();
    let mut copy: BTreeMap<SocketAddr, Infos> = BTreeMap::new();
    let mut told = 0;
    for line in text.split('\n') {
        let line = &line[..line.floor_char_boundary(1023)];
        match list.take(line) {
            Ok(None) => {}
            Ok(Some(changes)) => {
                assert!(line.starts_with("END"));
                told += 1;
                changes
                    .into_iter()
                    .for_each(|change| apply(&mut copy, change));
            }
            Err(error) => shown(&error.to_string()),
        }
        // Whatever was said, the list is what was told with the last END.
        let known = list.iter().map(|(address, infos)| (address, infos.clone()));
        assert_eq!(known.collect::<BTreeMap<_, _>>(), copy);
        assert!(list.len() == copy.len() && list.is_empty() == copy.is_empty());
        assert!(told > 0 || list.revision().is_none());
        if let Some(revision) = list.revision() {
            let request = format!("WATCH since={revision} notempty");
            plain_line(&request);
            let parsed = ClientCommand::parse(&request).expect("it can be sent back");
            assert!(matches!(parsed, ClientCommand::Watch(request) if !request.filter.is_empty()));
        }
        if text.len() > 20_000 {
            return;
        }
    }
    list.forget_part();
    assert_eq!(list.len(), copy.len());
});

/// A change changes something, and says what.
fn apply(copy: &mut BTreeMap<SocketAddr, Infos>, change: Change) {
    match change {
        Change::New(address, infos) => {
            is_of(address, &infos);
            assert_eq!(copy.insert(address, infos), None);
        }
        Change::Updated(address, infos) => {
            is_of(address, &infos);
            let before = copy.insert(address, infos.clone());
            assert!(before.is_some_and(|before| before != infos));
        }
        Change::Gone(address) => assert!(copy.remove(&address).is_some()),
    }
}

fn is_of(address: SocketAddr, infos: &Infos) {
    let fields = naive::said(infos.spelled()).expect("these are fields");
    assert_eq!(fields["ip"], address.ip().to_string());
    assert_eq!(fields["port"], address.port().to_string());
}
