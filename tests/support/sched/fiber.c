/* SPDX-License-Identifier: MIT */
/* fiber.c -- threads that are no threads: stacks, and the switch from one to another.
 *
 * The switch saves what the calling convention has a function keep, and nothing else: no signal mask, no system
 * call. The explorer runs on the stack it was called on, which is `home`; a fiber that has failed or ended is left
 * where it is, and its stack is used again for the next execution. */
#define _GNU_SOURCE

#include "inner.h"

#include <string.h>
#include <sys/mman.h>

sched_world world;

/* ---- the switch ---- */

void sched_switch(void **from, void *to);

#if defined(__x86_64__) && !defined(SCHED_UCONTEXT)

__asm__(".text\n"
        ".globl sched_switch\n"
        ".type sched_switch, @function\n"
        "sched_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size sched_switch, . - sched_switch\n");

/* Six registers, then where to return to; there the stack has to look as after a call. */
static void *prepare(unsigned char *top, void (*begin)(void))
{
    void **at = (void **)(void *)top;
    *--at = NULL;
    *--at = (void *)(uintptr_t)begin;
    for (int i = 0; i < 6; i++) {
        *--at = NULL;
    }
    return at;
}

#elif defined(__aarch64__) && !defined(SCHED_UCONTEXT)

__asm__(".text\n"
        ".globl sched_switch\n"
        ".type sched_switch, %function\n"
        "sched_switch:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp, #0]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x2, sp\n"
        "    str x2, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp, #0]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".size sched_switch, . - sched_switch\n");

static void *prepare(unsigned char *top, void (*begin)(void))
{
    void **at = (void **)(void *)(top - 160);
    memset(at, 0, 160);
    at[11] = (void *)(uintptr_t)begin; /* x30 */
    return at;
}

#else /* elsewhere: slower, and by the system's means */

#include <ucontext.h>

static ucontext_t fresh[SCHED_FIBERS];

void sched_switch(void **from, void *to)
{
    ucontext_t mine;
    *from = &mine;
    (void)swapcontext(&mine, to);
}

static void *prepare(unsigned char *top, void (*begin)(void))
{
    ucontext_t *c = &fresh[world.count];
    (void)getcontext(c);
    c->uc_stack.ss_sp = top - STACK + 4096;
    c->uc_stack.ss_size = STACK - 4096;
    c->uc_link = NULL;
    makecontext(c, begin, 0);
    return c;
}

#endif

/* ---- stacks ---- */

unsigned char *region;

void fibers_open(void)
{
    region = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) {
        __builtin_trap();
    }
    for (unsigned i = 0; i < SCHED_FIBERS; i++) { /* who runs over the end of its stack is to fall */
        (void)mprotect(region + ARENA + i * STACK, 4096, PROT_NONE);
    }
}

void fibers_close(void)
{
    (void)munmap(region, REGION);
}

/* ---- fibers ---- */

static void begin(void)
{
    world.now->body(world.now->argument);
    fiber_end();
}

fiber *fiber_start(void (*body)(void *argument), void *argument)
{
    fiber *f = &world.fibers[world.count];
    if (world.count == SCHED_FIBERS) {
        sched_fail(SCHED_MISUSE, "more than %d threads in one execution", SCHED_FIBERS);
    }
    memset(f, 0, sizeof *f);
    f->id = world.count;
    f->body = body;
    f->priority = fiber_priority();
    f->argument = argument;
    f->stack = prepare(region + ARENA + (f->id + 1) * STACK, begin);
    if (world.now != NULL) {
        footprint_note(world.fibers, false); /* who gets which number */
        f->clocks = world.now->clocks;
        tick();
    }
    f->clocks.of[f->id] = 1;
    world.count++;
    return f;
}

void fiber_switch(fiber *to)
{
    fiber *from = world.now;
    if (to != from) {
        world.now = to;
        sched_switch(&from->stack, to->stack);
    }
}

void fiber_run(fiber *first)
{
    world.now = first;
    sched_switch(&world.home, first->stack);
    world.now = NULL;
}

_Noreturn void fiber_go_home(void)
{
    void *nowhere;
    void *home = world.home;
    world.now = NULL;
    sched_switch(&nowhere, home);
    __builtin_unreachable();
}
