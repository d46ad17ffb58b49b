/* model/limits.h - every bound of the product, in one place.
 *
 * Units end the name. What the configuration may change is a default here, and says so.
 */
#pragma once

enum {
    /* Names and texts of the contract. */
    NAME_LEN_MAX = 128, /* ids that clients choose: [A-Za-z0-9][A-Za-z0-9_.:@-]{0,127} */
    APP_NAME_LEN_MAX = 64,
    EVENT_ID_LEN_MAX = 256,
    EMAIL_LEN_MAX = 254, /* RFC 5321 section 4.5.3.1.3, less the angle brackets */
    PHONE_LEN_MAX = 16,  /* E.164: '+' and 15 digits */
    LOCALE_LEN_MAX = 35, /* RFC 5646 section 4.4.1 */
    TIMEZONE_LEN_MAX = 64,
    TOKEN_LEN_MAX = 4096,      /* a device token */
    ENDPOINT_LEN_MAX = 2048,   /* a Web Push endpoint */
    COLLAPSE_KEY_LEN_MAX = 64, /* bytes; APNs: apns-collapse-id */
    ATTRIBUTES_BYTES_MAX = 16 * 1024,
    TEMPLATE_BYTES_MAX = 256 * 1024,
    TEMPLATE_LOCALES_MAX = 100,
    TEMPLATE_PARTIALS_MAX = 64, /* names that one version includes */
    PUSH_DATA_MAX = 64,         /* members of push.data */
    PARTIAL_DEPTH_MAX = 16,
    SECTION_DEPTH_MAX = 64,
    RENDER_STEPS_MAX = 1000000, /* tags and texts of one rendering, repeats counted */
    MUSTACHE_CONTEXTS_MAX = 4,
    RENDERED_BYTES_MAX = 1024 * 1024, /* one text of one delivery */

    /* Requests. */
    BODY_BYTES_DEFAULT = 1024 * 1024, /* configurable: limits.body_bytes */
    HEAD_BYTES_MAX = 16 * 1024,       /* request line and headers: past it 431 */
    HEADERS_MAX = 64,
    TARGET_LEN_MAX = 8 * 1024, /* past it 414 */
    JSON_DEPTH_MAX = 32,
    JSON_VALUES_MAX = 200000,
    REQUEST_ID_LEN_MAX = 128,
    TRACEPARENT_LEN_MAX = 256,
    CREDENTIALS_LEN_MAX = 512, /* of an Authorization header, decoded */
    QUERY_PARAMS_MAX = 16,
    CURSOR_LEN_MAX = 1024,
    ANSWER_BYTES_MAX = 32 * 1024 * 1024, /* of one answer, and of what the store gives for it */
    PAGE_DEFAULT = 50,
    PAGE_MAX = 200,
    EVENTS_BY_TIME_MAX = 100, /* deliveries: beyond, events are listed one delivery after another */
    TO_MAX = 1000,            /* entries of `to` */
    TTL_DAYS_MAX = 366,
    BATCH_MAX = 1000,       /* notifications a batch */
    DELIVERIES_MAX = 10000, /* planned by one request */
    FAULTS_MAX = 100,       /* listed in one problem */
    DEVICES_MAX = 50,       /* of one user; the oldest seen gives way: 409 says so */
    PREFERENCE_CATEGORIES_MAX = 200,
    REDRIVE_MAX = 1000,         /* ids a call */
    REDRIVE_CALL_MAX = 100000,  /* dead letters that one call with a filter redrives or deletes */
    REDRIVE_STEP = 200,         /* of them in one commit */
    REDRIVE_RATE_MAX = 1000000, /* a second */
    REDRIVE_REASON_LEN_MAX = 256,

    /* Connections. */
    CONNECTIONS_MAX = 10240,
    PIPELINE_MAX = 16,        /* requests read ahead on one HTTP/1.1 connection */
    STREAMS_MAX = 256,        /* concurrent streams on one HTTP/2 connection */
    HEAD_TIMEOUT_S = 10,      /* from the first byte of a request to the end of its head */
    BODY_TIMEOUT_S = 30,      /* without a byte of the body */
    IDLE_TIMEOUT_S = 75,      /* keep-alive without a request */
    WRITE_TIMEOUT_S = 30,     /* without the peer taking a byte of the answer */
    IN_FLIGHT_DEFAULT = 4096, /* requests being answered; configurable: limits.in_flight */
    BODIES_BYTES_DEFAULT = 64 * 1024 * 1024, /* bodies of all unanswered requests of a listener */
    BODY_BYTES_PER_S_MIN = 512,              /* a body that comes slower on the whole is cut off */
    EXCHANGE_ARENA_BYTES_MAX = 16 * 1024 * 1024,
    EXCHANGES_SPARE_MAX = 256,           /* kept for the next requests */
    OUTPUT_BYTES_MAX = 64 * 1024 * 1024, /* answers waiting on a connection */
    OUTPUT_MARK_BYTES = 256 * 1024,      /* unsent on a connection: past it nothing more is read */
    OUTPUT_UNSENT_BYTES_MAX = 4 * 1024 * 1024, /* HTTP/2: past it new requests get 503 */
    CHUNK_LINE_MAX = 256,                      /* a chunk's size and its extensions */
    TRAILER_BYTES_MAX = 4096,                  /* all trailer fields of a chunked body */
    LINGER_TIMEOUT_S = 2,                      /* for a peer to take the last answer */
    RESETS_MAX = 200, /* failed HTTP/2 streams in RESETS_WINDOW_S, a connection */
    RESETS_WINDOW_S = 10,
    CONTROL_FRAMES_MAX = 10000, /* HTTP/2 frames without a request in between */
    ACCEPTS_MAX = 64,           /* connections taken at once before others have their turn */
    LISTENERS_MAX = 16,
    TLS_INPUT_BYTES_MAX = 256 * 1024,        /* ciphertext fed and not read yet */
    TLS_OUTPUT_BYTES_MAX = 64 * 1024 * 1024, /* ciphertext made and not taken yet */

    /* Ledger and lanes. */
    GROUP_OPS_MAX = 512,    /* of one commit group */
    WINDOW_LANE_MAX = 8192, /* deliveries in hand, a lane */
    WINDOW_ALL_MAX = 32768, /* deliveries in hand, all lanes */
    WINDOW_BYTES_MAX = 32 * 1024 * 1024,
    NOTED_MAX = 40960,   /* deliveries whose place is noted for a crash: all in hand, and some */
    SUSPECTS_MAX = 64,   /* of a crash; the newest are kept */
    STRIKES_MAX = 2,     /* crashes over one delivery before it is dead */
    SUSPECT_APART_S = 2, /* between suspects after a start: each runs alone */

    /* What limits.memory is divided into, by sixteenths; the rest is the store's page caches, the
     * sockets' and the allocator's. Of the default 128 MiB: windows 32, caches 24, library 8 and
     * again as much for large requests that are being sent, what waits to be stored 24. */
    MEMORY_PARTS = 16,
    WINDOW_PARTS = 4,  /* deliveries in hand */
    CACHE_PARTS = 3,   /* recipients, templates, keys of the intake */
    LIBRARY_PARTS = 1, /* the courier's templates; and its readings */
    WAITING_PARTS = 3, /* notifications let in and not stored yet, with their requests */

    STEERS_MAX = 64,          /* pauses and moves that stand at once, before another is taken */
    STEERS_STORED_MAX = 1024, /* read at a start: those that were taken at the same moment, too */
    STEER_REASON_LEN_MAX = 200,
    STEER_DAYS_MAX = 366,                /* until one ends by itself */
    CLAIM_MAX = 256,                     /* deliveries a claim */
    FOLLOW_MAX = 64,                     /* channels of strategy `first` followed at once */
    BUNDLE_BYTES_MAX = 24 * 1024 * 1024, /* an accepted notification with its deliveries */
    SWEEP_ROWS_MAX = 200,                /* a retention step */
    CENSUS_PAGE_MAX = 128,               /* (lane, app)s a step of the census */
    CENSUS_ROWS_MAX = 2000,              /* that it counts */
    WATCHDOG_STALL_S = 60,               /* due work of which nothing moves: an alarm */
    WATCHDOG_ANSWER_S = 15,              /* without an answer from the store or a listener */

    /* Providers. */
    PROVIDERS_MAX = 64,
    ROUTES_MAX = 256,
    CONNECT_TIMEOUT_MS = 5000,
    REPLY_BYTES_MAX = 64 * 1024, /* of a provider's answer; the rest is cut off */
    POOL_CONNECTIONS_MAX = 8,    /* an h2 origin */
    H2_STREAMS_MAX = 1000,       /* at once on one of them, whatever the peer would allow */
    H2_PING_AFTER_MS = 5000,     /* of silence while streams are open */
    H2_PING_TIMEOUT_MS = 5000,   /* without its answer the connection is dead */
    H2_PING_IDLE_S = 300,        /* of silence without streams */
    H2_IDLE_CLOSE_S = 3600,      /* without a stream */
    H2_ORIGINS_MAX = 128,        /* (origin, roots) with a pool */
    H2_FALLBACK_S = 600,         /* an origin that chose http/1.1 is believed this long */
    DIAL_PAUSE_MS_MIN = 100,     /* after a connection that could not be made, doubled each time */
    DIAL_PAUSE_MS_MAX = 5000,
    SMTP_CONNECT_TIMEOUT_MS = 30000, /* greeting, EHLO, STARTTLS, AUTH: greeters delay on purpose */
    CURL_EXCHANGES_MAX = 512,        /* over HTTP/1.1, at once */
    HTTP1_CONNECTIONS_MAX = 128,     /* an origin */
    SMTP_SESSIONS_MAX = 20,          /* a relay */
    SMTP_IDLE_CLOSE_S = 60,          /* without a mail */
    SMTP_MAILS_MAX = 100,            /* a session */
    SANDBOX_OPEN_MAX = 16384,        /* answers that wait for their time */
    REPLY_HEADERS_MAX = 64,          /* kept of a provider's answer; the rest is dropped */
    ORIGINS_MAX = 4096,              /* remembered Web Push origins */

    /* Store. */
    IDEMPOTENCY_DAYS = 7,

    /* Configuration. */
    CONFIG_BYTES_MAX = 1024 * 1024,
    CONFIG_ARENA_BYTES_MAX = 16 * 1024 * 1024,
    CONFIG_NODES_MAX = 20000,
    CONFIG_DEPTH_MAX = 16,
    CONFIG_FAULTS_MAX = 100,
    SECRET_BYTES_MAX = 64 * 1024, /* a file behind file: */
    CA_BYTES_MAX = 1024 * 1024,   /* a file of PEM certificates */
    ROOT_KEY_LEN_MIN = 32,
    SETTINGS_MAX = 32, /* of one provider */
    CHOICES_MAX = 8,   /* providers of one route */
    MATCH_MAX = 64,    /* members of one condition */

    /* The command line. */
    CLI_ANSWER_BYTES_MAX = 64 * 1024 * 1024,
    CLI_ARENA_BYTES_MAX = 512 * 1024 * 1024,
    CLI_INPUT_BYTES_MAX = 16 * 1024 * 1024, /* a file that is read */
    CLI_LIST_MAX = 100000,                  /* items of all pages of a list */
    CLI_CALL_TIMEOUT_S = 60,
    CLI_OPTIONS_MAX = 1100,
    CLI_OPERANDS_MAX = 1000,
    CLI_WAIT_S = 60, /* --wait without --timeout */
};
