/* SPDX-License-Identifier: MIT */
/* message.c -- any payload pointer, paired with the trace context it belongs to. */
#include <liminal/message.h>

liminal_message liminal_message_make(void *payload, const liminal_span *span)
{
    return (liminal_message){payload, span != NULL ? liminal_span_context(span) : liminal_span_current()};
}

liminal_message liminal_message_map(liminal_message message, void *(*map)(void *self, void *payload), void *self)
{
    if (map != NULL) {
        message.payload = map(self, message.payload);
    }
    return message;
}
