#!/bin/sh
# An SRE for `world` in plain sh: restarts whatever says that a service of it is down.
#
#     world run --sre 'exec:sh examples/sre/minimal.sh'
#
# A line is one JSON object without blanks, its fields in the order of `world schema observe`, so
# a pattern is enough here; whoever wants more uses jq.
while IFS= read -r line; do
    case $line in
    '{"type":"observe",'*) ;;
    *) continue ;; # the greeting, and whatever may come one day
    esac
    round=$(printf '%s' "$line" | sed 's/^{"type":"observe","round":\([0-9]*\).*/\1/')
    actions=
    for server in $(printf '%s' "$line" | grep -o '"server":"[^"]*","metric":"services_down"' | cut -d '"' -f 4); do
        actions=$actions${actions:+,}'{"action":"restart_service","target":"'$server'"}'
    done
    printf '{"round":%s,"actions":[%s]}\n' "$round" "$actions"
done
