//! A world's call graph in the DOT language of Graphviz: `world worlds show --dot | dot -Tsvg`.
//!
//! A node is a service with its servers, a frame around nodes is a type of server. Calls behind a
//! cache are dashed: they are what the cache leaves. Services without work of their own, which
//! calls go through, are named on the calls.

use crate::call_graph::{self, Layers, Members};
use std::fmt::Write as _;
use worlds::id::ServiceId;
use worlds::topology::{CallEdge, World};

/// Servers that a node names; of more it names the first and the last.
const NAMED_MAX: usize = 6;

/// Services that are drawn downwards; more would stand too wide beside each other, and are drawn to
/// the right.
const DOWNWARDS_MAX: usize = 16;

/// The graph as a file.
pub(crate) fn text(world: &World) -> String {
    let mut dot = format!("digraph {} {{\n", quoted(&world.name));
    let title = match world.definition.description.as_str() {
        "" => world.name.to_string(),
        description => format!("{}: {description}", world.name),
    };
    let rankdir = if world.services.len() > DOWNWARDS_MAX { "LR" } else { "TB" };
    let title = quoted(&title);
    let _ = writeln!(dot, "  graph [label={title}, labelloc=t, rankdir={rankdir}, fontname=\"sans-serif\"]");
    dot.push_str("  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"sans-serif\"]\n");
    dot.push_str("  edge [fontname=\"sans-serif\", fontsize=10]\n\n");
    let layers = Layers::of(world);
    clusters(&mut dot, world, &layers);
    let _ = writeln!(dot, "  {} [shape=plaintext, style=\"\", label=\"users\"]", quoted(USERS));
    let entry = &call_graph::node(world, world.entry).name;
    let _ = writeln!(dot, "  {} -> {}", quoted(USERS), quoted(entry));
    for service in drawn(world, &layers) {
        for edge in &call_graph::node(world, service).calls {
            call(&mut dot, world, service, edge);
        }
    }
    dot.push_str("}\n");
    dot
}

/// The node of those who send requests. No service is called so: a name has no blanks.
const USERS: &str = "the users";

/// Every service but the clients.
fn drawn<'l>(world: &'l World, layers: &'l Layers) -> impl Iterator<Item = ServiceId> + 'l {
    let beside = layers.beside.iter().filter(|service| !call_graph::is_client(world, **service));
    layers.depths.iter().flatten().chain(beside).copied()
}

/// The services in frames, by the type of the first of their servers.
fn clusters(dot: &mut String, world: &World, layers: &Layers) {
    let mut kinds: Vec<(Option<String>, Vec<ServiceId>)> = Vec::new();
    for service in drawn(world, layers) {
        let kind = Members::of(world, service).kinds.first().map(|(kind, _)| kind.clone());
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, services)) => services.push(service),
            None => kinds.push((kind, vec![service])),
        }
    }
    for (index, (kind, services)) in kinds.iter().enumerate() {
        let _ = writeln!(dot, "  subgraph cluster_{index} {{");
        let label = kind.as_deref().unwrap_or("on no server");
        let _ = writeln!(
            dot,
            "    graph [label={}, labeljust=l, style=\"rounded,filled\", color=gray, fillcolor=gray95]",
            quoted(label)
        );
        for service in services {
            let _ = writeln!(dot, "    {}", described(world, *service));
        }
        dot.push_str("  }\n\n");
    }
}

fn described(world: &World, service: ServiceId) -> String {
    let node = call_graph::node(world, service);
    let mut lines = vec![node.name.to_string()];
    let names = Members::of(world, service).names;
    match names.as_slice() {
        [first, .., last] if names.len() > NAMED_MAX => {
            lines.push(format!("{} servers: {first} ... {last}", names.len()));
        }
        few => lines.extend(few.iter().cloned()),
    }
    lines.extend(call_graph::nature(world, service));
    let shape = if node.replicated { ", shape=cylinder" } else { "" };
    format!("{} [label={}{shape}]", quoted(&node.name), quoted(&lines.join("\n")))
}

fn call(dot: &mut String, world: &World, caller: ServiceId, edge: &CallEdge) {
    let terms = call_graph::terms(world, caller, edge);
    let mut attributes = Vec::new();
    if !terms.is_empty() {
        attributes.push(format!("label={}", quoted(&terms.join("\n"))));
    }
    if edge.behind.is_some() {
        attributes.push("style=dashed".to_owned());
    }
    let attributes = match attributes.as_slice() {
        [] => String::new(),
        some => format!(" [{}]", some.join(", ")),
    };
    let name = |service: ServiceId| quoted(&call_graph::node(world, service).name);
    let _ = writeln!(dot, "  {} -> {}{attributes}", name(caller), name(edge.to));
}

/// A text as DOT wants it, whatever is in it. A backslash begins an escape there.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_a_text_it_stays_one_text() {
        assert_eq!(quoted("a \"b\" \\n\nc"), r#""a \"b\" \\n\nc""#);
    }
}
