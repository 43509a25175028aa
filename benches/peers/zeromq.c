/* Lockstep rounds over ZeroMQ: a ROUTER, and a process with a DEALER for each agent.
 *
 *   peer ADDRESS SIZES
 *
 * Messages are bytes of the right number that nobody looks at: no codec is among what is measured. */

#include "turns.h"
#include <zmq.h>

static void *router;
static struct exchange *agents;
static size_t count;
static char buffer[1 << 20];

static void exchange(size_t first, size_t end) {
    for (size_t agent = first; agent < end; agent++) {
        unsigned number = (unsigned)agent + 1;
        check(zmq_send(router, &number, sizeof number, ZMQ_SNDMORE) == sizeof number, "send");
        check(zmq_send(router, buffer, agents[agent].asked, 0) >= 0, "send");
    }
    for (size_t agent = first; agent < end; agent++) {
        unsigned number;
        check(zmq_recv(router, &number, sizeof number, 0) == sizeof number, "receive");
        check(zmq_recv(router, buffer, sizeof buffer, 0) == (int)agents[number - 1].answered, "receive");
    }
}

static void play_round(void) {
    exchange(0, count - 1);
    exchange(count - 1, count);
}

static void coordinate(const char *address, const char *sizes) {
    count = read_sizes(sizes, &agents);
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 4096);
    router = zmq_socket(context, ZMQ_ROUTER);
    int mandatory = 1, unlimited = 0, backlog = 4096;
    zmq_setsockopt(router, ZMQ_ROUTER_MANDATORY, &mandatory, sizeof mandatory);
    zmq_setsockopt(router, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(router, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(router, ZMQ_BACKLOG, &backlog, sizeof backlog);
    check(zmq_bind(router, address) == 0, "bind");
    for (size_t agent = 0; agent < count; agent++)
        start_agent(address, agent + 1, agents[agent].answered);
    for (size_t agent = 0; agent < count; agent++) {
        unsigned number;
        check(zmq_recv(router, &number, sizeof number, 0) == sizeof number, "greeting");
        check(zmq_recv(router, buffer, sizeof buffer, 0) == 0, "greeting");
    }
    take_turns(play_round);
}

static void serve(const char *address, unsigned number, size_t answered) {
    void *context = zmq_ctx_new();
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_IDENTITY, &number, sizeof number);
    check(zmq_connect(dealer, address) == 0, "connect");
    check(zmq_send(dealer, "", 0, 0) == 0, "greeting");
    for (;;) {
        check(zmq_recv(dealer, buffer, sizeof buffer, 0) >= 0, "receive");
        check(zmq_send(dealer, buffer, answered, 0) >= 0, "send");
    }
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "agent") == 0)
        serve(argv[2], (unsigned)atoi(argv[3]), (size_t)atol(argv[4]));
    else if (argc == 3)
        coordinate(argv[1], argv[2]);
    else
        return 2;
    return 0;
}
