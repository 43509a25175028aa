//! Results keep to the JSON Schema that is published for them.

mod support;

use serde_json::Value;
use support::schema::problems;
use support::world;

fn schema() -> Value {
    world("schema result").ends_with(0).json()
}

#[test]
fn results_of_all_sorts_keep_to_the_schema() {
    let schema = schema();
    for (flags, code) in [
        ("--seed 42", 0),
        ("--seed 42 --chaos-level off", 0),
        ("--seed 42 --chaos-level extreme --sre a=none --sre b=oracle", 0),
        ("--seed 42 -n 1 --sla-target 100", 0),
        ("--seed 42 --fail-on rounds>0 --fail-on incidents.99.onset_round>0", 1),
    ] {
        let result = world(&format!("run --inline --json -q {flags}")).ends_with(code).json();
        let problems = problems(&schema, &result);
        assert!(problems.is_empty(), "{flags}: {problems:#?}");
    }
}

/// The fields that users and scripts rely on: one that goes missing breaks them.
#[test]
fn the_documented_fields_are_there() {
    let result = world("run --inline --seed 42 --json -q --fail-on rounds<1").ends_with(0).json();
    for field in [
        "/schema",
        "/build/version",
        "/build/commit",
        "/world/name",
        "/world/hash",
        "/seed",
        "/chaos_level",
        "/rounds",
        "/sres/0/name",
        "/sres/0/kind",
        "/sres/0/skill",
        "/sres/0/score",
        "/sres/0/harm_requests",
        "/sres/0/unneeded_actions",
        "/sres/0/lapses/late",
        "/sres/0/lapses/malformed",
        "/sres/0/lapses/dead",
        "/mode",
        "/journal_hash",
        "/verdict",
        "/gates/0/expr",
        "/gates/0/value",
        "/gates/0/held",
        "/availability_pct",
        "/availability_mean_of_rounds_pct",
        "/requests/total",
        "/requests/good",
        "/sla/target_pct",
        "/sla/met",
        "/sla/budget_requests",
        "/sla/budget_spent_requests",
        "/sla/budget_left_pct",
        "/score",
        "/servers/0/name",
        "/servers/0/uptime_pct",
        "/faults/injected",
        "/faults/witnessed",
        "/faults/masked",
        "/alerts/opened",
        "/alerts/false",
        "/incidents/0/id",
        "/incidents/0/kind",
        "/incidents/0/target",
        "/incidents/0/onset_round",
        "/incidents/0/detected_round",
        "/incidents/0/acknowledged_round",
        "/incidents/0/first_action_round",
        "/incidents/0/diagnosed_round",
        "/incidents/0/mitigated_round",
        "/incidents/0/resolved_round",
        "/incidents/0/resolution",
        "/mttr/n",
        "/mttr/censored",
        "/mttr/mean_rounds",
        "/mttr/mean_minutes",
        "/mttr/restricted_mean_rounds",
        "/mttr/median_rounds",
        "/mttd/n",
        "/mtta/n",
        "/mttm/n",
        "/remedied_share",
        "/avoided_share",
        "/actions/requested",
        "/actions/refused",
        "/actions/failed",
        "/actions/succeeded",
        "/lost_agents",
        "/repeat",
    ] {
        assert!(result.pointer(field).is_some(), "{field} is missing");
    }
}
