/* A wall clock that jumps with every look at it, by up to sixty years in either direction: what a
 * program sees whose clock is set while it runs. To be preloaded. The steady clock is left alone. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long jump(void) {
    static unsigned looks;
    unsigned long scrambled = __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED) * 2654435761u;
    return (long)(scrambled % 3786912001u) - 1893456000l;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now) != 0;
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += jump();
    return failed ? -1 : 0;
}

int gettimeofday(struct timeval *now, void *zone) {
    (void)zone;
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
    if (into) *into = exact.tv_sec;
    return exact.tv_sec;
}
