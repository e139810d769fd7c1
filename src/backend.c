/* SPDX-License-Identifier: MIT */
/* backend.c -- the handle: arguments are checked here, once, for every backend; slots that a table
 * leaves out get their defaults when it is taken in. */
#include "handle.h"

#include "detail.h"
#include "list.h"
#include "memory.h"
#include "scope.h"
#include "seldom.h"

/* ---- defaults ---- */

static liminal_status cannot_ask(void *self, liminal_envelope **request, liminal_envelope **out_reply,
                                 liminal_deadline deadline)
{
    (void)self, (void)request, (void)out_reply, (void)deadline;
    return limi_detail(LIMINAL_ENOPROC, "this backend has nobody who could answer an ask");
}

static liminal_status cannot_undo(void *self, liminal_envelope **step,
                                  liminal_status (*undo)(void *self, const liminal_envelope *step), void *undo_self)
{
    (void)self, (void)step, (void)undo, (void)undo_self;
    return limi_detail(LIMINAL_EINVAL, "this backend undoes nothing");
}

static liminal_pid no_pid(const void *self)
{
    (void)self;
    return (liminal_pid){0};
}

static liminal_trace_context no_trace(const void *self)
{
    (void)self;
    return (liminal_trace_context){.flags = 0};
}

static liminal_status take_table(liminal_backend *to, const liminal_backend *from)
{
    liminal_status st = limi_table_take(to, sizeof *to, sizeof *to, from, "backend");
    if (st != LIMINAL_OK) {
        return st;
    }
    if (to->name == NULL || to->send == NULL || to->receive == NULL || to->close == NULL || to->query == NULL ||
        to->release == NULL) {
        return limi_detail(LIMINAL_EINVAL, "backend: name, send, receive, close, query and release are required");
    }
    to->ask = to->ask != NULL ? to->ask : cannot_ask;
    to->pid = to->pid != NULL ? to->pid : no_pid;
    to->trace = to->trace != NULL ? to->trace : no_trace;
    to->undo_with = to->undo_with != NULL ? to->undo_with : cannot_undo;
    return LIMINAL_OK; /* try_send's default needs the table: see liminal_conversation_try_send() */
}

/* ---- the handle ---- */

/* One that has its block to itself, with what it borrows. */
typedef struct lone {
    liminal_conversation handle;
    liminal_backend backend;
    liminal_allocator allocator;
} lone;

void limi_handle_init(liminal_conversation *conversation, const liminal_backend *backend, void *self)
{
    conversation->backend = backend;
    conversation->self = self;
    conversation->lone = false;
    limi_refcount_init(&conversation->handles);
}

liminal_status liminal_conversation_open(const liminal_backend *backend, void *self,
                                         const liminal_allocator *allocator, liminal_conversation **out)
{
    lone taken, *made;
    liminal_status st;
    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    if ((st = take_table(&taken.backend, backend)) || (st = limi_allocator_take(&taken.allocator, allocator))) {
        return st;
    }
    made = limi_allocate(&taken.allocator, sizeof *made);
    if (made == NULL) {
        return LIMINAL_ENOMEM;
    }
    made->backend = taken.backend;
    made->allocator = taken.allocator;
    limi_handle_init(&made->handle, &made->backend, self);
    made->handle.lone = true;
    *out = &made->handle;
    return LIMINAL_OK;
}

static void discard(liminal_conversation *conversation)
{
    lone *dead = LIMI_HOLDER(conversation, lone, handle);
    liminal_allocator allocator = dead->allocator;
    limi_release(&allocator, dead, sizeof *dead);
}

bool limi_handle_try_ref(liminal_conversation *conversation)
{
    return limi_refcount_up_unless_zero(&conversation->handles);
}

liminal_conversation *liminal_conversation_ref(liminal_conversation *conversation)
{
    if (conversation != NULL) {
        limi_refcount_up(&conversation->handles);
    }
    return conversation;
}

void liminal_conversation_drop(liminal_conversation **conversation)
{
    if (conversation != NULL && *conversation != NULL) {
        liminal_conversation *dropped = *conversation;
        *conversation = NULL;
        if (limi_refcount_down(&dropped->handles)) {
            bool lone_one = dropped->lone; /* else it may have gone with what it stands for */
            dropped->backend->release(dropped->self);
            if (lone_one) {
                discard(dropped);
            }
        }
    }
}

/* ---- calls ---- */

/* Check arguments and name the one that is NULL. */
LIMI_SELDOM static liminal_status refuse(const liminal_conversation *conversation, const char *what)
{
    return limi_detail(LIMINAL_EINVAL, "%s: NULL", conversation == NULL ? "conversation" : what);
}

static inline liminal_status check(const liminal_conversation *conversation, bool rest, const char *what)
{
    return conversation != NULL && rest ? LIMINAL_OK : refuse(conversation, what);
}

/* A backend need not have said more: then the status's own text is the detail. */
static uint32_t said(void)
{
    return limi_scope_room_here()->detail.written;
}

LIMI_SELDOM static liminal_status explain(liminal_status st, uint32_t said_before)
{
    return said() == said_before ? limi_detail(st, "%s", liminal_status_text(st)) : st;
}

static inline liminal_status explained(liminal_status st, uint32_t said_before)
{
    return st == LIMINAL_OK ? st : explain(st, said_before);
}

liminal_status liminal_conversation_send(liminal_conversation *conversation, liminal_envelope **message,
                                         liminal_deadline deadline)
{
    liminal_status st = check(conversation, message != NULL && *message != NULL, "message");
    uint32_t before = said();
    return st != LIMINAL_OK ? st
                            : explained(conversation->backend->send(conversation->self, message, deadline), before);
}

liminal_status liminal_conversation_try_send(liminal_conversation *conversation, liminal_envelope **message)
{
    liminal_status st = check(conversation, message != NULL && *message != NULL, "message");
    uint32_t before = said();
    if (st != LIMINAL_OK) {
        return st;
    }
    if (conversation->backend->try_send != NULL) {
        return explained(conversation->backend->try_send(conversation->self, message), before);
    }
    st = explained(conversation->backend->send(conversation->self, message, liminal_deadline_passed()), before);
    return st == LIMINAL_ETIMEDOUT ? limi_detail(LIMINAL_EFULL, "the mailbox is full") : st;
}

liminal_status liminal_conversation_receive(liminal_conversation *conversation, liminal_envelope **out_reply,
                                            liminal_deadline deadline)
{
    liminal_status st = check(conversation, out_reply != NULL, "out_reply");
    uint32_t before = said();
    return st != LIMINAL_OK
               ? st
               : explained(conversation->backend->receive(conversation->self, out_reply, deadline), before);
}

liminal_status liminal_conversation_try_receive(liminal_conversation *conversation, liminal_envelope **out_reply)
{
    return liminal_conversation_receive(conversation, out_reply, liminal_deadline_passed());
}

liminal_status liminal_conversation_ask(liminal_conversation *conversation, liminal_envelope **request,
                                        liminal_envelope **out_reply, liminal_deadline deadline)
{
    uint32_t before = said();
    if (conversation == NULL || request == NULL || *request == NULL || out_reply == NULL) {
        return refuse(conversation, request == NULL || *request == NULL ? "request" : "out_reply");
    }
    return explained(conversation->backend->ask(conversation->self, request, out_reply, deadline), before);
}

liminal_status liminal_conversation_close(liminal_conversation *conversation, liminal_deadline deadline)
{
    liminal_status st = check(conversation, true, "");
    uint32_t before = said();
    return st != LIMINAL_OK ? st : explained(conversation->backend->close(conversation->self, deadline), before);
}

liminal_status liminal_conversation_query(liminal_conversation *conversation, liminal_snapshot **out,
                                          liminal_deadline deadline)
{
    liminal_status st = check(conversation, out != NULL, "out");
    uint32_t before = said();
    return st != LIMINAL_OK ? st : explained(conversation->backend->query(conversation->self, out, deadline), before);
}

liminal_status liminal_conversation_undo_with(liminal_conversation *conversation, liminal_envelope **step,
                                              liminal_status (*undo)(void *self, const liminal_envelope *step),
                                              void *self)
{
    liminal_status st = check(conversation, step != NULL && *step != NULL, "step");
    uint32_t before = said();
    if (st == LIMINAL_OK) {
        st = check(conversation, undo != NULL, "undo");
    }
    return st != LIMINAL_OK ? st
                            : explained(conversation->backend->undo_with(conversation->self, step, undo, self), before);
}

liminal_pid liminal_conversation_pid(const liminal_conversation *conversation)
{
    return conversation != NULL ? conversation->backend->pid(conversation->self) : no_pid(NULL);
}

liminal_trace_context liminal_conversation_trace(const liminal_conversation *conversation)
{
    return conversation != NULL ? conversation->backend->trace(conversation->self) : no_trace(NULL);
}
