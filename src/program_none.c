/* SPDX-License-Identifier: MIT */
/* program_none.c -- until program.c is here. */
#include "program.h"
#include "detail.h"
liminal_status limi_program_start(limi_participant *participant, const liminal_program *spec)
{
    (void)participant, (void)spec;
    return limi_detail(LIMINAL_ELIMIT, "no programs yet");
}
void limi_program_abort(limi_participant *participant) { (void)participant; }
void limi_program_serve(limi_participant *participant) { (void)participant; }
void limi_program_unwound(limi_participant *participant) { (void)participant; }
void limi_program_ring(limi_participant *participant, uint32_t bits) { (void)participant, (void)bits; }
void limi_program_free(limi_participant *participant) { (void)participant; }
