/* Whatever stands behind a database's port: its first byte, and what a session answers. */
#include "tests/fuzz/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	kind_fuzz_steps(&postgres_probe_ops, "postgresql://u@h/d", 3, bytes, length);
	return 0;
}
