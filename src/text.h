/* SPDX-License-Identifier: MIT */
/* text.h -- the rules for names and labels that embedders hand in, and how they are kept in a block. Pure. */
#ifndef LIMI_TEXT_H
#define LIMI_TEXT_H

#include <liminal/status.h>

/* Check that `text` is not NULL, at most `most` bytes and valid UTF-8 (RFC 3629); empty only if
 * `may_be_empty`. `what` names it in the detail text. The length goes to *out_length if that is
 * not NULL. EINVAL otherwise. */
liminal_status limi_text_check(const char *text, size_t most, bool may_be_empty, const char *what, size_t *out_length);

/* How many bytes a text takes with its zero byte; none for NULL. */
size_t limi_text_room(const char *text);

/* Copy a text to *at, where there is room, and step over it. NULL: nothing is copied, and `none` stands for it. */
const char *limi_text_lay(const char *text, const char *none, char **at);

#endif
