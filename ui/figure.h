/*
 * figure.h - numbers as screens write them: short, with their unit, and "?" for what is not known.
 */
#ifndef UI_FIGURE_H
#define UI_FIGURE_H

#include <stdint.h>

#include "core/assess/assess.h"
#include "core/fleet/signal.h"
#include "ui/role.h"

#define FIGURE_BYTES 40

/* 0.97 -> "97%", 0.091 -> "9.1%", 1.34 -> "134%". */
void figure_percent(double ratio, char out[FIGURE_BYTES]);
/* Always with one decimal below 100: "17.6%". */
void figure_percent_fine(double ratio, char out[FIGURE_BYTES]);
/* With its sign: "+19%", "-38%". */
void figure_percent_signed(double ratio, char out[FIGURE_BYTES]);
/* "1.34x", "46x". */
void figure_factor(double factor, char out[FIGURE_BYTES]);
/* "412", "19.8k". */
void figure_count(double count, char out[FIGURE_BYTES]);
/* "19.8k/s". */
void figure_rate(double per_second, char out[FIGURE_BYTES]);
/* An age: "2s", "?" for -1. */
void figure_age(int64_t age_ms, char out[FIGURE_BYTES]);
/* A wait: "108ms", "3.7s". */
void figure_wait(double ms, char out[FIGURE_BYTES]);
/* How long ago in one unit: "45s", "13m", "2h". */
void figure_short_span(int64_t span_ms, char out[FIGURE_BYTES]);
/* A time of day in UTC to the minute, "13:44"; "-" for 0. */
void figure_time(int64_t at_ms, char out[FIGURE_BYTES]);
/* To the second, "13:44:29"; "-" for 0. */
void figure_clock(int64_t at_ms, char out[FIGURE_BYTES]);
/* How long something goes on: "+00:17:42". */
void figure_elapsed(int64_t span_ms, char out[FIGURE_BYTES]);
/* In the unit of a signal: "60 connections", "100" for a weight, "5.0%". */
void figure_signal(enum signal signal, double value, char out[FIGURE_BYTES]);

/* ---- states ---- */

/* Glyph and word of a state: "!CRIT", "~WARN", " OK", "?UNK". */
const char *state_word(enum severity severity);
char state_glyph(enum severity severity);
enum role state_role(enum severity severity);

#endif
