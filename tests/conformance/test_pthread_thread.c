/* SPDX-License-Identifier: MIT */
/* test_pthread_thread.c -- the suite over the pthread actor with a participant on a thread of its own. */
#include "pthread_kit.h"

#define THREAD(text, how, when)                                                                                      \
    {                                                                                                                \
        .name = (text),                                                                                              \
        .with = &(const pthread_kind){.participant = true,                                                           \
                                      .kind = LIMINAL_PARTICIPANT_THREAD,                                            \
                                      .dispatch = (how),                                                             \
                                      .overflow = (when)},                                                           \
        .open = kit_open, .end = kit_end, .bound = BOUND, .waits = (when) == LIMINAL_OVERFLOW_WAIT, .capital = true, \
        .asks = true, .pid = true, .behaves = true, .aside = true                                                    \
    }

static const suite_backend backends[] = {
    THREAD("assisted, refusing", LIMINAL_DISPATCH_ASSISTED, LIMINAL_OVERFLOW_REFUSE),
    THREAD("assisted, waiting", LIMINAL_DISPATCH_ASSISTED, LIMINAL_OVERFLOW_WAIT),
    THREAD("pinned, refusing", LIMINAL_DISPATCH_PINNED, LIMINAL_OVERFLOW_REFUSE),
    THREAD("pinned, waiting", LIMINAL_DISPATCH_PINNED, LIMINAL_OVERFLOW_WAIT),
};

int main(void)
{
    return suite_run("pthread thread", backends, sizeof backends / sizeof backends[0]);
}
