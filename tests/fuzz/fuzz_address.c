/* Any text as a URL: refused with a reason, or a place that is safe to show and that equals itself.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/sanitise.h"
#include "core/wire/http_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_target target;
	struct error error = {0};
	char *url = malloc(size + 1);
	if (!url)
		return 0;
	memcpy(url, data, size);
	url[size] = '\0';
	bool good = http_target_parse(&target, url, &error);
	if (good != (error.kind == ERROR_NONE))
		abort();
	if (good && (!sanitise_is_clean(target.where, strlen(target.where)) ||
			    !http_target_equal(&target, &target) || strchr(target.where, '@') ||
			    (strcmp(target.scheme, "http") != 0 &&
				    strcmp(target.scheme, "https") != 0)))
		abort();
	if (!good && !sanitise_is_clean(error.text, strlen(error.text)))
		abort();
	free(url);
	return 0;
}
