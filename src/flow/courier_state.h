/* flow/courier_state.h - what the files of the courier share; for them alone. */
#pragma once
#include "core/breaker.h"
#include "core/latency.h"
#include "core/pace.h"
#include "flow/courier.h"
#include "flow/desk.h"
#include "flow/lanes.h"
#include "flow/messages.h"
#include "flow/notice.h"
#include "flow/origins.h"
#include "flow/rendering.h"
#include "flow/report.h"
#include "runtime/pool.h"

/* How far a flight has come; what each stage waits for. */
enum stage {
    STAGE_RENDER,     /* the library */
    STAGE_CREDENTIAL, /* the provider's fetch */
    STAGE_COMPOSE,    /* the crypto pool */
    STAGE_MARK,       /* the ledger, which has its ticket meanwhile */
    STAGE_SEND,       /* the transport */
};

struct sender;

struct flight {
    struct list link; /* of all flights */
    struct list wait; /* STAGE_CREDENTIAL: of the provider's */
    struct courier *courier;
    struct sender *sender;
    struct ticket *ticket;
    uint32_t app;
    enum stage stage;
    bool withdrawn;   /* not begun, and never to begin */
    bool cancelled;   /* STAGE_MARK: for the ticket, once it is back */
    uint32_t fetches; /* of a credential that it has waited for */
    struct mono began, sent;
    struct arena arena;
    struct rendering rendering;
    struct parcel parcel;
    struct str credential;
    struct request request;
    struct exchange_call call;
    struct task task;
    enum err compose_err;
    struct why why;
    char delivery_id[ID_TEXT_SIZE];
};

/* The one fetch of a credential that a provider may have under way. */
struct fetch {
    struct exchange_call call;
    struct request request;
    struct arena arena;
};

/* One provider as the courier sees it. */
struct sender {
    struct courier *courier;
    const struct courier_provider *provider; /* `own` */
    struct courier_provider own;
    char name[NAME_LEN_MAX + 1]; /* its */
    struct list link;            /* of those that a change has left out */
    struct desk desk;
    uint32_t in_flight;
    struct breaker breaker;
    bool spill;  /* the breaker has opened: what waits here is to go elsewhere */
    bool recall; /* what has not begun is not to begin now */
    struct pace pace;
    struct origins origins;
    struct meter meter; /* attempts */
    struct latency latency;
    struct wall last_error_at; /* ms == 0: none */
    char last_error[REPORT_TEXT_MAX];
    struct list waiting; /* flights that need a credential */
    bool fetching;
    struct fetch fetch;
    bool refreshed; /* the credential was called stale and renewed, and nothing succeeded since */
    struct mono refresh_at; /* and not again before */
};

/* An app that a route names, and its number; 0: there is none of that name now. */
struct named_app {
    struct query query; /* the one that asks for it */
    struct str name;
    uint32_t number;
};

struct courier {
    struct courier_config config;
    struct named_app *apps; /* those that routes name */
    uint32_t app_count;
    uint32_t apps_asked;     /* answers to come: until then tickets and notices wait */
    bool apps_stale;         /* and then they are to be asked again */
    bool apps_failed;        /* one could not be read */
    struct mono apps_at;     /* when to ask again on that account; MONO_NEVER: not */
    struct list arrivals;    /* tickets that wait for them */
    struct message *held;    /* notices that do, newest first */
    struct sender **senders; /* by the places that routes name */
    uint32_t sender_count;
    struct list retired;           /* senders left out, until their last flight has landed */
    struct courier_change *change; /* waits for the numbers of apps, or NULL */
    uint64_t hash_key[2];
    struct library *library;
    struct readings readings;
    struct list flights;
    struct list spare; /* flights kept for the next */
    uint32_t spare_count;
    uint32_t flight_count;
    uint32_t fetch_count;
    struct tickets *outbox;
    struct message *acks;      /* notices heard, to be acknowledged after the outbox */
    struct steering *steering; /* the newest pauses and moves heard of, or NULL */
    struct rng rng;
    bool draining;
    struct mono look_at; /* for what has expired while it waits */
};

/* courier_apps.c: routes name apps, deliveries number them. */
/* The apps that these routes name; NULL: no memory. */
struct named_app *courier_apps_named(const struct routes *routes, uint32_t *ret_count);
bool courier_apps_open(struct courier *courier);
/* Takes them over instead of those so far, with what is known of them; asks if that is not all. */
void courier_apps_replace(struct courier *courier, struct named_app *apps, uint32_t count);
void courier_apps_close(struct courier *courier);
/* Asks the store again; `courier_apps_known` once all have answered. */
void courier_apps_ask(struct courier *courier);
bool courier_apps_wait(const struct courier *courier);               /* not known yet */
void courier_apps_known(struct courier *courier, struct now now);    /* courier.c */
void courier_take_arrivals(struct courier *courier, struct now now); /* courier.c: routes them */
struct str courier_app_name(const struct courier *courier, uint32_t number);

/* courier_routes.c */
void courier_take_ticket(struct courier *courier, struct ticket *ticket, struct now now);
void courier_give_back_until(struct courier *courier, struct ticket *ticket, struct mono at,
                             struct now now);
/* Does what the sender's `spill` and `recall` ask for. */
void courier_spill(struct courier *courier, struct sender *sender);

/* courier_senders.c */
struct sender *sender_new(const struct courier_provider *provider); /* NULL: no memory */
void sender_join(struct sender *sender, struct courier *courier);   /* cannot fail */
/* Other limits, or another `self` of the same name. */
void sender_adjust(struct sender *sender, const struct courier_provider *provider);
void sender_free(struct sender *sender); /* idle; NULL is allowed */
bool courier_senders_open(struct courier *courier, const struct courier_provider *providers);
void courier_senders_close(struct courier *courier); /* their desks must be empty */
/* What a verdict means for the provider; what it means for the delivery is the ledger's. */
void sender_note(struct sender *sender, const struct ticket *ticket, struct verdict *verdict,
                 struct mono began, struct now now);
/* How many may be in flight now. */
uint32_t sender_room(struct sender *sender, struct now now);
/* Lets tickets take off while there is room; when it is to be served again. */
struct mono sender_serve(struct sender *sender, struct now now);

/* courier_change.c */
void courier_take_change(struct courier *courier, struct courier_change *change, struct now now);
/* Obeys a change that waits, if there is one; the apps are not being asked for. */
void courier_change_now(struct courier *courier, struct now now);
/* Closes those left out that have nothing under way any more. */
void courier_close_retired(struct courier *courier);

/* courier_steer.c */
/* Obeys a NOTICE_STEER: what is to be routed anew is in the arrivals afterwards. */
void courier_steer(struct courier *courier, const struct round *round);
/* Where what is routed to `chosen` goes as moves stand. */
uint32_t courier_moved(const struct courier *courier, const struct ticket *ticket, uint32_t chosen);

/* courier_flight.c */
void flight_begin(struct courier *courier, struct sender *sender, struct ticket *ticket,
                  struct now now);
void flight_composed(struct flight *flight, struct now now);
void flight_submit(struct flight *flight, struct now now);
/* Ends it unsent; its ticket is due again in so long. */
void flight_give_back(struct flight *flight, struct span in);
void flight_expire(struct flight *flight);
/* Withdrawn, if it has not begun: its ticket goes back, now or when what it waits for answers. */
void flight_withdraw(struct flight *flight);
/* courier_mark.c: at most once. */
void flight_mark(struct flight *flight);
void flight_marked(struct flight *flight, struct now now);
void courier_return(struct courier *courier, struct ticket *ticket);
void courier_give_back(struct courier *courier, struct ticket *ticket, struct span in);
/* `began`: the attempt, by which the provider is judged, too; `sender` NULL: there was none. */
void courier_judge(struct courier *courier, struct sender *sender, struct ticket *ticket,
                   const struct verdict *verdict, struct mono began, struct now now);

/* courier_report.c: fills it and posts it back. */
void courier_report(struct courier *courier, struct report *report, struct now now);
