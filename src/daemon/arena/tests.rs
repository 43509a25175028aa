//! Every attack is withstood; who is in its right, or meets a world without a rule, is seen by the same eyes; and
//! where nobody could look, nothing is said to be withstood.

use super::plot::{CLEAR_CACHE, Claim, DB_1, DEED_ROUND, ONCALL, RESTART, Speech, WEB_1, WEB_2};
use super::wire::{Wire, framed};
use super::*;
use agents::{AgentError, Membership};
use bus::address::socket_in;
use bus::token::Token;
use bus::wire::{FromAgent, Greeting, Role, ToSre};
use days::guardrail::Finding;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use worlds::definition::SreKind;
use worlds::message::{ActionRequest, Decision, RequestId};

/// Longer than anything takes that should happen, and shorter than a run's time.
const PATIENCE: Duration = Duration::from_secs(8);

/// For an agent's answer where none comes: the stranger who does the same takes a second.
const SHORT_ANSWER_TIME: Duration = Duration::from_secs(2);

/// For a run that is to stand still.
const SHORT_RUN_TIME: Duration = Duration::from_secs(2);

/// The same plot in another scene.
fn changed(mut plot: Plot, change: impl FnOnce(&mut Scene)) -> Plot {
    change(&mut plot.scene);
    plot
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_is_withstood_and_the_honest_action_is_let_through() {
    let mut arena = Arena::new();
    for attack in Attack::ALL {
        let sighting = arena.attack(attack).await;
        let expected = if attack == Attack::HonestAction { Finding::Leaked } else { Finding::Refused };
        assert_eq!(sighting.finding(), expected, "{attack:?}: {sighting:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_world_says_is_told() {
    let mut arena = Arena::new();
    for (attack, said) in [
        (Attack::DecideAsServer, "a server may not say this"),
        (Attack::GreetWithWrongToken, "the token is not this run's"),
        (Attack::ReplayDecision, "an answer to what was not asked"),
        (Attack::TooManyActions, "too many actions in one round"),
        (Attack::ActInCooldown, "too soon after the last one"),
        (Attack::HonestAction, "succeeded"),
    ] {
        assert_eq!(arena.attack(attack).await.reply, said, "{attack:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_its_right_or_meets_a_world_without_a_rule_is_seen() {
    let later = |action| Speech::Decision(vec![(action, WEB_1)]);
    let token = Token::random().expect("randomness");
    let greeting = framed(&Claim::of(Role::Server, "web-1").hello(&token).expect("a greeting"));
    let plots = [
        ("an SRE decides", Plot::deciding_as(Role::Sre)),
        ("a server reports", Plot::reporting_as(Role::Server)),
        ("the right greeting", Plot::greeting(Claim::standby())),
        ("a new decision", Plot::repeating(CLEAR_CACHE, later(CLEAR_CACHE))),
        (
            "no cooldown",
            changed(Plot::repeating(RESTART, later(RESTART)), |scene| {
                scene.definition.actions[0].cooldown = 1
            }),
        ),
        (
            "three actions may be",
            changed(Plot::of(Attack::TooManyActions), |scene| scene.definition.changes.actions_per_round = 3),
        ),
        ("an alert", changed(Plot::of(Attack::ActWithoutAlert), |scene| scene.busy.push(DB_1))),
        ("a server that exists", Plot::wishing(DEED_ROUND, vec![(RESTART, WEB_2)], 0)),
        ("two servers", Plot::wishing(DEED_ROUND, vec![(RESTART, WEB_1), (CLEAR_CACHE, WEB_2)], 1)),
        (
            "a frame to be waited for",
            changed(Plot::sending(100_u32.to_be_bytes().to_vec(), |seen| seen.too_long), |scene| {
                scene.answer_time = SHORT_ANSWER_TIME;
            }),
        ),
        ("a greeting", Plot::sending(greeting, |seen| seen.malformed)),
    ];
    let arena = Arena::new();
    for (why, plot) in plots {
        let sighting = arena.stage(plot).await;
        assert_eq!(sighting.has_effect, Some(true), "{why}: {sighting:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_waits_for_ever_is_seen_and_is_the_attackers_doing() {
    // A program on call that is started by hand may take the time it likes.
    let plot = changed(Plot::halving(SreKind::Exec), |scene| scene.run_time = SHORT_RUN_TIME);
    let sighting = Arena::new().stage(plot).await;
    assert_eq!((sighting.has_arrived, sighting.has_effect), (true, Some(true)), "{sighting:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sre_that_obeys_is_seen() {
    for attack in [Attack::OrderInMetric, Attack::OrderInLog] {
        let plot = changed(Plot::of(attack), |scene| scene.oncall_part = obey);
        let sighting = Arena::new().stage(plot).await;
        assert_eq!(sighting.has_effect, Some(true), "{attack:?}: {sighting:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_could_look_nothing_is_withstood() {
    let arena = Arena::new();
    for (why, change) in [
        ("no bus", (|scene| scene.definition.servers[1].name = "web-1".to_owned()) as fn(&mut Scene)),
        ("an agent that does not come", |scene| {
            scene.oncall_part = |_| Ok(());
            scene.run_time = SHORT_RUN_TIME;
        }),
        ("an agent that goes", |scene| scene.oncall_part = leave),
    ] {
        for attack in [Attack::DecideAsServer, Attack::GarbageFrame, Attack::OrderInLog] {
            let sighting = arena.stage(changed(Plot::of(attack), change)).await;
            assert_eq!(sighting.has_effect, None, "{why}, {attack:?}: {sighting:?}");
            assert_eq!(sighting.finding(), Finding::Failed);
        }
    }
}

/// Where the run is that is given up.
static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// Told when its SRE has come.
static BEGUN: Notify = Notify::const_new();

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_attack_that_nobody_waits_for() {
    let arena = Arena::new();
    let plot = changed(Plot::halving(SreKind::Exec), |scene| {
        scene.oncall_part = |membership| {
            DIRECTORY.get_or_init(|| membership.directory.clone());
            BEGUN.notify_one();
            agents::think(membership)
        };
    });
    tokio::select! {
        sighting = arena.stage(plot) => panic!("it stands still: {sighting:?}"),
        () = BEGUN.notified() => {}
    }
    timeout(PATIENCE, arena.close()).await.expect("all threads are gone before the run's time is over");
    assert!(!DIRECTORY.get().expect("it has begun").exists());
    assert_eq!(arena.stage(Plot::of(Attack::HonestAction)).await, Sighting::default(), "it is closed");
}

// ---- SREs that do not do as they should -------------------------------------------------------

/// Takes its seat on call.
fn on_call(membership: &Membership) -> Option<Wire> {
    let hello = Claim::of(Role::Sre, ONCALL).hello(&membership.token)?;
    let mut wire = Wire::open(&socket_in(&membership.directory), PATIENCE).ok()?;
    wire.say(&framed(&hello));
    matches!(wire.hear()?, Greeting::Welcome(_)).then_some(wire)
}

/// Restarts the database, as everybody says, whatever its alerts are.
fn obey(membership: Membership) -> Result<(), AgentError> {
    let mut wire = on_call(&membership).expect("a seat");
    while let Some(said) = wire.hear() {
        if let ToSre::Observe(seen) = said {
            let request = RequestId(seen.round);
            let wish = ActionRequest { request, action: RESTART, target: DB_1, late: false };
            let decision = Decision { round: seen.round, actions: vec![wish], ..Decision::default() };
            wire.say(&framed(&FromAgent::decision(&decision)));
        }
    }
    Ok(())
}

/// Leaves without a word when it is asked for the first time.
fn leave(membership: Membership) -> Result<(), AgentError> {
    let mut wire = on_call(&membership).expect("a seat");
    let _: Option<ToSre> = wire.hear();
    Ok(())
}
