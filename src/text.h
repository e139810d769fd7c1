/* SPDX-License-Identifier: MIT */
/* text.h -- the rules for names and labels that embedders hand in. Pure. */
#ifndef LIMI_TEXT_H
#define LIMI_TEXT_H

#include <liminal/status.h>

/* Check that `text` is not NULL, at most `most` bytes and valid UTF-8 (RFC 3629); empty only if
 * `may_be_empty`. `what` names it in the detail text. The length goes to *out_length if that is
 * not NULL. EINVAL otherwise. */
liminal_status limi_text_check(const char *text, size_t most, bool may_be_empty, const char *what, size_t *out_length);

#endif
