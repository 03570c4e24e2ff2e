/* Any JSON, and any output of a command, with pointers of each form into it. */
#include "tests/fuzz/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const char *const json[] = {"", "/a", "/a/0/b", "/a~1b", "/-"};
	static const char *const lines[] = {"", "used", "a"};
	kind_fuzz(&json_ops, 0, "http://h", json, 5, bytes, length);
	kind_fuzz(&ssh_ops, 0, "ssh://u@h", lines, 3, bytes, length);
	kind_fuzz(&ssh_ops, 0, "ssh://u@h", json, 5, bytes, length);
	return 0;
}
