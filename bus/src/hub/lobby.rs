//! The lobby: those who have connected and not greeted, who must not keep others from greeting.
//!
//! An agent greets as soon as it has connected, so it is here for microseconds. When the lobby is full, somebody
//! goes at once to make room: of the process that has most connections here, the oldest. So a
//! process that connects again and again drives out itself, and an agent, which has one connection, goes
//! only if as many other processes as there are places are silent here, too; then it comes again
//! ([`crate::client`]). A limit for each process would be none for whoever starts many, and to keep
//! newcomers waiting until the silent have used up their time would keep agents out for as long.

use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// Who is here.
#[derive(Debug)]
pub(super) struct Lobby {
    /// How many there may be.
    places: usize,
    /// In the order in which they came.
    here: Vec<Stay>,
}

/// Somebody's stay, until the other end is dropped.
#[derive(Debug)]
struct Stay {
    /// The process.
    pid: u32,
    /// Tells it to go.
    asked_to_go: oneshot::Sender<()>,
}

/// A place in the lobby: it is somebody else's as soon as this is dropped.
#[derive(Debug)]
pub(super) struct Place(oneshot::Receiver<()>);

impl Place {
    /// Waits until somebody else needs the place more.
    pub(super) async fn is_needed(&mut self) {
        // A lobby that is gone needs it, too.
        let _ = (&mut self.0).await;
    }
}

impl Lobby {
    /// With so many places, all free.
    pub(super) fn of(places: usize) -> Self {
        Self { places, here: Vec::new() }
    }

    /// A place for a connection of this process; asks another to go if there is none.
    pub(super) fn enter(&mut self, pid: u32) -> Place {
        self.here.retain(|stay| !stay.asked_to_go.is_closed());
        let (asked_to_go, place) = oneshot::channel();
        self.here.push(Stay { pid, asked_to_go });
        if self.here.len() > self.places {
            self.make_room();
        }
        Place(place)
    }

    /// Asks one to go.
    pub(super) fn make_room(&mut self) {
        if let Some(index) = self.most_dispensable() {
            // Whoever has gone by itself meanwhile makes room as well.
            let _ = self.here.remove(index).asked_to_go.send(());
        }
    }

    /// Of the process with most connections here, the oldest.
    fn most_dispensable(&self) -> Option<usize> {
        let mut connections = BTreeMap::new();
        for stay in &self.here {
            *connections.entry(stay.pid).or_insert(0) += 1;
        }
        let most = connections.values().copied().max()?;
        self.here.iter().position(|stay| connections[&stay.pid] == most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_asked_to_go(place: &mut Place) -> bool {
        place.0.try_recv().is_ok()
    }

    #[test]
    fn a_process_that_connects_again_and_again_drives_out_itself_and_nobody_else() {
        let mut lobby = Lobby::of(4);
        let mut agents: Vec<Place> = [1, 2].map(|pid| lobby.enter(pid)).into();
        let mut crowd: Vec<Place> = (0..50).map(|_| lobby.enter(7)).collect();
        agents.extend([3].map(|pid| lobby.enter(pid)));
        assert!(!agents.iter_mut().any(is_asked_to_go));
        let gone = crowd.iter_mut().map(is_asked_to_go).collect::<Vec<_>>();
        assert_eq!(gone.iter().filter(|gone| **gone).count(), 49, "one place is left to it");
        assert!(!gone[49], "the oldest go first");
    }

    #[test]
    fn among_processes_with_one_connection_each_the_oldest_goes() {
        let mut lobby = Lobby::of(3);
        let mut places: Vec<Place> = (1..=5).map(|pid| lobby.enter(pid)).collect();
        let gone: Vec<bool> = places.iter_mut().map(is_asked_to_go).collect();
        assert_eq!(gone, [true, true, false, false, false]);
    }

    #[test]
    fn whoever_has_greeted_or_left_takes_no_place() {
        let mut lobby = Lobby::of(2);
        let mut silent = lobby.enter(1);
        for _ in 0..10 {
            drop(lobby.enter(2));
        }
        let mut other = lobby.enter(2);
        assert!(!is_asked_to_go(&mut silent) && !is_asked_to_go(&mut other));
    }

    #[test]
    fn nobody_can_be_asked_to_leave_an_empty_lobby() {
        Lobby::of(0).make_room();
        let mut place = Lobby::of(0).enter(1);
        assert!(is_asked_to_go(&mut place), "a lobby without places");
    }
}
