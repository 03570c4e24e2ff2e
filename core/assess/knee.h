/*
 * knee.h - how full a pool may be before waiting hurts.
 *
 * A fixed "80 % of max" warns too late for small pools and all the time for large ones. The knee of
 * a pool of `connections` is the use at which one query in a hundred waits as long as a query takes
 * (M/M/c, Erlang C: P(W > S) = C e^-(c-a) = 0.01). Real databases slow down as they fill, so this
 * is the kindest answer.
 */
#ifndef CORE_ASSESS_KNEE_H
#define CORE_ASSESS_KNEE_H

/* 0 to 1; NAN for a pool of no connections. Sizes past 4096 are answered as 4096. */
double knee_utilisation(unsigned connections);

/* The chance that a query has to wait at utilisation `rho` (0 to 1); 1 from 1 on. */
double knee_wait_chance(unsigned connections, double rho);

#endif
