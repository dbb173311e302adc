#pragma once
// Input is read only.
#define ZLIB_CONST
#include <zlib.h>
