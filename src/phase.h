/* SPDX-License-Identifier: MIT */
/* phase.h -- what the phase table knows beside the moves. Pure. */
#ifndef LIMI_PHASE_H
#define LIMI_PHASE_H

#include <liminal/state.h>

/* Whether nothing leads out of it: closed, failed. True for a value outside the enum. */
bool limi_phase_final(liminal_phase phase);

#endif
