/* SPDX-License-Identifier: MIT */
/* liminal/link.h -- links between processes, exit signals, kill, and trapping exits. */
#ifndef LIMINAL_LINK_H
#define LIMINAL_LINK_H

#include <liminal/process.h>

LIMINAL_BEGIN

/* Two linked processes learn of each other's exit. When one exits, the link is gone, and the other
 *   - exits with the same reason, if that is not normal and it does not trap exits;
 *   - gets an exit message, whatever the reason, if it does.
 *
 * Who traps and where the messages go: a behaviour that has exited() traps, and is called with them; an
 * attached thread that traps takes them with liminal_thread_next_exit(); a conversation always traps and
 * puts them into its log. To the first and the last a message comes behind what their conversation accepted
 * before it: of one that sends something and then exits, they see it in that order.
 *
 * A process that exits by a signal is dead at once, for everybody: its conversation goes by its policy, its
 * notices fire. A behaviour in the middle of a callback is not interrupted; what it then gives is dropped, and
 * it is released. A child program is ended as by a close, or with SIGKILL if it is killed. A watched OS process
 * is not the library's to end: signals do nothing to it.
 *
 * Exits spread on the thread that causes them, before the call returns; inside an exit notice, when that has
 * returned. Every call costs the same however many processes there are, but for the two that list them. */

/**
 * Link two processes. Linking them again, or one to itself, changes nothing.
 *
 * `process` is the one that asks: if `other` is gone and `process` traps
 * exits, it gets an exit message LIMINAL_EXIT_NOPROC, and this is LIMINAL_OK.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   ENOPROC (`process` is gone; or `other` is, and `process` does not trap), EINVAL (supervisor NULL),
 *           ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_link(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other);

/**
 * Remove a link, whichever side made it; no link, or nobody there, is fine.
 *
 * An exit message that was on its way stays.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (supervisor NULL), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_unlink(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other);

/**
 * Tell whether two processes are linked.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  true if they are; false for NULL, and after fork().
 * Since:    0.1
 */
LIMINAL_API bool liminal_process_linked(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other);

/**
 * Send an exit signal, in the name of `from`, which may be {0}.
 *
 * What a linked exit would do is done, and one thing more: a normal one kills
 * nobody but its own sender, and is a message to one that traps. The first of several
 * reasons counts. LIMINAL_EXIT_KILLED sent like this can be trapped.
 *
 * Threads:  any, also inside the process itself.
 * Blocks:   never.
 * Errors:   EINVAL (supervisor NULL, a kind outside the enum), ENOMEM (a message to one that traps),
 *           EFORKED. A pid that is gone is no error.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_signal(liminal_supervisor *supervisor, liminal_pid from, liminal_pid to,
                                      liminal_exit_reason reason);

/**
 * Kill a process: it exits with LIMINAL_EXIT_KILLED, which it can't trap; the linked ones can.
 *
 * A conversation's actor comes back with a new pid, and loses nothing but its
 * links: see `restarts` in config.h.
 *
 * Threads:  any, also inside the process itself.
 * Blocks:   never.
 * Errors:   EINVAL (supervisor NULL, or a watched OS process), ENOMEM (for an actor's new pid; nothing was
 *           done), EFORKED. A pid that is gone is no error.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_kill(liminal_supervisor *supervisor, liminal_pid pid);

/**
 * Have a process trap exits from now on, or no more.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   ENOPROC (it is gone), EINVAL (supervisor NULL; a conversation, which always traps; a program or
 *           OS process, which has no way to be told), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_trap(liminal_supervisor *supervisor, liminal_pid pid, bool trap);

/**
 * List the links of a process, in no order.
 *
 * Writes as many as `room` allows; *out_count says how many there are. Those
 * that come or go meanwhile may be among them or not, or twice.
 *
 * Gives:    *out_count, and pids in `out`, which may be NULL with a room of 0.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   ENOPROC (no live process), EINVAL (a NULL), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_links(liminal_supervisor *supervisor, liminal_pid pid, LIMINAL_GIVE liminal_pid *out,
                                     size_t room, LIMINAL_GIVE size_t *out_count);

/**
 * List the pids of all that live, in no order.
 *
 * Writes as many as `room` allows; *out_count says how many there are. Whoever
 * comes or goes meanwhile may be among them or not.
 *
 * Gives:    *out_count, and pids in `out`, which may be NULL with a room of 0.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_list(liminal_supervisor *supervisor, LIMINAL_GIVE liminal_pid *out, size_t room,
                                    LIMINAL_GIVE size_t *out_count);

LIMINAL_END

#endif
