/* node_watchdog.c - tells the service manager that all actors turn (sd_notify(3), WATCHDOG=1).
 *
 * A ping goes from the main thread to the ledger, from there to the courier, and back: if one of
 * them hangs, nothing is said any more, and the service manager ends the process. Costs two
 * messages every half of WatchdogSec.
 */
#include "node_state.h"
#include "runtime/notify.h"
#include <stdlib.h>
#include <unistd.h>

static void all_turn(void *self)
{
    struct node *node = self;
    node->watchdog.out = false;
    notify_supervisor("WATCHDOG=1");
    node_close_if_due(node);
}

/* On the courier's thread. */
static void courier_turns(void *self)
{
    struct node *node = self;
    inbox_post(&node->intake_inbox, &node->watchdog.back.message);
}

/* On the ledger's thread. */
static void ledger_turns(void *self)
{
    struct node *node = self;
    inbox_post(&node->courier_inbox, &node->watchdog.courier.message);
}

static void on_timer(uv_timer_t *timer)
{
    struct node *node = timer->data;
    struct watchdog *watchdog = &node->watchdog;
    if (watchdog->out)
        return; /* somebody hangs, and says so by silence */
    watchdog->out = true;
    watchdog->ledger =
        (struct ping){.message = {.type = LEDGER_PING}, .heard = ledger_turns, .self = node};
    watchdog->courier =
        (struct ping){.message = {.type = COURIER_PING}, .heard = courier_turns, .self = node};
    watchdog->back =
        (struct ping){.message = {.type = INTAKE_PING}, .heard = all_turn, .self = node};
    inbox_post(&node->ledger_inbox, &watchdog->ledger.message);
}

void node_watchdog_open(struct node *node)
{
    must(uv_timer_init(&node->loop, &node->watchdog.timer) == 0);
    node->watchdog.timer.data = node;
}

void node_watchdog_start(struct node *node)
{
    uint64_t pid, us;
    struct str wanted_pid = str_of(getenv("WATCHDOG_PID"));
    if (!str_to_u64(str_of(getenv("WATCHDOG_USEC")), &us) || us < 2000)
        return;
    if (wanted_pid.at && (!str_to_u64(wanted_pid, &pid) || pid != (uint64_t)getpid()))
        return;
    must(uv_timer_start(&node->watchdog.timer, on_timer, 0, us / 2000) == 0);
}

void node_watchdog_stop(struct node *node)
{
    (void)uv_timer_stop(&node->watchdog.timer);
}
