//! Claims about messages: each survives its way, in bytes that do not change by accident.

mod common;

use bus::frame;
use bus::wire::*;
use common::*;
use serde::{Serialize, de::DeserializeOwned};
use std::borrow::Cow;
use std::fmt::Debug;
use worlds::definition::SkillName;

fn bytes_of<M: Serialize>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes).expect("a message that fits");
    bytes
}

/// Sends a message through the codec and through another serde format.
#[track_caller]
fn survives<M: Serialize + DeserializeOwned + Debug>(message: &M) {
    let shown = format!("{message:?}");
    let bytes = bytes_of(message);
    let back: M = frame::decode(&bytes[4..]).expect("what was encoded");
    assert_eq!(format!("{back:?}"), shown);

    let bytes = postcard::to_stdvec(message).expect("another format can write it");
    let (back, rest) = postcard::take_from_bytes::<M>(&bytes).expect("another format can read it");
    assert_eq!(format!("{back:?}"), shown);
    assert!(rest.is_empty(), "{} bytes too many", rest.len());
}

#[test]
fn every_message_survives_this_codec_and_another() {
    for role in [Role::Server, Role::Sre] {
        survives(&hello(role, "web-1"));
    }
    survives(&Hello { skill: Some(SkillName::Senior), ..hello(Role::Sre, "oncall") });
    survives(&Greeting::Welcome(Brief::Server(Box::new(server_brief("web-1")))));
    survives(&Greeting::Welcome(Brief::Sre(Box::new(sre_brief("oncall")))));
    for refusal in refusals() {
        survives(&Greeting::Refused(refusal.clone()));
        survives(&ToServer::Refused(refusal.clone()));
        survives(&ToSre::Refused(refusal));
    }
    survives(&ToServer::Tick(Cow::Owned(tick(1))));
    survives(&ToServer::Bye);
    survives(&ToServer::Serve(request(1)));
    survives(&FromAgent::served(report(1).serve(&request(1))));
    survives(&ToSre::Observe(Cow::Owned(observation(1))));
    survives(&ToSre::Results(Cow::Owned(results())));
    survives(&ToSre::Bye);
    survives(&FromAgent::report(&report(1)));
    survives(&FromAgent::decision(&decision(1)));
}

#[test]
fn the_longest_greeting_of_an_agent_fits_its_limit() {
    let name = "x".repeat(worlds::definition::limits::NAME_CHARS_MAX);
    let longest = Hello { protocol: u16::MAX, skill: Some(SkillName::Senior), ..hello(Role::Sre, &name) };
    let bytes = bytes_of(&longest).len();
    assert!(bytes < GREETING_BYTES_MAX / 4, "{bytes}");
}

#[test]
fn a_token_survives_the_greeting_unshown() {
    let sent = hello(Role::Server, "web-1");
    let back: Hello = frame::decode(&bytes_of(&sent)[4..]).expect("a greeting");
    assert!(back.token.matches(&sent.token));
}

/// Length and hash of a message's bytes.
fn print_of(message: &impl Serialize) -> (usize, String) {
    let frame = bytes_of(message);
    (frame.len(), blake3::hash(&frame).to_hex()[..16].to_owned())
}

/// When this fails, the protocol has changed: count `PROTOCOL` up, and write the new bytes down.
#[test]
fn the_bytes_of_each_message_are_those_of_this_protocol() {
    assert_eq!(PROTOCOL, 5);
    assert_eq!(bytes_of(&ToServer::Bye), [0, 0, 0, 2, 1, 1]);
    assert_eq!(bytes_of(&ToSre::Bye), [0, 0, 0, 2, 1, 1]);
    assert_eq!(bytes_of(&Greeting::Refused(Refusal::OutOfTurn)), [0, 0, 0, 3, 1, 1, 13]);
    assert_eq!(bytes_of(&Greeting::Refused(Refusal::Crowded)), [0, 0, 0, 3, 1, 1, 14]);
    let refusals = refusals().into_iter().map(Greeting::Refused).collect::<Vec<_>>();
    let found = [
        print_of(&hello(Role::Server, "web-1")),
        print_of(&Greeting::Welcome(Brief::Server(Box::new(server_brief("web-1"))))),
        print_of(&Greeting::Welcome(Brief::Sre(Box::new(sre_brief("oncall"))))),
        print_of(&refusals),
        print_of(&ToServer::Tick(Cow::Owned(tick(1)))),
        print_of(&FromAgent::report(&report(1))),
        print_of(&ToSre::Observe(Cow::Owned(observation(1)))),
        print_of(&ToSre::Results(Cow::Owned(results()))),
        print_of(&FromAgent::decision(&decision(1))),
        print_of(&ToServer::Serve(request(1))),
        print_of(&FromAgent::served(report(1).serve(&request(1)))),
    ];
    let found = found.each_ref().map(|(bytes, hash)| (*bytes, hash.as_str()));
    assert_eq!(found, GOLDEN);
}

const GOLDEN: [(usize, &str); 11] = [
    (46, "65d62d6c5bc69340"),
    (192, "28525ba3da69669e"),
    (339, "f6049bdeaaf80382"),
    (72, "9b39834660404ca0"),
    (126, "17045fc43c1bc04a"),
    (162, "77d1b3d9b5923df2"),
    (79, "a1aaa623c1f05ca2"),
    (12, "d8093490555aadce"),
    (37, "73276e6ae474fdc6"),
    (33, "b4d6c34dd93b7f9e"),
    (18, "2e1616951c8226ea"),
];

#[test]
fn an_agent_is_named_after_its_role() {
    assert_eq!(Role::Server.agent_name("web-1"), "server-web-1");
    assert_eq!(Role::Sre.agent_name("oncall"), "sre-oncall");
}
