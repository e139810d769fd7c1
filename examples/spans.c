/* SPDX-License-Identifier: MIT */
/* A traceparent comes in, a span of ours hangs under it, a child under that, and a traceparent goes out.
 * The collector prints each span as it finishes. */
#include <liminal.h>
#include <stdio.h>
#include <string.h>

static void print_span(void *context, const liminal_finished_span *span)
{
    (void)context;
    printf("%-8s %s  %s\n", span->name, liminal_trace_format(&span->context).text, liminal_status_text(span->status));
}
static const liminal_collector printer = {LIMINAL_OPS(liminal_collector), .collect = print_span};

int main(void)
{
    const char *incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    liminal_trace_context remote, work_context, wire_context;
    liminal_span_options options = {LIMINAL_OPS(liminal_span_options), .collector = &printer};
    liminal_span *work = NULL, *wire = NULL;
    liminal_envelope *letter = NULL;
    liminal_span_entry entry;
    liminal_status st = liminal_trace_parse(incoming, strlen(incoming), &remote);

    options.parent = &remote; /* a bad header would mean: start without a parent */
    if (st || (st = liminal_span_start("work", &options, &work)) || (st = liminal_span_child(work, "wire", &wire)))
        return 1;
    work_context = liminal_span_context(work);
    wire_context = liminal_span_context(wire);

    entry = liminal_span_enter(&work_context); /* what starts here belongs to it */
    st = liminal_envelope_printf(&letter, "an envelope carries the context of the thread that made it");
    liminal_span_leave(entry);

    printf("in       %s\n", incoming);
    if (!st) {
        liminal_trace_context carried = liminal_envelope_read(letter).trace;
        printf("letter   %s\n", liminal_trace_format(&carried).text);
    }
    printf("out      %s\n", liminal_trace_format(&wire_context).text);
    st = liminal_span_finish(wire, LIMINAL_OK, NULL) || liminal_span_finish(work, LIMINAL_OK, NULL) || st;

    liminal_envelope_drop(&letter);
    liminal_span_drop(&wire);
    liminal_span_drop(&work);
    return st != LIMINAL_OK;
}
