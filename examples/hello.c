/* SPDX-License-Identifier: MIT */
#include <liminal.h>
#include <stdio.h>

static liminal_status greet(void *self, const liminal_envelope *name, liminal_envelope **out)
{
    (void)self;
    return liminal_envelope_printf(out, "hello, %s", liminal_envelope_text(name));
}
static const liminal_behaviour greeter = {LIMINAL_OPS(liminal_behaviour), .answer = greet};

int main(void)
{
    liminal_supervisor *house = NULL;
    liminal_conversation *talk = NULL;
    liminal_envelope *name = NULL, *greeting = NULL;
    liminal_status st = liminal_supervisor_open(NULL, &house);

    if (st || (st = liminal_supervisor_spawn_behaviour(house, &greeter, NULL, LIMINAL_CRASH_FAIL, &talk)) ||
        (st = liminal_envelope_printf(&name, "world")) ||
        (st = liminal_conversation_ask(talk, &name, &greeting, liminal_deadline_in_ms(500))))
        fprintf(stderr, "hello: %s: %s\n", liminal_status_text(st), liminal_status_detail());
    else
        puts(liminal_envelope_text(greeting));

    liminal_envelope_drop(&greeting);
    liminal_envelope_drop(&name); /* NULL by now if the question was taken */
    liminal_conversation_drop(&talk);
    return liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(1000)) || st;
}
