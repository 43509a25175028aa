//! A stranger that says anything to a real door.
//!
//! The first byte says how the others are cut in two. Claims: what becomes of the stranger is what a plain
//! reading of the rules says; it is told in one whole frame, at the latest when the greeting time is over;
//! it is counted once; and an agent that comes after it is welcome.

use crate::messages::{framed, hello};
use crate::stage::{Peer, Stage, perform};
use bus::frame::{FRAME_VERSION, FrameError, decode};
use bus::hub::{Admits, Counters, HubLimits};
use bus::token::Token;
use bus::wire::{GREETING_BYTES_MAX, Greeting, Hello, PROTOCOL, Refusal, Role};

/// Who is known; a stranger may be either.
const SERVER: &str = "web-1";
const SRE: &str = "oncall";

/// The token of the seats, which corpus and fuzzer know: what a stranger says that has it is looked at
/// further.
const TOKEN_DIGITS: &str = "5a";

/// Where a greeting says its protocol, and what stands there for the one that is spoken today: the corpus is
/// to outlive it.
const PROTOCOL_AT: usize = 5;
const PROTOCOL_OF_TODAY: u8 = 0xaa;

/// A stranger that says these bytes.
pub fn run(bytes: &[u8]) {
    let [cut, bytes @ ..] = bytes else { return };
    let mut bytes = bytes.to_owned();
    if let Some(protocol @ &mut PROTOCOL_OF_TODAY) = bytes.get_mut(PROTOCOL_AT) {
        *protocol = u8::try_from(PROTOCOL).expect("a small number");
    }
    let cut = usize::from(*cut).min(bytes.len());
    perform(HubLimits::default(), |stage| async move { greet(stage, cut, &bytes).await });
}

async fn greet(mut stage: Stage, cut: usize, bytes: &[u8]) {
    let token = Token::from_hex(&TOKEN_DIGITS.repeat(32)).expect("64 digits");
    stage.add_seat(Role::Server, SERVER, Admits::Holder(token.clone()));
    stage.add_seat(Role::Sre, SRE, Admits::Holder(token.clone()));
    let other = stage.add_seat(Role::Server, "other", Admits::Anyone);

    let mut stranger = stage.connect();
    for piece in [&bytes[..cut], &bytes[cut..]] {
        stranger.send(piece);
        stage.settle().await;
    }
    let expected = verdict(bytes, &token);
    if expected == Some(Refusal::Silent) {
        assert!(stranger.read().is_empty() && !stranger.ended, "it has time");
        stage.greeting_time_passes().await;
    }
    told(&mut stranger, expected.as_ref());
    assert_eq!(stage.arrivals.try_recv().is_ok(), expected.is_none());
    let counted = at_the_door(&stage.hub.counters());
    assert_eq!(counted, u64::from(expected.is_some()), "{:?}", stage.hub.counters());

    let mut agent = stage.connect();
    agent.send(&framed(&hello(Role::Server, "other", &stage.run_token)));
    stage.settle().await;
    assert_eq!(stage.arrivals.try_recv().expect("an agent that keeps the rules").seat, other);
    told(&mut agent, None);
}

/// What a stranger was told, in one frame and no more.
fn told(stranger: &mut Peer, expected: Option<&Refusal>) {
    let said = stranger.read().to_owned();
    let greeting = decode::<Greeting>(said.get(4..).unwrap_or_default()).expect("one whole frame");
    match greeting {
        Greeting::Welcome(_) => assert_eq!(None, expected),
        Greeting::Refused(why) => {
            assert_eq!(Some(&why), expected);
            assert!(stranger.ended, "whoever is refused is hung up on");
        }
    }
}

/// Those who were turned away.
pub(crate) fn at_the_door(counters: &Counters) -> u64 {
    counters.foreign_user
        + counters.silent
        + counters.crowded
        + counters.hung_up
        + counters.too_long
        + counters.malformed
        + counters.other_protocol
        + counters.wrong_token
        + counters.no_seat
}

/// Why these bytes are refused, read without haste; `None` where they are a greeting.
fn verdict(bytes: &[u8], token: &Token) -> Option<Refusal> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Some(Refusal::Silent) };
    let length = u32::from_be_bytes(*length) as usize;
    match length {
        0 => return Some(Refusal::Malformed),
        length if length > GREETING_BYTES_MAX => return Some(Refusal::TooLong),
        length if length > rest.len() => return Some(Refusal::Silent),
        _ => {}
    }
    match decode::<Hello>(&rest[..length]) {
        Err(FrameError::Version { version }) => {
            assert_ne!(version, FRAME_VERSION);
            Some(Refusal::Protocol { ours: PROTOCOL })
        }
        Err(_) => Some(Refusal::Malformed),
        Ok(hello) => refused(&hello, token),
    }
}

/// Why a greeting is refused. All seats are free, have no skill and a token of their own, but one,
/// whose token nobody knows.
fn refused(hello: &Hello, token: &Token) -> Option<Refusal> {
    let is_known = matches!((hello.role, &*hello.name), (Role::Server, SERVER) | (Role::Sre, SRE));
    if hello.protocol != PROTOCOL {
        Some(Refusal::Protocol { ours: PROTOCOL })
    } else if hello.name.len() > 256 {
        Some(Refusal::Malformed)
    } else if !(is_known && hello.token.matches(token)) {
        Some(Refusal::Token)
    } else if hello.skill.is_some() {
        Some(Refusal::Skill { planned: None })
    } else {
        None
    }
}
