//! Kinds of faults: whom they can hit, and that they do something.

use super::Known;
use crate::definition::findings::Findings;
use crate::definition::key_path::KeyPath;
use crate::definition::{ChaosKind, Definition, Effect, limits};

pub(super) fn check(definition: &Definition, known: &Known<'_>, findings: &mut Findings) {
    for (index, kind) in definition.chaos.iter().enumerate() {
        let table = KeyPath::top("chaos").at(index);
        let types_known = types(&table, kind, known, findings);
        if types_known && !definition.servers.iter().any(|server| kind.can_hit(&server.kind)) {
            let message = format!("`{}` can hit no server", kind.name);
            let hint = "no type in `types` is left by `except_types`";
            findings.warning(table.key("name"), message, hint);
        }
        if does_nothing(&kind.effect) {
            let message = format!("the effect of `{}` does nothing", kind.name);
            findings.error_with(table.key("effect"), message, || {
                Some("for example `effect = { error_rate = 0.3 }`".to_owned())
            });
        }
    }
    products(&definition.chaos, findings);
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
    !effect.unreachable
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
