//! What the loader of world files accepts, what it refuses, and where it says the fault is.
//!
//! Most claims edit the built-in world in one place and look for one diagnostic at the text that
//! the edit brought in, so that they hold however the world is retuned.

use worlds::definition::{Checked, Diagnostic, Severity, builtin, parse};

/// The built-in world, edited.
struct World(String);

fn systems() -> World {
    World(builtin::find("systems").expect("systems is built in").text.to_owned())
}

impl World {
    /// Replaces the first `old`.
    fn with(self, old: &str, new: &str) -> Self {
        assert!(self.0.contains(old), "systems.toml no longer holds {old:?}");
        Self(self.0.replacen(old, new, 1))
    }

    fn and(self, appended: &str) -> Self {
        Self(self.0 + "\n" + appended)
    }

    fn errors(&self) -> Vec<Diagnostic> {
        match parse("w.toml", &self.0) {
            Ok(_) => Vec::new(),
            Err(errors) => errors,
        }
    }

    fn checked(&self) -> Checked {
        match parse("w.toml", &self.0) {
            Ok(checked) => checked,
            Err(errors) => panic!("{}", told(&errors)),
        }
    }

    /// Line and column of the first place that holds `text`.
    fn place_of(&self, text: &str) -> (usize, usize) {
        let at = self.0.find(text).unwrap_or_else(|| panic!("the world does not hold {text:?}"));
        let line_start = self.0[..at].rfind('\n').map_or(0, |newline| newline + 1);
        (self.0[..at].matches('\n').count() + 1, self.0[line_start..at].chars().count() + 1)
    }
}

fn told(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|d| format!("{d}  <{}>\n", d.key)).collect()
}

/// A world, and the one error that it must have: at the text `at`, for `key`, in words.
struct Refusal {
    world: World,
    at: &'static str,
    key: &'static str,
    says: &'static str,
}

fn refusal(world: World, at: &'static str, key: &'static str, says: &'static str) -> Refusal {
    Refusal { world, at, key, says }
}

#[track_caller]
fn each_is_refused(refusals: impl IntoIterator<Item = Refusal>) {
    for Refusal { world, at, key, says } in refusals {
        let errors = world.errors();
        let [error] = errors.as_slice() else {
            panic!("{key}: one error expected, found {}:\n{}", errors.len(), told(&errors));
        };
        assert_eq!((error.line, error.column), world.place_of(at), "place of {error}");
        assert_eq!(error.key, key, "{error}");
        assert_eq!(error.severity, Severity::Error);
        let words = error.to_string();
        let (_, words) = words.split_once(": ").expect("a place comes first");
        assert_eq!(words, says);
    }
}

/// A world, and the one warning that it must have.
#[track_caller]
fn each_is_warned_of(warnings: impl IntoIterator<Item = Refusal>) {
    for Refusal { world, at, key, says } in warnings {
        let checked = world.checked();
        let [warning] = checked.warnings.as_slice() else {
            panic!("{key}: one warning expected:\n{}", told(&checked.warnings));
        };
        assert_eq!((warning.line, warning.column), world.place_of(at), "place of {warning}");
        assert_eq!(warning.key, key, "{warning}");
        assert_eq!(warning.severity, Severity::Warning);
        let place = format!("w.toml:{}:{}: warning: ", warning.line, warning.column);
        assert_eq!(warning.to_string(), place + says);
    }
}

mod accepted {
    use super::*;

    #[test]
    fn the_built_in_worlds_have_no_errors_and_no_warnings() {
        for world in builtin::ALL {
            let checked = parse(world.name, world.text).unwrap_or_else(|errors| panic!("{}", told(&errors)));
            assert_eq!(told(&checked.warnings), "", "{}", world.name);
        }
    }

    #[test]
    fn whole_numbers_serve_where_fractions_are_asked_for() {
        let checked = systems().with("base = 1000.0", "base = 1_000").checked();
        assert_eq!(checked.definition.traffic.base, 1000.0);
    }

    #[test]
    fn ranges_include_their_ends() {
        for world in [
            systems().with("probability = 0.15", "probability = 0.0"),
            systems().with("probability = 0.15", "probability = 1"),
            systems().with("sla_target = 99.9", "sla_target = 100.0"),
            systems().with("capacity_factor = 0.1", "capacity_factor = 1.0"),
            systems().with("warning = 70.0", "warning = 90.0"),
            systems().with("rounds = 15", "rounds = 10_000_000"),
            systems().with("traffic_factor = 10.0", "traffic_factor = 1000.0"),
            systems().with("noise = [0.8, 1.5]", "noise = [1.0, 1.0]"),
        ] {
            world.checked();
        }
    }

    #[test]
    fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
        let world = World(format!("\u{feff}{}", systems().0.replace('\n', "\r\n")));
        assert_eq!(world.checked(), systems().checked());
    }
}

mod shape {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let typo = systems()
            .with("[[chaos]]\nname = \"cpu_spike\"", "[[chaos]]\ngradul = true\nname = \"cpu_spike\"");
        each_is_refused([
            refusal(
                typo.with("gradual = true\n", ""),
                "gradul",
                "chaos[0].gradul",
                "unknown key `gradul` in [[chaos]]: did you mean `gradual`?",
            ),
            refusal(
                systems().with("via = ", "vai = "),
                "vai",
                "services.app-api.calls[0].vai",
                "unknown key `vai` in [[services.app-api.calls]]: did you mean `via`?",
            ),
            refusal(
                systems().with("unreachable = true", "unreachable = true, dns_down = true"),
                "dns_down",
                "chaos[2].effect.dns_down",
                "unknown key `dns_down` in [chaos.effect]: there is bus, capacity_factor, cpu_floor, disk_level, error_rate, false_metrics, frozen_metrics, latency_added_ms, latency_factor, memory_growth, process, service_down, traffic_factor, unreachable",
            ),
            refusal(
                systems().with("[score]", "[telemetry]\nttl = 1\n\n[score]"),
                "telemetry]",
                "telemetry",
                "unknown key `telemetry` in the world file",
            ),
            refusal(
                systems().and("[[sre]]\nname = \"a\"\n\"\\u001bkind\" = \"rules\""),
                "\"\\u001bkind",
                "sre[0].\"\\u{1b}kind\"",
                "unknown key `\\u{1b}kind` in [[sre]]: did you mean `kind`?",
            ),
        ]);
    }

    #[test]
    fn the_place_counts_characters() {
        let world = systems().with("cache = { hit_ratio", "cache = { \"größe\" = 1, größer = 1, hit_ratio");
        let world = World(world.0.replace(", größer = 1", ""));
        let errors = world.errors();
        assert_eq!((errors[0].line, errors[0].column), world.place_of("\"größe\""));
        let world = World("\u{feff}# ü\ndescription = \"ü\" # ü\n  \"ü\" = \"ü\"".to_owned());
        let unknown: Vec<_> = world.errors().into_iter().filter(|error| error.key == "\"ü\"").collect();
        assert_eq!((unknown[0].line, unknown[0].column), (3, 3));
    }

    #[test]
    fn a_key_below_the_tables_is_sent_to_the_top() {
        let world = systems().with("sla_target = 99.9\n", "").and("sla_target = 99.99");
        let errors = world.errors();
        assert_eq!(
            told(&errors),
            format!(
                "w.toml:1:1: missing key `sla_target` in the world file  <sla_target>\n\
                 w.toml:{}:1: unknown key `sla_target` in [score]: `sla_target` belongs at the top of the file, \
                 before the first [table]  <score.sla_target>\n",
                world.place_of("sla_target").0
            )
        );
    }

    #[test]
    fn a_mistyped_key_is_not_missing_as_well() {
        let mistyped = systems().with("round_seconds", "rounds_second");
        each_is_refused([refusal(
            mistyped,
            "rounds_second",
            "rounds_second",
            "unknown key `rounds_second` in the world file: did you mean `round_seconds`?",
        )]);
    }

    #[test]
    fn a_missing_key_is_reported_at_its_table() {
        each_is_refused([
            refusal(
                systems().with("rounds = 15\n", ""),
                "# The default world",
                "rounds",
                "missing key `rounds` in the world file",
            ),
            refusal(
                systems().with("entry = \"nginx\"\n", ""),
                "traffic]",
                "traffic.entry",
                "missing key `entry` in [traffic]",
            ),
            refusal(
                systems().and("[[chaos]]\nname = \"x\"\nrounds = 1\neffect = { error_rate = 0.1 }"),
                "[[chaos]]\nname = \"x\"",
                "chaos[7].probability",
                "missing key `probability` in [[chaos]]",
            ),
            refusal(
                systems().with("hit_ratio = 0.9, ", ""),
                "cache = { refill",
                "services.redis.cache.hit_ratio",
                "missing key `hit_ratio` in [services.redis.cache]",
            ),
        ]);
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        each_is_refused([
            refusal(
                systems().with("rounds = 15", "rounds = \"15\""),
                "rounds = \"15\"",
                "rounds",
                "`rounds` must be a whole number, found a string",
            ),
            refusal(
                systems().with("rounds = 15", "rounds = 15.5"),
                "rounds = 15.5",
                "rounds",
                "`rounds` must be a whole number, found 15.5",
            ),
            refusal(
                systems().with("base = 1000.0", "base = true"),
                "base",
                "traffic.base",
                "`base` in [traffic] must be a number, found true",
            ),
            refusal(
                systems().with("gradual = true", "gradual = 1"),
                "gradual",
                "chaos[0].gradual",
                "`gradual` in [[chaos]] must be true or false, found 1",
            ),
            refusal(
                systems().with("\"nginx\", \"app", "7, \"app"),
                "7, \"app",
                "servers[0].services[0]",
                "`services` in [[servers]] must be a string, found 7",
            ),
            refusal(
                systems().with("noise = [0.8, 1.5]", "noise = 1979-05-27"),
                "noise",
                "traffic.noise",
                "`noise` in [traffic] must be an array, found a date",
            ),
            refusal(
                systems()
                    .with("[changes]", "[chaos_levels2]")
                    .with("[chaos_levels2]\nactions_per_round = 2\npause_rounds = 1\n", "")
                    .with("[traffic]", "changes = []\n[traffic]"),
                "changes = []",
                "changes",
                "`changes` must be a table, found an array",
            ),
        ]);
    }

    #[test]
    fn a_choice_names_the_nearest() {
        each_is_refused([
            refusal(
                systems().with("on = \"reads\", via", "on = \"read\", via"),
                "on = \"read\"",
                "services.app-api.calls[0].on",
                "unknown value for `on` in [[services.app-api.calls]]: `read`: did you mean `reads`?",
            ),
            refusal(
                systems().with("role = \"primary\"", "role = \"leader\""),
                "role = \"leader\"",
                "servers[3].role",
                "unknown value for `role` in [[servers]]: `leader`: there is primary, replica",
            ),
            refusal(
                systems().with("[\"cpu_usage\", \"latency_p99\"]", "[\"cpu_usage\", \"latency_p95\"]"),
                "\"latency_p95\"",
                "actions[1].alerts[1]",
                "unknown value for `alerts` in [[actions]]: `latency_p95`: did you mean `latency_p99`?",
            ),
            refusal(
                systems().and("[[sre]]\nname = \"a\"\nkind = true"),
                "kind = true",
                "sre[0].kind",
                "`kind` in [[sre]] must be one of rules, none, oracle, restart_all, limit_all, \
             fail_over_all, roll_back_all, scale_all, everything, acknowledge_all, flood_pages, exec, found true",
            ),
            refusal(
                systems().and("[[sre]]\nname = \"a\"\nskill = \"expert\""),
                "skill = ",
                "sre[0].skill",
                "unknown value for `skill` in [[sre]]: `expert`: there is junior, mid, senior",
            ),
        ]);
    }

    #[test]
    fn numbers_are_finite_and_in_their_range() {
        let probability = |text| systems().with("probability = 0.15", text);
        each_is_refused([
            refusal(
                probability("probability = 1.5"),
                "probability = 1.5",
                "chaos[0].probability",
                "`probability` in [[chaos]] is 1.5, but must be at least 0 and at most 1",
            ),
            refusal(
                probability("probability = -0.1"),
                "probability = -0.1",
                "chaos[0].probability",
                "`probability` in [[chaos]] is -0.1, but must be at least 0 and at most 1",
            ),
            refusal(
                probability("probability = nan"),
                "probability = nan",
                "chaos[0].probability",
                "`probability` in [[chaos]] is nan, but must be at least 0 and at most 1",
            ),
            refusal(
                probability("probability = -inf"),
                "probability = -inf",
                "chaos[0].probability",
                "`probability` in [[chaos]] is -inf, but must be at least 0 and at most 1",
            ),
            refusal(
                systems().with("rounds = 15", "rounds = 0"),
                "rounds = 0",
                "rounds",
                "`rounds` is 0, but must be at least 1 and at most 10000000",
            ),
            refusal(
                systems().with("rounds = 15", "rounds = 10_000_001"),
                "rounds = 10_000_001",
                "rounds",
                "`rounds` is 10000001, but must be at least 1 and at most 10000000",
            ),
            refusal(
                systems().with("rounds = 15", "rounds = -1"),
                "rounds = -1",
                "rounds",
                "`rounds` is -1, but must be at least 1 and at most 10000000",
            ),
            refusal(
                systems().with("rounds = 15", "rounds = 99999999999999999999"),
                "rounds = 9",
                "rounds",
                "`rounds` is 99999999999999999999, but must be at least 1 and at most 10000000",
            ),
            refusal(
                systems().with("rounds = 3\n", "rounds = 0\n"),
                "rounds = 0\n",
                "chaos[0].rounds",
                "`rounds` in [[chaos]] is 0, but must be at least 1 and at most 10000000",
            ),
            refusal(
                systems().with("sla_target = 99.9", "sla_target = 0"),
                "sla_target",
                "sla_target",
                "`sla_target` is 0, but must be above 0 and at most 100",
            ),
            refusal(
                systems().with("sla_target = 99.9", "sla_target = 100.1"),
                "sla_target",
                "sla_target",
                "`sla_target` is 100.1, but must be above 0 and at most 100",
            ),
            refusal(
                systems().with("noise = [0.8, 1.5]", "noise = [0.8, inf]"),
                "inf]",
                "traffic.noise[1]",
                "`noise` in [traffic] is inf, but must be at least 0 and at most 100",
            ),
            refusal(
                systems().with("capacity_factor = 0.1", "capacity_factor = 0.0"),
                "capacity_factor",
                "chaos[0].effect.capacity_factor",
                "`capacity_factor` in [chaos.effect] is 0.0, but must be at least 0.001 and at most 1",
            ),
            refusal(
                systems().with("traffic_factor = 10.0", "traffic_factor = 0.5"),
                "traffic_factor",
                "chaos[5].effect.traffic_factor",
                "`traffic_factor` in [chaos.effect] is 0.5, but must be at least 1 and at most 1000",
            ),
            refusal(
                systems().with("latency_factor = 5.0", "latency_factor = 0.5"),
                "latency_factor",
                "chaos[6].effect.latency_factor",
                "`latency_factor` in [chaos.effect] is 0.5, but must be at least 1 and at most 1000",
            ),
            refusal(
                systems().with("disk_level = 98.0", "disk_level = 101.0"),
                "disk_level",
                "chaos[3].effect.disk_level",
                "`disk_level` in [chaos.effect] is 101.0, but must be at least 0 and at most 100",
            ),
            refusal(
                systems().with("cpu_capacity = 100.0", "cpu_capacity = inf"),
                "cpu_capacity = inf",
                "servers[0].cpu_capacity",
                "`cpu_capacity` in [[servers]] is inf, but must be above 0 and at most 1000000",
            ),
            refusal(
                systems().with("memory_capacity = 8192.0", "memory_capacity = 0.0"),
                "memory_capacity = 0.0",
                "servers[0].memory_capacity",
                "`memory_capacity` in [[servers]] is 0.0, but must be at least 1 and at most 1000000000",
            ),
            refusal(
                systems().with("success_rate = 0.90", "success_rate = 90"),
                "success_rate = 90",
                "actions[0].success_rate",
                "`success_rate` in [[actions]] is 90, but must be at least 0 and at most 1",
            ),
            refusal(
                systems().with("accuracy = 0.60", "accuracy = 60.0"),
                "accuracy = 60.0",
                "skills.junior.accuracy",
                "`accuracy` in [skills.junior] is 60.0, but must be at least 0 and at most 1",
            ),
            refusal(
                systems().with("timeout_ms = 250.0", "timeout_ms = 0.0"),
                "timeout_ms = 0.0",
                "services.redis.timeout_ms",
                "`timeout_ms` in [services.redis] is 0.0, but must be at least 0.001 and at most 3600000",
            ),
            refusal(
                systems().with("extreme = 3.0", "extreme = nan"),
                "extreme",
                "chaos_levels.extreme",
                "`extreme` in [chaos_levels] is nan, but must be at least 0 and at most 100",
            ),
        ]);
    }

    /// Every number of the built-in world, one by one: none may be a number that is none.
    #[test]
    fn no_number_of_a_world_may_be_infinite_or_negative() {
        let text = systems().0;
        let mut tried = 0;
        for (at, number) in numbers_of(&text) {
            for poison in ["inf", "-inf", "nan", "-1.0", "-7"] {
                let poisoned = format!("{}{poison}{}", &text[..at], &text[at + number.len()..]);
                assert!(
                    parse("w.toml", &poisoned).is_err(),
                    "{poison} at {:?}",
                    &text[at.saturating_sub(30)..at]
                );
                tried += 1;
            }
        }
        assert!(tried > 500, "{tried}");
    }

    /// Offsets and texts of what stands as a number after `= `, `[` or `, `.
    fn numbers_of(text: &str) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let mut rest = 0;
            while let Some(start) = line[rest..].find([' ', '[']).map(|space| rest + space + 1) {
                let length = line[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
                if length > 0
                    && !line.starts_with('#')
                    && line.contains('=')
                    && !line.starts_with("description")
                {
                    found.push((offset + start, &line[start..start + length]));
                }
                rest = start;
            }
            offset += line.len();
        }
        found
    }

    #[test]
    fn arrays_have_their_length() {
        let servers = systems().0;
        let (head, _) = servers.split_once("[[servers]]").expect("systems has servers");
        let (_, tail) = servers.split_once("[chaos_levels]").expect("systems has levels");
        let serverless = format!("servers = []\n{head}[chaos_levels]{tail}");
        let error = &World(serverless).errors()[0];
        assert_eq!(error.to_string(), "w.toml:1:1: `servers` holds 0, but must hold at least 1");
        each_is_refused([
            refusal(
                systems().with("noise = [0.8, 1.5]", "noise = [0.8, 1.2, 1.5]"),
                "noise",
                "traffic.noise",
                "`noise` in [traffic] holds 3, but may hold at most 2",
            ),
            refusal(
                systems().with("noise = [0.8, 1.5]", "noise = [0.8]"),
                "noise",
                "traffic.noise",
                "`noise` in [traffic] holds 1, but must hold at least 2",
            ),
        ]);
        let sres: String = (0..101).map(|n| format!("[[sre]]\nname = \"a{n}\"\n")).collect();
        each_is_refused([refusal(
            systems().and(&sres),
            "sre]]",
            "sre",
            "`sre` holds 101, but may hold at most 100",
        )]);
    }

    #[test]
    fn all_problems_are_told_at_once_in_the_order_of_the_text() {
        let world = systems()
            .with("entry = \"nginx\"", "entry = \"ngin\"")
            .with("probability = 0.15", "probability = 15.0")
            .with("cooldown = 2", "cooldown = -2");
        assert_eq!(world.errors().len(), 2, "a type that does not fit hides what depends on it");
        let world =
            world.with("cooldown = -2", "cooldown = 2").with("close_ratio = 0.9", "close_ratio = 1.9");
        let keys: Vec<String> = world.errors().into_iter().map(|error| error.key).collect();
        assert_eq!(keys, ["traffic.entry", "alerts.close_ratio", "chaos[0].probability"]);
    }
}

mod toml_itself {
    use super::*;

    #[test]
    fn an_empty_file_is_told_so() {
        for text in ["", "\n\n", "# nothing yet\n", "\u{feff}"] {
            let errors = World(text.to_owned()).errors();
            assert_eq!(
                told(&errors),
                "w.toml:1:1: the world file is empty: start from a copy of `world worlds show systems`  <>\n"
            );
        }
    }

    #[test]
    fn syntax_errors_have_their_place() {
        for (text, told) in [
            ("rounds = ", "w.toml:1:10: string values must be quoted, expected literal string"),
            ("rounds = 1\nrounds = 2", "w.toml:2:1: duplicate key"),
            ("a = 1\nü = 2", "w.toml:2:1: invalid unquoted key, expected letters, numbers, `-`, `_`"),
            ("[traffic\nbase = 1", "w.toml:1:9: unclosed table, expected `]`"),
        ] {
            assert_eq!(World(text.to_owned()).errors()[0].to_string(), told, "{text:?}");
        }
    }

    #[test]
    fn several_syntax_errors_are_told_at_once() {
        let errors = World("a = \nb = 1\nc = ,\n".to_owned()).errors();
        let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn two_services_of_one_name_are_a_duplicate_key() {
        let world = systems().and("[services.redis]\nwork_ms = 1.0");
        assert!(world.errors()[0].message.contains("duplicate key"), "{}", told(&world.errors()));
    }
}

mod names {
    use super::*;

    const RULE: &str = "names are letters, digits, `-`, `_` and `.`, and begin with a letter or digit";

    #[test]
    fn names_are_there_once_and_fit_a_command_line() {
        let server = |name: &str| systems().with("name = \"web-1\"", &format!("name = \"{name}\""));
        for (name, fault) in [
            ("", "is empty"),
            ("we b", "holds a ' '"),
            ("web/1", "holds a '/'"),
            ("wéb", "holds a 'é'"),
            ("-web", "begins with '-'"),
            ("..", "begins with '.'"),
        ] {
            let world = server(name);
            let errors = world.errors();
            assert_eq!(errors.len(), 1, "{}", told(&errors));
            assert_eq!(errors[0].key, "servers[0].name");
            assert_eq!(errors[0].message, format!("the server name `{name}` {fault}"));
            assert_eq!(errors[0].hint.as_deref(), Some(RULE));
        }
        server(&"a".repeat(40)).checked();
        let message = &server(&"a".repeat(41)).errors()[0].message;
        assert!(message.ends_with("has 41 characters, more than 40"), "{message}");
    }

    #[test]
    fn a_second_bearer_of_a_name_is_refused() {
        each_is_refused([
            refusal(systems().with("name = \"web-2\"", "name = \"web-1\" # 2"), "name = \"web-1\" # 2", "servers[1].name", "a second server is named `web-1`"),
            refusal(systems().and("[[chaos]]\nname = \"disk_full\" # 2\nprobability = 0.1\nrounds = 1\neffect = { error_rate = 0.1 }"), "name = \"disk_full\" # 2", "chaos[7].name", "a second kind of fault is named `disk_full`"),
            refusal(systems().and("[[actions]]\nname = \"rollback\" # 2\nsuccess_rate = 0.1\ncooldown = 1\nremedy = { frees_memory = 1.0 }"), "name = \"rollback\" # 2", "actions[6].name", "a second action is named `rollback`"),
            refusal(systems().and("[[sre]]\nname = \"a\"\n[[sre]]\nname = \"a\" # 2"), "name = \"a\" # 2", "sre[1].name", "a second SRE is named `a`"),
        ]);
    }

    #[test]
    fn names_of_all_sorts_are_checked() {
        for (world, key) in [
            (systems().with("type = \"web\"", "type = \"w b\""), "servers[0].type"),
            (systems().and("[services.\"a b\"]"), "services.\"a b\""),
            (systems().with("name = \"cpu_spike\"", "name = \"cpu spike\""), "chaos[0].name"),
            (systems().with("name = \"rate_limit\"", "name = \"\""), "actions[4].name"),
            (systems().and("[[sre]]\nname = \"a=b\""), "sre[0].name"),
        ] {
            assert!(world.errors().iter().any(|e| e.key == key), "{key}: {}", told(&world.errors()));
        }
    }

    #[test]
    fn descriptions_are_one_plain_line() {
        let described = |text: &str| systems().with("\"the server is cut off\"", text);
        let errors = described("\"red \\u001b[31m\"").errors();
        assert_eq!(errors[0].message, "the description holds the control character '\\u{1b}'");
        assert_eq!(errors[0].key, "chaos[2].description");
        let errors = described(&format!("\"{}\"", "x".repeat(201))).errors();
        assert_eq!(
            errors[0].message,
            "`description` in [[chaos]] has 201 characters, but may have at most 200"
        );
    }
}

mod numbers {
    use super::*;

    #[test]
    fn numbers_that_bound_each_other_are_held_together() {
        each_is_refused([
            refusal(
                systems().with("noise = [0.8, 1.5]", "noise = [1.5, 0.8]"),
                "noise",
                "traffic.noise",
                "`noise` is a range from 1.5 down to 0.8: write the lower end first",
            ),
            refusal(
                systems().with("base = 1000.0", "base = 1.0"),
                "noise",
                "traffic.noise",
                "with `base` = 1 a round may have no request: `base` times the low end of `noise` must be at least 1",
            ),
            refusal(
                systems().with("background_cpu = [4.5, 7.5]", "background_cpu = [8.0, 2.0]"),
                "background_cpu",
                "host.background_cpu",
                "`background_cpu` is a range from 8 down to 2: write the lower end first",
            ),
            refusal(
                systems().with("memory = [20.0, 40.0]", "memory = [20.0, 97.0]"),
                "memory = [",
                "host.memory",
                "`memory` reaches 97, but must stay below `memory_oom_at`, 97",
            ),
            refusal(
                systems().with("disk = [30.0, 50.0]", "disk = [30.0, 99.0]"),
                "disk = [",
                "host.disk",
                "`disk` reaches 99, but must stay below `disk_full_at`, 97",
            ),
            refusal(
                systems().with("memory_slow_from = 75.0", "memory_slow_from = 98.0"),
                "memory_slow_from",
                "host.memory_slow_from",
                "`memory_slow_from` reaches 98, but must stay below `memory_oom_at`, 97",
            ),
            refusal(
                systems().with("warning = 70.0, critical = 90.0", "warning = 95.0, critical = 90.0"),
                "warning = 95.0",
                "metrics.cpu_usage.warning",
                "the warning of cpu_usage opens at 95, above its critical 90",
            ),
            refusal(
                systems().with("warning = 500.0", "warning = 5000.0"),
                "warning = 5000.0",
                "metrics.latency_p99.warning",
                "the warning of latency_p99 opens at 5000, above its critical 2000",
            ),
            refusal(
                systems().with("critical = 5.0", "critical = 500.0"),
                "critical = 500.0",
                "metrics.error_rate.critical",
                "`critical` of error_rate is 500, but is a percentage: at most 100",
            ),
            refusal(
                systems().with("high = 2.0", "high = 0.7"),
                "high = 0.7",
                "chaos_levels.high",
                "`high` multiplies chaos by 0.7, less than `medium`, 1",
            ),
        ]);
    }
}

mod servers {
    use super::*;

    #[test]
    fn servers_host_what_exists_once() {
        each_is_refused([
            refusal(
                systems().with("\"redis-client\"]", "\"redis-client\", \"redis-clint\"]"),
                "\"redis-clint\"",
                "servers[2].services[2]",
                "unknown service `redis-clint`: did you mean `redis-client`?",
            ),
            refusal(
                systems().with("\"redis-client\"]", "\"redis-client\", \"app-api\"]"),
                "\"app-api\"]",
                "servers[2].services[2]",
                "server `api-1` lists `app-api` twice",
            ),
        ]);
    }

    #[test]
    fn cpu_makes_a_worker_at_least_and_not_too_many() {
        each_is_refused([
            refusal(
                systems().with("cpu_capacity = 50.0", "cpu_capacity = 49.0"),
                "cpu_capacity = 49.0",
                "servers[5].cpu_capacity",
                "the 49 points of `cache-1` make less than one worker: `host.cpu_per_worker` is 50",
            ),
            refusal(
                systems().with("cpu_capacity = 50.0", "cpu_capacity = 51_250.0"),
                "cpu_capacity = 51_250.0",
                "servers[5].cpu_capacity",
                "the 51250 points of `cache-1` make 1025 workers, more than 1024: `host.cpu_per_worker` is 50",
            ),
        ]);
    }

    #[test]
    fn replicated_services_on_one_server_have_the_same_servers() {
        let shared = systems()
            .and("[services.ledger]\nwork_ms = 1.0\nreplication = { apply_cost = 0.5 }")
            .with("services = [\"postgresql\"]", "services = [\"postgresql\", \"ledger\"]");
        let errors = shared.errors();
        assert_eq!(errors.len(), 1, "{}", told(&errors));
        assert_eq!(errors[0].key, "servers[3].services");
        assert!(errors[0].message.contains("share `db-primary`, but not `db-replica`"), "{}", errors[0]);
        let both = shared.with("services = [\"postgresql\"]", "services = [\"postgresql\", \"ledger\"]");
        assert_eq!(both.errors(), []);
    }

    #[test]
    fn members_of_a_replicated_service_are_one_primary_and_its_replicas() {
        each_is_refused([
            refusal(
                systems().with("role = \"replica\"", "role = \"primary\" # 2"),
                "role = \"primary\" # 2",
                "servers[4].role",
                "`postgresql` has a second primary: `db-replica` beside `db-primary`",
            ),
            refusal(
                systems().with("role = \"primary\"", "role = \"replica\""),
                "replication = ",
                "services.postgresql.replication",
                "none of the members of `postgresql` is its primary: give one of its servers `role = \"primary\"`",
            ),
            refusal(
                systems().with("role = \"replica\"\n", ""),
                "[[servers]]\nname = \"db-replica\"",
                "servers[4].role",
                "server `db-replica` has no role in the replicated service `postgresql`: add `role = \"primary\"` or `role = \"replica\"`",
            ),
            refusal(
                systems().with("backup_link = true", "role = \"replica\""),
                "role = \"replica\"",
                "servers[0].role",
                "server `web-1` has a role, but hosts no replicated service: leave `role` out, or give its service `replication = { apply_cost = ... }`",
            ),
        ]);
    }
}

mod calls {
    use super::*;

    #[test]
    fn users_enter_where_something_serves_them() {
        each_is_refused([
            refusal(
                systems().with("entry = \"nginx\"", "entry = \"ngnix\""),
                "entry",
                "traffic.entry",
                "unknown service `ngnix`: did you mean `nginx`?",
            ),
            refusal(
                systems().with("entry = \"nginx\"", "entry = \"redis-client\""),
                "entry",
                "traffic.entry",
                "users' requests arrive at `redis-client`, which has no `work_ms`",
            ),
            refusal(
                systems()
                    .with("entry = \"nginx\"", "entry = \"door\"")
                    .and("[services.door]\nwork_ms = 1.0\ncalls = [{ to = \"nginx\" }]"),
                "entry",
                "traffic.entry",
                "no server hosts `door`, where users' requests arrive",
            ),
        ]);
    }

    #[test]
    fn every_call_arrives() {
        let no_work = systems().with("work_ms = 7.8\n", "");
        each_is_refused([
            refusal(
                systems().with("to = \"app-api\"", "to = \"app-apo\""),
                "to = \"app-apo\"",
                "services.app-frontend.calls[0].to",
                "unknown service `app-apo`: did you mean `app-api`?",
            ),
            refusal(
                systems().with("to = \"app-api\"", "to = \"app-frontend\" }, { to = \"app-api\""),
                "to = \"app-frontend\" }, ",
                "services.app-frontend.calls[0].to",
                "`app-frontend` calls itself",
            ),
            refusal(
                systems()
                    .with("{ to = \"app-api\" }", "{ to = \"app-api\" }, { to = \"queue\" }")
                    .and("[services.queue]\nwork_ms = 1.0"),
                "to = \"queue\"",
                "services.app-frontend.calls[1].to",
                "`app-frontend` calls `queue`, which no server hosts",
            ),
            refusal(
                no_work,
                "to = \"redis\"",
                "services.app-api.calls[0].to",
                "`app-api` calls `redis`, which has no `work_ms`: a client without work of its own is named by `via`",
            ),
            refusal(
                systems().with("work_ms = 7.8", "work_ms = 0.0001"),
                "work_ms = 0.0001",
                "services.redis.work_ms",
                "`redis` works for 0.0001 ms, less than 0.001: 0 makes it a client",
            ),
        ]);
    }

    #[test]
    fn a_circle_is_named_once_and_the_same_wherever_it_is_entered() {
        let circle = |callee: &str, before: &str| {
            systems().with(before, &format!("calls = [{{ to = \"{callee}\" }}]\n{before}"))
        };
        each_is_refused([
            refusal(
                circle("app-frontend", "cache = {"),
                "to = \"app-api\"",
                "services.app-frontend.calls[0].to",
                "calls go in a circle: app-api -> redis -> app-frontend -> app-api",
            ),
            refusal(
                circle("nginx", "replication = {"),
                "to = \"app-api\"",
                "services.app-frontend.calls[0].to",
                "calls go in a circle: app-api -> postgresql -> nginx -> app-frontend -> app-api",
            ),
        ]);
    }

    #[test]
    fn a_cache_in_front_is_a_cache_and_is_asked_before_by_the_same_requests() {
        let behind = |name: &str| systems().with("behind = \"redis\"", &format!("behind = \"{name}\""));
        let key = "services.app-api.calls[1].behind";
        let hint = "`app-api` does not ask `redis` before, for the same requests: put a call with `to = \"redis\"` and `on = \"reads\"` in front";
        each_is_refused([
            refusal(behind("rediss"), "behind", key, "unknown cache `rediss`: did you mean `redis`?"),
            refusal(behind("mongo"), "behind", key, "unknown cache `mongo`: there is redis"),
            refusal(
                behind("nginx"),
                "behind",
                key,
                "`nginx` is not a cache: a cache has `cache = { hit_ratio = ..., refill = ... }`",
            ),
            refusal(systems().with("on = \"reads\", via", "via"), "behind", key, hint),
            refusal(
                systems().with("    { to = \"redis\", on = \"reads\", via = \"redis-client\" },\n", "").with(
                    "\"writes\" },\n",
                    "\"writes\" },\n    { to = \"redis\", on = \"reads\", via = \"redis-client\" },\n",
                ),
                "behind",
                "services.app-api.calls[0].behind",
                hint,
            ),
        ]);
    }

    #[test]
    fn a_client_is_without_work_and_wherever_its_caller_is() {
        let key = "services.app-api.calls[0].via";
        let api_2 = "[[servers]]\nname = \"api-2\"\ntype = \"api\"\nservices = [\"app-api\"]\ncpu_capacity = 100.0\nmemory_capacity = 16384.0";
        each_is_refused([
            refusal(
                systems().with("via = \"redis-client\"", "via = \"redis-cli\""),
                "via",
                key,
                "unknown service `redis-cli`: did you mean `redis-client`?",
            ),
            refusal(
                systems().with("[services.redis-client]", "[services.redis-client]\nwork_ms = 1.0"),
                "via",
                key,
                "`redis-client` is not a client: it has `work_ms` = 1",
            ),
            refusal(
                systems().and(api_2),
                "via",
                key,
                "server `api-2` hosts `app-api`, but not its client `redis-client`: add `redis-client` to the services of `api-2`",
            ),
        ]);
    }

    #[test]
    fn requests_do_not_multiply_without_end() {
        let layers: String = (0..12)
            .map(|n| {
                format!(
                    "[services.s{n}]\nwork_ms = 1.0\ncalls = [{{ to = \"s{0}\" }}, {{ to = \"s{0}\" }}]\n",
                    n + 1
                )
            })
            .collect();
        let names: Vec<String> = (0..13).map(|n| format!("\"s{n}\"")).collect();
        let server = format!(
            "[services.s12]\nwork_ms = 1.0\n[[servers]]\nname = \"deep\"\ntype = \"web\"\nservices = [{}]\ncpu_capacity = 100.0\nmemory_capacity = 8192.0",
            names.join(", ")
        );
        let world = systems()
            .with("{ to = \"app-api\" }", "{ to = \"app-api\" }, { to = \"s0\" }")
            .with("retry_budget = 0.1", "retry_budget = 0.0")
            .and(&layers)
            .and(&server);
        let errors = world.errors();
        assert_eq!(errors.len(), 1, "{}", told(&errors));
        assert_eq!(errors[0].key, "services.s9.calls[1].to");
        assert_eq!(errors[0].message, "one request comes to more than 1024 calls of `s10`");
    }

    #[test]
    fn the_requests_of_the_worst_round_can_be_counted() {
        systems().with("base = 1000.0", "base = 10_000_000.0").checked();
        let errors = systems().with("base = 1000.0", "base = 50_000_000.0").errors();
        assert_eq!(errors.len(), 1, "{}", told(&errors));
        assert_eq!(errors[0].key, "traffic.base");
        assert_eq!(
            errors[0].message,
            "with noise, calls, retries and floods a round may come to 9.9e9 requests"
        );
    }

    #[test]
    fn what_gets_no_requests_is_warned_of() {
        let apart = "[[servers]]\nname = \"apart\"\ntype = \"web\"\nservices = [\"job\", \"report\"]\ncpu_capacity = 100.0\nmemory_capacity = 1024.0\n[services.job]\nwork_ms = 1.0\ncalls = [{ to = \"report\" }]\n[services.report]\nwork_ms = 1.0";
        each_is_warned_of([
            refusal(
                systems().and(apart),
                "services = [\"job\"",
                "servers[6].services",
                "server `apart` gets no requests: nothing on the way of users' requests calls job, report",
            ),
            refusal(
                systems()
                    .with("\"redis-client\"]", "\"redis-client\", \"agent\"]")
                    .and("[services.agent]\nwork_ms = 1.0"),
                "agent]\nwork",
                "services.agent",
                "service `agent` gets no requests: nothing on the way of users' requests calls it, or calls through it",
            ),
            refusal(
                systems().and("[services.agent]\nwork_ms = 1.0"),
                "agent]\nwork",
                "services.agent",
                "service `agent` runs nowhere: no server lists it",
            ),
        ]);
    }
}

mod chaos {
    use super::*;

    #[test]
    fn kinds_hit_types_that_exist() {
        each_is_refused([
            refusal(
                systems().with("types = [\"database\"]", "types = [\"databse\"]"),
                "\"databse\"",
                "chaos[6].types[0]",
                "unknown server type `databse`: did you mean `database`?",
            ),
            refusal(
                systems().with("except_types = [\"cache\"]", "except_types = [\"caches\"]"),
                "\"caches\"",
                "chaos[3].except_types[0]",
                "unknown server type `caches`: did you mean `cache`?",
            ),
        ]);
        each_is_warned_of([refusal(
            systems().with("types = [\"database\"]", "types = [\"database\"]\nexcept_types = [\"database\"]"),
            "name = \"database_slowdown\"",
            "chaos[6].name",
            "`database_slowdown` can hit no server: no type in `types` is left by `except_types`",
        )]);
    }

    #[test]
    fn an_effect_does_something() {
        let nothing =
            "the effect of `network_partition` does nothing: for example `effect = { error_rate = 0.3 }`";
        let effect = |effect: &str| {
            systems().with("effect = { unreachable = true }", &format!("effect = {{ {effect} }} # here"))
        };
        for neutral in [
            "",
            "unreachable = false",
            "traffic_factor = 1",
            "error_rate = 0.0, latency_factor = 1.0, cpu_floor = 0",
        ] {
            let world = effect(neutral);
            assert_eq!(world.errors().len(), 1, "{neutral}: {}", told(&world.errors()));
            assert!(world.errors()[0].to_string().ends_with(nothing), "{}", told(&world.errors()));
            assert_eq!(world.errors()[0].key, "chaos[2].effect");
        }
        for real in [
            "cpu_floor = 50.0",
            "capacity_factor = 0.5",
            "memory_growth = 1.0",
            "disk_level = 90.0",
            "service_down = true",
            "traffic_factor = 1.5",
            "latency_factor = 1.5",
            "latency_added_ms = 20.0",
            "error_rate = 0.1",
        ] {
            effect(real).checked();
        }
    }

    /// The default world with one more kind.
    fn with_kind(keys: &str) -> super::World {
        systems().and(&format!("[[chaos]]\nname = \"odd\"\nprobability = 0.1\nrounds = 2\n{keys}\n"))
    }

    #[test]
    fn what_hits_sres_hits_their_processes_alone() {
        each_is_refused([
            refusal(
                with_kind("hits = \"sres\"\ntypes = [\"web\"] # here\neffect = { process = \"killed\" }"),
                "types = [\"web\"] # here",
                "chaos[7].types",
                "`odd` hits SREs, and `types` is about servers",
            ),
            refusal(
                with_kind("hits = \"sres\"\ngroup = { by = \"type\" }\neffect = { process = \"killed\" }"),
                "group = {",
                "chaos[7].group",
                "`odd` hits SREs, and `group` is about servers",
            ),
            refusal(
                with_kind("hits = \"sres\"\neffect = { cpu_floor = 90.0 }"),
                "effect = { cpu_floor = 90.0 }",
                "chaos[7].effect",
                "`odd` hits SREs, of which only `process` can be hit: for example `effect = { process = \"killed\" }`",
            ),
        ]);
    }

    #[test]
    fn groups_exist_and_are_as_large_as_their_spread() {
        let here = "effect = { error_rate = 0.3 }";
        each_is_refused([
            refusal(
                with_kind(&format!("group = {{ by = \"zone\" }}\n{here}")),
                "by = \"zone\"",
                "chaos[7].group.by",
                "no server says in which zone it stands: give servers a `zone`, as in `zone = \"a\"`",
            ),
            refusal(
                with_kind(&format!("group = {{ by = \"service\", name = \"redsi\" }}\n{here}")),
                "name = \"redsi\"",
                "chaos[7].group.name",
                "unknown service `redsi`: did you mean `redis`?",
            ),
        ]);
        each_is_warned_of([
            refusal(
                with_kind(&format!("group = {{ by = \"type\" }}\nspread = {{ servers = 3 }}\n{here}")),
                "servers = 3 }",
                "chaos[7].spread.servers",
                "`odd` can hit 2 servers at once at most: leave `servers` out to hit all of them",
            ),
            refusal(
                with_kind(&format!("spread = {{ servers = 1, apart = 4 }}\n{here}")),
                "apart = 4 }",
                "chaos[7].spread.apart",
                "after one server nobody follows 4 rounds apart: leave `apart` out, or hit more servers",
            ),
            refusal(
                with_kind(&format!(
                    "types = [\"cache\"]\ngroup = {{ by = \"type\", name = \"web\" }}\n{here}"
                )),
                "name = \"odd\"",
                "chaos[7].name",
                "`odd` can hit no server: nobody in `group` is left by `types` and `except_types`",
            ),
        ]);
    }

    #[test]
    fn parts_of_an_effect_stand_together() {
        each_is_refused([
            refusal(
                with_kind("effect = { process = \"killed\", error_rate = 0.3 }"),
                "process = ",
                "chaos[7].effect.process",
                "`odd` hits a process, and there is nothing else of it to hit then: \
                 make two kinds of it, one with `process` and one with the rest",
            ),
            refusal(
                with_kind("effect = { error_rate = 0.3, false_metrics = {} }"),
                "false_metrics",
                "chaos[7].effect.false_metrics",
                "no metric is made up: for example `false_metrics = { cpu_usage = 99.0 }`",
            ),
            refusal(
                with_kind("effect = { bus = { loses = [\"results\"], delays = [\"results\"] } }"),
                "\"results\"] } }",
                "chaos[7].effect.bus.delays[0]",
                "what is lost cannot be late: name each kind of message in `loses` or in `delays`",
            ),
            refusal(
                with_kind("effect = { bus = { loses = [\"commands\", \"commands\"] } }"),
                "\"commands\"] } }",
                "chaos[7].effect.bus.loses[1]",
                "`loses` names one kind of message twice",
            ),
        ]);
        each_is_warned_of([
            refusal(
                with_kind("effect = { bus = { loses = [\"results\"], delay_rounds = 7 } }"),
                "delay_rounds",
                "chaos[7].effect.bus.delay_rounds",
                "nothing is late by 7 rounds: name in `delays` what is to be late",
            ),
            refusal(
                with_kind("gradual = true # here\neffect = { process = \"paused\" }"),
                "gradual = true # here",
                "chaos[7].gradual",
                "nothing of `odd` can work at half strength: leave `gradual` out",
            ),
        ]);
    }

    #[test]
    fn factors_that_meet_stay_countable() {
        let kinds: String = (0..3)
            .map(|n| format!("[[chaos]]\nname = \"flood{n}\"\nprobability = 0.1\nrounds = 1\neffect = {{ traffic_factor = 100.0 }}\n"))
            .collect();
        let errors = systems().and(&kinds).errors();
        assert_eq!(errors.len(), 1, "{}", told(&errors));
        assert_eq!(errors[0].key, "chaos[9].effect.traffic_factor");
        assert_eq!(errors[0].message, "with all kinds before, `traffic_factor` comes to 1e7 on one server");
    }
}

mod actions {
    use super::*;

    #[test]
    fn actions_cure_what_exists_and_do_something() {
        let none =
            "the remedy of `rate_limit` does nothing: for example `remedy = { restarts_services = true }`";
        let limits =
            "remedy = { limits_traffic = { flood_dropped = 0.95, users_dropped = 0.002, rounds = 2 } }";
        each_is_refused([
            refusal(
                systems().with("cures = [\"disk_full\"]", "cures = [\"diskfull\"]"),
                "\"diskfull\"",
                "actions[3].remedy.cures[0]",
                "unknown kind of fault `diskfull`: did you mean `disk_full`?",
            ),
            refusal(
                systems().with(limits, "remedy = {} # none"),
                "remedy = {} # none",
                "actions[4].remedy",
                none,
            ),
            refusal(
                systems().with(&format!("{limits}\n"), ""),
                "[[actions]]\nname = \"rate_limit\"",
                "actions[4].remedy",
                none,
            ),
            refusal(
                systems().with("adds_capacity = { factor = 2.0", "adds_capacity = { factor = 1.0"),
                "remedy = { adds_capacity",
                "actions[1].remedy",
                "the remedy of `scale_up` does nothing: for example `remedy = { restarts_services = true }`",
            ),
        ]);
    }

    #[test]
    fn cures_that_can_never_act_are_warned_of() {
        let cures = |kind: &str, keys: &str| {
            let odd = format!("[[chaos]]\nname = \"{kind}\"\nprobability = 0.1\nrounds = 2\n{keys}\n");
            systems()
                .with("cures = [\"disk_full\"]", &format!("cures = [\"disk_full\", \"{kind}\"]"))
                .and(&odd)
        };
        each_is_warned_of([
            refusal(
                cures("odd", "effect = { process = \"killed\" }"),
                "\"odd\"]",
                "actions[3].remedy.cures[1]",
                "`clear_cache` does not reach a server without a process: \
                 add `restarts_services = true` to the remedy, or `out_of_band = true`",
            ),
            refusal(
                cures("odd", "hits = \"sres\"\neffect = { process = \"killed\" }"),
                "\"odd\"]",
                "actions[3].remedy.cures[1]",
                "`odd` hits SREs, and actions act on servers: leave it out: it ends by itself",
            ),
        ]);
    }

    #[test]
    fn a_failover_without_a_standby_is_warned_of() {
        let alone = systems()
            .with("role = \"primary\"\n", "")
            .with("role = \"replica\"\n", "")
            .with("replication = { apply_cost = 0.6 }", "");
        let unlinked = World(systems().0.replace("backup_link = true\n", ""));
        each_is_warned_of([
            refusal(
                alone,
                "promotes_replica",
                "actions[2].remedy.promotes_replica",
                "`failover` promotes a replica, but no server is one: it will always be refused",
            ),
            refusal(
                unlinked,
                "uses_backup_link",
                "actions[2].remedy.uses_backup_link",
                "`failover` uses backup links, but no server has one: add `backup_link = true` to servers",
            ),
            refusal(
                systems().with("out_of_band = true\n", ""),
                "uses_backup_link",
                "actions[2].remedy.uses_backup_link",
                "`failover` uses backup links, but cannot reach a server that is cut off: add `out_of_band = true` to the action",
            ),
        ]);
    }

    #[test]
    fn only_rules_have_skills() {
        systems().and("[[sre]]\nname = \"a\"\nskill = \"junior\"").checked();
        each_is_refused([refusal(
            systems().and("[[sre]]\nname = \"a\"\nkind = \"oracle\"\nskill = \"junior\""),
            "skill = \"junior\"",
            "sre[0].skill",
            "SRE `a` has a skill, but only the kind `rules` has skills",
        )]);
    }

    #[test]
    fn programs_are_not_for_world_files() {
        each_is_refused([refusal(
            systems().and("[[sre]]\nname = \"a\"\nkind = \"exec\""),
            "kind = \"exec\"",
            "sre[0].kind",
            "SRE `a` is a program, and a world file names none: name it on the command line, as in \
             `--sre 'a=exec:./my-sre'`, or in a scenario",
        )]);
    }
}

mod customised {
    use super::*;

    const QUEUE: &str = include_str!("worlds/queue.toml");
    const DNS_FAILURE: &str = include_str!("worlds/dns_failure.toml");
    const BLUE_GREEN: &str = include_str!("worlds/blue_green.toml");

    #[test]
    fn a_queue_that_nothing_calls_is_warned_of() {
        each_is_warned_of([refusal(
            systems().and(QUEUE),
            "services = [\"rabbitmq\"]",
            "servers[6].services",
            "server `queue-1` gets no requests: nothing on the way of users' requests calls rabbitmq",
        )]);
    }

    #[test]
    fn a_queue_that_is_called_is_part_of_the_world() {
        let writes = "{ to = \"postgresql\", on = \"writes\" },";
        let world = systems()
            .and(QUEUE)
            .with(writes, &format!("{writes}\n    {{ to = \"rabbitmq\", on = \"writes\" }},"));
        let checked = world.checked();
        assert_eq!(told(&checked.warnings), "");
        assert_eq!(checked.definition.servers[6].kind, "queue");
    }

    #[test]
    fn a_kind_of_fault_is_five_lines() {
        let checked = systems().and(DNS_FAILURE).checked();
        assert_eq!(told(&checked.warnings), "");
        let kind = checked.definition.chaos.last().expect("it was added");
        assert_eq!((kind.name.as_str(), kind.probability, kind.rounds), ("dns_failure", 0.05, 2));
        assert!(kind.effect.error_rate.is_some());
    }

    #[test]
    fn an_action_is_five_lines() {
        let checked = systems().and(BLUE_GREEN).checked();
        assert_eq!(told(&checked.warnings), "");
        let action = checked.definition.actions.last().expect("it was added");
        assert_eq!(
            (action.name.as_str(), action.success_rate, action.cooldown),
            ("blue_green_deploy", 0.95, 10)
        );
        assert_eq!(action.remedy.cures.len(), 4);
    }

    #[test]
    fn another_sla_is_one_line() {
        let checked = systems().with("sla_target = 99.9", "sla_target = 99.99").checked();
        assert_eq!(told(&checked.warnings), "");
        assert_eq!(checked.definition.sla_target, 99.99);
    }

    #[test]
    fn the_combined_world_is_accepted() {
        let checked = World(include_str!("worlds/customised.toml").to_owned()).checked();
        assert_eq!(told(&checked.warnings), "");
        let definition = checked.definition;
        assert!(definition.servers.iter().any(|server| server.name == "queue-1"));
        assert!(definition.chaos.iter().any(|kind| kind.name == "dns_failure"));
        assert!(definition.actions.iter().any(|action| action.name == "blue_green_deploy"));
        assert_eq!(definition.sla_target, 99.99);
    }
}
