/* Whatever HAProxy, or something in its place, answers: figures that are numbers, or a reason. */
#include "tests/fuzz/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	kind_fuzz(&haproxy_ops, 0, "http://h/;csv", NULL, 0, bytes, length);
	return 0;
}
