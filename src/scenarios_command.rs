//! `world scenarios`: list, show, check and prove drills that are declared in files.

use crate::cli::ProveArgs;
use crate::console::{self, Progress};
use crate::program::Failure;
use crate::prove::{self, Difficulty, Proof};
use crate::scenario::{self, ScenarioError};
use crate::signal::Signals;
use crate::stdio::Stdio;
use crate::worlds_command::counted;
use crate::{exit_code, result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::sync::LazyLock;
use worlds::scenario::{Scenario, library, schema};

/// The difficulty of the library's scenarios, as it was measured; a test holds it to what is.
static MEASURED: LazyLock<BTreeMap<String, BTreeMap<String, Difficulty>>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../scenarios/difficulty.json")).unwrap_or_default());

/// What was measured of a built-in scenario: the share of the avoidable harm that each skill avoids.
pub(crate) fn measured(name: &str) -> Option<&'static BTreeMap<String, Difficulty>> {
    MEASURED.get(name)
}

/// `world scenarios show`: the file as it is.
pub(crate) fn text(name_or_path: &str) -> Result<String, ScenarioError> {
    scenario::source_of(name_or_path).map(|source| source.text)
}

/// `world scenarios show` on a terminal: what it is; what will come and the answer key only if asked for.
pub(crate) fn page(name_or_path: &str, answers: bool, width: usize) -> Result<Vec<String>, ScenarioError> {
    let settled = scenario::load(name_or_path)?;
    Ok(console::scenarios::page(&settled.scenario, name_or_path, answers, width))
}

/// `world scenarios validate`: what a good scenario holds, and what in it is worth a warning.
pub(crate) fn validate(name_or_path: &str) -> Result<String, ScenarioError> {
    let label = scenario::source_of(name_or_path)?.label;
    let settled = scenario::load(name_or_path)?;
    let Scenario { faults, noise, fail_on, .. } = &settled.scenario;
    let warnings = &settled.warnings;
    let mut report: String = warnings.iter().map(|warning| format!("{warning}\n")).collect();
    let counts = [
        counted(settled.scenario.seeds().len(), "seed", "seeds"),
        counted(faults.len(), "fault", "faults"),
        counted(noise.len(), "disturbance", "disturbances"),
        counted(fail_on.len(), "gate", "gates"),
        counted(warnings.len(), "warning", "warnings"),
    ];
    let _ = writeln!(report, "{label}: ok: {}", counts.join(", "));
    Ok(report)
}

/// `world scenarios schema`: the JSON Schema of scenario files.
pub(crate) fn schema() -> String {
    schema::text()
}

/// What `world scenarios prove --json` prints.
#[derive(Serialize)]
struct Proofs<'a> {
    schema: u32,
    build: result::Build,
    proofs: &'a [Proof],
}

/// `world scenarios prove`: exit code 1 if a claim does not hold.
pub(crate) fn prove(args: &ProveArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let all = || library::ALL.iter().map(|builtin| builtin.name.to_owned()).collect();
    let names: Vec<String> = if args.scenarios.is_empty() { all() } else { args.scenarios.clone() };
    // All are read before any is played.
    let scenarios: Vec<Scenario> = names
        .iter()
        .map(|name| scenario::load(name).map(|settled| settled.scenario))
        .collect::<Result<_, _>>()?;
    let signals = Signals::install().map_err(Failure::Signals)?;
    let mut proofs = Vec::with_capacity(scenarios.len());
    for scenario in &scenarios {
        let seeds = prove::seeds_of(scenario, args.seeds);
        // Ten sorts of runs at most, the number of which follows from what is in it.
        let mut bar = Progress::of(format!("{}, run", scenario.name), 10 * seeds.len() as u64);
        let mut go_on = || {
            bar.step();
            if signals.signal().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let proof = prove::prove(scenario, &seeds, &mut go_on);
        drop(bar);
        let Some(proof) = proof else { break };
        if !args.json {
            stdio.out.print(&console::scenarios::proof(&proof, stdio.out.width))?;
        }
        proofs.push(proof);
    }
    if args.json {
        let document = Proofs { schema: 1, build: result::Build::this(), proofs: &proofs };
        serde_json::to_writer_pretty(&mut stdio.out.out, &document).map_err(io::Error::from)?;
        writeln!(stdio.out.out)?;
        stdio.out.out.flush()?;
    } else if proofs.len() > 1 {
        stdio.out.print(&console::scenarios::proofs(&proofs, stdio.out.width))?;
    }
    let holds = proofs.iter().all(Proof::holds);
    let otherwise = if holds { exit_code::OK } else { exit_code::GATE_FAILED };
    Ok(signals.signal().map_or(otherwise, exit_code::signalled))
}
