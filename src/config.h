/* SPDX-License-Identifier: MIT */
/* config.h -- taking in what an embedder says a conversation is to be. Pure. */
#ifndef LIMI_CONFIG_H
#define LIMI_CONFIG_H

#include <liminal/config.h>

/* The least size of a table: up to and with `last`, its last member in version 0.1. */
#define LIMI_LEAST(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

#define LIMI_PARTICIPANTS_MOST 65535 /* so that a uint16_t numbers them */

/* Check a config as liminal_config_check() does and copy it, with the bounds that were left 0 set to
 * their defaults; what it points to stays the caller's. More than 16 participants need memory for a
 * moment: from `allocator`, else ENOMEM. `to` is untouched on failure. */
liminal_status limi_config_take(liminal_config *to, const liminal_config *from, const liminal_allocator *allocator);

/* Copy a behaviour's table, with functions that do nothing in the optional slots that were left out. `what`
 * names it in the detail text. EINVAL for NULL, a size that is not one of ours, no answer(). */
liminal_status limi_behaviour_take(liminal_behaviour *to, const liminal_behaviour *from, const char *what);

/* One that was taken and has no start() of its own. */
bool limi_behaviour_starts_at_once(const liminal_behaviour *behaviour);
bool limi_behaviour_releases_nothing(const liminal_behaviour *behaviour); /* the same of release() */

/* The same for a program's table; its numbers that were left 0 get their defaults. */
liminal_status limi_program_take(liminal_program *to, const liminal_program *from, const char *what);

#endif
