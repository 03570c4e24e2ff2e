/*
 * torture.h - a scenario run again and again, each time one allocation later fails: once alone,
 * once with all that follow, until none is left to fail.
 *
 * The linker sends malloc(), calloc(), realloc() and strdup() of our own objects here
 * (spillway_alloc_test() in CMakeLists.txt); the libraries we use keep theirs. Each failure must be
 * reported, and must leak nothing, which AddressSanitizer watches.
 */
#ifndef TESTS_FAULT_TORTURE_H
#define TESTS_FAULT_TORTURE_H

#include <stdbool.h>

struct torture {
	const char *name;
	bool (*run)(void); /* true when everything asked for was done */
	bool is_lenient;   /* a failure may be made up for; else each must be seen in the result */
};

/* Only what is allocated between these two may fail: Check allocates as well. */
void torture_arm(void);
void torture_disarm(void);

/* The program: a suite with each of `count` scenarios tortured in both ways. Returns main()'s. */
int torture_main(const char *name, const struct torture *scenarios, int count);

#endif
