/* What the peers in C have in common: sizes, processes, and taking turns as told on standard
 * input (see benches/lockstep/contender.rs). */

#pragma once

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 0.25

/* Bytes of frames: what an agent is asked, and what it answers. */
struct exchange {
    size_t asked;
    size_t answered;
};

static inline void check(int holds, const char *what) {
    if (!holds) {
        perror(what);
        exit(1);
    }
}

/* The sizes of all agents, the SRE last; gives how many. */
static inline size_t read_sizes(const char *path, struct exchange **agents) {
    FILE *file = fopen(path, "r");
    check(file != NULL, path);
    size_t count = 0, room = 0;
    struct exchange next;
    *agents = NULL;
    while (fscanf(file, "%zu %zu", &next.asked, &next.answered) == 2) {
        if (count == room) {
            room = room ? 2 * room : 64;
            *agents = realloc(*agents, room * sizeof next);
            check(*agents != NULL, "realloc");
        }
        (*agents)[count++] = next;
    }
    fclose(file);
    return count;
}

/* Starts this program again as an agent: its address, its number, the size of its answers. */
static inline void start_agent(const char *address, size_t number, size_t answered) {
    pid_t coordinator = getpid(), child = fork();
    check(child >= 0, "fork");
    if (child > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != coordinator)
        _exit(1);
    char numbers[2][32];
    snprintf(numbers[0], sizeof numbers[0], "%zu", number);
    snprintf(numbers[1], sizeof numbers[1], "%zu", answered);
    execl("/proc/self/exe", "peer", "agent", address, numbers[0], numbers[1], (char *)NULL);
    _exit(1);
}

static inline double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static inline long play(double seconds, void (*round)(void), double *took) {
    double began = now();
    long rounds = 0;
    do {
        round();
        rounds++;
        *took = now() - began;
    } while (*took < seconds);
    return rounds;
}

/* Plays rounds as told, until standard input ends. */
static inline void take_turns(void (*round)(void)) {
    char line[64];
    double took;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        double seconds = atof(line);
        play(seconds * WARM_UP, round, &took);
        long rounds = play(seconds, round, &took);
        printf("%ld %.9f\n", rounds, took);
        fflush(stdout);
    }
}
