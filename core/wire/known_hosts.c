#include "core/wire/known_hosts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/base64.h"
#include "core/base/error.h"
#include "core/wire/ssh_bytes.h"

#define NAME_BYTES 300
#define SHA1_BYTES 20

enum marker { MARKER_NONE, MARKER_REVOKED, MARKER_AUTHORITY };

/* One good line; `hosts` and `key` lie in the copy of the file. */
struct entry {
	enum marker marker;
	int line;
	struct ssh_bytes hosts;
	struct ssh_bytes key;
	struct ssh_bytes type; /* the first field of the key */
};

struct known_hosts {
	char *bytes;
	struct entry *entries;
	size_t count, capacity;
	size_t bad_lines;
};

static bool next_field(struct ssh_bytes *line, struct ssh_bytes *field)
{
	while (line->left > 0 && (*line->at == ' ' || *line->at == '\t')) {
		line->at++;
		line->left--;
	}
	field->at = line->at;
	while (line->left > 0 && *line->at != ' ' && *line->at != '\t') {
		line->at++;
		line->left--;
	}
	field->left = (size_t)(line->at - field->at);
	return field->left > 0;
}

/* A hashed name must have both halves in the right size, or it could never match and hide that. */
static bool hash_parse(const struct ssh_bytes *hosts, unsigned char salt[SHA1_BYTES],
	unsigned char digest[SHA1_BYTES])
{
	if (hosts->left < 4 || memcmp(hosts->at, "|1|", 3) != 0)
		return false;
	const char *first = (const char *)hosts->at + 3;
	const char *bar = memchr(first, '|', hosts->left - 3);
	if (!bar)
		return false;
	size_t salt_length = 0, digest_length = 0;
	size_t rest = hosts->left - 3 - (size_t)(bar - first) - 1;
	return base64_decode(first, (size_t)(bar - first), salt, SHA1_BYTES, &salt_length) &&
	       base64_decode(bar + 1, rest, digest, SHA1_BYTES, &digest_length) &&
	       salt_length == SHA1_BYTES && digest_length == SHA1_BYTES;
}

static bool marker_parse(const struct ssh_bytes *field, enum marker *out)
{
	if (ssh_bytes_equal(field, "@revoked"))
		*out = MARKER_REVOKED;
	else if (ssh_bytes_equal(field, "@cert-authority"))
		*out = MARKER_AUTHORITY;
	else
		return false;
	return true;
}

/* Read one line that is neither empty nor a comment. The key is decoded over its own base64. */
static bool entry_parse(struct ssh_bytes line, char *base, struct entry *out)
{
	struct entry entry = {.marker = MARKER_NONE};
	struct ssh_bytes type, encoded;
	if (memchr(line.at, '\0', line.left))
		return false;
	if (!next_field(&line, &entry.hosts))
		return false;
	if (*entry.hosts.at == '@') {
		if (!marker_parse(&entry.hosts, &entry.marker) || !next_field(&line, &entry.hosts))
			return false;
	}
	if (!next_field(&line, &type) || !next_field(&line, &encoded))
		return false;
	unsigned char salt[SHA1_BYTES], digest[SHA1_BYTES];
	if (*entry.hosts.at == '|' && !hash_parse(&entry.hosts, salt, digest))
		return false;
	char *key = base + (encoded.at - (const unsigned char *)base);
	size_t length = 0;
	if (!base64_decode(key, encoded.left, key, encoded.left, &length))
		return false;
	entry.key = (struct ssh_bytes){.at = (const unsigned char *)key, .left = length};
	struct ssh_bytes fields = entry.key;
	if (!ssh_bytes_string(&fields, &entry.type) || entry.type.left != type.left ||
		memcmp(entry.type.at, type.at, type.left) != 0)
		return false;
	*out = entry;
	return true;
}

static bool entry_add(struct known_hosts *known, const struct entry *entry)
{
	if (known->count == known->capacity) {
		size_t capacity = known->capacity ? known->capacity * 2 : 16;
		struct entry *entries = realloc(known->entries, capacity * sizeof(*entries));
		if (!entries)
			return false;
		known->entries = entries;
		known->capacity = capacity;
	}
	known->entries[known->count++] = *entry;
	return true;
}

static bool lines_parse(struct known_hosts *known, size_t length)
{
	int number = 0;
	for (size_t start = 0; start < length; number++) {
		const char *from = known->bytes + start;
		const char *newline = memchr(from, '\n', length - start);
		size_t size = newline ? (size_t)(newline - from) : length - start;
		start += size + 1;
		while (size > 0 && (from[size - 1] == '\r' || from[size - 1] == ' '))
			size--;
		size_t blank = 0;
		while (blank < size && (from[blank] == ' ' || from[blank] == '\t'))
			blank++;
		if (blank == size || from[blank] == '#')
			continue;
		struct ssh_bytes line = {.at = (const unsigned char *)from, .left = size};
		struct entry entry;
		if (!entry_parse(line, known->bytes, &entry)) {
			known->bad_lines++;
			continue;
		}
		entry.line = number + 1;
		if (!entry_add(known, &entry))
			return false;
	}
	return true;
}

/* Takes `bytes` over. */
static struct known_hosts *known_hosts_take(char *bytes, size_t length, struct error *error)
{
	struct known_hosts *known = calloc(1, sizeof(*known));
	if (!known) {
		free(bytes);
		error_no_memory(error, "known hosts");
		return NULL;
	}
	known->bytes = bytes;
	if (!lines_parse(known, length)) {
		known_hosts_destroy(known);
		error_no_memory(error, "known hosts");
		return NULL;
	}
	return known;
}

struct known_hosts *known_hosts_parse(const char *bytes, size_t length, struct error *error)
{
	if (length > KNOWN_HOSTS_BYTES) {
		error_set(error, ERROR_LIMIT, "known hosts of %zu bytes: at most %d are read",
			length, KNOWN_HOSTS_BYTES);
		return NULL;
	}
	char *copy = malloc(length + 1);
	if (!copy) {
		error_no_memory(error, "known hosts");
		return NULL;
	}
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return known_hosts_take(copy, length, error);
}

/* The whole of `fd` in a fresh buffer; NULL with `error`. */
static char *read_all(int fd, const char *path, size_t *out_length, struct error *error)
{
	size_t capacity = 64 * (size_t)1024, length = 0;
	char *bytes = malloc(capacity);
	while (bytes) {
		ssize_t got = read(fd, bytes + length, capacity - length);
		if (got == 0) {
			*out_length = length;
			return bytes;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			error_errno(error, "cannot read '%s'", path);
			break;
		}
		length += (size_t)got;
		if (length > KNOWN_HOSTS_BYTES) {
			error_set(error, ERROR_LIMIT, "'%s' is larger than %d bytes", path,
				KNOWN_HOSTS_BYTES);
			break;
		}
		if (length == capacity) {
			capacity *= 2;
			char *more = realloc(bytes, capacity);
			if (!more)
				error_no_memory(error, "known hosts");
			if (!more)
				break;
			bytes = more;
		}
	}
	if (!bytes)
		error_no_memory(error, "known hosts");
	free(bytes);
	return NULL;
}

struct known_hosts *known_hosts_read(const char *path, struct error *error)
{
	/* O_NONBLOCK: a pipe in the file's place must not hang the reader. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		error_errno(error, "cannot open '%s'", path);
		return NULL;
	}
	struct stat status;
	char *bytes = NULL;
	size_t length = 0;
	if (fstat(fd, &status) != 0)
		error_errno(error, "cannot read '%s'", path);
	else if (!S_ISREG(status.st_mode))
		error_set(error, ERROR_IO, "cannot read '%s': not a regular file", path);
	else
		bytes = read_all(fd, path, &length, error);
	close(fd);
	return bytes ? known_hosts_take(bytes, length, error) : NULL;
}

void known_hosts_destroy(struct known_hosts *known)
{
	if (!known)
		return;
	free(known->entries);
	free(known->bytes);
	free(known);
}

size_t known_hosts_bad_lines(const struct known_hosts *known)
{
	return known->bad_lines;
}

/* Shell-like match of * and ?, without regard to case; linear but for the last star. */
static bool glob_match(const unsigned char *pattern, size_t pattern_length, const char *name)
{
	size_t at = 0, star = SIZE_MAX;
	const char *resume = NULL;
	while (*name) {
		if (at < pattern_length && pattern[at] == '*') {
			star = at++;
			resume = name;
		} else if (at < pattern_length &&
			   (pattern[at] == '?' || tolower(pattern[at]) == (unsigned char)*name)) {
			at++;
			name++;
		} else if (star != SIZE_MAX) {
			at = star + 1;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (at < pattern_length && pattern[at] == '*')
		at++;
	return at == pattern_length;
}

static bool hash_match(const struct ssh_bytes *hosts, const char *name)
{
	unsigned char salt[SHA1_BYTES], digest[SHA1_BYTES], ours[EVP_MAX_MD_SIZE];
	unsigned ours_length = 0;
	return hash_parse(hosts, salt, digest) &&
	       HMAC(EVP_sha1(), salt, SHA1_BYTES, (const unsigned char *)name, strlen(name), ours,
		       &ours_length) &&
	       ours_length == SHA1_BYTES && memcmp(ours, digest, SHA1_BYTES) == 0;
}

/* A matching negation speaks against the whole line, wherever it stands in the list. */
static bool hosts_match(const struct ssh_bytes *hosts, const char *name)
{
	if (*hosts->at == '|')
		return hash_match(hosts, name);
	bool matched = false;
	const unsigned char *at = hosts->at, *end = hosts->at + hosts->left;
	while (at < end) {
		const unsigned char *comma = memchr(at, ',', (size_t)(end - at));
		const unsigned char *stop = comma ? comma : end;
		bool negated = at < stop && *at == '!';
		const unsigned char *pattern = negated ? at + 1 : at;
		if (pattern < stop && glob_match(pattern, (size_t)(stop - pattern), name)) {
			if (negated)
				return false;
			matched = true;
		}
		at = stop + 1;
	}
	return matched;
}

/* The name as the file has it: lower case, with the port unless it is 22. False when too long to be
 * one. */
static bool name_write(const char *host, int port, char name[NAME_BYTES])
{
	int length = port == 22 || port == 0 ? snprintf(name, NAME_BYTES, "%s", host)
					     : snprintf(name, NAME_BYTES, "[%s]:%d", host, port);
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return length > 0 && length < NAME_BYTES;
}

/* Smaller is more telling: the first of the weightiest verdict's lines decides. */
static int weight(enum known_hosts_verdict verdict)
{
	static const int weights[] = {
		[KNOWN_HOSTS_REVOKED] = 0,
		[KNOWN_HOSTS_MATCH] = 1,
		[KNOWN_HOSTS_CHANGED] = 2,
		[KNOWN_HOSTS_OTHER_TYPE] = 3,
		[KNOWN_HOSTS_UNKNOWN] = 4,
	};
	return weights[verdict];
}

static enum known_hosts_verdict entry_judge(
	const struct entry *entry, const struct ssh_bytes *key, const struct ssh_bytes *type)
{
	bool same = entry->key.left == key->left && memcmp(entry->key.at, key->at, key->left) == 0;
	if (entry->marker == MARKER_REVOKED)
		return same ? KNOWN_HOSTS_REVOKED : KNOWN_HOSTS_UNKNOWN;
	if (entry->marker == MARKER_AUTHORITY)
		return KNOWN_HOSTS_UNKNOWN;
	if (same)
		return KNOWN_HOSTS_MATCH;
	bool same_type =
		entry->type.left == type->left && memcmp(entry->type.at, type->at, type->left) == 0;
	return same_type ? KNOWN_HOSTS_CHANGED : KNOWN_HOSTS_OTHER_TYPE;
}

enum known_hosts_verdict known_hosts_check(const struct known_hosts *known, const char *host,
	int port, const void *key, size_t key_length, int *line)
{
	enum known_hosts_verdict verdict = KNOWN_HOSTS_UNKNOWN;
	struct ssh_bytes blob = {.at = key, .left = key_length}, fields = blob, type;
	char name[NAME_BYTES];
	*line = 0;
	if (!ssh_bytes_string(&fields, &type) || !name_write(host, port, name))
		return verdict;
	for (size_t i = 0; i < known->count; i++) {
		const struct entry *entry = &known->entries[i];
		enum known_hosts_verdict judged = entry_judge(entry, &blob, &type);
		/* Matching a hashed name is the dear part: only where the line could change the
		 * verdict. */
		if (weight(judged) < weight(verdict) && hosts_match(&entry->hosts, name)) {
			verdict = judged;
			*line = entry->line;
		}
	}
	return verdict;
}

static bool list_has(const char *list, const struct ssh_bytes *type)
{
	for (const char *at = list; *at;) {
		size_t length = strcspn(at, ",");
		if (length == type->left && memcmp(at, type->at, length) == 0)
			return true;
		at += length;
		at += *at == ',';
	}
	return false;
}

void known_hosts_types(
	const struct known_hosts *known, const char *host, int port, char *out, size_t size)
{
	size_t used = 0;
	char name[NAME_BYTES];
	if (size == 0)
		return;
	out[0] = '\0';
	if (!name_write(host, port, name))
		return;
	for (size_t i = 0; i < known->count; i++) {
		const struct entry *entry = &known->entries[i];
		size_t needed = entry->type.left + (used > 0);
		if (entry->marker != MARKER_NONE || needed >= size - used ||
			list_has(out, &entry->type) || !hosts_match(&entry->hosts, name))
			continue;
		if (used > 0)
			out[used++] = ',';
		memcpy(out + used, entry->type.at, entry->type.left);
		used += entry->type.left;
		out[used] = '\0';
	}
}
