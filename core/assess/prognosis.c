#include "core/assess/prognosis.h"

#include <math.h>

#include "core/assess/limits.h"

struct prognosis prognosis_make(const struct prognosis_inputs *in)
{
	struct prognosis out = {OUTLOOK_UNKNOWN, NAN};
	double queued = in->waiting * in->hold_s; /* connection-seconds */
	if (isnan(in->low) || isnan(in->high) || isnan(in->capacity))
		return out;
	if (in->low >= in->capacity) {
		out.outlook = OUTLOOK_TOO_MUCH;
	} else if (in->high < PROGNOSIS_FITS * in->capacity) {
		out.outlook = OUTLOOK_RECOVERS;
		out.seconds = in->timeout_s + queued / (in->capacity - in->high);
	} else if (isnan(queued)) {
		return out;
	} else if (queued / in->capacity < PROGNOSIS_SERVED * in->timeout_s) {
		out.outlook = OUTLOOK_RECOVERS;
		out.seconds = in->timeout_s + queued / (in->capacity - in->low);
	} else {
		out.outlook = OUTLOOK_STUCK;
	}
	return out;
}
