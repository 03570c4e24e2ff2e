/* Whatever PgBouncer's console, or something in its place, answers. */
#include "tests/fuzz/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	kind_fuzz_steps(&pgbouncer_ops, "postgresql://h/pgbouncer", 1, bytes, length);
	return 0;
}
