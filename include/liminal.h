/* SPDX-License-Identifier: MIT */
/* liminal.h -- everything a program that holds conversations needs.
 * Those who write a backend also include liminal/backend.h. */
#ifndef LIMINAL_LIMINAL_H
#define LIMINAL_LIMINAL_H

#include <liminal/adopt.h>
#include <liminal/config.h>
#include <liminal/conversation.h>
#include <liminal/link.h>
#include <liminal/message.h>
#include <liminal/participant.h>
#include <liminal/process.h>
#include <liminal/program.h>
#include <liminal/span.h>
#include <liminal/state.h>
#include <liminal/supervisor.h>

#endif
