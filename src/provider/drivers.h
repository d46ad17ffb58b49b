/* provider/drivers.h - the drivers' tables, declared from providers.def. */
#pragma once
#include "port/provider.h"

#define PROVIDER(name) extern const struct provider_ops name##_ops;
#include "provider/providers.def"
#undef PROVIDER
