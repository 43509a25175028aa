/* Lockstep rounds over NATS: a server between, a subject for each agent, one for all answers.
 *
 *   peer URL SIZES
 *
 * Messages are bytes of the right number that nobody looks at: no codec is among what is measured. */

#include "turns.h"
#include <nats/nats.h>

#define ANSWERS "answers"
#define GREETINGS "greetings"

/* For an answer, milliseconds. */
#define ANSWER_TIME 60000

static natsConnection *connection;
static natsSubscription *answers;
static struct exchange *agents;
static size_t count;
static char buffer[1 << 20];

static void must(natsStatus status, const char *what) {
    if (status != NATS_OK) {
        fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
        exit(1);
    }
}

static natsConnection *connect_to(const char *url) {
    natsConnection *connection;
    natsOptions *options;
    must(natsOptions_Create(&options), "options");
    must(natsOptions_SetURL(options, url), "options");
    /* Written at once: nobody waits for a flusher that wakes now and then. */
    must(natsOptions_SetSendAsap(options, true), "options");
    must(natsConnection_Connect(&connection, options), "connect");
    natsOptions_Destroy(options);
    return connection;
}

static void take(natsSubscription *subscription) {
    natsMsg *message;
    must(natsSubscription_NextMsg(&message, subscription, ANSWER_TIME), "answer");
    natsMsg_Destroy(message);
}

static void exchange(size_t first, size_t end) {
    char subject[32];
    for (size_t agent = first; agent < end; agent++) {
        snprintf(subject, sizeof subject, "agent.%zu", agent);
        must(natsConnection_Publish(connection, subject, buffer, (int)agents[agent].asked), "publish");
    }
    for (size_t agent = first; agent < end; agent++)
        take(answers);
}

static void play_round(void) {
    exchange(0, count - 1);
    exchange(count - 1, count);
}

static void coordinate(const char *url, const char *sizes) {
    natsSubscription *greetings;
    count = read_sizes(sizes, &agents);
    /* Processes first: a client has threads, which do not survive a fork. */
    for (size_t agent = 0; agent < count; agent++)
        start_agent(url, agent, agents[agent].answered);
    connection = connect_to(url);
    must(natsConnection_SubscribeSync(&answers, connection, ANSWERS), "subscribe");
    must(natsConnection_SubscribeSync(&greetings, connection, GREETINGS), "subscribe");
    must(natsConnection_Flush(connection), "flush");
    /* An agent greets until it is heard: it may be there before the coordinator. */
    char *here = calloc(count, 1);
    for (size_t missing = count; missing > 0;) {
        natsMsg *message;
        must(natsSubscription_NextMsg(&message, greetings, ANSWER_TIME), "greeting");
        size_t agent = (size_t)atol(natsMsg_GetData(message));
        missing -= !here[agent];
        here[agent] = 1;
        natsMsg_Destroy(message);
    }
    free(here);
    must(natsConnection_PublishString(connection, "begin", ""), "publish");
    natsSubscription_Destroy(greetings);
    take_turns(play_round);
}

static void greet(natsConnection *connection, size_t number) {
    natsSubscription *begin;
    natsMsg *message;
    char name[32];
    snprintf(name, sizeof name, "%zu", number);
    must(natsConnection_SubscribeSync(&begin, connection, "begin"), "subscribe");
    do
        must(natsConnection_PublishString(connection, GREETINGS, name), "publish");
    while (natsSubscription_NextMsg(&message, begin, 200) != NATS_OK);
    natsMsg_Destroy(message);
    natsSubscription_Destroy(begin);
}

static void serve(const char *url, size_t number, size_t answered) {
    natsSubscription *questions;
    char subject[32];
    connection = connect_to(url);
    snprintf(subject, sizeof subject, "agent.%zu", number);
    must(natsConnection_SubscribeSync(&questions, connection, subject), "subscribe");
    greet(connection, number);
    for (;;) {
        natsMsg *message;
        if (natsSubscription_NextMsg(&message, questions, 24L * 3600 * 1000) != NATS_OK)
            return;
        natsMsg_Destroy(message);
        must(natsConnection_Publish(connection, ANSWERS, buffer, (int)answered), "publish");
    }
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "agent") == 0)
        serve(argv[2], (size_t)atol(argv[3]), (size_t)atol(argv[4]));
    else if (argc == 3)
        coordinate(argv[1], argv[2]);
    else
        return 2;
    return 0;
}
