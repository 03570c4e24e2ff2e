/*
 * role.h - what a cell means. Screens draw roles; a theme turns roles into colours and attributes.
 *
 * The role's number is also its curses colour pair, so that a test can ask "is this cell
 * ROLE_CRITICAL?" under any theme. No role is told by colour alone: glyph and word come first.
 */
#ifndef UI_ROLE_H
#define UI_ROLE_H

enum role {
	ROLE_TEXT = 1,
	ROLE_DIM, /* less important */
	ROLE_STRONG,
	ROLE_TITLE, /* rules and headings */
	ROLE_OK,
	ROLE_WARNING,
	ROLE_CRITICAL,
	ROLE_UNKNOWN,
	ROLE_STALE,  /* a value that is old */
	ROLE_BANNER, /* environment */
	ROLE_BANNER_PROD,
	ROLE_ARMED,
	ROLE_SELECTED,
	ROLE_CHART,
	ROLE_ONSET, /* marks on charts and the timeline */
	ROLE_KEY,   /* key names in hints */
	ROLE_DIALOG,
	ROLE_INPUT,
	ROLE_COUNT
};

#endif
