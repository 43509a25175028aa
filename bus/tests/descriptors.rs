//! What the bus does when the system gives its process no further descriptor. Its own file: it takes
//! them all, from everybody in this process.

mod common;

use bus::address::RunDirectory;
use bus::frame;
use bus::hub::{Admits, Hub, HubLimits, SeatPlan};
use bus::wire::{Brief, Role};
use common::*;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::unbounded_channel;

/// Longer than anything takes that should happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it is looked how much is done while nothing can be done.
const WATCHED: Duration = Duration::from_millis(500);

/// Takes all descriptors that there are, up to a few more than are in use.
fn take_all_descriptors() -> Vec<File> {
    let limit = Rlimit { current: Some(256), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).expect("a lower limit");
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// CPU time that passes while the runtime is left to itself, as a share of the time.
async fn share_of_cpu() -> f64 {
    let (began, used) = (Instant::now(), cpu_time());
    tokio::time::sleep(WATCHED).await;
    (cpu_time() - used).as_secs_f64() / began.elapsed().as_secs_f64()
}

#[tokio::test]
async fn without_descriptors_silent_peers_go_nothing_spins_and_agents_come_in_when_there_are_some() {
    let base = tempfile::tempdir().expect("a directory");
    let run = RunDirectory::create(Some(&base.path().join("run"))).expect("an address");
    let (sender, mut arrivals) = unbounded_channel();
    let on_arrival = Box::new(move |arrival| drop(sender.send(arrival)));
    let mut hub = Hub::open(&run, token(), HubLimits::default(), on_arrival).expect("a bus");
    for name in ["web-1", "web-2"] {
        let brief = Brief::Server(Box::new(server_brief(name)));
        let plan = SeatPlan { name: name.to_owned(), skill: None, brief, admits: Admits::Anyone };
        hub.add_seat(plan).expect("a free name");
    }
    let agent = |name: &str| {
        let mut stream = UnixStream::connect(run.socket()).expect("a listener");
        let mut greeting = Vec::new();
        frame::encode(&hello(Role::Server, name), &mut greeting).expect("a message");
        stream.write_all(&greeting).expect("written");
        stream
    };
    let silent = UnixStream::connect(run.socket()).expect("a listener");
    // It has its place before there is nothing left: whoever came after it was heard to hang up.
    drop(UnixStream::connect(run.socket()).expect("a listener"));
    let heard = async {
        while hub.counters().hung_up == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("in time");
    let queued = [agent("web-1"), agent("web-2")];
    let taken = take_all_descriptors();

    // The silent one goes for the first of the agents.
    let first = tokio::time::timeout(PATIENCE, arrivals.recv()).await.expect("in time").expect("an arrival");
    assert_eq!(hub.counters().crowded, 1);
    // For the other one there is nothing.
    let share = share_of_cpu().await;
    assert!(share < 0.05, "{share} of a processor");
    assert!(arrivals.try_recv().is_err());

    drop(taken);
    tokio::time::timeout(PATIENCE, arrivals.recv()).await.expect("in time").expect("an arrival");
    drop((silent, queued, first));
}
