/* SPDX-License-Identifier: MIT */
/* program.h -- a child program as a participant: its process, its pipes, its thread. */
#ifndef LIMI_PROGRAM_H
#define LIMI_PROGRAM_H

#include <liminal/program.h>

#include "participant.h"

/* On the spawning thread: start the program; sets participant->program. Its thread comes next. On failure
 * nothing is left. */
liminal_status limi_program_start(limi_participant *participant, const liminal_program *spec);

/* Instead of a thread: there is none. Kill it, reap it. */
void limi_program_abort(limi_participant *participant);

/* What its thread does: talk, until the program was reaped and its exit made known. If participant->disowned,
 * kill it at once and make nothing known. */
void limi_program_serve(limi_participant *participant);

/* A callback has ended that thread: kill, reap, make LIMINAL_EXIT_KILLED known. */
void limi_program_unwound(limi_participant *participant);

/* Ring the participant's bell; its thread may be in a poll. */
void limi_program_ring(limi_participant *participant, uint32_t bits);

/* Its memory, when the thread has gone or never was; NULL in participant->program is welcome. */
void limi_program_free(limi_participant *participant);

#endif
