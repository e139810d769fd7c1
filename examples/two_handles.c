/* SPDX-License-Identifier: MIT */
/* One conversation, two handles: one thread sends, another receives. The last drop closes it. */
#include <liminal.h>
#include <pthread.h>
#include <stdio.h>

static void *sender(void *argument)
{
    liminal_conversation *talk = argument; /* this thread's own handle */
    liminal_envelope *message = NULL;
    int i;
    for (i = 1; i <= 3; i++) {
        if (liminal_envelope_printf(&message, "message %d", i) ||
            liminal_conversation_send(talk, &message, liminal_deadline_in_ms(1000)))
            break;
    }
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&talk);
    return NULL;
}

int main(void)
{
    liminal_supervisor *house = NULL;
    liminal_conversation *talk = NULL;
    liminal_envelope *message = NULL;
    pthread_t thread;
    int received = 0;
    /* No participant: what is sent is what is received. */
    const liminal_config buffer = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .name = "pipe"};

    if (liminal_supervisor_open(NULL, &house) || liminal_supervisor_spawn(house, &buffer, &talk) ||
        pthread_create(&thread, NULL, sender, liminal_conversation_ref(talk)))
        return 1;
    while (received < 3 && !liminal_conversation_receive(talk, &message, liminal_deadline_in_ms(1000))) {
        puts(liminal_envelope_text(message));
        liminal_envelope_drop(&message);
        received++;
    }
    pthread_join(thread, NULL);
    liminal_conversation_drop(&talk);
    return liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(1000)) || received != 3;
}
