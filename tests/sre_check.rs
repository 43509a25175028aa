//! What whoever writes a program for an SRE is given: the schemas of its lines.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use support::schema::problems;
use support::world;

/// A shell that answers each round, having called `see` with each line that it reads and `line` for what it
/// says on a round.
fn shell(see: &str, line: &str) -> String {
    format!(
        r#"see() {{ {see}; }}; line() {{ {line}; }}
        while read -r told; do
            see
            case $told in *'"type":"observe"'*) ;; *) continue ;; esac
            round=${{told#*'"round":'}}; round=${{round%%[!0-9]*}}
            line
        done"#
    )
}

// ---- schemas ----------------------------------------------------------------------------------

/// Each line of a file holds to a published schema, whose name says of which sort it is.
fn hold_to_schema(lines: &[Value], sort: &str) {
    let schema = world(&format!("schema {sort}")).ends_with(0).json();
    let of_sort: Vec<_> = lines.iter().filter(|line| line["type"] == sort).collect();
    assert!(!of_sort.is_empty(), "no {sort}");
    for line in of_sort {
        let problems = problems(&schema, line);
        assert!(problems.is_empty(), "{sort}: {problems:#?}");
    }
}

fn json_lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("lines");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn real_lines_keep_to_the_published_schemas() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("lines");
    let say = r#"echo "{\"type\":\"decide\",\"round\":$round,\"acknowledge\":[1,2],\"note\":\"I look\",
        \"diagnoses\":[{\"alerting\":\"web-1\",\"entity\":\"api-1\",\"cause\":\"cpu_spike\"},{\"alerting\":\"api-1\"}],
        \"actions\":[{\"action\":\"restart_service\",\"target\":\"api-1\"},{\"action\":\"dance\",\"target\":\"x\"}]}""#;
    let say = say.replace("\n        ", "");
    let keep = format!(r#"printf '%s\n' "$told" >> '{}'"#, file.display());
    let command = shell(&keep, &format!("{say} | tee -a '{}'", file.display()));
    let sre = format!("--sre=exec:{command}");
    for flags in [
        "run systems --inline -q --json --seed 7 --chaos-level extreme",
        "run boutique --inline -q --json --seed 7 --chaos-level high --sre-deadline 60s",
    ] {
        let result = world(flags).and(&[&sre]).ends_with(0).json();
        assert_eq!(result["sres"][0]["lapses"]["malformed"], 0, "{result}");
    }
    let lines = json_lines(&file);
    for sort in ["greeting", "observe", "decide"] {
        hold_to_schema(&lines, sort);
    }
    // They hold what there is to hold.
    let some = |pointer| lines.iter().any(|line| line.pointer(pointer).is_some_and(|value| !value.is_null()));
    for pointer in ["/alerts/0", "/cooldowns/0", "/results/0/reason", "/problems/0", "/deadline_seconds"] {
        assert!(some(pointer), "{pointer}");
    }
}

#[test]
fn what_a_program_says_is_held_to_the_letter_by_the_schema_as_well() {
    let schema = world("schema decide").ends_with(0).json();
    let fits = |line: &str| problems(&schema, &serde_json::from_str(line).expect("JSON")).is_empty();
    assert!(fits(r#"{"round":3}"#));
    assert!(fits(r#"{"round":3,"actions":null,"note":null}"#));
    for wrong in [
        r#"{"actions":[]}"#,
        r#"{"round":3,"action":[]}"#,
        r#"{"round":"3"}"#,
        r#"{"round":3,"actions":[{"action":"rollback"}]}"#,
        r#"{"type":"observe","round":3}"#,
    ] {
        assert!(!fits(wrong), "{wrong}");
    }
}
