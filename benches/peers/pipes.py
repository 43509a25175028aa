"""Lockstep rounds over Python's pipes: a process for each agent, a pickled dictionary each way.

    python3 pipes.py CONTENT.json

CONTENT.json holds the messages of one round: `ticks` and `reports` of the servers, the SRE's
`observation` and `decision`. Takes turns as told on standard input; see
benches/lockstep/contender.rs.
"""

import json
import multiprocessing
import queue
import sys
import threading
import time

WARM_UP = 0.25
SIGN_OF_LIFE = 2.0


def serve(pipe, answer):
    """An agent: takes a message in, answers it."""
    while True:
        message = pipe.recv()
        answer["round"] = message["round"]
        pipe.send(answer)


def start(context, answer):
    """Starts an agent; gives the pipe to it."""
    ours, theirs = context.Pipe()
    context.Process(target=serve, args=(theirs, answer), daemon=True).start()
    theirs.close()
    return ours


def exchange(agents, messages, number):
    """Tells all, then hears each in turn."""
    for pipe, message in zip(agents, messages):
        message["round"] = number
        pipe.send(message)
    for pipe in agents:
        if pipe.recv()["round"] != number:
            raise RuntimeError("an answer to another round")


def listen(commands):
    for line in sys.stdin:
        commands.put(line)
    commands.put(None)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        content = json.load(file)
    context = multiprocessing.get_context("fork")
    servers = [start(context, report) for report in content["reports"]]
    sre = [start(context, content["decision"])]
    ticks, observation = content["ticks"], [content["observation"]]
    number = 0

    def play(seconds):
        nonlocal number
        began, rounds = time.perf_counter(), 0
        while True:
            number += 1
            exchange(servers, ticks, number)
            exchange(sre, observation, number)
            rounds += 1
            took = time.perf_counter() - began
            if took >= seconds:
                return rounds, took

    # Started after the processes: a thread does not survive a fork.
    commands = queue.Queue()
    threading.Thread(target=listen, args=(commands,), daemon=True).start()
    print("ready", flush=True)
    while True:
        try:
            line = commands.get(timeout=SIGN_OF_LIFE)
        except queue.Empty:
            play(0)
            continue
        if line is None:
            return
        seconds = float(line)
        play(seconds * WARM_UP)
        rounds, took = play(seconds)
        print(rounds, took, flush=True)


if __name__ == "__main__":
    main()
