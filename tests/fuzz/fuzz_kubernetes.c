/* Whatever the Kubernetes API, or something in its place, answers. */
#include "tests/fuzz/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	kind_fuzz_steps(&kubernetes_ops, "https://h", 2, bytes, length);
	return 0;
}
