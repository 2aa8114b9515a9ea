//! All threads of the two ports, as they are started.

use super::accept::acceptor;
use super::accept::listener::Listener;
use super::accept::probe::AcceptProbe;
use super::accept::proxy_headers::ProxyHeaders;
use super::holders::Holders;
use super::peer::sender::Sender;
use super::polled::Polled;
use super::reception::Reception;
use super::watchers::Watchers;
use crate::tracker::access::network::Network;
use crate::tracker::access::slots::Class;
use crate::tracker::state::shared::Shared;
use std::io;

/// The threads. They run to the end of the process, and what they share is never dropped.
pub(crate) struct PortThreads {
    reception: &'static Reception,
    headers: &'static ProxyHeaders,
}

impl PortThreads {
    /// Starts the threads that look after many connections. Those from `proxied` networks begin with a
    /// header.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn start(
        shared: &'static Shared,
        proxied: Vec<Network>,
    ) -> io::Result<&'static Self> {
        let watchers: &Watchers = Box::leak(Box::new(Watchers::new(shared)));
        watchers.start()?;
        let sender = &*Box::leak(Box::new(Sender::start(&shared.log)?));
        let game_servers: &Holders = Box::leak(Box::new(Holders::new(Some(sender), watchers)?));
        let clients: &Holders = Box::leak(Box::new(Holders::new(None, watchers)?));
        let polled = || &*Box::leak(Box::new(Polled::new(game_servers, clients, watchers)));
        let (idle_clients, guests) = (polled(), polled());
        idle_clients.start("idle-clients", &shared.log)?;
        guests.start("guests", &shared.log)?;
        let reception = &*Box::leak(Box::new(Reception {
            shared,
            game_servers,
            clients,
            watchers,
            idle_clients,
            guests,
        }));
        let headers = &*Box::leak(Box::new(ProxyHeaders::new(shared, reception, proxied)));
        headers.start()?;
        Ok(Box::leak(Box::new(Self { reception, headers })))
    }

    /// Opens the port for clients, with so many holders. Returns the probe of each listener.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn open_to_clients(
        &'static self,
        listeners: Vec<Listener>,
        holders: usize,
    ) -> io::Result<Vec<&'static AcceptProbe>> {
        let log = &self.reception.shared.log;
        self.reception.clients.start("clients", holders, log)?;
        self.accept("accept-clients", listeners, Class::Client)
    }

    /// Opens the port for game servers, with so many holders. Returns the probe of each listener.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn open_to_game_servers(
        &'static self,
        listeners: Vec<Listener>,
        holders: usize,
    ) -> io::Result<Vec<&'static AcceptProbe>> {
        let (log, game_servers) = (&self.reception.shared.log, self.reception.game_servers);
        game_servers.start("game-servers", holders, log)?;
        self.accept("accept-servers", listeners, Class::Pending)
    }

    fn accept(
        &'static self,
        name: &'static str,
        listeners: Vec<Listener>,
        class: Class,
    ) -> io::Result<Vec<&'static AcceptProbe>> {
        let shared = self.reception.shared;
        let receive = move |stream, peer| self.headers.receive(class, stream, peer);
        let start = |listener| {
            acceptor::start(
                name,
                listener,
                shared.log.clone(),
                &shared.accepting,
                receive,
            )
        };
        listeners.into_iter().map(start).collect()
    }
}
