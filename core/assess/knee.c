#include "core/assess/knee.h"

#include <math.h>

#define CONNECTIONS_MOST 4096u
#define LATE_SHARE 0.01
#define HALVINGS 40

double knee_wait_chance(unsigned connections, double rho)
{
	if (rho >= 1)
		return 1;
	double offered = rho * connections;
	double blocked = 1; /* Erlang B by its recursion, which no size overflows */
	for (unsigned k = 1; k <= connections; k++)
		blocked = offered * blocked / (k + offered * blocked);
	return blocked / (1 - rho * (1 - blocked));
}

static double late_share(unsigned connections, double rho)
{
	return knee_wait_chance(connections, rho) * exp(-(double)connections * (1 - rho));
}

double knee_utilisation(unsigned connections)
{
	if (connections == 0)
		return NAN;
	if (connections > CONNECTIONS_MOST)
		connections = CONNECTIONS_MOST;
	double low = 0, high = 1;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;
		if (late_share(connections, middle) < LATE_SHARE)
			low = middle;
		else
			high = middle;
	}
	return low;
}
