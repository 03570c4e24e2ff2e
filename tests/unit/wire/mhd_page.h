/*
 * mhd_page.h - one page, the same for every request, served by libmicrohttpd: a real server that
 * knows nothing of us.
 */
#ifndef TESTS_UNIT_WIRE_MHD_PAGE_H
#define TESTS_UNIT_WIRE_MHD_PAGE_H

#include <check.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <string.h>

struct mhd_page {
	char text[16];
	atomic_int requests;
};

/* A MHD_AccessHandlerCallback; its context is the struct mhd_page. */
static inline enum MHD_Result mhd_page_serve(void *context, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *data,
	size_t *data_size, void **state)
{
	struct mhd_page *page = context;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	(void)data_size;
	/* The first call has the headers only: an answer to it would close the connection. */
	if (!*state) {
		*state = connection;
		return MHD_YES;
	}
	atomic_fetch_add(&page->requests, 1);
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(page->text), page->text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static inline int mhd_port(struct MHD_Daemon *daemon)
{
	ck_assert_ptr_nonnull(daemon);
	return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

#endif
