/* fuzz/fuzz_config.c - any bytes as bongsu.yaml: whole or refused, and never both. */
#include "conf/config.h"
#include "fuzz.h"
#include "model/limits.h"

static void check_faults(const struct config_faults *faults)
{
    must(faults->count >= 1 && faults->count <= CONFIG_FAULTS_MAX);
    for (uint32_t i = 0; i < faults->count; i++) {
        const struct config_place *place = &faults->list[i].place;
        must(place->line >= 1 && place->column >= 1 && faults->list[i].what.len);
        must(!i || faults->list[i - 1].place.line <= place->line);
    }
}

static void check_config(const struct config *config)
{
    must(config->listener_count >= 1 && config->root_key.len >= ROOT_KEY_LEN_MIN);
    must(config->store.path && *config->store.path);
    for (uint32_t i = 0; i < config->provider_count; i++)
        must(config->providers[i].ops && config->providers[i].timeout.us > 0);
    for (uint32_t i = 0; i < config->route_count; i++) {
        must(config->routes[i].choice_count >= 1);
        for (uint32_t j = 0; j < config->routes[i].choice_count; j++)
            must(config->routes[i].choices[j].provider < config->provider_count);
    }
}

void fuzz_config(const uint8_t *bytes, size_t len)
{
    struct str text = {(const char *)bytes, len};
    struct config_faults faults;
    struct config *config = NULL;
    if (len > CONFIG_BYTES_MAX)
        return;
    config_faults_init(&faults);
    enum err err = config_parse(text, "fuzz.yaml", &faults, &config);
    if (err == OK)
        check_config(config);
    else if (err == ERR_INPUT)
        check_faults(&faults);
    config_free(config);
    config_faults_done(&faults);
}
