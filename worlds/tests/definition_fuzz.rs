//! Whatever a file holds, the loader answers: it never panics, and its places lie inside the text.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use worlds::definition::{Checked, Diagnostic, builtin, parse};

fn answer(text: &str) -> Result<Checked, Vec<Diagnostic>> {
    let answer = parse("fuzz.toml", text);
    if let Err(errors) = &answer {
        assert!(!errors.is_empty(), "refused without a reason: {text:?}");
    }
    let told = answer.as_ref().map_or_else(Vec::as_slice, |checked| checked.warnings.as_slice());
    for diagnostic in told {
        let lines = text.split('\n').count();
        assert!((1..=lines).contains(&diagnostic.line), "{diagnostic} in {lines} lines");
        let line = text.split('\n').nth(diagnostic.line - 1).unwrap_or_default();
        assert!((1..=line.chars().count() + 1).contains(&diagnostic.column), "{diagnostic} in {line:?}");
        assert!(!diagnostic.to_string().contains(|c: char| c.is_control()), "{diagnostic:?}");
    }
    answer
}

#[test]
fn random_text_is_answered() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..5_000 {
        let bytes: Vec<u8> = (0..random.random_range(0..200_u32)).map(|_| random.random()).collect();
        let _ = answer(&String::from_utf8_lossy(&bytes));
        let toml: Vec<u8> =
            bytes.iter().map(|byte| TOML_LETTERS[usize::from(*byte) % TOML_LETTERS.len()]).collect();
        let _ = answer(&String::from_utf8_lossy(&toml));
    }
}

const TOML_LETTERS: &[u8] = b"[]{}=.,\"'#\n\n\r\t _-+019eainft\\u";

#[test]
fn a_world_with_any_bytes_changed_is_answered() {
    let world = builtin::ALL[0].text.as_bytes();
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut accepted = 0;
    for _ in 0..1_500 {
        let mut bytes = world.to_vec();
        for _ in 0..random.random_range(1..4_u32) {
            mutate(&mut bytes, &mut random);
        }
        accepted += u32::from(answer(&String::from_utf8_lossy(&bytes)).is_ok());
    }
    assert!((1..1_500).contains(&accepted), "{accepted} were accepted: the changes reach nothing");
}

fn mutate(bytes: &mut Vec<u8>, random: &mut ChaCha8Rng) {
    let length = bytes.len() as u32;
    let at = random.random_range(0..length) as usize;
    let letter = TOML_LETTERS[random.random_range(0..TOML_LETTERS.len() as u32) as usize];
    match random.random_range(0..5_u32) {
        0 => bytes[at] = random.random(),
        1 => bytes[at] = letter,
        2 => bytes.insert(at, letter),
        3 => drop(bytes.drain(at..(at + 20).min(length as usize))),
        _ => bytes.truncate(at.max(1)),
    }
}

/// Lines of the world, shuffled, doubled and dropped: mostly valid TOML with another meaning.
#[test]
fn a_world_with_its_lines_shuffled_is_answered() {
    let lines: Vec<&str> = builtin::ALL[0].text.lines().collect();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..1_000 {
        let mut shuffled = lines.clone();
        for _ in 0..random.random_range(1..6_u32) {
            let at = random.random_range(0..shuffled.len() as u32) as usize;
            let line = shuffled.remove(at);
            if random.random() {
                shuffled.insert(random.random_range(0..shuffled.len() as u32) as usize, line);
            }
        }
        let _ = answer(&shuffled.join("\n"));
    }
}

/// Worlds as large as a file may be, that aim at what could grow faster than the file: one that did
/// would keep this test from ending.
#[test]
fn hostile_worlds_are_answered() {
    let systems = builtin::ALL[0].text;
    let many = |count: u32, line: &dyn Fn(u32) -> String| (0..count).map(line).collect::<String>();
    let kinds = many(6_000, &|n| {
        format!(
            "[[chaos]]\nname = \"kind{n}\"\nprobability = 0.1\nrounds = 1\neffect = {{ error_rate = 0.1 }}\n"
        )
    });
    let cures = many(60_000, &|n| format!("\"kind{n}x\", "));
    let chain = many(900, &|n| {
        format!(
            "[services.s{n}]\nwork_ms = 1.0\ncalls = [{}]\n",
            format!("{{ to = \"s{}\" }}, ", n + 1).repeat(40)
        )
    });
    let servers = many(9_000, &|n| {
        format!(
            "[[servers]]\nname = \"n{n}\"\ntype = \"web\"\nservices = [\"nginx\", \"app-frontend\"]\ncpu_capacity = 100\nmemory_capacity = 8192\n"
        )
    });
    let hostile = [
        format!("{systems}\n{kinds}"),
        format!(
            "{systems}\n{kinds}[[actions]]\nname = \"all\"\nsuccess_rate = 1\ncooldown = 1\nremedy = {{ cures = [{cures}] }}"
        ),
        format!("{systems}\n{chain}"),
        format!("{systems}\n{servers}"),
        many(50_000, &|n| format!("key{n} = {n}\n")),
        many(50_000, &|n| format!("[a.b{n}.c]\n")),
        "[".repeat(1 << 20),
        format!("a = {}", "[".repeat(1 << 20)),
        format!("a = {}", "{ b = ".repeat(1 << 17)),
        "a.".repeat(1 << 19),
        "= \n".repeat(1 << 18),
        format!("rounds = {}", "9".repeat(1 << 20)),
        format!("\"{}\" = 1", "x".repeat(1 << 20)),
    ];
    for text in hostile {
        let _ = answer(&text);
    }
}
