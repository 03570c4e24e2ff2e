#include "backends/sim/model_shell.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backends/sim/model.h"
#include "core/base/error.h"
#include "core/base/number.h"
#include "core/base/text.h"

#define WORDS_MOST 32
#define CELL_BYTES 48
#define COLUMNS_MOST 9
#define CELLS_MOST (COLUMNS_MOST * (SCENARIO_REPLICAS_MOST + 1))

enum status {
	STATUS_OK = 0,
	STATUS_SQL_ERROR = 1,
	STATUS_NO_CONNECTION = 2,
	STATUS_UNKNOWN_COMMAND = 127
};

/* The line split into words, which live in `bytes`. */
struct words {
	char bytes[SHELL_LINE_BYTES];
	const char *word[WORDS_MOST];
	size_t count;
};

/* What psql was asked to do. */
struct psql {
	const char *host, *port, *database, *command;
};

/* One call of the command. */
struct session {
	struct model *model;
	size_t cluster;
	struct text *out, *err;
};

/* ---- splitting ---- */

/* Copy one word from *at to *to, taking off quotes; false when a quote is left open. */
static bool split_word(const char **at, char **to)
{
	char quote = '\0';
	const char *from = *at;
	char *end = *to;
	for (; *from && (quote || !isspace((unsigned char)*from)); from++) {
		if (quote && *from == quote)
			quote = '\0';
		else if (!quote && (*from == '\'' || *from == '"'))
			quote = *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*end++ = *++from;
		else
			*end++ = *from;
	}
	*end++ = '\0';
	*at = from;
	*to = end;
	return quote == '\0';
}

static bool split(const char *line, struct words *words)
{
	char *to = words->bytes;
	words->count = 0;
	if (strlen(line) >= sizeof words->bytes)
		return false;
	while (isspace((unsigned char)*line))
		line++;
	while (*line) {
		if (words->count == WORDS_MOST)
			return false;
		words->word[words->count++] = to;
		if (!split_word(&line, &to))
			return false;
		while (isspace((unsigned char)*line))
			line++;
	}
	return true;
}

/* ---- the words of psql ---- */

/* The value of an option: behind it in the same word, or the next word. */
static const char *option_value(const struct words *words, size_t *at)
{
	const char *word = words->word[*at];
	if (word[2] != '\0')
		return word + 2;
	return *at + 1 < words->count ? words->word[++*at] : NULL;
}

static bool psql_parse(const struct words *words, struct psql *psql, struct text *err)
{
	*psql = (struct psql){.host = "", .port = "5432"};
	for (size_t i = 1; i < words->count; i++) {
		const char *word = words->word[i];
		const char **value = NULL, *ignored = NULL;
		if (word[0] != '-') {
			psql->database = word;
			continue;
		}
		switch (word[1]) {
		case 'h':
			value = &psql->host;
			break;
		case 'p':
			value = &psql->port;
			break;
		case 'd':
			value = &psql->database;
			break;
		case 'c':
			value = &psql->command;
			break;
		case 'U':
			value = &ignored;
			break;
		default:
			break;
		}
		if (value) {
			*value = option_value(words, &i);
			if (*value)
				continue;
		} else if (word[1] != '\0' && strspn(word + 1, "AqtwX") == strlen(word + 1)) {
			continue;
		}
		text_printf(err, "psql: error: invalid option -- '%s'\n", word);
		return false;
	}
	return true;
}

/* ---- answers ---- */

static int complain(struct session *session, const char *why)
{
	text_printf(session->err, "ERROR: %s\n", why);
	return STATUS_SQL_ERROR;
}

/* A result as psql aligns it: cells row by row, the first row is the header. */
struct result {
	size_t columns, count;
	char cells[CELLS_MOST][CELL_BYTES];
};

static void result_add(struct result *result, const char *text)
{
	if (result->count < CELLS_MOST)
		snprintf(result->cells[result->count++], CELL_BYTES, "%s", text);
}

static void result_add_count(struct result *result, int64_t value)
{
	char digits[CELL_BYTES];
	snprintf(digits, sizeof digits, "%" PRId64, value);
	result_add(result, digits);
}

static void result_begin(struct result *result, const char *const *header, size_t columns)
{
	*result = (struct result){.columns = columns};
	for (size_t i = 0; i < columns; i++)
		result_add(result, header[i]);
}

static void print_rule(const size_t *widths, size_t columns, struct text *out)
{
	for (size_t c = 0; c < columns; c++) {
		for (size_t dash = 0; dash < widths[c] + 2; dash++)
			text_add_char(out, '-');
		text_add_char(out, c + 1 < columns ? '+' : '\n');
	}
}

static void result_print(const struct result *result, struct text *out)
{
	size_t widths[COLUMNS_MOST] = {0};
	for (size_t i = 0; i < result->count; i++) {
		size_t length = strlen(result->cells[i]), column = i % result->columns;
		widths[column] = length > widths[column] ? length : widths[column];
	}
	for (size_t i = 0; i < result->count; i++) {
		size_t column = i % result->columns;
		bool last = column + 1 == result->columns;
		text_printf(
			out, " %-*s%s", (int)widths[column], result->cells[i], last ? "\n" : " |");
		if (i + 1 == result->columns)
			print_rule(widths, result->columns, out);
	}
	size_t rows = result->count / result->columns - 1;
	text_printf(out, "(%zu row%s)\n\n", rows, rows == 1 ? "" : "s");
}

static int show_config(struct session *session, const char *rest)
{
	static const char *const header[] = {"key", "value", "default", "changeable"};
	const struct scenario_pool *shape =
		&model_scenario(session->model)->clusters[session->cluster].pool;
	struct result result;
	if (*rest != '\0')
		return complain(session, "SHOW CONFIG takes nothing more");
	result_begin(&result, header, 4);
	result_add(&result, "default_pool_size");
	result_add_count(&result, model_pool_size(session->model, session->cluster));
	result_add(&result, "20");
	result_add(&result, "yes");
	result_add(&result, "max_client_conn");
	result_add_count(&result, shape->clients_max);
	result_add(&result, "100");
	result_add(&result, "no");
	result_add(&result, "pool_mode");
	result_add(&result, "transaction");
	result_add(&result, "session");
	result_add(&result, "no");
	result_print(&result, session->out);
	return STATUS_OK;
}

static int show_pools(struct session *session, const char *rest)
{
	static const char *const header[] = {"database", "user", "cl_active", "cl_waiting",
		"sv_active", "sv_idle", "maxwait", "maxwait_us", "pool_mode"};
	const struct scenario_cluster *shape =
		&model_scenario(session->model)->clusters[session->cluster];
	struct result result;
	if (*rest != '\0')
		return complain(session, "SHOW POOLS takes nothing more");
	result_begin(&result, header, 9);
	for (size_t r = 0; r < shape->replica_count; r++) {
		struct replica_view view = model_replica(session->model, session->cluster, r);
		char database[CELL_BYTES];
		int64_t wait_us = (int64_t)(view.max_wait_s * 1e6);
		int64_t idle = view.open > view.busy ? view.open - view.busy : 0;
		bool away = view.state == REPLICA_MAINT || view.state == REPLICA_DOWN;
		snprintf(database, sizeof database, "sessions_%s", shape->replicas[r]);
		result_add(&result, database);
		result_add(&result, "auth");
		result_add_count(&result, view.busy);
		result_add_count(&result, view.waiting);
		result_add_count(&result, view.busy);
		result_add_count(&result, away ? 0 : idle);
		result_add_count(&result, wait_us / 1000000);
		result_add_count(&result, wait_us % 1000000);
		result_add(&result, "transaction");
	}
	result_print(&result, session->out);
	return STATUS_OK;
}

/* `rest` is what follows SET default_pool_size: "= 30", "TO '30'". */
static int set_pool_size(struct session *session, const char *rest)
{
	int64_t size = 0;
	struct error error = {0};
	if (*rest == '=')
		rest++;
	else if (strncasecmp(rest, "to ", 3) == 0)
		rest += 3;
	else
		return complain(session, "syntax error: expected = and a number");
	while (*rest == ' ')
		rest++;
	size_t length = strlen(rest);
	if (length >= 2 && rest[0] == '\'' && rest[length - 1] == '\'') {
		rest++;
		length -= 2;
	}
	if (!number_parse_integer(rest, length, &size))
		return complain(session, "invalid value for default_pool_size: not a whole number");
	if (!model_set_pool_size(session->model, session->cluster, size, &error))
		return complain(session, error.text);
	text_add(session->out, "SET\n");
	return STATUS_OK;
}

/* ---- commands ---- */

static const struct {
	const char *words; /* in lower case, single blanks */
	int (*run)(struct session *session, const char *rest);
} commands[] = {
	{"show config", show_config},
	{"show pools", show_pools},
	{"set default_pool_size", set_pool_size},
};

/* Single blanks, none at the ends, no final semicolon. */
static void normalise(const char *from, char *to, size_t size)
{
	size_t length = 0;
	for (; *from && length + 1 < size; from++) {
		if (!isspace((unsigned char)*from))
			to[length++] = *from;
		else if (length > 0 && to[length - 1] != ' ')
			to[length++] = ' ';
	}
	while (length > 0 && (to[length - 1] == ' ' || to[length - 1] == ';'))
		length--;
	to[length] = '\0';
}

static int run_command(struct session *session, const char *command)
{
	char line[SHELL_LINE_BYTES];
	normalise(command, line, sizeof line);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		size_t length = strlen(commands[i].words);
		const char *rest = line + length;
		if (strncasecmp(line, commands[i].words, length) != 0 ||
			(*rest != '\0' && *rest != ' ' && *rest != '='))
			continue;
		return commands[i].run(session, *rest == ' ' ? rest + 1 : rest);
	}
	return complain(session, "unsupported command; SHOW CONFIG, SHOW POOLS and "
				 "SET default_pool_size are known here");
}

static int run_psql(
	struct model *model, const struct words *words, struct text *out, struct text *err)
{
	struct psql psql;
	struct session session = {.model = model, .out = out, .err = err};
	if (!psql_parse(words, &psql, err))
		return STATUS_SQL_ERROR;
	if (!scenario_find_cluster(model_scenario(model), psql.host, &session.cluster)) {
		text_printf(err,
			"psql: error: could not translate host name \"%s\" to address: "
			"Name or service not known\n",
			psql.host);
		return STATUS_NO_CONNECTION;
	}
	if (strcmp(psql.port, "6432") != 0) {
		text_printf(err,
			"psql: error: connection to server at \"%s\", port %s failed: "
			"Connection refused\n",
			psql.host, psql.port);
		return STATUS_NO_CONNECTION;
	}
	if (!psql.database || strcmp(psql.database, "pgbouncer") != 0) {
		text_printf(err, "psql: error: FATAL:  no such database: %s\n",
			psql.database ? psql.database : "ops");
		return STATUS_NO_CONNECTION;
	}
	if (!psql.command) {
		text_add(err, "psql: error: give a command with -c\n");
		return STATUS_SQL_ERROR;
	}
	return run_command(&session, psql.command);
}

int shell_run(struct model *model, const char *line, struct text *out, struct text *err)
{
	struct words words;
	if (!split(line, &words)) {
		text_add(err, "sh: the line is too long, has too many words or an open quote\n");
		return STATUS_NO_CONNECTION;
	}
	if (words.count == 0 || strcmp(words.word[0], "psql") != 0) {
		text_printf(err, "sh: %s: not found; only psql is known here\n",
			words.count > 0 ? words.word[0] : "");
		return STATUS_UNKNOWN_COMMAND;
	}
	return run_psql(model, &words, out, err);
}
