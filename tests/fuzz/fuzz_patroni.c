/* Whatever Patroni, or something in its place, answers on either page. */
#include "tests/fuzz/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	kind_fuzz_steps(&patroni_ops, "http://h", 2, bytes, length);
	return 0;
}
