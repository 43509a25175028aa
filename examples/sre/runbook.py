#!/usr/bin/env python3
"""An SRE for `world` that goes by the runbook. Only Python's standard library is needed.

    world run --sre 'exec:python3 examples/sre/runbook.py'
"""
import json
import sys

# What a metric that alerts is most often a sign of, the surest sign first.
SIGNS = {"services_down": "service_crash", "staleness": "network_partition", "disk_usage": "disk_full",
         "cpu_usage": "cpu_spike", "memory_usage": "memory_leak"}

greeting = json.loads(sys.stdin.readline())
remedies = {}  # kind of fault -> what ends it, or at least relieves it
for how in (lambda action: action["remedy"].get("cures", []), lambda action: action["relieves"]):
    for action in greeting["actions"]:
        for kind in how(action):
            remedies.setdefault(kind, action["name"])

for line in sys.stdin:
    seen = json.loads(line)
    decide = {"round": seen["round"], "diagnoses": [], "actions": []}
    decide["acknowledge"] = [alert["id"] for alert in seen["alerts"] if not alert["acknowledged"]]
    done = {server["name"] for server in seen["servers"] if server["settling_rounds"] > 0}
    cooling = {(wait["action"], wait["target"]) for wait in seen["cooldowns"]}
    for metric, kind in SIGNS.items():
        for server in (alert["server"] for alert in seen["alerts"] if alert["metric"] == metric):
            action = remedies.get(kind)
            if server not in done and action is not None and (action, server) not in cooling:
                done.add(server)
                decide["diagnoses"].append({"alerting": server, "cause": kind})
                decide["actions"].append({"action": action, "target": server})
    print(json.dumps(decide), flush=True)
