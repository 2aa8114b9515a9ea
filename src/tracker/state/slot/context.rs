//! What a session may ask of the tracker.

use super::guard::SlotGuard;
use crate::base::mutex::lock;
use crate::protocol::revision::Revision;
use crate::protocol::{
    fields::Request,
    refusal::{ErrorCode, Refusal},
};
use crate::tracker::access::identity::Credential;
use crate::tracker::access::network::Network;
use crate::tracker::access::slots::Class;
use crate::tracker::list::entry::Entry;
use crate::tracker::list::history::Recent;
use crate::tracker::list::snapshot::List;
use crate::tracker::session::answer::{self, Answer, Batch, Question};
use crate::tracker::session::game_server::{self, taken};
use crate::tracker::session::{client, watcher};
use crate::tracker::state::answers::cache::Answers;
use crate::tracker::state::sharing_status::{in_stats, why_in_stats};
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// CPU time that an answer takes beside its system calls before it is counted; those of a connection
/// take some 30 us.
const COUNTED: Duration = Duration::from_micros(10);

/// What there is to answer a request with.
struct Found {
    list: Arc<List>,
    /// What has changed since the revision that it names, if that can be told.
    recent: Option<Recent>,
    /// The CPU time that the answer will take.
    work: Duration,
}

impl SlotGuard {
    /// What there is to answer `request` with.
    fn find(&self, request: &Request) -> Found {
        let registry = lock(&self.shared().registry);
        let recent = request.since.and_then(|since| registry.since(since));
        let list = registry.list();
        drop(registry);
        let question = Question::of(request, &recent);
        let answers = &self.shared().answers;
        let is_made = question.is_some_and(|it| lock(answers).is_made(&it, list.revision()));
        let work = match is_made {
            true => Duration::ZERO,
            false => answer::work(&request.filter, &list, &recent),
        };
        Found { list, recent, work }
    }

    /// Counts so much work for the host. What takes no longer than to accept a connection is not
    /// counted: those are counted themselves.
    fn spend(&self, work: Duration, now: Instant) -> Result<(), Refusal> {
        if SlotGuard::is_trusted(self) || work < COUNTED {
            return Ok(());
        }
        let host = Network::host(self.connection().peer().ip());
        let microseconds = work.as_micros().try_into().unwrap_or(u32::MAX);
        let spent = lock(&self.shared().work).spend(host, microseconds, now);
        spent.map_err(|wait| {
            let text = format!(
                "your address asks for more than its share of the list; wait {} s",
                wait.as_secs() + 1
            );
            Refusal::new(ErrorCode::TooMany, text)
        })
    }

    /// Counters are for the operator, who is on the same machine.
    fn stats(&self) -> Option<String> {
        let shared = self.shared();
        if !self.connection().peer().ip().is_loopback() {
            return None;
        }
        let mut line = format!("uptime={}", shared.started.elapsed().as_secs());
        let revision = lock(&shared.registry).list().revision();
        // Writing into a String does not fail.
        let _ = write!(line, " rev={revision}");
        let admission = lock(&shared.admission);
        for class in Class::ALL {
            let (used, limit) = admission.usage(class);
            let _ = write!(line, " {}={used}/{limit}", class.as_str());
        }
        drop(admission);
        let sharing = shared.sharing.as_deref();
        if let Some(status) = sharing {
            line += &in_stats(status, Instant::now());
        }
        shared.stats.write_into(&mut line);
        let _ = write!(line, " log-dropped={}", shared.log.dropped());
        if let Some(status) = sharing {
            line += &why_in_stats(status);
        }
        Some(line)
    }
}

impl game_server::Services for SlotGuard {
    fn peer_ip(&self) -> IpAddr {
        self.connection().peer().ip()
    }

    fn is_trusted(&self) -> bool {
        SlotGuard::is_trusted(self)
    }

    fn verify(&self, password: &str) -> Option<Credential> {
        let credential = self.shared().passwords.get().verify(password);
        if credential.is_none() {
            self.shared().stats.bad_passwords.add_one();
        }
        credential
    }

    fn verify_key(&self, name: &str, number: u64, port: u16, mac: &str) -> Option<Credential> {
        let credential = self.shared().keys.get().verify(name, number, port, mac);
        if credential.is_none() {
            self.shared().stats.bad_passwords.add_one();
        }
        credential
    }

    fn send_proof(&self, number: u64, target: SocketAddr, now: Instant) -> bool {
        let asking = (!SlotGuard::is_trusted(self)).then(|| self.connection().peer().ip());
        let udp_probe = &self.shared().udp_probe;
        let is_sent = udp_probe.send(target, number, asking, now);
        if is_sent {
            self.shared().stats.proofs_sent.add_one();
        }
        is_sent
    }

    fn proven(&self, target: SocketAddr, is_reachable: bool) {
        let stats = &self.shared().stats;
        let counter = if is_reachable {
            let asking = self.connection().peer().ip();
            self.shared().udp_probe.answered(target.ip(), asking);
            &stats.proofs_answered
        } else {
            &stats.proofs_failed
        };
        counter.add_one();
    }

    fn leave(&self) {
        self.unlist("left");
    }

    fn challenge_number(&self) -> u64 {
        self.shared().random.number()
    }

    fn is_crowded(&self) -> bool {
        SlotGuard::is_crowded(self)
    }

    fn entry(&self) -> Option<Arc<Entry>> {
        lock(&self.shared().registry).entry_of(self.connection().id())
    }

    fn absent(&self, entry: &Entry) -> Option<Arc<Entry>> {
        lock(&self.shared().registry).absent_before(entry)
    }

    fn check_place(&self, entry: &Entry) -> Result<(), Refusal> {
        let ip = entry.address.ip();
        if let Some(ban) = self.shared().bans.get().refusal(ip) {
            return Err(ban);
        }
        let registry = lock(&self.shared().registry);
        let replaced = registry.replaced(self.connection().id(), entry);
        replaced.map(drop).map_err(|why| taken(entry.address, why))
    }

    fn put(&self, entry: Entry) -> Result<(), Refusal> {
        SlotGuard::put(self, entry)
    }

    fn stats(&self) -> Option<String> {
        SlotGuard::stats(self)
    }
}

impl client::Services for SlotGuard {
    fn is_trusted(&self) -> bool {
        SlotGuard::is_trusted(self)
    }

    fn answer(&self, request: &Request, now: Instant) -> Result<Answer, Refusal> {
        let shared = self.shared();
        let Found { list, recent, work } = self.find(request);
        self.spend(work, now)?;
        self.serve();
        shared.stats.lists.add_one();
        let ip = self.connection().peer().ip();
        shared.hidden_servers.ask(ip, &list, &shared.log);
        if recent.is_some() {
            shared.stats.deltas.add_one();
        }
        Ok(match Question::of(request, &recent) {
            None => Answer::Whole(list),
            Some(question) => {
                let batch = Answers::find(&shared.answers, question, &list, || recent);
                Answer::Encoded(batch)
            }
        })
    }

    fn work(&self, request: &Request) -> Duration {
        self.find(request).work
    }

    fn watch(&self) -> Result<(), Refusal> {
        let shared = self.shared();
        SlotGuard::watch(self)?;
        shared.stats.watches.add_one();
        let list = lock(&shared.registry).list();
        shared
            .hidden_servers
            .ask(self.connection().peer().ip(), &list, &shared.log);
        Ok(())
    }

    fn is_crowded(&self) -> bool {
        SlotGuard::is_crowded(self)
    }

    fn stats(&self) -> Option<String> {
        SlotGuard::stats(self)
    }
}

impl watcher::Services for SlotGuard {
    fn revision(&self) -> Revision {
        self.shared().watched.revision(&self.shared().registry)
    }

    fn batch(&self, question: Question) -> Arc<Batch> {
        let shared = self.shared();
        shared.watched.batch(&shared.registry, question)
    }
}
