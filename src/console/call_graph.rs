//! A world's call graph for people: from the users down, depth by depth.

use super::ink::{self, paint};
use super::{figure, layout};
use crate::call_graph::{self, Layers, Members};
use worlds::id::ServiceId;
use worlds::topology::World;

/// Columns in front of a service's name.
const MARGIN: usize = 6;

/// The drawing.
pub(crate) fn lines(world: &World, width: usize) -> Vec<String> {
    let layers = Layers::of(world);
    let drawing = Drawing { world, width, name: name_width(world) };
    let mut lines = drawing.head(&layers);
    for (depth, services) in layers.depths.iter().enumerate() {
        lines.push(String::new());
        for (index, service) in services.iter().enumerate() {
            let number = if index == 0 { (depth + 1).to_string() } else { String::new() };
            lines.extend(drawing.service(&number, *service));
        }
    }
    let (clients, idle): (Vec<ServiceId>, Vec<ServiceId>) =
        layers.beside.iter().partition(|service| call_graph::is_client(world, **service));
    lines.extend(drawing.beside("Clients that calls go through", &clients));
    lines.extend(drawing.beside("Not on the way of users' requests", &idle));
    lines
}

fn name_width(world: &World) -> usize {
    world.services.iter().map(|service| service.name.chars().count()).max().unwrap_or_default()
}

struct Drawing<'w> {
    world: &'w World,
    width: usize,
    name: usize,
}

impl Drawing<'_> {
    fn head(&self, layers: &Layers) -> Vec<String> {
        let definition = &self.world.definition;
        let (name, description) = (&*self.world.name, definition.description.as_str());
        let both = format!("{name}: {description}");
        // A rule has a frame of eight columns.
        let fits = !description.is_empty() && both.chars().count() + 8 <= self.width;
        let mut lines = vec![layout::rule(if fits { &both } else { name }, self.width)];
        if !fits && !description.is_empty() {
            lines.extend(layout::fact("What it is", description, self.width));
        }
        let size = format!(
            "{}, {}, {} deep",
            figure::plural(definition.servers.len() as u32, "server"),
            figure::plural(definition.services.len() as u32, "service"),
            layers.depths.len(),
        );
        lines.extend(layout::fact("Size", &size, self.width));
        let users = format!(
            "{} requests a round enter at {}; {} % of them write",
            figure::count(definition.traffic.base.round() as u64),
            definition.traffic.entry,
            figure::plain(100.0 * definition.traffic.write_share),
        );
        lines.extend(layout::fact("Users", &users, self.width));
        lines
    }

    /// A service with its members, and its calls under it.
    fn service(&self, number: &str, service: ServiceId) -> Vec<String> {
        let node = call_graph::node(self.world, service);
        let mut lines = vec![self.hosted(number, service)];
        if let Some(nature) = call_graph::nature(self.world, service) {
            lines.push(format!("{:MARGIN$}  {}", "", paint(ink::FRAME, &nature)));
        }
        for (index, edge) in node.calls.iter().enumerate() {
            let branch = if index + 1 == node.calls.len() { "└─" } else { "├─" };
            let callee = &call_graph::node(self.world, edge.to).name;
            let terms = call_graph::terms(self.world, service, edge).join(", ");
            let callee_width = if terms.is_empty() { 0 } else { self.name };
            lines.push(format!(
                "{:MARGIN$}  {} {callee:callee_width$}  {terms}",
                "",
                paint(ink::FRAME, branch)
            ));
        }
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    /// A service and where it runs, in one line.
    fn hosted(&self, number: &str, service: ServiceId) -> String {
        let name = &call_graph::node(self.world, service).name;
        let members = Members::of(self.world, service);
        let counted = members.counted();
        let taken = MARGIN + self.name + 2 + counted.chars().count() + 2;
        let names = members.shown(self.width.saturating_sub(taken));
        let (name_width, number_width) = (self.name, MARGIN - 2);
        format!(
            "{number:>number_width$}  {}  {counted}: {names}",
            paint(ink::STRONG, &format!("{name:name_width$}"))
        )
    }

    fn beside(&self, title: &str, services: &[ServiceId]) -> Vec<String> {
        if services.is_empty() {
            return Vec::new();
        }
        let title = format!("  {title}");
        let hosted = services.iter().map(|service| {
            let runs = !call_graph::node(self.world, *service).members.is_empty();
            if runs {
                self.hosted("", *service)
            } else {
                format!("{:MARGIN$}{}  nowhere", "", call_graph::node(self.world, *service).name)
            }
        });
        [String::new(), title].into_iter().chain(hosted).collect()
    }
}
