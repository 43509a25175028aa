//! How servers were, round by round.

use worlds::id::Name;
use worlds::journal::{Record, Status};

/// A server over the whole run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Server {
    /// Its name.
    pub name: Name,
    /// Its rounds of trouble, by the stretch in which they were; stretches without any are left out.
    pub cells: Vec<Cell>,
}

/// A server in one stretch: rounds in which it was not well. In the rest it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Position of the stretch.
    pub stretch: usize,
    /// Rounds with a warning.
    pub warn: u32,
    /// Rounds in which it was critical.
    pub crit: u32,
    /// Rounds in which it was cut off, or gone.
    pub down: u32,
}

impl Cell {
    fn count(&mut self, status: Status) {
        match status {
            Status::Ok => {}
            Status::Warn => self.warn += 1,
            Status::Crit => self.crit += 1,
            Status::Down => self.down += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.warn += other.warn;
        self.crit += other.crit;
        self.down += other.down;
    }

    /// How bad it was; a round that is down weighs as one that is critical and one with a warning.
    fn badness(&self) -> u64 {
        u64::from(self.warn) + 2 * u64::from(self.crit) + 3 * u64::from(self.down)
    }
}

impl Server {
    /// How bad it was over all rounds.
    pub(crate) fn badness(&self) -> u64 {
        self.cells.iter().map(Cell::badness).sum()
    }

    /// Its rounds of trouble, all together.
    pub(crate) fn trouble(&self) -> Cell {
        self.cells.iter().fold(Cell::default(), |mut sum, cell| {
            sum.add(*cell);
            sum
        })
    }

    fn note(&mut self, status: Status, stretch: usize) {
        if status == Status::Ok {
            return;
        }
        match self.cells.last_mut().filter(|last| last.stretch == stretch) {
            Some(last) => last.count(status),
            None => {
                let mut cell = Cell { stretch, ..Cell::default() };
                cell.count(status);
                self.cells.push(cell);
            }
        }
    }

    fn halve(&mut self) {
        let mut halved: Vec<Cell> = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            let stretch = cell.stretch / 2;
            match halved.last_mut().filter(|last| last.stretch == stretch) {
                Some(last) => last.add(*cell),
                None => halved.push(Cell { stretch, ..*cell }),
            }
        }
        self.cells = halved;
    }
}

/// All servers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Servers {
    all: Vec<Server>,
    /// Of whom the next record will be: they come in one order every round.
    next: usize,
    /// p99 of those that answered in this round, milliseconds.
    latencies: Vec<f64>,
}

impl Servers {
    /// In the order of the world file.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Server> {
        self.all.iter()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes a record of a server; `stretch` is the position of the stretch that its round belongs to.
    pub(super) fn take(&mut self, record: &Record, stretch: usize) {
        let Record::Server { server, status, latency_p99, .. } = record else { return };
        let position = self.position(server);
        self.all[position].note(*status, stretch);
        self.next = position + 1;
        if *status != Status::Down {
            self.latencies.push(*latency_p99);
        }
    }

    fn position(&mut self, name: &Name) -> usize {
        let is = |server: &Server| server.name == *name;
        if self.all.get(self.next).is_some_and(is) {
            return self.next;
        }
        // Only in the first round there are more than were seen so far.
        let seen = if self.next < self.all.len() { self.all.iter().position(is) } else { None };
        seen.unwrap_or_else(|| {
            self.all.push(Server { name: name.clone(), cells: Vec::new() });
            self.all.len() - 1
        })
    }

    /// The longest p99 of the round that is over, and that of the server in the middle; 0 when none answered.
    pub(super) fn latencies(&mut self) -> (f64, f64) {
        let middle = self.latencies.len() / 2;
        let slowest = self.latencies.iter().copied().fold(0.0, f64::max);
        let middle = match self.latencies.get(middle) {
            Some(_) => *self.latencies.select_nth_unstable_by(middle, f64::total_cmp).1,
            None => 0.0,
        };
        self.latencies.clear();
        self.next = 0;
        (slowest, middle)
    }

    /// Positions of stretches have become half of what they were.
    pub(super) fn halve(&mut self) {
        self.all.iter_mut().for_each(Server::halve);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, status: Status, latency_p99: f64) -> Record {
        Record::Server {
            round: 1,
            server: name.into(),
            status,
            health: 50,
            cpu_usage: 0.0,
            memory_usage: 0.0,
            error_rate: 0.0,
            latency_p99,
            disk_usage: 0.0,
            requests: 0,
            services_down: 0,
            reachable: true,
            in_rotation: true,
            role: None,
        }
    }

    fn cell(stretch: usize, [warn, crit, down]: [u32; 3]) -> Cell {
        Cell { stretch, warn, crit, down }
    }

    #[test]
    fn only_rounds_of_trouble_are_kept() {
        let mut servers = Servers::default();
        for (stretch, status) in [Status::Ok, Status::Warn, Status::Ok, Status::Crit].into_iter().enumerate()
        {
            servers.take(&record("a", Status::Ok, 1.0), stretch);
            servers.take(&record("b", status, 1.0), stretch);
            servers.latencies();
        }
        let told: Vec<_> = servers.iter().map(|server| (&*server.name, server.cells.clone())).collect();
        assert_eq!(told, [("a", vec![]), ("b", vec![cell(1, [1, 0, 0]), cell(3, [0, 1, 0])])]);
    }

    #[test]
    fn halved_stretches_add_up() {
        let mut servers = Servers::default();
        for stretch in [0, 1, 2, 5] {
            servers.take(&record("a", Status::Crit, 1.0), stretch);
            servers.latencies();
        }
        servers.take(&record("a", Status::Down, 1.0), 5);
        servers.halve();
        let server = servers.iter().next().expect("a server");
        assert_eq!(server.cells, [cell(0, [0, 2, 0]), cell(1, [0, 1, 0]), cell(2, [0, 1, 1])]);
        assert_eq!((server.trouble(), server.badness()), (cell(0, [0, 4, 1]), 11));
    }

    #[test]
    fn latencies_are_those_of_servers_that_answered() {
        let mut servers = Servers::default();
        for (name, status, p99) in [
            ("a", Status::Ok, 400.0),
            ("b", Status::Down, 0.0),
            ("c", Status::Crit, 2_000.0),
            ("d", Status::Ok, 30.0),
        ] {
            servers.take(&record(name, status, p99), 0);
        }
        assert_eq!(servers.latencies(), (2_000.0, 400.0));
        assert_eq!(servers.latencies(), (0.0, 0.0), "the next round begins anew");
    }
}
