/* Whatever HAProxy, or something in its place, answers on any of its ways: figures that are
 * numbers, or a reason. */
#include "tests/fuzz/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	kind_fuzz(&haproxy_ops, 0, "http://h/;csv", NULL, 0, bytes, length);
	kind_fuzz(&haproxy_ops, 0, "http://h/metrics", NULL, 0, bytes, length);
	kind_fuzz(&haproxy_ops, 0, "tcp://h:1", NULL, 0, bytes, length);
	return 0;
}
