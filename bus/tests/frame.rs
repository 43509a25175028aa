//! Claims about frames: what is cut out of a stream of bytes, and what is not believed.

use bus::frame::{FRAME_BYTES_MAX, FRAME_VERSION, FrameError, Inbox, decode, encode};

/// Bytes of a frame before the message.
const HEAD_BYTES: usize = 5;

fn framed(message: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(message, &mut bytes).expect("a short message");
    bytes
}

fn fill(inbox: &mut Inbox, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let space = inbox.space();
        let taken = space.len().min(bytes.len());
        space[..taken].copy_from_slice(&bytes[..taken]);
        inbox.filled(taken);
        bytes = &bytes[taken..];
    }
}

fn arrived(bytes: &[u8]) -> Inbox {
    let mut inbox = Inbox::of_frames_up_to(FRAME_BYTES_MAX);
    fill(&mut inbox, bytes);
    inbox
}

/// A text that takes exactly this many bytes in a frame, with version and its own length.
fn text_of_frame_bytes(bytes: usize) -> String {
    let mut text = "x".repeat(bytes);
    while framed_bytes(&text) > bytes {
        text.pop();
    }
    text
}

fn framed_bytes(text: &str) -> usize {
    // The codec writes a length of 1, 3 or 5 bytes before a text.
    1 + text.len()
        + if text.len() < 251 {
            1
        } else if text.len() < 1 << 16 {
            3
        } else {
            5
        }
}

#[test]
fn a_frame_is_length_then_version_then_message() {
    assert_eq!(framed("ab"), [0, 0, 0, 4, FRAME_VERSION, 2, b'a', b'b']);
}

#[test]
fn frames_come_out_as_they_went_in_however_they_are_cut() {
    let messages = ["", "one", &"two ".repeat(3000), "three"];
    let stream: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
    for step in [1, 2, 3, 4, 5, 7, 64, 4095, 4096, 4097, stream.len()] {
        let mut inbox = Inbox::of_frames_up_to(FRAME_BYTES_MAX);
        let mut seen = Vec::new();
        for piece in stream.chunks(step) {
            fill(&mut inbox, piece);
            while let Some(body) = inbox.take().expect("whole frames") {
                seen.push(decode::<String>(body).expect("a text"));
            }
        }
        assert_eq!(seen, messages, "in pieces of {step}");
        assert!(inbox.is_empty());
    }
}

#[test]
fn a_frame_at_the_limit_passes() {
    let text = text_of_frame_bytes(FRAME_BYTES_MAX);
    let bytes = framed(&text);
    assert_eq!(bytes.len(), FRAME_BYTES_MAX + 4);
    let mut inbox = arrived(&bytes);
    let body = inbox.take().expect("at the limit").expect("whole");
    assert!(decode::<String>(body).expect("a text") == text);
}

#[test]
fn a_message_above_the_limit_is_not_sent_and_leaves_no_trace() {
    let text = text_of_frame_bytes(FRAME_BYTES_MAX) + "x";
    let mut bytes = framed("before");
    let before = bytes.clone();
    let refused = encode(&text, &mut bytes);
    assert_eq!(refused, Err(FrameError::TooLong { bytes: FRAME_BYTES_MAX + 1, limit: FRAME_BYTES_MAX }));
    assert_eq!(bytes, before);
}

#[test]
fn an_announced_length_above_the_limit_is_refused_before_anything_else_arrives() {
    for bytes in [FRAME_BYTES_MAX + 1, u32::MAX as usize] {
        let mut inbox = arrived(&(bytes as u32).to_be_bytes());
        assert_eq!(inbox.take(), Err(FrameError::TooLong { bytes, limit: FRAME_BYTES_MAX }));
    }
}

#[test]
fn room_grows_with_what_arrived_not_with_what_was_announced() {
    let mut inbox = arrived(&(FRAME_BYTES_MAX as u32).to_be_bytes());
    assert_eq!(inbox.take(), Ok(None));
    assert!(inbox.space().len() <= 8192);
}

#[test]
fn an_inbox_with_a_limit_of_its_own_keeps_no_more_than_that() {
    let limit = 1024;
    let mut inbox = Inbox::of_frames_up_to(limit);
    let announced = |bytes: usize| (bytes as u32).to_be_bytes();
    fill(&mut inbox, &announced(limit));
    let mut room = 4;
    while inbox.take() == Ok(None) {
        let space = inbox.space().len();
        inbox.filled(space);
        room += space;
    }
    assert_eq!(room, 4 + limit);
    // Of the next frame only the length has arrived.
    fill(&mut inbox, &announced(limit + 1));
    assert_eq!(inbox.take(), Err(FrameError::TooLong { bytes: limit + 1, limit }));
    inbox.allow(limit + 1);
    assert_eq!(inbox.take(), Ok(None));
}

#[test]
fn half_a_frame_is_no_frame() {
    let bytes = framed("half");
    for end in 0..bytes.len() {
        assert_eq!(arrived(&bytes[..end]).take(), Ok(None), "{end} bytes");
    }
}

#[test]
fn a_frame_without_content_is_refused() {
    assert_eq!(arrived(&[0, 0, 0, 0]).take(), Err(FrameError::Empty));
    assert_eq!(decode::<String>(&[]), Err(FrameError::Empty));
}

#[test]
fn every_other_version_is_refused() {
    for version in (0..=u8::MAX).filter(|version| *version != FRAME_VERSION) {
        let mut bytes = framed("text");
        bytes[4] = version;
        assert_eq!(decode::<String>(&bytes[4..]), Err(FrameError::Version { version }));
    }
}

#[test]
fn bytes_after_the_message_are_refused() {
    let mut bytes = framed("text");
    bytes.extend([0, 0]);
    assert_eq!(decode::<String>(&bytes[4..]), Err(FrameError::Trailing { bytes: 2 }));
}

#[test]
fn a_truncated_message_is_refused() {
    let bytes = framed("text");
    for end in HEAD_BYTES..bytes.len() {
        let refused = decode::<String>(&bytes[4..end]);
        assert!(matches!(refused, Err(FrameError::Codec(_))), "{end} bytes: {refused:?}");
    }
}

#[test]
fn a_length_inside_a_message_is_not_believed() {
    // A text of 2^63 bytes, a list of 2^62 elements: both would abort the process if believed.
    for length in [1_u64 << 63, 1 << 62, u64::from(u32::MAX)] {
        let mut body = vec![FRAME_VERSION, 253];
        body.extend(length.to_le_bytes());
        assert!(matches!(decode::<String>(&body), Err(FrameError::Codec(_))), "a text of {length}");
        assert!(matches!(decode::<Vec<u64>>(&body), Err(FrameError::Codec(_))), "a list of {length}");
    }
}

#[test]
fn a_message_of_many_small_numbers_passes_though_it_is_larger_in_memory() {
    let numbers = vec![1_u64; FRAME_BYTES_MAX - 64];
    let mut bytes = Vec::new();
    encode(&numbers, &mut bytes).expect("below the limit");
    assert!(decode::<Vec<u64>>(&bytes[4..]).expect("the numbers") == numbers);
}

#[test]
fn garbage_never_panics_and_never_takes_more_than_it_is() {
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    for _ in 0..20_000 {
        let length = usize::from(random());
        let mut body: Vec<u8> = (0..length).map(|_| random()).collect();
        if let Some(version) = body.first_mut() {
            *version = FRAME_VERSION;
        }
        let _ = decode::<bus::wire::Hello>(&body);
        let _ = decode::<bus::wire::Greeting>(&body);
        let _ = decode::<bus::wire::FromAgent>(&body);
        let mut inbox = arrived(&body);
        while let Ok(Some(taken)) = inbox.take() {
            assert!(taken.len() <= length);
        }
    }
}
