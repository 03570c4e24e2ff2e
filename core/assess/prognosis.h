/*
 * prognosis.h - whether a cluster whose clients wait gets well by itself once its demand and
 * capacity are what they are, and how soon.
 *
 * What keeps an overload alive after its cause is gone is that pools serve a queue whose clients
 * have given up and asked again. It ends in one of two ways: all that is asked for, retries
 * included, fits again and the queue drains; or the queue turns over faster than clients give up,
 * so that they are served and have no reason to ask again. Fluid arithmetic, in connections and
 * seconds: queued work is waiting clients times the seconds each holds a connection; those who gave
 * up before it drains ask once more, which takes one timeout.
 */
#ifndef CORE_ASSESS_PROGNOSIS_H
#define CORE_ASSESS_PROGNOSIS_H

enum outlook {
	OUTLOOK_UNKNOWN,
	OUTLOOK_RECOVERS,
	OUTLOOK_STUCK,    /* first tries would fit, retries keep it full */
	OUTLOOK_TOO_MUCH, /* first tries alone are more than fits */
};

struct prognosis_inputs {
	double low, high; /* connections asked for: by first tries, and with retries as they are */
	double capacity;  /* connections there will be */
	double waiting;   /* clients; NAN unknown */
	double hold_s;    /* seconds an attempt holds a connection; NAN unknown */
	double timeout_s; /* how long a client waits */
};

struct prognosis {
	enum outlook outlook;
	double seconds; /* until nobody waits any more; NAN unless it recovers and that is known */
};

struct prognosis prognosis_make(const struct prognosis_inputs *inputs);

#endif
