//! Kinds of faults: whom they can hit, and that they do something.

use super::Known;
use crate::definition::{BusEffect, ChaosKind, Definition, Effect, Group, GroupBy, Hits, Spread, limits};
use documents::findings::Findings;
use documents::key_path::KeyPath;
use std::collections::BTreeMap;

pub(super) fn check(definition: &Definition, known: &Known<'_>, findings: &mut Findings) {
    for (index, kind) in definition.chaos.iter().enumerate() {
        let table = KeyPath::top("chaos").at(index);
        let types_known = types(&table, kind, known, findings);
        match kind.hits {
            Hits::Servers => {
                let group_known = kind.group.as_ref().is_none_or(|it| group(&table, it, known, findings));
                if types_known && group_known {
                    targets(&table, kind, definition, findings);
                }
            }
            Hits::Sres => only_processes(&table, kind, findings),
        }
        if let Some(bus) = &kind.effect.bus {
            messages(&table.key("effect").key("bus"), bus, findings);
        }
        parts(&table, kind, findings);
        if does_nothing(&kind.effect) {
            let message = format!("the effect of `{}` does nothing", kind.name);
            findings.error_with(table.key("effect"), message, || {
                Some("for example `effect = { error_rate = 0.3 }`".to_owned())
            });
        }
    }
    products(&definition.chaos, findings);
}

/// An SRE has a process and nothing else that could be hit.
fn only_processes(table: &KeyPath, kind: &ChaosKind, findings: &mut Findings) {
    let of_servers = [
        ("types", !kind.types.is_empty()),
        ("except_types", !kind.except_types.is_empty()),
        ("group", kind.group.is_some()),
        ("spread", kind.spread.is_some()),
    ];
    for (key, _) in of_servers.into_iter().filter(|(_, is_there)| *is_there) {
        let message = format!("`{}` hits SREs, and `{key}` is about servers", kind.name);
        findings.error(table.key(key), message);
    }
    let process = Effect { process: kind.effect.process, ..Effect::default() };
    if kind.effect != process {
        let message = format!("`{}` hits SREs, of which only `process` can be hit", kind.name);
        findings.error_with(table.key("effect"), message, || {
            Some("for example `effect = { process = \"killed\" }`".to_owned())
        });
    }
}

/// Whether a group that is named exists.
fn group(table: &KeyPath, group: &Group, known: &Known<'_>, findings: &mut Findings) -> bool {
    let path = table.key("group");
    let all: Vec<&str> = match group.by {
        GroupBy::Zone => known.zones.iter().copied().collect(),
        GroupBy::Service => known.services().collect(),
        GroupBy::Type => known.types.iter().copied().collect(),
    };
    if all.is_empty() {
        findings.error_with(path.key("by"), "no server says in which zone it stands".to_owned(), || {
            Some("give servers a `zone`, as in `zone = \"a\"`".to_owned())
        });
        return false;
    }
    match &group.name {
        Some(name) if !all.contains(&name.as_str()) => {
            findings.unknown(path.key("name"), group.by.name(), name, all);
            false
        }
        _ => true,
    }
}

/// Whether there is somebody to hit, and as many as are meant.
fn targets(table: &KeyPath, kind: &ChaosKind, definition: &Definition, findings: &mut Findings) {
    let most = largest_group(kind, definition);
    if most == 0 {
        let message = format!("`{}` can hit no server", kind.name);
        let hint = match kind.group {
            Some(_) => "nobody in `group` is left by `types` and `except_types`",
            None => "no type in `types` is left by `except_types`",
        };
        findings.warning(table.key("name"), message, hint);
    }
    if let Some(Spread { servers, apart }) = kind.spread {
        let path = table.key("spread");
        if most > 0 && servers.is_some_and(|servers| servers as usize > most) {
            let message = format!("`{}` can hit {most} servers at once at most", kind.name);
            findings.warning(path.key("servers"), message, "leave `servers` out to hit all of them");
        }
        if apart > 0 && servers == Some(1) {
            let message = format!("after one server nobody follows {apart} rounds apart");
            findings.warning(path.key("apart"), message, "leave `apart` out, or hit more servers");
        }
    }
}

/// Servers that a kind can hit together: of its groups the largest.
fn largest_group(kind: &ChaosKind, definition: &Definition) -> usize {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for server in definition.servers.iter().filter(|server| kind.can_hit(&server.kind)) {
        let names: Vec<&str> = match kind.group.as_ref().map(|group| group.by) {
            None => vec![""],
            Some(GroupBy::Zone) => server.zone.as_deref().into_iter().collect(),
            Some(GroupBy::Service) => server.services.iter().map(String::as_str).collect(),
            Some(GroupBy::Type) => vec![&server.kind],
        };
        let wanted = kind.group.as_ref().and_then(|group| group.name.as_deref());
        for name in names.into_iter().filter(|name| wanted.is_none_or(|wanted| wanted == *name)) {
            *sizes.entry(name).or_default() += 1;
        }
    }
    sizes.into_values().max().unwrap_or_default()
}

/// Parts of an effect that cannot stand together, or stand for nothing.
fn parts(table: &KeyPath, kind: &ChaosKind, findings: &mut Findings) {
    let effect = &kind.effect;
    let path = table.key("effect");
    let alone = Effect { process: effect.process, ..Effect::default() };
    if kind.hits == Hits::Servers && effect.process.is_some() && *effect != alone {
        let message = format!("`{}` hits a process, and there is nothing else of it to hit then", kind.name);
        findings.error_with(path.key("process"), message, || {
            Some("make two kinds of it, one with `process` and one with the rest".to_owned())
        });
    }
    if effect.false_metrics.is_some_and(|metrics| metrics.values().iter().all(Option::is_none)) {
        let hint = || Some("for example `false_metrics = { cpu_usage = 99.0 }`".to_owned());
        findings.error_with(path.key("false_metrics"), "no metric is made up".to_owned(), hint);
    }
    if kind.gradual && !knows_halves(effect) {
        let message = format!("nothing of `{}` can work at half strength", kind.name);
        findings.warning(table.key("gradual"), message, "leave `gradual` out");
    }
}

/// Whether some part of an effect can work at half strength.
fn knows_halves(effect: &Effect) -> bool {
    let figures = [
        effect.cpu_floor,
        effect.capacity_factor,
        effect.memory_growth,
        effect.disk_level,
        effect.traffic_factor,
        effect.latency_factor,
        effect.latency_added_ms,
        effect.error_rate,
    ];
    figures.iter().any(Option::is_some)
}

/// No message is both lost and late, or named twice, or late by rounds that nobody asked for.
fn messages(table: &KeyPath, bus: &BusEffect, findings: &mut Findings) {
    for (key, kinds) in [("loses", &bus.loses), ("delays", &bus.delays)] {
        for (index, kind) in kinds.iter().enumerate() {
            if kinds[..index].contains(kind) {
                findings.error(table.key(key).at(index), format!("`{key}` names one kind of message twice"));
            }
        }
    }
    if let Some(index) = bus.delays.iter().position(|kind| bus.loses.contains(kind)) {
        let message = "what is lost cannot be late".to_owned();
        findings.error_with(table.key("delays").at(index), message, || {
            Some("name each kind of message in `loses` or in `delays`".to_owned())
        });
    }
    if bus.delays.is_empty() && bus.delay_rounds > 1 {
        let message = format!("nothing is late by {} rounds", bus.delay_rounds);
        findings.warning(table.key("delay_rounds"), message, "name in `delays` what is to be late");
    }
}

fn types(table: &KeyPath, kind: &ChaosKind, known: &Known<'_>, findings: &mut Findings) -> bool {
    let mut all_known = true;
    for (key, types) in [("types", &kind.types), ("except_types", &kind.except_types)] {
        for (index, name) in types.iter().enumerate() {
            if !known.types.contains(name.as_str()) {
                let path = table.key(key).at(index);
                findings.unknown(path, "server type", name, known.types.iter().copied());
                all_known = false;
            }
        }
    }
    all_known
}

fn does_nothing(effect: &Effect) -> bool {
    let factor = |factor: Option<f64>| factor.is_none_or(|factor| factor == 1.0);
    let amount = |amount: Option<f64>| amount.is_none_or(|amount| amount == 0.0);
    let touches = |bus: &BusEffect| !bus.loses.is_empty() || !bus.delays.is_empty();
    !effect.unreachable
        && effect.process.is_none()
        && !effect.bus.as_ref().is_some_and(touches)
        && !effect.frozen_metrics
        && effect.false_metrics.is_none_or(|metrics| metrics.values().iter().all(Option::is_none))
        && !effect.service_down
        && [effect.capacity_factor, effect.traffic_factor, effect.latency_factor].into_iter().all(factor)
        && [effect.cpu_floor, effect.memory_growth, effect.disk_level].into_iter().all(amount)
        && [effect.latency_added_ms, effect.error_rate].into_iter().all(amount)
}

/// Factors of faults that meet on one server multiply; what comes out must stay a number to count
/// with.
fn products(kinds: &[ChaosKind], findings: &mut Findings) {
    type Factor = fn(&Effect) -> Option<f64>;
    let factors: [(&str, Factor); 3] = [
        ("traffic_factor", |effect| effect.traffic_factor),
        ("latency_factor", |effect| effect.latency_factor),
        ("capacity_factor", |effect| effect.capacity_factor),
    ];
    let allowed = limits::CAPACITY_FACTOR_PRODUCT_MIN..=limits::FACTOR_PRODUCT_MAX;
    for (key, factor) in factors {
        let mut product = 1.0;
        for (index, kind) in kinds.iter().enumerate() {
            product *= factor(&kind.effect).unwrap_or(1.0);
            if !allowed.contains(&product) {
                let message = format!("with all kinds before, `{key}` comes to {product:e} on one server");
                let hint = format!("all together may come to {:e} to {:e}", allowed.start(), allowed.end());
                let path = KeyPath::top("chaos").at(index).key("effect").key(key);
                findings.error_with(path, message, || Some(hint));
                break;
            }
        }
    }
}
