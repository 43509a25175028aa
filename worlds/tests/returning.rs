//! Claims about agents that are lost and come back: what the journal says, and that it says the
//! same for the same comings and goings.

mod support;

use std::sync::Arc;
use worlds::definition::SkillName;
use worlds::id::{ServerId, SreId};
use worlds::journal::Record;
use worlds::message::Decision;
use worlds::plan::{Level, RunPlan};
use worlds::round::Round;
use worlds::server::Server;
use worlds::sre::Mind;
use worlds::topology::World;

/// A run of ten rounds in which the first server and the SRE are lost in round 3 and come back for
/// round `back`. Gives its lines and records.
fn played(level: Level, back: u32) -> (Vec<Vec<u8>>, Vec<Record>) {
    let world = Arc::new(World::new("systems", support::systems()));
    let sres = vec![support::rules("oncall", SkillName::Senior)];
    let plan = RunPlan { seed: 5, level, rounds: 10, sres, scripted: Vec::new(), drill: Default::default() };
    let mut round = Round::new(Arc::clone(&world), plan);
    let mut servers: Vec<Server> = round.server_briefs().map(Server::new).collect();
    let mut mind = Mind::new(&round.sre_briefs().next().expect("one SRE"));
    let (web, oncall) = (ServerId::from(0), SreId::from(0));
    for number in 1..=10 {
        let is_gone = (3..back).contains(&number);
        if number == back {
            servers[0] = Server::new(round.server_brief(web));
            mind = Mind::new(&round.sre_briefs().next().expect("one SRE"));
            round.return_server(web);
            round.return_sre(oncall);
        }
        let mut reports = support::step(&mut servers, &round.open().ticks);
        if is_gone {
            reports[0] = None;
        }
        round.observe(&mut reports);
        let mut decision = Decision { round: number, ..Decision::default() };
        if is_gone {
            round.lose_sre(oncall);
        } else {
            mind.decide(round.observation(), round.results(oncall), &mut decision);
        }
        round.close(&[decision]);
    }
    round.finish();
    round.take_entries().into_iter().map(|entry| (entry.line, entry.record)).unzip()
}

#[test]
fn the_journal_says_in_which_round_an_agent_is_back() {
    let (_, records) = played(Level::Extreme, 6);
    let told = |kind: fn(&Record) -> Option<(u32, String)>| -> Vec<(u32, String)> {
        records.iter().filter_map(kind).collect()
    };
    let lost = told(|record| match record {
        Record::AgentLost { round, agent } => Some((*round, agent.to_string())),
        _ => None,
    });
    let returned = told(|record| match record {
        Record::AgentReturned { round, agent } => Some((*round, agent.to_string())),
        _ => None,
    });
    assert_eq!(lost, [(3, "server-web-1".to_owned()), (3, "sre-oncall".to_owned())]);
    assert_eq!(returned, [(6, "server-web-1".to_owned()), (6, "sre-oncall".to_owned())]);
    let opened = records.iter().position(|record| matches!(record, Record::RoundOpened { round: 6, .. }));
    let back = records.iter().position(|record| matches!(record, Record::AgentReturned { .. }));
    assert_eq!(opened.map(|opened| opened + 1), back);
}

#[test]
fn the_same_comings_and_goings_give_the_same_bytes() {
    let lines = |back| played(Level::Extreme, back).0;
    assert_eq!(lines(6), lines(6));
    assert_ne!(lines(6), lines(7));
}

#[test]
fn a_server_that_is_back_serves_again() {
    let (_, records) = played(Level::Off, 6);
    let requests: Vec<(u32, u32)> = records
        .iter()
        .filter_map(|record| match record {
            Record::Server { round, server, requests, .. } if &**server == "web-1" => {
                Some((*round, *requests))
            }
            _ => None,
        })
        .collect();
    for (round, requests) in requests {
        // The balancer believes what was so a round ago.
        let is_out = (3..6).contains(&round);
        assert!((requests == 0) == is_out || round == 6, "{requests} requests in round {round}");
    }
}
