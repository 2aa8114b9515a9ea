//! Opening a port, in whichever way it was asked for.

use super::{bind, handed_over};
use crate::tracker::start::config::Listen;
use crate::tracker::start::error::StartError;
use crate::tracker::threads::accept::listener::Listener;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What an operator wants to know of a port that is open. It is displayed as its addresses.
#[derive(Debug, Clone)]
pub(crate) struct PortFacts {
    addresses: Vec<SocketAddr>,
    queue: Option<usize>,
    families: Option<&'static str>,
}

impl PortFacts {
    /// The address that is named first.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// How many connections may wait to be accepted, where that is known. Of a listener that was handed
    /// over no system tells a program without unsafe code.
    pub(crate) fn queue(&self) -> String {
        self.queue
            .map_or("unknown".to_owned(), |count| count.to_string())
    }

    /// Which families are served, if all addresses were asked for.
    pub(crate) fn families(&self) -> Option<&'static str> {
        self.families
    }
}

impl fmt::Display for PortFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, address) in self.addresses.iter().enumerate() {
            f.write_str(if at > 0 { "," } else { "" })?;
            address.fmt(f)?;
        }
        Ok(())
    }
}

/// Opens what was `asked` for, or `port` of all addresses. Connections have `write` to take what is
/// sent.
///
/// # Errors
/// What cannot be listened on.
pub(crate) fn open(
    asked: Option<Listen>,
    port: u16,
    write: Duration,
) -> Result<(Vec<Listener>, PortFacts), StartError> {
    let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let (listeners, queue, is_everywhere) = match asked.unwrap_or(Listen::At(everywhere)) {
        Listen::At(address) => {
            let listeners = bind::bind(address);
            let listeners =
                listeners.map_err(|(address, error)| StartError::Bind(address, error))?;
            let is_everywhere = address.ip() == everywhere.ip();
            (listeners, bind::queue(), is_everywhere)
        }
        Listen::HandedOver(from) => {
            let listener = handed_over::take(from).map_err(StartError::NotHandedOver)?;
            (vec![listener], None, false)
        }
    };
    let preset = |listener: Listener| listener.preset(write).map_err(StartError::Thread);
    let listeners = listeners.into_iter().map(preset);
    let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    let addresses: Vec<_> = listeners.iter().map(|listener| listener.address).collect();
    let facts = PortFacts {
        families: is_everywhere.then(|| bind::families(&addresses)),
        addresses,
        queue,
    };
    Ok((listeners, facts))
}
