//! What a configuration may say, what comes of it, and what is refused, in JSON and in TOML.

use days::config::settings::{Pacing, Settings, TargetKind};
use days::config::{Address, Checked, Config, parse, schema, shipped};
use days::order::Kind;
use serde_json::{Value, json};
use std::time::Duration;

/// The original's configuration, as it stands.
const ORIGINAL: &str = include_str!("data/original.json");

fn good(name: &str, text: &str) -> Checked {
    parse(name, text).unwrap_or_else(|wrong| panic!("{text}\n{wrong:#?}"))
}

fn toml(text: &str) -> Config {
    good("c.toml", text).config
}

/// Everything that is told of a text that is no good.
fn wrong(name: &str, text: &str) -> Vec<String> {
    match parse(name, text) {
        Ok(_) => panic!("this is good: {text}"),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
    }
}

/// What is told of a text that is good all the same.
fn warned(text: &str) -> Vec<String> {
    good("c.toml", text).warnings.iter().map(ToString::to_string).collect()
}

// ---- what is shipped -----------------------------------------------------------------------------

#[test]
fn the_original_json_is_read_as_it_stands() {
    let checked = good("simulation_daemon_config.json", ORIGINAL);
    assert_eq!(checked.config, Config::default());
    assert_eq!(checked.warnings, []);
}

#[test]
fn the_defaults_are_the_same_in_json_in_toml_and_in_the_program() {
    for file in [shipped::DEFAULT_JSON, shipped::DEFAULT_TOML] {
        let checked = good("c", file);
        assert_eq!((checked.config, checked.warnings), (Config::default(), Vec::new()));
    }
    assert_eq!(good("c", "").config, Config::default());
    assert_eq!(good("c", "{}").config, Config::default());
}

#[test]
fn the_shipped_defaults_leave_no_key_out_that_has_one() {
    let whole = serde_json::to_value(Settings::default()).unwrap();
    let from_json: Value = serde_json::from_str(shipped::DEFAULT_JSON).unwrap();
    let mut from_toml: Value = toml::from_str(shipped::DEFAULT_TOML).unwrap();
    // An empty list would keep whoever copies the file from adding [[windows]].
    from_toml["windows"] = json!([]);
    assert_eq!(from_json, whole);
    assert_eq!(from_toml, whole);
}

#[test]
fn what_stands_in_comments_of_the_shipped_toml_is_good() {
    for kind in ["world", "http", "chat"] {
        let checked = good("c.toml", &uncommented(kind));
        assert_eq!(checked.warnings, [], "{kind}");
        assert_eq!(checked.config.settings.target.kind.word(), kind);
        assert_eq!(checked.config.schedule.windows.len(), 4);
    }
}

/// The shipped TOML with all its examples, for one kind of target.
fn uncommented(kind: &str) -> String {
    let is_example = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.starts_with('[')
            || line.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let line = |line: &'static str| line.strip_prefix("# ").filter(|line| is_example(line)).unwrap_or(line);
    let mut is_left_out = false;
    let mut text = String::new();
    for line in shipped::DEFAULT_TOML.lines().map(line) {
        if line.starts_with('[') {
            is_left_out = line.starts_with("[target.") && line != format!("[target.{kind}]");
        }
        let for_others = ["allow_beyond_loopback", "requests_per", "credential", "ca_file"];
        let is_refused = kind == "world" && for_others.iter().any(|key| line.starts_with(key));
        if !is_left_out && !is_refused {
            text += &line.replace("kind = \"world\"", &format!("kind = \"{kind}\""));
            text += "\n";
        }
    }
    text
}

#[test]
fn shipped_files_are_written_as_their_names_say() {
    for file in shipped::ALL {
        assert_eq!(good(file.file_name, file.text).warnings, [], "{}", file.file_name);
    }
}

#[test]
fn what_holds_by_default_may_be_said_for_any_kind_of_target() {
    let text = shipped::DEFAULT_TOML
        .replace("kind = \"world\"", "kind = \"http\"")
        .replace("[target.world]", "[target.http]\nurl = 'http://localhost/'\n[target.world]");
    assert_eq!(toml(&text).settings.target.kind, TargetKind::Http);
    assert!(parse("c.toml", "target.allow_beyond_loopback = false").is_ok());
}

#[test]
fn the_test_configuration_has_a_cycle_every_two_minutes() {
    let checked = good("simulation_daemon_config.test.json", shipped::TEST_JSON);
    assert_eq!(checked.warnings, []);
    assert_eq!(checked.config.settings.execution_interval_minutes, 2);
    assert_eq!(checked.config.settings.load_profiles.len(), 3);
    assert_ne!(checked.config.settings.output.base_dir, Settings::default().output.base_dir);
}

// ---- files over defaults -------------------------------------------------------------------------

#[test]
fn a_file_is_merged_over_the_defaults_down_to_the_single_key() {
    let json = r#"{ "load_profiles": { "busy": { "operations": { "num_calls": { "max": 90 } } } } }"#;
    let config = good("c.json", json).config;
    assert_eq!(config, toml("[load_profiles.busy.operations.num_calls]\nmax = 90"));
    let mut expected = Settings::default();
    expected.load_profiles.get_mut("busy").unwrap().operations.num_calls.max = 90;
    assert_eq!(config.settings, expected);
    let busy = config.schedule.busy.loads.get(Kind::Operations).unwrap();
    assert_eq!((busy.count.min, busy.count.max), (30, 90));
    assert_eq!(busy.delay.max, Duration::from_millis(700));
}

#[test]
fn a_profile_of_ones_own_is_as_normal_where_it_says_nothing() {
    let text = "[load_profiles.normal.guardrails]\nnum_tests = { min = 1 }\n\
        [load_profiles.custom_peak]\noperations = { num_calls = { min = 80, max = 120 } }\n\
        [[windows]]\nname = 'all day'\nprofile = 'custom_peak'";
    let config = toml(text);
    let (peak, normal) =
        (&config.settings.load_profiles["custom_peak"], &config.settings.load_profiles["normal"]);
    assert_eq!((peak.operations.num_calls.min, peak.operations.num_calls.max), (80, 120));
    assert_eq!((peak.operations.threads, peak.guardrails), (normal.operations.threads, normal.guardrails));
    assert_eq!((peak.guardrails.num_tests.min, peak.guardrails.num_tests.max), (1, 15));
}

#[test]
fn every_key_changes_the_configuration_or_is_refused() {
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    let mut leaves = Vec::new();
    each_leaf(&mut Vec::new(), &defaults, &mut leaves);
    let absent = [
        (vec!["until"], json!("2027-01-01")),
        (vec!["operations", "queries_file"], json!("q.txt")),
        (vec!["forecast", "features_file"], json!("f.txt")),
        (vec!["forecast", "model_file"], json!("m.json")),
        (vec!["notify", "webhook_url"], json!("env:W")),
        (vec!["notify", "ping_url"], json!("http://localhost/p")),
        (vec!["metrics", "listen"], json!("127.0.0.1:1")),
        (vec!["target", "world", "seed"], json!(7)),
        (vec!["target", "credential"], json!("env:K")),
    ];
    leaves.extend(absent.map(|(path, value)| (path.into_iter().map(str::to_owned).collect(), value)));
    assert!(leaves.len() > 90, "{}", leaves.len());
    for (path, value) in leaves {
        let file = path.iter().rev().fold(value, |inner, key| json!({ key.as_str(): inner }));
        if let Ok(checked) = parse("c.json", &file.to_string()) {
            assert_ne!(checked.config, Config::default(), "{file} does nothing");
        }
    }
}

/// Every leaf of the defaults, with another value that it may have.
fn each_leaf(path: &mut Vec<String>, value: &Value, leaves: &mut Vec<(Vec<String>, Value)>) {
    let other = match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                path.push(key.clone());
                each_leaf(path, field, leaves);
                path.pop();
            }
            return;
        }
        Value::Array(_) => match path.last().map(String::as_str) {
            Some("windows") => json!([{ "name": "w", "maintenance": true }]),
            Some("holidays") => json!(["2026-12-25"]),
            _ => json!(["world"]),
        },
        Value::Bool(held) => json!(!held),
        Value::String(_) => match path.last().map(String::as_str) {
            Some("time_zone") => json!("UTC"),
            Some("pacing") => json!("profile"),
            Some("kind") => json!("http"),
            Some("chaos_level") => json!("low"),
            Some("console_level" | "file_level") => json!("error"),
            _ => json!("other"),
        },
        Value::Number(number) if number.is_f64() => json!(number.as_f64().expect("it is one") + 0.01),
        Value::Number(number) if path.last().is_some_and(|key| key == "min") => {
            json!(number.as_u64().expect("no default is below 0") - 1)
        }
        Value::Number(number) => json!(number.as_u64().expect("no default is below 0") + 1),
        Value::Null => return,
    };
    leaves.push((path.clone(), other));
}

// ---- what is refused -----------------------------------------------------------------------------

#[test]
fn unknown_keys_are_refused_at_their_place_with_the_nearest_name() {
    let toml = "seed = 2\nexecution_interval_minute = 5\n[busy_hours.weekday]\nstart_our = 7";
    let json = "{\n  \"seed\": 2,\n  \"execution_interval_minute\": 5,\n  \"busy_hours\": { \"weekday\": { \"start_our\": 7 } }\n}";
    let (first, second) = (
        "unknown key `execution_interval_minute` in the configuration: did you mean `execution_interval_minutes`?",
        "unknown key `start_our` in [busy_hours.weekday]: did you mean `start_hour`?",
    );
    assert_eq!(wrong("c.toml", toml), [format!("c.toml:2:1: {first}"), format!("c.toml:4:1: {second}")]);
    assert_eq!(wrong("c.json", json), [format!("c.json:3:3: {first}"), format!("c.json:4:32: {second}")]);
}

/// What is wrong with a text, without its place.
fn problem(text: &str) -> String {
    let wrong = wrong("c", text);
    assert_eq!(wrong.len(), 1, "{text}\n{wrong:#?}");
    wrong[0].splitn(4, ':').nth(3).unwrap_or_default().trim_start().to_owned()
}

#[test]
fn what_makes_no_sense_together_is_refused_with_its_cure() {
    let window = |rest: &str| format!("[[windows]]\nname = 'w'\n{rest}");
    let busy = |rest: &str| window(&format!("profile = 'busy'\n{rest}"));
    for (text, expected) in [
        (
            "target_daily_requests = { min = 9, max = 8 }",
            "`target_daily_requests` has a min of 9 above its max of 8: exchange them",
        ),
        (
            "target_daily_requests = { min = 6000 }",
            "`target_daily_requests` has a min of 6000 above its max of 5000: `max` has its default: give it as well",
        ),
        (
            "load_profiles.busy.operations.delay.max = 0.1",
            "`delay` has a min of 0.3 above its max of 0.1: `min` has its default: give it as well",
        ),
        (
            "load_profiles.quiet.guardrails.threads = { min = 3, max = 1 }",
            "`threads` has a min of 3 above its max of 1: exchange them",
        ),
        (
            "simulation_mix = { operations_weight = 0, guardrails_weight = 0 }",
            "both weights are 0, so nothing would ever be sent: give at least one kind a weight",
        ),
        (
            "execution_interval_minutes = 0",
            "`execution_interval_minutes` is 0, but must be at least 1 and at most 1440",
        ),
        (
            "execution_interval_minutes = 1441",
            "`execution_interval_minutes` is 1441, but must be at least 1 and at most 1440",
        ),
        (
            "execution_interval_minutes = 1.5",
            "`execution_interval_minutes` must be a whole number, found 1.5",
        ),
        (
            "busy_hours.weekday.start_hour = 24",
            "`start_hour` in [busy_hours.weekday] is 24, but must be at least 0 and at most 23",
        ),
        (
            "busy_hours.weekday.start_hour = 18",
            "the hours begin and end at 18: for none set `enabled` to false, for the whole day begin at 0 and end at 24",
        ),
        (
            "quiet_hours.end_hour = 23",
            "the hours begin and end at 23: for none set `enabled` to false, for the whole day begin at 0 and end at 24",
        ),
        ("pacing = 'targt'", "unknown value for `pacing`: `targt`: did you mean `target`?"),
        ("time_zone = 'Europe/Berln'", "unknown time zone `Europe/Berln`: did you mean `Europe/Berlin`?"),
        ("time_zone = 'berlin'", "unknown time zone `berlin`: did you mean `Europe/Berlin`?"),
        (
            "time_zone = 'middle earth'",
            "unknown time zone `middle earth`: give an IANA name, as `Europe/Berlin`, or `system`",
        ),
        (
            "until = 'soon'",
            "`until` is no date: `soon`: give one as `2026-12-31` or `2026-12-31T18:00`, without an offset: `time_zone` says where",
        ),
        (
            "until = 2026-12-31T18:00:00Z",
            "`until` is no date: `2026-12-31T18:00:00Z`: give one as `2026-12-31` or `2026-12-31T18:00`, without an offset: `time_zone` says where",
        ),
        ("holidays = ['2026-02-30']", "`2026-02-30` is no date: write one as `2026-12-24`"),
        (
            "load_profiles.maintenance = {}",
            "`maintenance` is no name for a profile: give it another name; a window with `maintenance = true` has no profile",
        ),
        (
            "load_profiles.\"a b\" = {}",
            "`a b` is no name for a profile: use at most 40 letters, digits, _ and -",
        ),
        ("output.log_file = ''", "`log_file` is empty"),
        (
            "output.log_file = 'continuous_operations_metrics.csv'",
            "`log_file` and `operations_csv` are the same, `continuous_operations_metrics.csv`: each needs a name of its own",
        ),
        ("output.base_dir = \"a\\u001b\"", "`base_dir` holds a control character"),
        ("agents.csv_path = ' '", "`csv_path` is empty"),
        (
            "retention_days = 3\nforecast.enabled = true",
            "the forecast looks at 168 hours, of which 72 are kept: keep sends for longer, or lower `window_hours` in [forecast]",
        ),
        ("operations.queries = ['']", "the query is empty"),
        ("guardrails.suites = ['a', 'a']", "the suite `a` is there twice"),
        (
            "metrics.listen = '0.0.0.0:80'",
            "`0.0.0.0:80` can be reached from other machines: give an address of this machine with a port, as 127.0.0.1:9464",
        ),
        (
            "metrics.listen = 'x'",
            "`x` is no address: give an address of this machine with a port, as 127.0.0.1:9464",
        ),
        (&window(""), "the window `w` has no profile: name one as `profile`, or set `maintenance` to true"),
        (
            &busy("maintenance = true"),
            "nothing is sent in a maintenance window: leave out `profile`, or `maintenance`",
        ),
        (&window("profile = 'buzy'"), "unknown profile `buzy`: did you mean `busy`?"),
        (
            &busy("days = ['mondays']"),
            "unknown value for `days` in [[windows]]: `mondays`: did you mean `monday`?",
        ),
        (&busy("dates = ['24.12.2026']"), "`24.12.2026` is no date: write one as `2026-12-24`"),
        (&busy("month_days = [0]"), "a month has no day 0: the first day is 1, the last one -1"),
        (&busy("from = '24:00'"), "`24:00` is no time for `from`: write one from 00:00 to 23:59"),
        (&busy("to = '24:15'"), "`24:15` is no time for `to`: write one from 00:00 to 24:00"),
        (&busy("to = '7:5'"), "`7:5` is no time for `to`: write one from 00:00 to 24:00"),
        (
            &busy("from = '12:00'\nto = '12:00'"),
            "the window ends when it begins: for the whole day leave out `from` and `to`",
        ),
        (&(busy("") + "\n" + &busy("")), "the window `w` is there twice: each needs a name of its own"),
        (
            "target.kind = 'http'",
            "a target of the kind `http` needs a table [target.http]: say in it as `url` where it is",
        ),
        ("[target]\nkind = 'http'\n[target.http]", "missing key `url` in [target.http]"),
        (
            "target.chat.url = 'http://localhost'",
            "[target.chat] does nothing while the kind of target is `world`: set `kind` to \"chat\", or leave the table out",
        ),
        (
            "[target]\nkind = 'chat'\nworld.seed = 1\nchat.url = 'http://localhost'",
            "[target.world] does nothing while the kind of target is `chat`: set `kind` to \"world\", or leave the table out",
        ),
        (
            "target.allow_beyond_loopback = true",
            "`allow_beyond_loopback` does nothing while the kind of target is `world`: leave it out",
        ),
        (
            &http("credential_header = 'x'", ""),
            "`credential_header` does nothing without `credential`: give that as well, or leave it out",
        ),
        (&http("credential = 'env:K'\ncredential_header = 'a b'", ""), "`a b` is no name for a header"),
        (&http("", "method = 'get'"), "`get` is no method: methods are written in capitals, as GET or POST"),
        (&http("", "headers = { 'a b' = '' }"), "`a b` is no name for a header"),
        (&http("", "headers = { ab = \"\\n\" }"), "the header `ab` holds a control character"),
        (
            &http("", "expected_text = ''"),
            "every answer holds an empty text: leave it out where any answer is a success",
        ),
        (
            &http("", "expected_status = [99]"),
            "`expected_status` in [target.http] is 99, but must be at least 100 and at most 599",
        ),
        (
            &http("", "").replace("127.0.0.1", "example.com"),
            "`url` leads beyond this machine: set `allow_beyond_loopback` to true if its owner agrees",
        ),
        (
            &http("", "").replace("http:", "ftp:"),
            "`url` is no URL: write it as http://host:port/path, or with https://",
        ),
        (
            &chat("", "url = 'http://localhost/?x=1'"),
            "`url` has more than a path: write it without a query and without places: what the protocol needs is added to it",
        ),
        (&chat("", "url = 'http://localhost/'\nmodel = ''"), "`model` is empty"),
        (
            &chat("", "url = 'http://localhost/'\napi_version = '1'"),
            "`api_version` does nothing while `api` is `openai`: leave it out, or set `api` to \"azure\"",
        ),
        (
            &chat("credential = 'env:K'\ncredential_header = 'api-key'", "url = 'http://localhost/'"),
            "no such chat takes its credential as `api-key`: it is taken as authorization",
        ),
        (
            &chat(
                "credential = 'env:K'\ncredential_header = 'x'",
                "url = 'http://localhost/'\napi = 'azure'",
            ),
            "no such chat takes its credential as `x`: it is taken as api-key or as authorization",
        ),
        (&chat("ca_file = ''", "url = 'http://localhost/'"), "`ca_file` is empty"),
        (
            "target.requests_per_second_max = 5",
            "`requests_per_second_max` does nothing while the kind of target is `world`: leave it out",
        ),
        ("target.ca_file = 'x'", "`ca_file` does nothing while the kind of target is `world`: leave it out"),
        (
            &http("requests_per_second_max = 0", ""),
            "`requests_per_second_max` in [target] is 0, but must be above 0 and at most 100",
        ),
        (
            "notify.ping_url = 'http://example.com/'",
            "`ping_url` leads beyond this machine: set `allow_beyond_loopback` to true if its owner agrees",
        ),
        ("target.world.world = ''", "`world` is empty"),
    ] {
        assert_eq!(problem(text), expected, "{text}");
    }
}

fn http(in_target: &str, in_http: &str) -> String {
    format!("[target]\nkind = 'http'\n{in_target}\n[target.http]\nurl = 'http://127.0.0.1:80/'\n{in_http}")
}

fn chat(in_target: &str, in_chat: &str) -> String {
    format!("[target]\nkind = 'chat'\n{in_target}\n[target.chat]\n{in_chat}")
}

#[test]
fn secrets_are_refused_with_the_cure_and_never_told() {
    const CURE: &str = "secrets never stand in the file: set `credential` in [target] to \"env:NAME\" for an environment variable or to \"file:PATH\" for a file";
    for (text, expected) in [
        ("api_key = 'hunter2'", "unknown key `api_key` in the configuration"),
        ("target.chat.apiKey = 'hunter2'", "unknown key `apiKey` in [target.chat]"),
        ("notify.token = 'hunter2'", "unknown key `token` in [notify]"),
        (
            &http("", "headers = { Authorization = 'Bearer hunter2' }"),
            "the header `Authorization` carries a secret",
        ),
        (&http("", "headers = { X-Api-Key = 'hunter2' }"), "the header `X-Api-Key` carries a secret"),
        (&http("credential = 'hunter2'", ""), "`credential` does not say where the credential is"),
        (&http("credential = 'env:'", ""), "`credential` does not say where the credential is"),
        (&http("", "").replace("80/", "80/?api-key=hunter2"), "`url` carries a secret"),
        (&http("", "").replace("127", "me:hunter2@127"), "`url` carries a secret"),
    ] {
        let told = wrong("c", text).join("\n");
        assert!(told.contains(&format!("{expected}: {CURE}")), "{text}\n{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    let ping = wrong("c", "notify.ping_url = 'http://localhost/?token=hunter2'").join("\n");
    assert!(
        ping.contains("`ping_url` carries a secret: set it to \"env:NAME\"") && !ping.contains("hunter2"),
        "{ping}"
    );
}

#[test]
fn credentials_and_secret_urls_are_found_where_they_are() {
    let config = toml(&http(
        "credential = 'env:API_KEY'\n",
        "[notify]\nwebhook_url = 'file:/run/hook'\nping_url = 'http://[::1]/p'",
    ));
    assert_eq!(
        config.credential.map(|source| source.to_string()).as_deref(),
        Some("environment variable API_KEY")
    );
    assert!(
        matches!(config.webhook, Some(Address::Secret(source)) if source.to_string() == "file /run/hook")
    );
    assert_eq!(config.ping, Some(Address::Open("http://[::1]/p".to_owned())));
}

#[test]
fn targets_beyond_this_machine_are_allowed_when_somebody_says_so() {
    let text = http("allow_beyond_loopback = true", "").replace("127.0.0.1", "example.com");
    assert!(parse("c.toml", &text).is_ok());
    assert!(
        parse("c.toml", "[notify]\nping_url = 'https://example.com/'\nallow_beyond_loopback = true").is_ok()
    );
}

#[test]
fn everything_wrong_is_told_at_once_in_the_order_of_the_text() {
    let text = "time_zone = 'x/y'\npacing = 1\nuntil = 'x'\n[[windows]]\nname = ''\n[simulation_mix]\noperations_weight = -1\n";
    let told: Vec<String> =
        wrong("c", text).iter().map(|told| told.split(": ").next().unwrap().to_owned()).collect();
    // What the types cannot hold keeps the rest from being looked at.
    assert_eq!(told, ["c:2:1", "c:7:1"]);
    let text = text.replace("pacing = 1\n", "").replace("-1", "1000000");
    let told: Vec<String> =
        wrong("c", &text).iter().map(|told| told.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(told, ["c:1:1", "c:2:1", "c:3:1", "c:4:1", "c:6:1"]);
}

// ---- what is hardly meant so -----------------------------------------------------------------------

#[test]
fn what_hardly_was_meant_so_is_warned_of() {
    let window = |name: &str, profile: &str, rest: &str| {
        format!("[[windows]]\nname = '{name}'\nprofile = '{profile}'\n{rest}\n")
    };
    let two = |one: &str, other: &str| window("one", "busy", one) + &window("other", "quiet", other);
    for (text, expected) in [
        (
            "execution_interval_minutes = 7",
            "c.toml:1:1: warning: a day is no multiple of 7 minutes: each day's last cycle is followed sooner by the next day's first, at midnight",
        ),
        (
            "execution_interval_seconds = 7",
            "c.toml:1:1: warning: a day is no multiple of 7 seconds: each day's last cycle is followed sooner by the next day's first, at midnight",
        ),
        (
            "load_profiles.peak = {}",
            "c.toml:1:15: warning: the profile `peak` never holds: name it as `profile` of one of the `windows`",
        ),
        (
            &window("w", "busy", "from = '12:01'\nto = '12:15'"),
            "c.toml:1:1: warning: no cycle begins in the window `w`, 12:01-12:15: begin it at a multiple of the interval",
        ),
        (
            &window("w", "busy", "days = ['holidays']"),
            "c.toml:4:9: warning: there are no holidays: list their dates as `holidays`, at the top of the file",
        ),
        (
            &two("days = ['friday']", "month_days = [13]"),
            "c.toml:5:1: warning: the window `other` meets `one`, as on 2024-09-13: `one` holds then, for it comes first in the file",
        ),
        (
            &two("days = ['friday']\nfrom = '22:00'\nto = '02:00'", "days = ['saturday']\nto = '03:00'"),
            "c.toml:7:1: warning: the window `other` meets `one`, as on 2024-01-05: `one` holds then, for it comes first in the file",
        ),
        (
            &two("dates = [2031-05-05]", "days = ['monday']"),
            "c.toml:5:1: warning: the window `other` meets `one`, as on 2031-05-05: `one` holds then, for it comes first in the file",
        ),
    ] {
        assert_eq!(warned(text), [expected], "{text}");
    }
}

#[test]
fn windows_that_do_not_meet_or_agree_are_not_warned_of() {
    let window =
        |name: &str, profile: &str, rest: &str| format!("[[windows]]\nname = '{name}'\n{profile}\n{rest}\n");
    let (busy, quiet) = ("profile = 'busy'", "profile = 'quiet'");
    for (one, other) in [
        ((busy, "days = ['monday']"), (quiet, "days = ['tuesday']")),
        ((busy, "to = '12:00'"), (quiet, "from = '12:00'")),
        (
            (busy, "days = ['friday']\nfrom = '22:00'\nto = '02:00'"),
            (quiet, "days = ['saturday']\nfrom = '02:00'"),
        ),
        ((busy, ""), (busy, "")),
        ((busy, ""), ("maintenance = true", "")),
    ] {
        let text = window("one", one.0, one.1) + &window("other", other.0, other.1);
        assert_eq!(warned(&text), [""; 0], "{text}");
    }
}

// ---- the end and the schema ------------------------------------------------------------------------

#[test]
fn a_date_alone_is_the_last_that_is_run() {
    for (text, end) in [
        ("until = 2026-12-31", "2027-01-01T00:00:00"),
        ("until = '2026-12-31'", "2027-01-01T00:00:00"),
        ("until = 2026-12-31T18:00:00", "2026-12-31T18:00:00"),
        ("until = '2026-12-31T18:00'", "2026-12-31T18:00:00"),
        ("until = '2026-12-31 18:00'", "2026-12-31T18:00:00"),
    ] {
        assert_eq!(toml(text).until.map(|end| end.to_string()).as_deref(), Some(end), "{text}");
    }
    assert_eq!(Config::default().until, None);
}

#[test]
fn pacing_is_by_the_target_for_the_untouched_json() {
    assert_eq!(good("c.json", ORIGINAL).config.settings.pacing, Pacing::Target);
}

#[test]
fn files_are_held_against_every_keyword_of_the_schema() {
    assert!(documents::shape::not_held(schema::json_schema()).is_empty());
    assert!(!schema::text().contains("null"));
}

#[test]
fn every_key_of_the_schema_is_told_of_and_every_number_has_its_range() {
    let mut lacking = Vec::new();
    each_schema("", schema::json_schema(), &mut lacking);
    assert_eq!(lacking, [""; 0]);
}

fn each_schema(path: &str, schema: &Value, lacking: &mut Vec<String>) {
    let Value::Object(fields) = schema else { return };
    let has_least = fields.contains_key("minimum") || fields.contains_key("exclusiveMinimum");
    if ["number", "integer"].iter().any(|name| schema["type"] == **name)
        && !(has_least && fields.contains_key("maximum"))
    {
        lacking.push(format!("{path}: range"));
    }
    for (name, key) in schema["properties"].as_object().into_iter().flatten() {
        if key["description"].as_str().is_none_or(str::is_empty) {
            lacking.push(format!("{path}/{name}: description"));
        }
    }
    for (key, field) in fields {
        each_schema(&format!("{path}/{key}"), field, lacking);
    }
}

#[test]
fn the_schema_has_the_defaults() {
    let settings = schema::json_schema();
    assert_eq!(settings["properties"]["execution_interval_minutes"]["default"], 15);
    assert_eq!(
        settings["properties"]["target_daily_requests"]["default"],
        json!({ "min": 3000, "max": 5000 })
    );
    assert_eq!(settings["$defs"]["HttpTarget"]["required"], json!(["url"]));
}
