/* SPDX-License-Identifier: MIT */
/* phase.c -- the life of a conversation, as one table. */
#include "phase.h"

#include "detail.h"

/*   created ----> active* ----> completing* ----> closed*      * may move to itself: nothing changes
 *      |             |               |
 *      +-------------+---------------+-----------> failed       closed and failed are final
 */
#define TO(phase) (1U << LIMINAL_PHASE_##phase)

typedef struct row {
    const char *name;
    unsigned moves; /* a bit for each phase it may move to */
    bool final;
} row;

static const row table[] = {
    [LIMINAL_PHASE_CREATED] = {"created", TO(ACTIVE) | TO(FAILED), false},
    [LIMINAL_PHASE_ACTIVE] = {"active", TO(ACTIVE) | TO(COMPLETING) | TO(FAILED), false},
    [LIMINAL_PHASE_COMPLETING] = {"completing", TO(COMPLETING) | TO(CLOSED) | TO(FAILED), false},
    [LIMINAL_PHASE_CLOSED] = {"closed", TO(CLOSED), true},
    [LIMINAL_PHASE_FAILED] = {"failed", 0, true},
};

static const row *row_of(liminal_phase phase)
{
    size_t index = (size_t)phase;
    return index < sizeof table / sizeof *table ? &table[index] : NULL;
}

const char *liminal_phase_text(liminal_phase phase)
{
    const row *here = row_of(phase);
    return here != NULL ? here->name : "unknown";
}

bool limi_phase_final(liminal_phase phase)
{
    const row *here = row_of(phase);
    return here == NULL || here->final;
}

liminal_status liminal_phase_check(liminal_phase from, liminal_phase to)
{
    const row *here = row_of(from);
    const row *there = row_of(to);

    if (here == NULL || there == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: %d is not a phase", here == NULL ? "from" : "to",
                           here == NULL ? (int)from : (int)to);
    }
    if ((here->moves & (1U << to)) == 0) {
        return limi_detail(LIMINAL_EPHASE, "invalid conversation phase transition from %s to %s", here->name,
                           there->name);
    }
    return LIMINAL_OK;
}
