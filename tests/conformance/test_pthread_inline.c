/* SPDX-License-Identifier: MIT */
/* test_pthread_inline.c -- the suite over the pthread actor with an inline participant. */
#include "pthread_kit.h"

#define INLINE(text, how, when)                                                                                      \
    {                                                                                                                \
        .name = (text),                                                                                              \
        .with = &(const pthread_kind){.participant = true,                                                           \
                                      .kind = LIMINAL_PARTICIPANT_INLINE,                                            \
                                      .dispatch = (how),                                                             \
                                      .overflow = (when)},                                                           \
        .open = kit_open, .end = kit_end, .bound = BOUND, .waits = (when) == LIMINAL_OVERFLOW_WAIT, .capital = true, \
        .asks = true, .pid = true, .behaves = true, .aside = false                                                   \
    }

static const suite_backend backends[] = {
    INLINE("assisted, refusing", LIMINAL_DISPATCH_ASSISTED, LIMINAL_OVERFLOW_REFUSE),
    INLINE("assisted, waiting", LIMINAL_DISPATCH_ASSISTED, LIMINAL_OVERFLOW_WAIT),
    INLINE("pinned, refusing", LIMINAL_DISPATCH_PINNED, LIMINAL_OVERFLOW_REFUSE),
    INLINE("pinned, waiting", LIMINAL_DISPATCH_PINNED, LIMINAL_OVERFLOW_WAIT),
};

int main(void)
{
    return suite_run("pthread inline", backends, sizeof backends / sizeof backends[0]);
}
