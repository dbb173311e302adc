#pragma once
// The few experimental calls that we use (window limits, format parameters) are behind this switch.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>
