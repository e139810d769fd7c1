/* SPDX-License-Identifier: MIT */
/* exit.c -- exit reasons as text. Pure. */
#include <liminal/process.h>

#include <stdio.h>

liminal_exit_text liminal_exit_describe(liminal_exit_reason reason)
{
    liminal_exit_text text;
    switch (reason.kind) {
    case LIMINAL_EXIT_NORMAL:
        (void)snprintf(text.text, sizeof text.text, "normal");
        break;
    case LIMINAL_EXIT_ERROR:
        (void)snprintf(text.text, sizeof text.text, "error %d", (int)reason.code);
        break;
    case LIMINAL_EXIT_KILLED:
        (void)snprintf(text.text, sizeof text.text, "killed");
        break;
    case LIMINAL_EXIT_NOPROC:
        (void)snprintf(text.text, sizeof text.text, "no such process");
        break;
    case LIMINAL_EXIT_CODE:
        (void)snprintf(text.text, sizeof text.text, "exit code %d", (int)reason.code);
        break;
    case LIMINAL_EXIT_SIGNAL:
        (void)snprintf(text.text, sizeof text.text, "signal %d", (int)reason.code);
        break;
    case LIMINAL_EXIT_UNKNOWN:
    default:
        (void)snprintf(text.text, sizeof text.text, "unknown");
        break;
    }
    return text;
}
