/* SPDX-License-Identifier: MIT */
/* status.c -- the one result type, and a text that says more. */
#include "detail.h"

#include <stdarg.h>
#include <stdio.h>

bool limi_status_known(liminal_status status)
{
    switch (status) {
#define LIMINAL_X(name, value, text) case LIMINAL_##name:
        LIMINAL_STATUS_MAP(LIMINAL_X)
#undef LIMINAL_X
        return true;
    default:
        return false;
    }
}

const char *liminal_status_text(liminal_status status)
{
    switch (status) {
#define LIMINAL_X(name, value, text) \
    case LIMINAL_##name:             \
        return text;
        LIMINAL_STATUS_MAP(LIMINAL_X)
#undef LIMINAL_X
    default:
        return "unknown status";
    }
}

const char *liminal_status_name(liminal_status status)
{
    switch (status) {
#define LIMINAL_X(name, value, text) \
    case LIMINAL_##name:             \
        return "LIMINAL_" #name;
        LIMINAL_STATUS_MAP(LIMINAL_X)
#undef LIMINAL_X
    default:
        return "LIMINAL_?";
    }
}

liminal_status (limi_detail)(liminal_status status, const char *format, ...)
{
    limi_detail_room *here = limi_detail_here();
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(here->text, sizeof here->text, format, arguments);
    va_end(arguments);
    here->written++;
    return status;
}

const char *liminal_status_detail(void)
{
    return limi_detail_here()->text;
}
